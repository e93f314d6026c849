"""What one event would earn, and why: every figure on the way, and nothing written.

The same engine, rules and budgets as for acts that come in; for a participant also the screens and caps beside what that
person did. Without one, caps and screens are only named.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.intake.chunks import prepare
from backend.intake.convert import ACTS
from backend.intake.funding import Funds
from backend.intake.holders import Held
from backend.intake.methods import StoredMethod, places_of
from backend.intake.plans import Chunk, Fate, Plan
from backend.intake.screening import rules_for
from backend.intake.screens import Screens
from backend.intake.sources import list_sources
from backend.kit import clock
from backend.methodologies import (
    MISSING,
    Explanation,
    InputRefused,
    Quantifier,
    RowReason,
    methodology_of,
)
from backend.methodologies import prepare as ready
from backend.packs import Library, Overlay
from backend.packs.figures import Known
from backend.programmes import EarningRule, Programme, budgets

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_CAPS_AND_SCREENS = (
    "未指定参与者：上限与合理性筛查未计入。",
    "No participant is given, so caps and screens are not counted in.",
)


@dataclass(frozen=True, slots=True)
class Event:
    """An event that might come in. `inputs` are as people write them; `ended_at` None where it has no end."""

    methodology: str
    activity: str
    inputs: Mapping[str, object]
    evidence: str
    happened_at: dt.datetime
    ended_at: dt.datetime | None = None
    region: str | None = None  # None: the programme's own
    participant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RuleTried:
    """The rule that applies. `tier` is the place (from 1) of the tier reached, None for none or a rule without any."""

    id: str
    per: str
    points: Known
    weight: Known
    input: str | None
    tier: int | None
    tiers: tuple[tuple[Known, Known], ...]
    in_season: bool


@dataclass(frozen=True)
class Tried:
    """What an event would earn. `ruled` is what the rule gives before caps and budget, `points` what is left of it.

    Both are fen where the programme gives money. `fate` is `accepted`, `held` or `rejected`; `code` says by which screen
    or window. `room` is what the budget still has (None: no budget). `why` tells the steps in order, zh and en.
    """

    grams: int
    ruled: int
    points: int
    money: bool
    fate: str
    code: str
    cap: str
    unfunded: int
    room: int | None
    expires_on: dt.date | None
    season: str | None
    campaigns: tuple[str, ...]
    rule: RuleTried | None
    explanation: Explanation
    why: tuple[tuple[str, str], ...]


async def try_event(
    session: AsyncSession,
    *,
    programme: Programme,
    event: Event,
    library: Library,
    overlays: Sequence[Overlay] = (),
) -> Tried:
    """Say what an event would earn now by this pack, which need not run yet.

    Raises PackUnknown, ParameterUnknown, InputRefused and what else a methodology refuses.
    """
    day = clock.day_of(event.happened_at)
    quantifier = ready(
        methodology_of(library.find(event.methodology)),
        activity=event.activity,
        on=day,
        region=event.region or programme.jurisdiction,
        overlays=overlays,
    )
    found = quantifier.quantify(event.inputs)
    held = quantifier.held(event.inputs)
    if isinstance(held, RowReason):
        raise InputRefused(field=held.field, reason=held.code)
    rule, ruled = _ruled(programme, quantifier, event, grams=found.grams, held=held)
    plan, sourced = await _planned(
        session, programme, event, library=library, points=ruled, held=held, grams=found.grams
    )
    limit = budgets.limit_of(programme)
    room = None if limit is None else (await budgets.room_of(session, limit, at=clock.now())).points
    accepted = int(plan.fate[0]) == Fate.ACCEPTED and programme.accepts_day(day)
    unfunded = 0 if plan.unfunded is None else int(plan.unfunded[0])
    if event.participant_id is None and room is not None:
        unfunded = max(ruled - max(room, 0), 0)
    code = "" if accepted else _code(plan, programme, day)
    season = programme.features.season_on(day)
    told = Tried(
        grams=found.grams,
        ruled=ruled,
        points=int(plan.points[0]) - (unfunded if plan.unfunded is None else 0) if accepted else 0,
        money=programme.money,
        fate="accepted" if accepted else "held" if int(plan.fate[0]) == Fate.HELD else "rejected",
        code=code,
        cap=plan.caps[int(plan.cap[0])],
        unfunded=unfunded if accepted else 0,
        room=room,
        expires_on=programmes.expires_on(programme, clock.today()),
        season=season.id if season else None,
        campaigns=_campaigns(programme, event.activity, day),
        rule=rule,
        explanation=found.explanation,
        why=(),
    )
    return _with_reasons(told, programme, sourced=sourced or event.participant_id is None, event=event)


def _ruled(
    programme: Programme, quantifier: Quantifier, event: Event, *, grams: int, held: Mapping[str, int]
) -> tuple[RuleTried | None, int]:
    rule = programme.earn_rule(methodology=event.methodology, activity=event.activity)
    if rule is None:
        return None, 0
    programmes.require_known(rule)
    weight, places = programme.weight(event.evidence), places_of(rule, quantifier)
    day = clock.day_of(event.happened_at)
    points = programmes.points_of_one(rule, grams=grams, weight=weight, inputs=held, places=places, day=day)
    tier = programmes.tier_of(rule, held.get(rule.input or ""), places=places)
    return _told(rule, weight, tier, day), points


def _told(rule: EarningRule, weight: Known, tier: int | None, day: dt.date) -> RuleTried:
    return RuleTried(
        id=rule.id,
        per=rule.per,
        points=rule.points if tier is None else rule.tiers[tier].points,
        weight=weight,
        input=rule.input,
        tier=None if tier is None else tier + 1,
        tiers=tuple((one.at_least, one.points) for one in rule.tiers),
        in_season=not rule.seasons or any(season.holds(day) for season in rule.seasons),
    )


async def _planned(
    session: AsyncSession,
    programme: Programme,
    event: Event,
    *,
    library: Library,
    points: int,
    held: Mapping[str, int],
    grams: int,
) -> tuple[Plan, bool]:
    """The event as a chunk of one act, put before the screens, caps and budget of the programme.

    Screens look at an act as one of a source: where the programme has none yet, they are left out, and that is told.
    """
    plan = _plan(event, points=points, grams=grams, distance_m=held.get("distance_m"))
    if event.participant_id is None:
        return plan, False
    await prepare(session)
    sources = [one for one in await list_sources(session) if one.programme == programme.id]
    likely = next((one for one in sources if one.evidence == event.evidence), next(iter(sources), None))
    if likely is not None:
        method = StoredMethod(0, event.methodology, None, demo=False, activity=event.activity)
        screens = Screens(rules_for(programme, library))
        await screens.apply(session, plan, source_id=likely.id, methods=[method])
    await Funds(budgets.limit_of(programme), dry=True).apply(session, plan, at=clock.now())
    return plan, likely is not None


def _plan(event: Event, *, points: int, grams: int, distance_m: int | None) -> Plan:
    """A plan of one accepted act of the participant (or of nobody)."""
    row: dict[str, object] = {
        "line": 1,
        "claim_key": bytes(16),
        "happened_us": _us(event.happened_at),
        "ended_us": MISSING if event.ended_at is None else _us(event.ended_at),
        "method_no": 0,
        "token": bytes(16),
        "inputs": "{}",
        "grams": grams,
        "points": points,
        "covered": False,
        "distance_m": MISSING if distance_m is None else distance_m,
    }
    columns = [
        pa.array([row.get(one.name, MISSING if one.type == pa.int64() else None)], one.type) for one in ACTS
    ]
    table = pa.Table.from_arrays(columns, schema=ACTS).combine_chunks()
    nobody = event.participant_id is None
    people = [] if event.participant_id is None else [event.participant_id.bytes]
    return Plan(
        chunk=Chunk(table, np.zeros(1, dtype="V16"), np.zeros(1, dtype="V16"), np.zeros(1, dtype=np.int64)),
        fate=np.full(1, Fate.ACCEPTED, dtype=np.int8),
        held=Held(
            np.array([-1 if nobody else 0], dtype=np.int64),
            np.ones(1, dtype=np.bool_),
            np.frombuffer(b"".join(people), dtype="V16"),
        ),
        credit=np.zeros(1, dtype=np.int64),
        points=np.array([points], dtype=np.int64),
        cap=np.zeros(1, dtype=np.int16),
        caps=("",),
    )


def _us(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _code(plan: Plan, programme: Programme, day: dt.date) -> str:
    if not programme.accepts_day(day):
        return "outside_programme_dates"
    if plan.waiting:
        return plan.waiting[0].code or plan.waiting[0].kind
    return plan.faults[0].code if plan.faults else ""


def _campaigns(programme: Programme, activity: str, day: dt.date) -> tuple[str, ...]:
    if not programme.features.on("campaigns"):
        return ()
    return tuple(
        one.id
        for one in programme.features.campaigns
        if one.first <= day <= one.last and (not one.activities or activity in one.activities)
    )


def _with_reasons(told: Tried, programme: Programme, *, sourced: bool, event: Event) -> Tried:
    """The steps in words."""
    unit_zh, unit_en = ("分（人民币）", "fen") if told.money else (programme.point_zh, programme.point_en)
    why = [(told.explanation.zh, told.explanation.en)]
    rule = told.rule
    if not programme.features.on("earning"):
        why.append(("该计划尚未开放奖励。", "The programme does not give anything for acts yet."))
    elif rule is None:
        why.append(("该计划对此行为不设奖励。", "The programme has no rule for this kind of act."))
    else:
        why.append(_rule_words(rule, told.ruled, unit_zh, unit_en))
    if rule is not None and not rule.in_season:
        why.append(
            (
                "该规则仅在活动季内有效，当日不在其中。",
                "The rule only holds in its seasons, and the day is in none.",
            )
        )
    if told.campaigns:
        names = ", ".join(told.campaigns)
        why.append(
            (
                f"当日活动：{names}；加倍部分另由活动预算发放。",
                f"Campaigns of that day: {names}; what they add comes from their own budgets.",
            )
        )
    if event.participant_id is None:
        why.append(_CAPS_AND_SCREENS)
    elif not sourced:
        why.append(
            (
                "该计划尚无数据来源，筛查未计入。",
                "The programme has no source yet, so screens are not counted in.",
            )
        )
    if told.code:
        why.append((f"该行为不会直接计入（{told.code}）。", f"The act would not simply count ({told.code})."))
    if told.cap:
        why.append((f"上限“{told.cap}”扣减了积分。", f"The cap {told.cap} takes some of it."))
    if told.unfunded:
        why.append(
            (
                f"计划预算已用尽，少发 {told.unfunded}。",
                f"The programme's budget is used up: {told.unfunded} less.",
            )
        )
    return Tried(**{name: getattr(told, name) for name in Tried.__dataclass_fields__} | {"why": tuple(why)})


def _rule_words(rule: RuleTried, points: int, unit_zh: str, unit_en: str) -> tuple[str, str]:
    weight_zh, weight_en = f"，证据权重 {rule.weight}", f", weight of the evidence {rule.weight}"
    if rule.per == "tier":
        if rule.tier is None:
            return (f"规则“{rule.id}”：未达到任何一档。", f"Rule {rule.id}: no tier is reached.")
        least = rule.tiers[rule.tier - 1][0]
        return (
            f"规则“{rule.id}”：{rule.input} 达到 {least} 档，计 {rule.points}{weight_zh}，得 {points} {unit_zh}。",
            f"Rule {rule.id}: {rule.input} reaches the tier of {least}, {rule.points}{weight_en}: {points} {unit_en}.",
        )
    per_zh, per_en = ("每克", "per gram") if rule.per == "gram" else ("每次", "per act")
    return (
        f"规则“{rule.id}”：{per_zh} {rule.points}{weight_zh}，得 {points} {unit_zh}。",
        f"Rule {rule.id}: {rule.points} {per_en}{weight_en}: {points} {unit_en}.",
    )
