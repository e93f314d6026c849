"""The dry run of an event: what it would earn, and why; nothing is written."""

from __future__ import annotations

import contextlib
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request
from pydantic import Field, StringConstraints

from backend import methodologies, packs, programmes
from backend.identity import Role, looks, people
from backend.intake import trying
from backend.intake.trying import Tried
from backend.kit import i18n
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import Router, database
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.packs import Library, Overlay, Pack
from backend.packs.schema import REGION
from backend.programmes import Programme, ProgrammeUnknown
from backend.programmes.settled import concern, settle
from operator_api.access import OperatorOrAuthority
from operator_api.library import library
from operator_api.looks import note
from operator_api.moments import Moment
from operator_api.scope import own_code, programme_in_sight

router = Router(prefix="/programmes", tags=["programmes"])

_Value = Annotated[str, StringConstraints(max_length=200)] | int | float | bool | None


class TrialAsked(Asked):
    """An event as it might come in. `pack` is a programme of the library that may not run yet; without it the running one."""

    methodology: Code
    activity: Code
    inputs: dict[Annotated[str, StringConstraints(max_length=64)], _Value] = Field(max_length=50)
    evidence: Literal["operator_feed", "receipt_upload", "self_report"]
    happened_at: Moment
    ended_at: Moment | None = None
    region: Annotated[str, StringConstraints(pattern=f"^{REGION}$")] | None = None
    participant_id: UUID | None = Field(
        default=None, description="With it, caps and screens look at what this participant did before."
    )
    reason: Annotated[str, StringConstraints(max_length=500)] = Field(
        default="",
        description="Why the participant's account is looked into; asked for with `participant_id`, and told to them.",
    )
    pack: Code | None = None
    overlays: list[Code] = Field(default=[], max_length=20)


class TrialRule(Told):
    """The rule that applies; figures are exact fractions. `tier` counts from 1, null where none is reached or there are none."""

    id: str
    per: str
    points: str
    weight: str
    input: str | None
    tier: int | None
    in_season: bool


class TrialTold(Told):
    """What the event would earn. `earned` is in fen where `money`, else in points; `ruled` is that before caps and budget.

    `budget_room` is what the budget still has, null without one; `unfunded` what it lacks.
    """

    fate: str = Field(description="`accepted`, `held` or `rejected`")
    code: str = Field(description="The screen or window that says so; empty when it is accepted.")
    reduction_g: int
    earned: int
    ruled: int
    money: bool
    cap: str
    unfunded: int
    budget_room: int | None
    expires_on: date | None
    season: str | None
    campaigns: list[str]
    rule: TrialRule | None
    methodology: str
    version: str
    edition: str
    formula: str
    factors: dict[str, str]
    overlays: list[str]
    why: list[str]

    @classmethod
    def of(cls, told: Tried) -> TrialTold:
        explained, rule = told.explanation, told.rule
        return cls(
            fate=told.fate,
            code=told.code,
            reduction_g=told.grams,
            earned=told.points,
            ruled=told.ruled,
            money=told.money,
            cap=told.cap,
            unfunded=told.unfunded,
            budget_room=told.room,
            expires_on=told.expires_on,
            season=told.season,
            campaigns=list(told.campaigns),
            rule=None
            if rule is None
            else TrialRule(
                id=rule.id,
                per=rule.per,
                points=str(rule.points),
                weight=str(rule.weight),
                input=rule.input,
                tier=rule.tier,
                in_season=rule.in_season,
            ),
            methodology=explained.methodology,
            version=explained.version,
            edition=explained.edition,
            formula=explained.formula,
            factors={factor.id: f"{factor.value} {factor.unit}".strip() for factor in explained.factors},
            overlays=list(explained.overlays),
            why=[zh if i18n.language() == "zh" else en for zh, en in told.why],
        )


@router.post(
    "/{code}/trial",
    responses=problems(
        Unauthenticated,
        Forbidden,
        ProgrammeUnknown,
        packs.PackUnknown,
        packs.PackFaulty,
        packs.ParameterUnknown,
        packs.NoEdition,
        packs.OutsideJurisdiction,
        methodologies.ActivityUnknown,
        methodologies.InputRefused,
        programmes.OverlayMisses,
        looks.ReasonMissing,
    ),
)
async def try_event(
    code: Code, asked: TrialAsked, person: OperatorOrAuthority, request: Request
) -> TrialTold:
    """Say what an event would earn in a programme, and why: edition, factors, rule, tier, caps, budget. Nothing is written but the look."""
    if asked.participant_id is not None:
        await _note(request, person, asked.participant_id, asked.reason)
    known = await library()
    overlays = [known.find(name) for name in asked.overlays]
    event = trying.Event(
        methodology=asked.methodology,
        activity=asked.activity,
        inputs=asked.inputs,
        evidence=asked.evidence,
        happened_at=asked.happened_at,
        ended_at=asked.ended_at,
        region=asked.region,
        participant_id=asked.participant_id,
    )
    async with database(request).transaction() as session:
        if asked.pack is None:
            pack = (await programme_in_sight(session, person, code)).pack
        else:
            pack = _settled(known, code, asked.pack, overlays)
            if Role.AUTHORITY not in person.roles and pack.operator != await own_code(session, person):
                raise ProgrammeUnknown(programme=code)
        found = await trying.try_event(
            session,
            programme=pack,
            event=event,
            library=known,
            overlays=[overlay.body_as(Overlay) for overlay in overlays],
        )
        await session.rollback()  # its temporary tables were all that it made
    return TrialTold.of(found)


async def _note(request: Request, person: Principal, participant_id: UUID, reason: str) -> None:
    """Note the look in a transaction of its own: the trial's is rolled back. Nobody is told of a look at nobody."""
    async with database(request).transaction() as session:
        with contextlib.suppress(people.ParticipantUnknown):
            await people.participant_of(session, participant_id=participant_id)
            await note(session, person, participant_id=participant_id, operation="try_event", reason=reason)


def _settled(known: Library, code: str, name: str, overlays: list[Pack]) -> Programme:
    """A pack of the library as it would run with these overlays; only of the programme itself."""
    pack = known.find(name)
    if pack.id != code or pack.kind != "programme":
        raise ProgrammeUnknown(programme=code)
    return settle(pack, [one.body_as(Overlay) for one in concern(pack, overlays)])
