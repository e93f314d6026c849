"""A citizen asks a person to look at an act that was held, refused or withdrawn; the operator answers with a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining, people
from backend.intake.errors import ActUnknown
from backend.intake.holding import decisions, queries, service, standing, weighing
from backend.intake.holding.errors import (
    AppealTooLate,
    AppealUnknown,
    DecidedAlready,
    HeldUnknown,
    NothingToAppeal,
)
from backend.intake.holding.model import Held, Stored
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.packs import Library

ANSWER_DAYS = 15  # until when the operator must have answered; policy of the platform

Outcome = Literal["upheld", "dismissed"]


@dataclass(frozen=True, slots=True)
class OwnHeld:
    """A citizen's own act that waits or was refused. `appeal` is `open`, `upheld` or `dismissed` when there is one."""

    held: Held
    appeal_id: UUID | None
    appeal: str | None

    @property
    def state(self) -> Literal["waiting", "refused"]:
        return "waiting" if self.held.outcome is None else "refused"

    @property
    def cursor(self) -> tuple[str, str, int]:
        return self.held.facts.happened_at.isoformat(), str(self.held.job_id), self.held.line


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal, about a held row or a withdrawn act. `kind` is why it was held, or the cause of the withdrawal."""

    id: UUID
    participant_id: UUID
    held_job_id: UUID | None
    held_line: int | None
    claim_key: UUID | None
    words: bytes
    due_on: dt.date
    appealed_at: dt.datetime
    programme: str
    activity: str
    kind: str
    code: str
    happened_at: dt.datetime
    outcome: Outcome | None
    reason: str
    accepted_key: UUID | None
    answered_at: dt.datetime | None

    @property
    def state(self) -> str:
        return self.outcome or "open"


async def own_held(
    session: AsyncSession, *, participant_id: UUID, limit: int = 50, after: tuple[str, str, int] | None = None
) -> list[OwnHeld]:
    """What waits for a decision or was refused of a participant and of accounts that ended in theirs, newest first; `after`: a cursor."""
    at, job_id, line = after or (None, None, None)
    rows = await session.execute(
        queries.OWN_HELD,
        {
            "people": await _people(session, participant_id),
            "at": dt.datetime.fromisoformat(at) if at else None,
            "after_job": job_id,
            "after_line": line,
            "limit": limit,
        },
    )
    return [_own(row) for row in rows]


async def appeal_held(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, job_id: UUID, line: int, words: str
) -> Appeal:
    """Appeal against a held or refused row; a second time answers the first appeal. It is filed under the account that acted.

    Raises HeldUnknown (also for another's), NothingToAppeal when it was accepted, AppealTooLate, ParticipantUnknown.
    """
    for whose in await _people(session, participant_id):
        asked = {"people": [whose], "job": job_id, "line": line}
        row = (await session.execute(queries.OWN_HELD_ONE, asked)).one_or_none()
        if row is not None:
            break
    else:
        raise HeldUnknown
    own = _own(row)
    await standing.lock(session, {own.held.facts.claim_key})
    known = await _appeal_of(session, job_id=job_id, line=line)
    if known is not None:
        return known
    if own.held.outcome == "accepted":
        raise NothingToAppeal
    _in_time(own.held.decided_at)
    return await _file(session, keys, whose, words, job_id=job_id, line=line)


async def appeal_withdrawn(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, key: UUID, words: str
) -> Appeal:
    """Appeal against the withdrawal of one's act, when nothing stands in its place; a second time answers the first.

    Raises ActUnknown (also for another's), NothingToAppeal, AppealTooLate, ParticipantUnknown.
    """
    await standing.lock(session, {key})
    act = (await standing.stored(session, [key])).get(key)
    whose = None if act is None else act.participant_id or act.claimed_by
    if act is None or whose is None or whose not in await _people(session, participant_id):
        raise ActUnknown
    known = await _appeal_of(session, key=key)
    if known is not None:
        return known
    if await _gone(session, act) is None:
        raise NothingToAppeal
    at = (await session.execute(queries.WITHDRAWN_AT, {"key": key})).scalar_one()
    _in_time(at)
    return await _file(session, keys, whose, words, key=key)


async def answer_appeal(
    session: AsyncSession,
    keys: Keys,
    *,
    appeal_id: UUID,
    outcome: Outcome,
    staff_id: UUID,
    reason: str,
    library: Library | None = None,
) -> Appeal:
    """Answer an appeal, once; the same again changes nothing. Upheld, the act is accepted in this transaction.

    Raises AppealUnknown, DecidedAlready for another answer, ClaimStands when something else stands for the claim by now,
    and OverlapStands as `decide` does.
    """
    asked = await appeal(session, appeal_id=appeal_id)
    row = None
    if asked.held_job_id is not None and asked.held_line is not None:
        row = await service.held(session, job_id=asked.held_job_id, line=asked.held_line)
        own = row.facts.claim_key
        await standing.lock(session, {own} if row.against is None else {own, row.against})
        row = await service.held(session, job_id=row.job_id, line=row.line)
    elif asked.claim_key is not None:
        await standing.lock(session, {asked.claim_key})
    asked = await appeal(session, appeal_id=appeal_id)
    if asked.outcome is not None:
        if asked.outcome != outcome:
            raise DecidedAlready(outcome=asked.outcome)
        return asked
    if row is not None and row.outcome is None:  # the decision of the row is the answer
        await decisions.decide(
            session,
            keys,
            job_id=row.job_id,
            line=row.line,
            outcome="accepted" if outcome == "upheld" else "refused",
            staff_id=staff_id,
            reason=reason,
            library=library,
        )
        return await appeal(session, appeal_id=appeal_id)
    accepted_key = None
    if outcome == "upheld":
        accepted_key = await _accept(session, keys, asked, row, library)
    await decisions.answer(
        session, asked.id, outcome=outcome, staff_id=staff_id, reason=reason, accepted_key=accepted_key
    )
    return await appeal(session, appeal_id=appeal_id)


async def appeal(session: AsyncSession, *, appeal_id: UUID) -> Appeal:
    """An appeal by its id. Raises AppealUnknown."""
    row = (await session.execute(queries.APPEAL, {"id": appeal_id})).one_or_none()
    if row is None:
        raise AppealUnknown
    return _appeal(row)


async def appeals(
    session: AsyncSession,
    *,
    programmes: Sequence[str],
    answered: bool = False,
    limit: int = 50,
    after: tuple[str, str] | None = None,
) -> list[Appeal]:
    """Open appeals (or all) of these programmes, the one that must be answered first at the top."""
    due, last = after or (None, None)
    rows = await session.execute(
        queries.APPEALS,
        {
            "programmes": list(programmes),
            "answered": answered,
            "due": None if due is None else dt.date.fromisoformat(due),
            "after": last,
            "limit": limit,
        },
    )
    return [_appeal(row) for row in rows]


async def own_appeals(
    session: AsyncSession, *, participant_id: UUID, limit: int = 50, after: tuple[str, str] | None = None
) -> list[Appeal]:
    """A participant's appeals, newest first."""
    at, last = after or (None, None)
    rows = await session.execute(
        queries.OWN_APPEALS,
        {
            "people": await _people(session, participant_id),
            "at": dt.datetime.fromisoformat(at) if at else None,
            "after": last,
            "limit": limit,
        },
    )
    return [_appeal(row) for row in rows]


async def words_of(session: AsyncSession, keys: Keys, one: Appeal) -> str | None:
    """What the citizen wrote; None once that person left."""
    return await people.read_words(session, keys, participant_id=one.participant_id, sealed=one.words)


async def _accept(
    session: AsyncSession, keys: Keys, asked: Appeal, row: Held | None, library: Library | None
) -> UUID:
    label = f"appeal:{asked.id}"
    if row is not None:
        if row.outcome == "accepted":
            raise NothingToAppeal
        against = await decisions.in_the_way(session, row)
        accepted = await service.exchange(
            session,
            keys,
            facts=row.facts,
            label=label,
            give_way=against,
            cause="appeal",
            reference=asked.id,
            travel=await decisions.travelled(session, row, against, library),
        )
        return accepted.claim_key
    assert asked.claim_key is not None
    act = (await standing.stored(session, [asked.claim_key]))[asked.claim_key]
    gone = await _gone(session, act)
    if gone is None:
        raise NothingToAppeal
    travel: frozenset[str] = frozenset()
    if library is not None:
        travel = await weighing.travel_of(session, programme=act.programme, library=library)
    accepted = await service.exchange(
        session,
        keys,
        facts=act.facts,
        label=label,
        give_way=(),
        cause="appeal",
        reference=asked.id,
        travel=travel,
    )
    return accepted.claim_key


async def _gone(session: AsyncSession, act: Stored) -> Stored | None:
    """The last act of the chain when it was withdrawn and nothing stands in its place; None when something does."""
    last = await standing.last_of_chain(session, act.claim_key)
    return last if last is not None and last.withdrawn else None


async def _people(session: AsyncSession, participant_id: UUID) -> list[UUID]:
    return [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]


async def _file(
    session: AsyncSession,
    keys: Keys,
    participant_id: UUID,
    words: str,
    *,
    job_id: UUID | None = None,
    line: int | None = None,
    key: UUID | None = None,
) -> Appeal:
    appeal_id = ids.uuid7()
    sealed = await people.seal_words(session, keys, participant_id=participant_id, words=words)
    await session.execute(
        queries.ADD_APPEAL,
        {
            "id": appeal_id,
            "participant": participant_id,
            "job": job_id,
            "line": line,
            "key": key,
            "words": sealed,
            "due_on": clock.today() + dt.timedelta(days=ANSWER_DAYS),
            "at": clock.now(),
        },
    )
    return await appeal(session, appeal_id=appeal_id)


async def _appeal_of(
    session: AsyncSession, *, job_id: UUID | None = None, line: int | None = None, key: UUID | None = None
) -> Appeal | None:
    row = (await session.execute(queries.APPEAL_OF, {"job": job_id, "line": line, "key": key})).one_or_none()
    return None if row is None else _appeal(row)


def last_day_to_appeal(since: dt.datetime) -> dt.date:
    """The last day (Asia/Shanghai) on which an appeal is taken about what was decided or withdrawn then."""
    return clock.day_of(since) + decisions.APPEALED_FOR


def _in_time(since: dt.datetime | None) -> None:
    if since is not None:
        until = last_day_to_appeal(since)
        if clock.today() > until:
            raise AppealTooLate(until=until.isoformat())


def _own(row: Any) -> OwnHeld:
    appealed = None if row.appeal_id is None else (row.appeal_outcome or "open")
    return OwnHeld(service.held_of(row), row.appeal_id, appealed)


def _appeal(row: Any) -> Appeal:
    return Appeal(**{name: getattr(row, name) for name in Appeal.__slots__})
