"""Programmes, and what the ledger says of their grams and points."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from backend import packs, programmes
from backend.intake import figures
from backend.kit import clock, idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import Registered, budgets
from operator_api import pack_texts
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.library import library
from operator_api.pack_texts import PackText
from operator_api.scope import own_code, programme_in_sight, programmes_in_sight

router = Router(prefix="/programmes", tags=["programmes"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


class TierTold(Told):
    """What an act earns that reaches `at_least`; figures are exact, or `unknown`."""

    at_least: str
    points: str


class EarningTold(Told):
    """What earns points: `points` per act, or per gram of CO2e, as an exact fraction; or by the highest of `tiers` that the
    act's `input` reaches. With `seasons` only acts of their days earn.
    """

    id: str
    methodology: str
    activity: str
    per: str
    points: str
    input: str | None
    tiers: list[TierTold]
    seasons: list[str]


class OverlayTold(Told):
    """An overlay that the programme runs by, and why it is there."""

    id: str
    demo: bool
    reason_zh: str
    reason_en: str


class SetTold(Told):
    """A figure that an overlay set, because the pack does not know it."""

    value: str
    overlay: str
    demo: bool


class ProgrammeTold(Told):
    """A programme that runs, by which pack and overlays. `figures` are all of the pack's, by path, as set; `unknown` names
    those that nobody has set, and whatever needs one refuses. `switches` are the features that are on.
    """

    code: str
    operator_code: str
    title_zh: str
    title_en: str
    sample: bool
    jurisdiction: str
    project: str
    pack_version: str
    pack_sha256: str
    active_from: datetime
    acts_from: date
    acts_until: date | None
    expires_after_months: int | None
    money: bool
    earnings: list[EarningTold]
    switches: list[str]
    figures: dict[str, str]
    unknown: list[str]
    overlays: list[OverlayTold]
    set_by_overlay: dict[str, SetTold]

    @classmethod
    def of(cls, one: Registered) -> ProgrammeTold:
        pack = one.pack
        return cls(
            code=one.code,
            operator_code=one.operator_code,
            title_zh=pack.title_zh,
            title_en=pack.title_en,
            sample=pack.sample,
            jurisdiction=pack.jurisdiction,
            project=pack.project,
            pack_version=pack.version,
            pack_sha256=pack.sha256,
            active_from=one.active_from,
            acts_from=pack.acts_from,
            acts_until=pack.acts_until,
            expires_after_months=pack.expires_after_months,
            money=pack.money,
            earnings=[
                EarningTold(
                    id=rule.id,
                    methodology=rule.methodology,
                    activity=rule.activity,
                    per=rule.per,
                    points=str(rule.points),
                    input=rule.input,
                    tiers=[
                        TierTold(at_least=str(tier.at_least), points=str(tier.points)) for tier in rule.tiers
                    ],
                    seasons=[season.id for season in rule.seasons],
                )
                for rule in pack.earns
            ],
            switches=sorted(pack.features.switches),
            figures=dict(one.figures),
            unknown=list(one.unknown),
            overlays=[OverlayTold.model_validate(overlay) for overlay in one.overlays],
            set_by_overlay=_set_by(one),
        )


def _set_by(one: Registered) -> dict[str, SetTold]:
    demo = {overlay.id: overlay.demo for overlay in one.overlays}
    return {
        parameter: SetTold(value=one.figures[parameter], overlay=overlay, demo=demo[overlay])
        for parameter, overlay in one.pack.features.overlays.items()
    }


class PoolTold(Told):
    """Creditable grams of one methodology and month; a `demo` pool rests on a methodology that nobody filed."""

    methodology: str
    month: str
    demo: bool
    reduction_g: int


class PointsTold(Told):
    """What became of every point issued: issued = spendable + pending + held + payable + redeemed + spent + expired +
    reversed - owed.
    """

    issued: int
    spendable: int
    pending: int
    held: int
    payable: int
    redeemed: int
    spent: int
    expired: int
    reversed: int
    owed: int


class RuleTold(Told):
    """What standing acts of one activity came to in these days; `rule` is null where the pack that runs now has none.

    `capped` and `unfunded` are what caps and the budget withheld. Groups of fewer than five people are left out.
    """

    rule: str | None
    methodology: str
    activity: str
    acts: int
    reduction_g: int
    points: int
    capped: int
    unfunded: int
    people: int


class FiguresTold(Told):
    """A programme in figures, now; `rules` of the days from `first` to `last`. Grams are gCO2e; `uncredited_g` is keyed by the
    reason. `budget_room` is what the budget still has, null without one. Points are fen where the programme gives money.
    """

    pooled_g: int
    pools: list[PoolTold]
    uncredited_g: dict[str, int]
    points: PointsTold
    budget_room: int | None
    first: date
    last: date
    rules: list[RuleTold]


class LiabilityTold(Told):
    """Points that lapse after a day unless they are spent, or collected where they are `waiting`.

    `expires_on` is null for those that never do.
    """

    expires_on: date | None
    points: int
    lots: int
    waiting: bool


class ProgrammeStart(Asked):
    """The pack that the programme is to run by from now on: one of this deployment by its id, or a text of its own; with the
    overlays that set its unknown figures. Where nothing is said of overlays, those it runs by stay.
    """

    pack: Code | None = None
    text: PackText | None = None
    overlays: Annotated[list[Code], Field(max_length=20)] | None = None
    overlay_texts: Annotated[list[PackText], Field(max_length=20)] | None = None

    @model_validator(mode="after")
    def _one_pack(self) -> ProgrammeStart:
        if (self.pack is None) == (self.text is None):
            raise ValueError("either a pack or a text")
        return self


@router.get("", responses=problems(*_NOT_LET_IN))
async def list_programmes(person: OperatorOrAuthority, session: ReadSession) -> list[ProgrammeTold]:
    """The programmes that my organisation runs; for the authority, all of them."""
    return [ProgrammeTold.of(one) for one in await programmes_in_sight(session, person)]


@router.post(
    "",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        packs.PackUnknown,
        packs.PackFaulty,
        packs.OverlayOversteps,
        programmes.OverlayMisses,
        programmes.OperatorDiffers,
        pack_texts.PackNotSound,
        *idempotency.REFUSALS,
    ),
)
async def run_programme(
    asked: ProgrammeStart, person: Operator, session: WriteSession, _: IdempotencyKey
) -> ProgrammeTold:
    """Let a programme of my organisation run by a pack and its overlays, from now on."""
    known = await library()
    pack = known.find(asked.pack) if asked.pack is not None else await pack_texts.read(asked.text or "")
    sent = [await pack_texts.read(one) for one in asked.overlay_texts or ()]
    pack_texts.require_references(pack, known)
    named = [known.find(one) for one in asked.overlays or ()]
    said = asked.overlays is not None or asked.overlay_texts is not None
    registered = await programmes.register(session, pack=pack, overlays=[*named, *sent] if said else None)
    if registered.operator_code != await own_code(session, person):
        raise Forbidden
    return ProgrammeTold.of(registered)


@router.get("/{code}", responses=problems(*_NOT_LET_IN, programmes.ProgrammeUnknown))
async def get_programme(code: Code, person: OperatorOrAuthority, session: ReadSession) -> ProgrammeTold:
    """One programme and its rules."""
    return ProgrammeTold.of(await programme_in_sight(session, person, code))


@router.get("/{code}/figures", responses=problems(*_NOT_LET_IN, programmes.ProgrammeUnknown))
async def get_programme_figures(
    code: Code,
    person: OperatorOrAuthority,
    session: ReadSession,
    first: Annotated[date | None, Query(description="By default the first of this month.")] = None,
    last: Annotated[date | None, Query(description="Included; by default today.")] = None,
) -> FiguresTold:
    """Grams in each pool, grams that may not be credited by reason, what became of every point, and figures by rule."""
    programme = await programme_in_sight(session, person, code)
    last = last or clock.today()
    first = first or last.replace(day=1)
    by_rule = await figures.rules_of(session, programme=programme, first=first, last=last)
    room = await _room_of(session, programme)
    sums = await programmes.figures_of(session, programme=programme)
    return FiguresTold(
        pooled_g=sums.pooled_g,
        pools=[
            PoolTold(methodology=pool.methodology, month=pool.month, demo=pool.demo, reduction_g=pool.grams)
            for pool in sums.pools
        ],
        uncredited_g=sums.uncredited_g,
        points=PointsTold.model_validate(sums.points),
        budget_room=room,
        first=first,
        last=last,
        rules=[
            RuleTold(
                rule=one.rule,
                methodology=one.methodology,
                activity=one.activity,
                acts=one.acts,
                reduction_g=one.grams,
                points=one.points,
                capped=one.capped,
                unfunded=one.unfunded,
                people=one.people,
            )
            for one in by_rule
        ],
    )


@router.get("/{code}/liability", responses=problems(*_NOT_LET_IN, programmes.ProgrammeUnknown))
async def get_programme_liability(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[LiabilityTold]:
    """What the programme owes to holders of points, by the day on which it lapses."""
    programme = await programme_in_sight(session, person, code)
    rows = await programmes.wallets.liability_of(session, programme=programme.code)
    return [LiabilityTold.model_validate(row) for row in rows]


async def _room_of(session: AsyncSession, programme: Registered) -> int | None:
    """What the budget still has, without holding it; None where there is none, or its amount is unknown."""
    try:
        limit = budgets.limit_of(programme.pack)
    except packs.ParameterUnknown:
        return None
    return None if limit is None else max((await budgets.room_of(session, limit, at=clock.now())).points, 0)
