"""Taking rows into the hold, and putting one act in the place of another."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.intake import queries as intake_queries
from backend.intake.holding import accepting, queries, standing, weighing, withdrawing
from backend.intake.holding.errors import HeldUnknown
from backend.intake.holding.model import Accepted, Cause, Facts, Held, NewHeld, Stored
from backend.kit import clock, ids
from backend.kit.db import TransactionCollided
from backend.kit.settings import Keys


async def hold(session: AsyncSession, *, job_id: UUID, seq: int, rows: Sequence[NewHeld]) -> None:
    """Keep rows of one chunk, whole, until somebody decides. The chunk counts them among its conflicts."""
    if not rows:
        return
    await session.execute(
        queries.ADD_HELD,
        {
            "job": job_id,
            "seq": seq,
            "lines": [row.line for row in rows],
            "kinds": [row.kind for row in rows],
            "codes": [row.code for row in rows],
            "bounds": [row.bound for row in rows],
            "claim_keys": [row.claim_key for row in rows],
            "againsts": [row.against for row in rows],
            "methods": [row.method_id for row in rows],
            "tokens": [row.means_token for row in rows],
            "participants": [row.participant_id for row in rows],
            "happened": [row.happened_at for row in rows],
            "ended": [row.ended_at for row in rows],
            "inputs": [json.dumps(dict(row.inputs), ensure_ascii=False) for row in rows],
            "grams": [row.grams for row in rows],
            "points": [row.points for row in rows],
            "barriers": [row.barrier for row in rows],
        },
    )


async def hold_apart(
    session: AsyncSession, *, source_id: int, mapping_sha256: str, label: str, rows: Sequence[NewHeld]
) -> UUID:
    """Keep rows in a job of their own, whose file `label` names; answers the job. Their lines are counted from 1."""
    job_id, now = ids.uuid7(), clock.now()
    await session.execute(
        queries.ADD_JOB,
        {
            "id": job_id,
            "source": source_id,
            "file_name": label,
            "file_sha256": hashlib.sha256(label.encode()).hexdigest(),
            "mapping_sha256": mapping_sha256,
            "at": now,
        },
    )
    counted = dict.fromkeys(
        ("accepted", "duplicates", "rejected", "filtered", "waiting", "grams", "points"), 0
    )
    await session.execute(
        intake_queries.ADD_CHUNK,
        {
            "job": job_id,
            "seq": 1,
            "first_line": 1,
            "last_line": len(rows),
            "received": len(rows),
            "conflicts": len(rows),
            **counted,
        },
    )
    await hold(session, job_id=job_id, seq=1, rows=rows)
    return job_id


async def held(session: AsyncSession, *, job_id: UUID, line: int) -> Held:
    """A held row by its job and line. Raises HeldUnknown."""
    row = (await session.execute(queries.HELD, {"job": job_id, "line": line})).one_or_none()
    if row is None:
        raise HeldUnknown
    return held_of(row)


async def held_rows(
    session: AsyncSession,
    *,
    programmes: Sequence[str],
    kind: str | None = None,
    code: str | None = None,
    source: str | None = None,
    decided: bool = False,
    limit: int = 50,
    after: tuple[str, int] | None = None,
) -> list[Held]:
    """Held rows of these programmes that wait for a decision (or all), oldest job first; `after`: the last one's cursor."""
    job_id, line = after or (None, None)
    rows = await session.execute(
        queries.HELD_LIST,
        {
            "programmes": list(programmes),
            "kind": kind,
            "code": code,
            "source": source,
            "decided": decided,
            "after_job": job_id,
            "after_line": line,
            "limit": limit,
        },
    )
    return [held_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class PairOfSources:
    """Conflicts of one kind between two sources: how many, what became of them, and the grams of those that came later."""

    source: str
    other: str
    kind: str
    conflicts: int
    waiting: int
    accepted: int
    refused: int
    by_rule: int
    grams: int
    latest: dt.datetime


async def conflicts_by_pair(
    session: AsyncSession, *, programmes: Sequence[str], first: dt.date, last: dt.date
) -> list[PairOfSources]:
    """Conflicts of acts of these Shanghai days, both included, by pair of sources; the pair with the most comes first.

    Two rows of one source that claim one act are a pair of that source with itself.
    """
    rows = await session.execute(
        queries.CONFLICTS_BY_PAIR,
        {
            "programmes": list(programmes),
            "from": dt.datetime.combine(first, dt.time(), clock.SHANGHAI),
            "before": dt.datetime.combine(last, dt.time(), clock.SHANGHAI) + dt.timedelta(days=1),
        },
    )
    return [PairOfSources(**row._mapping) for row in rows]  # noqa: SLF001 - the documented mapping of a row


async def acts(session: AsyncSession, *, keys: Sequence[UUID]) -> dict[UUID, Stored]:
    """Accepted acts by their keys, withdrawn ones among them."""
    return await standing.stored(session, keys) if keys else {}


async def exchange(
    session: AsyncSession,
    keys: Keys,
    *,
    facts: Facts,
    label: str,
    give_way: Sequence[Stored],
    cause: Cause,
    reference: UUID,
    travel: Collection[str] = (),
) -> Accepted:
    """Accept one act and let these give way to it, in this one transaction. Their claims are locked already.

    The first that gives way is replaced by the new act. Whoever looks sees either the old or the new, never neither.
    `travel` are the activities in which a person can be in one place only. Raises ClaimStands when yet another act stands
    for the claim, OverlapStands when one of another source stands at its time, and the refusals of method and programme.
    """
    going = [act.claim_key for act in give_way]
    claim_key, number = await standing.next_key(session, keys, claim=facts.claim_key, giving_way=going)
    new = await accepting.store(session, facts=facts, claim_key=claim_key, label=label, instead_of=going)
    if number:
        await session.execute(
            queries.ADD_REVISION, {"claim_key": claim_key, "root": facts.claim_key, "number": number}
        )
    noted = None
    if going:
        noted = await withdrawing.note(
            session, keys=going, cause=cause, reference=reference, replaced_by={going[0]: claim_key}
        )
    await weighing.confirm(session, new, facts, travel=travel, instead_of=going)
    postings = []
    if noted is not None:
        # Taken back first, given afterwards: the other way round two of these would wait for each other.
        back = 0
        for act in noted.acts:
            owed = await withdrawing.take_points(session, act, at=noted.at)
            if act.programme == new.programme.id and (act.participant_id or act.claimed_by) is not None:
                back += act.points - owed
        if back < new.freed:  # the holder spent some of it just now
            raise TransactionCollided
        postings = await withdrawing.gram_postings(session, noted)
    await accepting.post_points(session, new)
    postings += await accepting.gram_postings(session, new)
    if postings:
        await ledger.post(session, postings)
    return new.accepted


def held_of(row: Any) -> Held:
    """A row of the held list."""
    given: Mapping[str, Any] = row._mapping  # noqa: SLF001 - the documented mapping of a row
    facts = Facts(**{name: given[name] for name in Facts.__slots__})
    return Held(facts=facts, **{name: given[name] for name in Held.__slots__ if name != "facts"})
