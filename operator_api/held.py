"""Rows that wait for a decision, acts that are taken back, appeals: what a person of the operator decides, and why.

Nobody is shown whose act it is: neither a participant nor a card is told here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, methodologies, packs
from backend.intake import holding
from backend.intake.holding import Appeal, Decision, Held, PairOfSources, Stored
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.library import library
from operator_api.scope import programmes_in_sight

router = Router(tags=["held"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_NOT_ACCEPTABLE = (
    holding.DecidedAlready,
    holding.ClaimStands,
    holding.ConsentWithdrawn,
    holding.ProgrammeLeft,
    holding.OverlapStands,
    methodologies.EngineDiffers,
    packs.ParameterUnknown,
)
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
Line = Annotated[int, Path(ge=1, le=2**62)]
Kind = Literal["claim", "overlap", "early", "late", "screen"]


class StandingTold(Told):
    """The act that a row was held against. `stands` is false once it was withdrawn."""

    id: UUID
    source: str
    evidence: str
    happened_at: dt.datetime
    ended_at: dt.datetime | None
    inputs: dict[str, Any]
    reduction_g: int
    points: int
    stands: bool

    @classmethod
    def of(cls, act: Stored) -> StandingTold:
        return cls(
            id=act.claim_key,
            source=act.source,
            evidence=act.evidence,
            happened_at=act.happened_at,
            ended_at=act.ended_at,
            inputs=dict(act.inputs),
            reduction_g=act.grams,
            points=act.points,
            stands=not act.withdrawn,
        )


class HeldTold(Told):
    """A row that was received and not accepted, and what was decided of it."""

    job_id: UUID
    line: int
    kind: Kind = Field(
        description="`claim`: its claim stands for another act; `overlap`: another trip at that time; `early`, `late`: "
        "outside the programme's window; `screen`: implausible, `code` names the screen."
    )
    code: str
    bound: str
    source: str
    evidence: str
    programme: str
    activity: str
    methodology: str
    happened_at: dt.datetime
    ended_at: dt.datetime | None
    inputs: dict[str, Any]
    reduction_g: int
    points: int
    received_at: dt.datetime
    against: StandingTold | None
    state: Literal["waiting", "accepted", "refused"]
    by_rule: str | None = Field(description="The rule that decided; null when a person did, or nobody yet.")
    reason: str
    decided_at: dt.datetime | None
    act_id: UUID | None = Field(description="The act that it became.")

    @classmethod
    def of(cls, row: Held, standing: Stored | None) -> HeldTold:
        facts = row.facts
        return cls(
            job_id=row.job_id,
            line=row.line,
            kind=row.kind,
            code=row.code,
            bound=row.bound,
            source=row.source,
            evidence=row.evidence,
            programme=row.programme,
            activity=row.activity,
            methodology=row.methodology,
            happened_at=facts.happened_at,
            ended_at=facts.ended_at,
            inputs=dict(facts.inputs),
            reduction_g=facts.grams,
            points=row.points,
            received_at=row.received_at,
            against=None if standing is None else StandingTold.of(standing),
            state=row.outcome or "waiting",
            by_rule=row.by_rule,
            reason=row.reason,
            decided_at=row.decided_at,
            act_id=row.accepted_key,
        )


class DecisionAsked(Asked):
    """What is to become of a held row, and why."""

    outcome: Literal["accepted", "refused"]
    reason: Reason


class DecisionTold(Told):
    """What was decided. An accepted row is an act at once; what stood against it was withdrawn in the same step."""

    id: UUID
    job_id: UUID
    line: int
    outcome: Literal["accepted", "refused"]
    by_rule: str | None
    reason: str
    act_id: UUID | None
    decided_at: dt.datetime

    @classmethod
    def of(cls, made: Decision) -> DecisionTold:
        return cls(
            id=made.id,
            job_id=made.job_id,
            line=made.line,
            outcome=made.outcome,
            by_rule=made.by_rule,
            reason=made.reason,
            act_id=made.accepted_key,
            decided_at=made.decided_at,
        )


class PairTold(Told):
    """How often two sources reported the same act (`claim`) or two trips of one person at one time (`overlap`)."""

    source: str
    other: str
    kind: Literal["claim", "overlap"]
    conflicts: int
    waiting: int
    accepted: int
    refused: int
    by_rule: int
    reduction_g: int
    latest: dt.datetime

    @classmethod
    def of(cls, pair: PairOfSources) -> PairTold:
        return cls.model_validate(
            {"reduction_g": pair.grams, **{n: getattr(pair, n) for n in pair.__slots__ if n != "grams"}}
        )


class TakenBack(Asked):
    """Why an accepted act should not count."""

    reason: Reason


class WithdrawalTold(Told):
    """What a withdrawal took back. `returned` is false for grams that a batch holds: its next one answers for them."""

    act_id: UUID
    points: int
    owed: int = Field(description="What of the points was no longer there, and became a debt.")
    reduction_g: int
    returned: bool


class AppealTold(Told):
    """What a citizen asks to be looked at. `words` are null once that person left."""

    id: UUID
    state: Literal["open", "upheld", "dismissed"]
    programme: str
    activity: str
    kind: str
    code: str
    happened_at: dt.datetime
    job_id: UUID | None
    line: int | None
    act_id: UUID | None
    words: str | None
    due_on: dt.date
    appealed_at: dt.datetime
    reason: str
    accepted_id: UUID | None
    answered_at: dt.datetime | None

    @classmethod
    def of(cls, one: Appeal, words: str | None) -> AppealTold:
        return cls(
            id=one.id,
            state=one.outcome or "open",
            programme=one.programme,
            activity=one.activity,
            kind=one.kind,
            code=one.code,
            happened_at=one.happened_at,
            job_id=one.held_job_id,
            line=one.held_line,
            act_id=one.claim_key,
            words=words,
            due_on=one.due_on,
            appealed_at=one.appealed_at,
            reason=one.reason,
            accepted_id=one.accepted_key,
            answered_at=one.answered_at,
        )


class AnswerAsked(Asked):
    """What is answered to an appeal, and why."""

    outcome: Literal["upheld", "dismissed"]
    reason: Reason


@router.get("/held", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_held(
    *,
    person: OperatorOrAuthority,
    session: ReadSession,
    asked: Paging,
    kind: Annotated[Kind | None, Query()] = None,
    code: Annotated[str | None, Query(max_length=64, pattern="^[a-z0-9_-]+$")] = None,
    source: Annotated[Code | None, Query()] = None,
    decided: Annotated[bool, Query(description="Also those that are decided.")] = False,
) -> Page[HeldTold]:
    """Rows of the programmes that I may see that wait for a decision, those that came first on top."""
    after = asked.after(UUID, int)
    rows = await holding.held_rows(
        session,
        programmes=await _in_sight(session, person),
        kind=kind,
        code=code,
        source=source,
        decided=decided,
        limit=asked.fetch,
        after=(str(after[0]), after[1]) if after else None,
    )
    against = await _against(session, rows)
    return asked.page(
        rows,
        position=lambda row: row.cursor,
        show=lambda row: HeldTold.of(row, against.get(row.against) if row.against else None),
    )


@router.get("/held/{job_id}/{line}", responses=problems(*_NOT_LET_IN, holding.HeldUnknown))
async def get_held(job_id: UUID, line: Line, person: OperatorOrAuthority, session: ReadSession) -> HeldTold:
    """One held row, and what was decided of it."""
    row = await _held_in_sight(session, person, job_id, line)
    against = await _against(session, [row])
    return HeldTold.of(row, against.get(row.against) if row.against else None)


@router.post(
    "/held/{job_id}/{line}/decision",
    responses=problems(*_NOT_LET_IN, holding.HeldUnknown, *_NOT_ACCEPTABLE, *idempotency.REFUSALS),
)
async def decide_held(
    *,
    job_id: UUID,
    line: Line,
    asked: DecisionAsked,
    person: Operator,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> DecisionTold:
    """Accept or refuse a held row of a programme of mine, with a reason, once."""
    await _held_in_sight(session, person, job_id, line)
    made = await holding.decide(
        session,
        settings.keys,
        job_id=job_id,
        line=line,
        outcome=asked.outcome,
        staff_id=person.id,
        reason=asked.reason,
        library=await library(),
    )
    return DecisionTold.of(made)


@router.get("/conflicts", responses=problems(*_NOT_LET_IN))
async def list_conflicts(
    person: OperatorOrAuthority,
    session: ReadSession,
    first: Annotated[dt.date, Query(description="The first day, of Asia/Shanghai.")],
    last: Annotated[dt.date, Query(description="The last day, included.")],
) -> list[PairTold]:
    """Conflicts between acts of these days, by pair of sources, the pair with the most on top."""
    pairs = await holding.conflicts_by_pair(
        session, programmes=await _in_sight(session, person), first=first, last=last
    )
    return [PairTold.of(one) for one in pairs]


@router.post(
    "/acts/{act_id}/withdrawal",
    responses=problems(
        *_NOT_LET_IN,
        intake.ActUnknown,
        holding.WithdrawnAlready,
        methodologies.EngineDiffers,
        *idempotency.REFUSALS,
    ),
)
async def take_act_back(
    act_id: UUID, asked: TakenBack, person: Operator, session: WriteSession, _: IdempotencyKey
) -> WithdrawalTold:
    """Withdraw an accepted act of a programme of mine that should not count: its points and grams are taken back."""
    act = (await holding.acts(session, keys=[act_id])).get(act_id)
    if act is None or act.programme not in await _in_sight(session, person):
        raise intake.ActUnknown
    done = await holding.take_back(session, key=act_id, staff_id=person.id, reason=asked.reason)
    if done is None:
        raise holding.WithdrawnAlready
    return WithdrawalTold(
        act_id=act_id, points=done.points, owed=done.owed, reduction_g=done.grams, returned=done.returned
    )


@router.get("/appeals", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_appeals(
    person: Operator,
    settings: AppSettings,
    session: ReadSession,
    asked: Paging,
    answered: Annotated[bool, Query(description="Also those that are answered.")] = False,
) -> Page[AppealTold]:
    """Open appeals about acts of my programmes; the one that must be answered first is on top."""
    after = asked.after(dt.date, UUID)
    found = await holding.appeals(
        session,
        programmes=await _in_sight(session, person),
        answered=answered,
        limit=asked.fetch,
        after=(after[0].isoformat(), str(after[1])) if after else None,
    )
    words = {one.id: await holding.words_of(session, settings.keys, one) for one in found}
    return asked.page(
        found,
        position=lambda one: (one.due_on.isoformat(), str(one.id)),
        show=lambda one: AppealTold.of(one, words[one.id]),
    )


@router.post(
    "/appeals/{appeal_id}/answer",
    responses=problems(
        *_NOT_LET_IN,
        holding.AppealUnknown,
        holding.NothingToAppeal,
        *_NOT_ACCEPTABLE,
        *idempotency.REFUSALS,
    ),
)
async def answer_appeal(
    *,
    appeal_id: UUID,
    asked: AnswerAsked,
    person: Operator,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> AppealTold:
    """Answer an appeal about an act of a programme of mine, with a reason, once. Upheld, the act counts from now on."""
    one = await holding.appeal(session, appeal_id=appeal_id)
    if one.programme not in await _in_sight(session, person):
        raise holding.AppealUnknown
    told = await holding.answer_appeal(
        session,
        settings.keys,
        appeal_id=appeal_id,
        outcome=asked.outcome,
        staff_id=person.id,
        reason=asked.reason,
        library=await library(),
    )
    return AppealTold.of(told, await holding.words_of(session, settings.keys, told))


async def _in_sight(session: AsyncSession, person: Principal) -> list[str]:
    return [one.code for one in await programmes_in_sight(session, person)]


async def _held_in_sight(session: AsyncSession, person: Principal, job_id: UUID, line: int) -> Held:
    row = await holding.held(session, job_id=job_id, line=line)
    if row.programme not in await _in_sight(session, person):
        raise holding.HeldUnknown
    return row


async def _against(session: AsyncSession, rows: Sequence[Held]) -> dict[UUID, Stored]:
    return await holding.acts(session, keys=[row.against for row in rows if row.against is not None])
