"""What becomes of held rows: decided by a rule where one holds, by a person of the operator otherwise, and once.

The one rule (`tier`): of two reports of one act, or of two trips at one time, the better evidence stands, an operator's
feed before an upload before a self-report. Reports of equal evidence wait for a person.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.identity import joining
from backend.inbox import Kind, Topic
from backend.intake.holding import queries, service, standing, telling, weighing
from backend.intake.holding.errors import ConsentWithdrawn, DecidedAlready, OverlapStands, ProgrammeLeft
from backend.intake.holding.model import Decision, Held, Stored
from backend.kit import clock, ids
from backend.kit.db import Database, TransactionCollided
from backend.kit.settings import Keys
from backend.ledger import InsufficientBalance
from backend.packs import Library

TIER = "tier"
_TRIES = 5
_AT_ONCE = 5_000
APPEALED_FOR = dt.timedelta(days=30)  # after a decision or withdrawal, the day included
ANSWERED = {
    "upheld": Kind(
        "appeal.upheld",
        Topic.ACTS,
        zh="您的申诉成立，该行为已重新计算。运营方说明：$reason",
        en="Your appeal was upheld, and the act counts. The operator says: $reason",
    ),
    "dismissed": Kind(
        "appeal.dismissed",
        Topic.ACTS,
        zh="您的申诉未获支持。运营方说明：$reason",
        en="Your appeal was dismissed. The operator says: $reason",
    ),
}
inbox.register(*ANSWERED.values())

Outcome = Literal["accepted", "refused"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the rules did with a job's conflicts; `waiting` are left to a person."""

    accepted: int
    refused: int
    waiting: int


async def decide(
    session: AsyncSession,
    keys: Keys,
    *,
    job_id: UUID,
    line: int,
    outcome: Outcome,
    staff_id: UUID,
    reason: str,
    library: Library | None = None,
) -> Decision:
    """Decide of a held row as a person. The same again answers what was decided; DecidedAlready for anything else.

    An open appeal about it is answered by it. An accepted row becomes an act at once, and what stood against it is withdrawn in the same transaction. Raises
    HeldUnknown, ClaimStands when something else was accepted for the same claim meanwhile, ConsentWithdrawn when its person
    had said no to the scenario by then, and OverlapStands when the
    person travelled elsewhere at that time, by the screens of the programme (with `library`, which holds them).
    """
    row = await service.held(session, job_id=job_id, line=line)
    await _lock(session, row)
    row = await service.held(session, job_id=job_id, line=line)
    if row.outcome is not None:
        return _standing_decision(row, outcome)
    decision_id = ids.uuid7()
    accepted_key = None
    if outcome == "accepted":
        give_way = await in_the_way(session, row)
        travel = await travelled(session, row, give_way, library)
        accepted_key = await _accept(
            session, keys, row, give_way=give_way, decision_id=decision_id, travel=travel
        )
    made = await note(
        session, row, decision_id, outcome=outcome, claim_key=accepted_key, staff_id=staff_id, reason=reason
    )
    asked = await session.execute(queries.OPEN_APPEAL, {"job": job_id, "line": line})
    appeal_id = asked.scalar_one_or_none()
    if appeal_id is not None:  # the decision answers it
        answered: Literal["upheld", "dismissed"] = "upheld" if outcome == "accepted" else "dismissed"
        await answer(
            session, appeal_id, outcome=answered, staff_id=staff_id, reason=reason, accepted_key=accepted_key
        )
    else:
        await _tell(session, row, made)
    return made


async def resolve_row(session: AsyncSession, keys: Keys, *, job_id: UUID, line: int) -> Decision | None:
    """Apply the rule to one held row; None when it leaves the row to a person, or the row was decided before."""
    row = await service.held(session, job_id=job_id, line=line)
    if row.kind not in {"claim", "overlap"}:
        return None
    await _lock(session, row)
    row = await service.held(session, job_id=job_id, line=line)
    if row.outcome is not None:
        return None
    against = await in_the_way(session, row)
    outcome = by_tier(row, against)
    if outcome is None:
        return None
    decision_id = ids.uuid7()
    accepted_key = None
    if outcome == "accepted":
        travel = await travelled(session, row, against, None)
        accepted_key = await _accept(
            session, keys, row, give_way=against, decision_id=decision_id, travel=travel
        )
    made = await note(session, row, decision_id, outcome=outcome, claim_key=accepted_key, by_rule=TIER)
    await _tell(session, row, made)
    return made


async def _tell(session: AsyncSession, row: Held, made: Decision) -> None:
    if made.outcome == "refused":
        until = clock.day_of(made.decided_at) + APPEALED_FOR
        await telling.tell_refused(session, row, until=until.isoformat())


async def resolve_by_rule(db: Database, keys: Keys, *, job_id: UUID) -> Resolved:
    """Apply the rule to every undecided conflict of a job, each in a transaction of its own; again changes nothing.

    Call it behind the transaction that wrote the rows; a crash in between leaves them to the next call. Whose acts are
    left to a person is told so.
    """
    counts = {"accepted": 0, "refused": 0, "waiting": 0}
    after = 0
    while True:
        async with db.transaction() as session:
            found = await session.execute(
                queries.OPEN_CONFLICTS, {"job": job_id, "after": after, "limit": _AT_ONCE}
            )
            rows = found.all()
        if not rows:
            async with db.transaction() as session:
                await telling.tell_held(session, job_id=job_id)
            return Resolved(**counts)
        for row in rows:
            decision = None if row.even else await _patiently(db, keys, job_id, row.line)
            counts["waiting" if decision is None else decision.outcome] += 1
        after = rows[-1].line


