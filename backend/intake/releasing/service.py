"""Grams leave the pools when the right to claim them is taken back."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import closing, consent, joining
from backend.intake import pools
from backend.intake.holding import hooks
from backend.intake.holding.hooks import PooledGrams
from backend.intake.releasing import queries
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.ledger import AccountSpec, Line, Posting

AT_ONCE = 5_000  # acts noted and posted together
LATE_FOR = timedelta(days=2)  # longer than any chunk takes from its plan to its commit


@dataclass(frozen=True, slots=True)
class Released:
    """What became of a person's pooled grams: `left_g` left their pools now, `stay_g` a batch has taken before."""

    left_acts: int = 0
    left_g: int = 0
    stay_acts: int = 0
    stay_g: int = 0


async def revoke_right(session: AsyncSession, *, participant_id: UUID) -> Released:
    """Take the right to claim back: for what comes, and for grams that no batch has taken yet. Raises NothingToRevoke."""
    await consent.revoke_right(session, participant_id=participant_id)
    return await release(session, participant_id=participant_id)


async def release(session: AsyncSession, *, participant_id: UUID) -> Released:
    """Let every gram that no batch has taken leave its pool; doing so again changes nothing.

    The right must have been taken back before, in this transaction or another; where there never was one nothing leaves.
    Whoever freezes a batch of one of these pools is waited for, and waits until this transaction ends.
    """
    assignment = (
        await session.execute(queries.LAST_REVOKED, {"participant": participant_id})
    ).scalar_one_or_none()
    if assignment is None:
        return Released()
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    acts = list(await session.execute(queries.POOLED, {"participants": people, "assignment": assignment}))
    if not acts:
        return Released()
    accounts = await pools.accounts_of(session, acts)
    grams = [PooledGrams(act.claim_key, accounts[act.claim_key], act.grams) for act in acts]
    frozen = await hooks.held(session, grams)
    still = set((await session.execute(queries.STILL, {"keys": [act.claim_key for act in acts]})).scalars())
    leaving = [act for act in acts if act.claim_key in still - frozen]
    await _leave(session, leaving, accounts)
    stay = [act for act in acts if act.claim_key in frozen]
    return Released(
        left_acts=len(leaving),
        left_g=sum(act.grams for act in leaving),
        stay_acts=len(stay),
        stay_g=sum(act.grams for act in stay),
    )


async def release_late(db: Database, *, limit: int = 1_000) -> int:
    """Let grams leave that a file brought to a pool while the right was taken back; how many acts left."""
    since = clock.now() - LATE_FOR
    async with db.transaction() as session:
        people = (await session.execute(queries.LATE, {"since": since, "limit": limit})).scalars().all()
    left = 0
    for participant_id in people:
        async with db.transaction() as session:
            left += (await release(session, participant_id=participant_id)).left_acts
    return left


async def _leave(session: AsyncSession, acts: list[Any], accounts: dict[UUID, str]) -> None:
    by_assignment: dict[UUID, list[Any]] = defaultdict(list)
    for act in acts:
        by_assignment[act.assignment_id].append(act)
    now = clock.now()
    for assignment, own in sorted(by_assignment.items()):
        last = (await session.execute(queries.LAST_PART, {"assignment": assignment})).scalar_one()
        for place in range(0, len(own), AT_ONCE):
            some, part = own[place : place + AT_ONCE], last + 1 + place // AT_ONCE
            await session.execute(
                queries.ADD,
                {
                    "assignment": assignment,
                    "part": part,
                    "at": now,
                    "keys": [act.claim_key for act in some],
                },
            )
            moved: Counter[tuple[str, str]] = Counter()
            for act in some:
                moved[accounts[act.claim_key], released_code(act.programme)] += act.grams
            opened = await ledger.open_accounts(
                session, [AccountSpec(code) for code in sorted({code for pair in moved for code in pair})]
            )
            lines = tuple(
                Line(opened[pool], opened[code], grams) for (pool, code), grams in sorted(moved.items())
            )
            await ledger.post(session, [Posting(posting_id(assignment, part), "acts.released", now, lines)])


def released_code(programme: str) -> str:
    """The account that grams of this programme leave their pool for."""
    return f"uncredited:{programme}:{pools.RIGHT_REVOKED}"


def posting_id(assignment_id: UUID, part: int) -> UUID:
    """The id of one of the postings by which the grams of a revoked assignment left."""
    return ids.derive(assignment_id, "released", str(part))


async def told(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """The grams of each pool: those that would leave it, and those that a batch has taken, which stay."""
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    acts = list(await session.execute(queries.POOLED, {"participants": people, "assignment": participant_id}))
    if not acts:
        return []
    accounts = await pools.accounts_of(session, acts)
    asked = {"keys": [act.claim_key for act in acts]}
    taken = set((await session.execute(queries.IN_BATCHES, asked)).scalars())
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for act in acts:
        word = "stay" if act.claim_key in taken else "leave"
        sums[accounts[act.claim_key]][f"{word}_acts"] += 1
        sums[accounts[act.claim_key]][f"{word}_g"] += act.grams
    return [
        {"pool": pool, **{name: own[name] for name in ("leave_acts", "leave_g", "stay_acts", "stay_g")}}
        for pool, own in sorted(sums.items())
    ]


async def leave(session: AsyncSession, participant_id: UUID) -> None:
    """Take the right back, if it stands, and let what no batch has taken leave its pool."""
    try:
        await revoke_right(session, participant_id=participant_id)
    except consent.NothingToRevoke:
        await release(session, participant_id=participant_id)


closing.register(closing.Part("grams", 30, told, leave))
