"""Taking events in a sandbox, its clock, and beginning anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.sandbox import magic, queries
from backend.intake.sandbox.evaluating import Evaluated, evaluate
from backend.intake.service import Summary
from backend.intake.taking import EventAnswer, Taken
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Library

KEPT_FOR = timedelta(days=30)
_AT_ONCE = 10_000
_REMEMBERED = {"accepted", "conflict"}  # a refused event may be sent again, put right


async def take(
    db: Database,
    settings: Settings,
    *,
    organisation_id: UUID,
    source: str,
    rows: Sequence[Mapping[str, object]],
    library: Library,
    atomic: bool = False,
    dry_run: bool = False,
) -> Taken:
    """What `intake.take` would answer, within the sandbox of one partner; see `magic` for answers by force.

    `source` is a registered one of this partner's: the caller looks. Raises as `intake.take` does, and what a magic
    text asks for: SandboxQuotaReached, SandboxBusy.
    """
    magic.refuse_whole(rows)
    try:
        async with db.transaction() as session:
            now = await clock_of(session, organisation_id=organisation_id)
            found = await evaluate(session, settings.keys, source=source, rows=rows, library=library, now=now)
            answers = await _among_others(session, organisation_id, rows, found, remember=not dry_run)
            if atomic:
                _require_whole(answers)
    except _NotWhole as refused:
        return _taken(refused.answers, stored=False)
    return _taken(answers, stored=not dry_run and bool(rows))


class _NotWhole(Exception):
    """An atomic batch that is not taken whole; what its transaction remembered is gone."""

    def __init__(self, answers: Sequence[EventAnswer]) -> None:
        super().__init__()
        self.answers = answers


def _require_whole(answers: Sequence[EventAnswer]) -> None:
    if any(one.outcome in {"conflict", "rejected"} for one in answers):
        raise _NotWhole(answers)


async def _among_others(
    session: AsyncSession,
    organisation_id: UUID,
    rows: Sequence[Mapping[str, object]],
    found: Sequence[Evaluated],
    *,
    remember: bool,
) -> list[EventAnswer]:
    """Each event's answer beside the other events of the batch and those that the sandbox took before."""
    in_batch: dict[UUID, Evaluated] = {}  # the first event of each key
    for row, one in zip(rows, found, strict=True):
        if one.answer.claim_key is not None and magic.forced(row) is None:
            in_batch.setdefault(one.answer.claim_key, one)
    acts = {key: one.facts for key, one in in_batch.items() if one.answer.outcome in _REMEMBERED}
    new = set[UUID]()
    if remember:
        new = await queries.take(
            session,
            organisation_id=organisation_id,
            claim_keys=list(acts),
            facts=list(acts.values()),
            at=clock.now(),
        )
    before = await queries.standing(session, organisation_id=organisation_id, claim_keys=list(acts))
    answers = []
    for row, one in zip(rows, found, strict=True):
        text, key = magic.forced(row), one.answer.claim_key
        if text is not None:
            answers.append(magic.answered(text, one.answer))
        elif key is None:
            answers.append(one.answer)
        elif in_batch[key] is not one:
            answers.append(_repeated(one, in_batch[key].facts))
        elif key in new or key not in before:
            answers.append(one.answer)
        else:
            answers.append(_repeated(one, before[key]))
    return answers


def _repeated(one: Evaluated, facts: bytes) -> EventAnswer:
    """The answer of an event whose key stands for these facts already."""
    same = one.facts == facts
    return replace(
        one.answer,
        outcome="duplicate" if same else "conflict",
        code="" if same else "claim",
        grams=0,
        points=0,
    )


def _taken(answers: Sequence[EventAnswer], *, stored: bool) -> Taken:
    counts = Counter(one.outcome for one in answers)
    summary = Summary(
        job_id=UUID(int=0),
        received=len(answers),
        accepted=counts["accepted"],
        duplicates=counts["duplicate"],
        conflicts=counts["conflict"],
        rejected=counts["rejected"],
        filtered=counts["filtered"],
        waiting=0,
        grams=sum(one.grams for one in answers),
        points=sum(one.points for one in answers),
    )
    return Taken(summary, tuple(answers), stored)


async def clock_of(session: AsyncSession, *, organisation_id: UUID) -> datetime:
    """The sandbox's present: where its clock was put, else the real time."""
    return await queries.clock(session, organisation_id) or clock.now()


async def set_clock(session: AsyncSession, *, organisation_id: UUID, at: datetime | None) -> datetime:
    """Put the sandbox's clock to a moment, at which it stands until it is put elsewhere; None lets it go with the real time."""
    if at is None:
        await queries.free_clock(session, organisation_id)
    else:
        await queries.set_clock(session, organisation_id=organisation_id, at=at)
    return await clock_of(session, organisation_id=organisation_id)


async def reset(session: AsyncSession, *, organisation_id: UUID) -> None:
    """Forget every act that the sandbox took, and let its clock go."""
    await queries.empty(session, organisation_id)
    await queries.free_clock(session, organisation_id)


async def forget_old(session: AsyncSession, *, limit: int = _AT_ONCE) -> int:
    """Forget acts that sandboxes took a month ago, at most `limit`; how many were forgotten."""
    return await queries.forget(session, before=clock.now() - KEPT_FOR, limit=limit)