def by_tier(row: Held, against: Sequence[Stored]) -> Outcome | None:
    """The rule: better evidence than everything in the way is accepted, worse than any of it is refused."""
    if not against:
        return None
    if any(act.tier < row.tier for act in against):
        return "refused"
    return "accepted" if all(act.tier > row.tier for act in against) else None


async def in_the_way(session: AsyncSession, row: Held) -> list[Stored]:
    """The acts that stand where a held row would; the one that replaces what it was held against comes first."""
    if row.kind == "claim":
        standing_act = await standing.stands_for(session, row.facts.claim_key)
        return [] if standing_act is None else [standing_act]
    if row.kind != "overlap" or row.against is None:
        return []
    facts = row.facts
    ended = facts.ended_at or facts.happened_at
    last = await standing.last_of_chain(session, row.against)
    found = {} if last is None else {last.claim_key: last}
    first = (
        last if last is not None and not last.withdrawn and _meets(last, facts.happened_at, ended) else None
    )
    methods = {facts.method_id, *(act.method_id for act in found.values())}
    named = await session.execute(queries.ACTIVITIES, {"methods": sorted(methods)})
    holder = (
        await session.execute(queries.HOLDER, {"token": facts.means_token, "at": facts.happened_at})
    ).scalar_one_or_none()
    others = await session.execute(
        queries.MEANWHILE,
        {
            "participant": holder,
            "source": facts.source_id,
            "activities": sorted({one.activity for one in named}),
            "happened": facts.happened_at,
            "ended": ended,
        },
    )
    rest = [standing.of(one) for one in others if first is None or one.claim_key != first.claim_key]
    return rest if first is None else [first, *rest]


async def note(
    session: AsyncSession,
    row: Held,
    decision_id: UUID,
    *,
    outcome: Outcome,
    claim_key: UUID | None,
    by_rule: str | None = None,
    staff_id: UUID | None = None,
    reason: str = "",
) -> Decision:
    """Write what was decided of a held row that is locked."""
    now = clock.now()
    await session.execute(
        queries.ADD_DECISION,
        {
            "id": decision_id,
            "job": row.job_id,
            "line": row.line,
            "outcome": outcome,
            "by_rule": by_rule,
            "staff": staff_id,
            "reason": reason,
            "claim_key": claim_key,
            "at": now,
        },
    )
    return Decision(decision_id, row.job_id, row.line, outcome, by_rule, reason, claim_key, now)


async def answer(
    session: AsyncSession,
    appeal_id: UUID,
    *,
    outcome: Literal["upheld", "dismissed"],
    staff_id: UUID,
    reason: str,
    accepted_key: UUID | None,
) -> None:
    """Write what was answered to an appeal, and tell who appealed."""
    await session.execute(
        queries.ADD_ANSWER,
        {
            "id": appeal_id,
            "outcome": outcome,
            "staff": staff_id,
            "reason": reason,
            "accepted_key": accepted_key,
            "at": clock.now(),
        },
    )
    appealed = (await session.execute(queries.APPEAL, {"id": appeal_id})).one()
    await inbox.tell(
        session,
        participant_id=await joining.survivor_of(session, participant_id=appealed.participant_id),
        kind=ANSWERED[outcome].name,
        refers_to=str(appeal_id),
        facts={"reason": reason},
    )


async def _lock(session: AsyncSession, row: Held) -> None:
    own = row.facts.claim_key
    await standing.lock(session, {own} if row.against is None else {own, row.against})


async def travelled(
    session: AsyncSession, row: Held, against: Sequence[Stored], library: Library | None
) -> frozenset[str]:
    """The activities in which nobody is in two places: as the screens say, and those between which an overlap was seen."""
    known: set[str] = set()
    if library is not None:
        known |= await weighing.travel_of(session, programme=row.programme, library=library)
    if row.kind == "overlap":
        methods = {row.facts.method_id, *(act.method_id for act in against)}
        named = await session.execute(queries.ACTIVITIES, {"methods": sorted(methods)})
        known |= {one.activity for one in named}
    return frozenset(known)


async def _accept(
    session: AsyncSession,
    keys: Keys,
    row: Held,
    *,
    give_way: Sequence[Stored],
    decision_id: UUID,
    travel: Collection[str],
) -> UUID:
    accepted = await service.exchange(
        session,
        keys,
        facts=row.facts,
        label=f"decision:{decision_id}",
        give_way=give_way,
        cause="conflict",
        reference=decision_id,
        travel=travel,
    )
    return accepted.claim_key


async def _patiently(db: Database, keys: Keys, job_id: UUID, line: int) -> Decision | None:
    for attempt in range(_TRIES):
        try:
            async with db.transaction() as session:
                return await resolve_row(session, keys, job_id=job_id, line=line)
        except (
            OverlapStands,
            ConsentWithdrawn,
            ProgrammeLeft,
        ):  # something else came in between: a person looks at it
            return None
        except (TransactionCollided, InsufficientBalance):
            if attempt == _TRIES - 1:
                raise
            await asyncio.sleep(0.05 * 2**attempt)
    raise AssertionError("unreachable")


def _standing_decision(row: Held, outcome: Outcome) -> Decision:
    assert row.decision_id is not None
    assert row.outcome is not None
    assert row.decided_at is not None
    if row.outcome != outcome:
        raise DecidedAlready(outcome=row.outcome)
    return Decision(
        row.decision_id, row.job_id, row.line, row.outcome, row.by_rule, row.reason, row.accepted_key, row.decided_at
    )  # fmt: skip


def _meets(act: Stored, happened: dt.datetime, ended: dt.datetime) -> bool:
    return act.happened_at < ended and (act.ended_at or act.happened_at) > happened
