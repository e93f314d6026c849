"""What a withdrawal leaves missing, noted in its own transaction: intake's keeper for grams that batches hold."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import reading
from backend.certification.shortfalls import covering, queries
from backend.intake.holding import PooledGrams
from backend.kit import clock


async def answer_for(
    session: AsyncSession,
    withdrawn: Sequence[PooledGrams],
    *,
    reference: UUID,  # noqa: ARG001 - the withdrawal's own row has it
) -> set[UUID]:
    """The keys of those acts that a batch holds; what of them an issued one certified becomes a shortfall.

    Waits for whoever freezes, states or issues a batch of their series, and keeps them waiting until the withdrawal
    ends: an act is either out of its pool before, or its batch knows that it was withdrawn.
    """
    await _hold_still(session, withdrawn)
    rows = (await session.execute(queries.TAKEN, {"keys": [one.claim_key for one in withdrawn]})).all()
    missing = [row for row in rows if row.certified_g]
    if missing:
        now = clock.now()
        await session.execute(
            queries.RECORD,
            {
                "keys": [row.claim_key for row in missing],
                "batches": [row.batch_id for row in missing],
                "grams": [row.certified_g for row in missing],
                "log_size": await log.size(session),
                "at": now,
            },
        )
        known = {
            (await reading.batch(session, batch_id)).series for batch_id in {row.batch_id for row in missing}
        }
        for series in sorted(known, key=lambda one: one.carry_account):
            await covering.use_surplus(session, series, at=now)
    return {row.claim_key for row in rows}


async def held_by_batches(session: AsyncSession, pooled: Sequence[PooledGrams]) -> set[UUID]:
    """The keys of those acts that a batch holds; until this transaction ends none of the others gets into one."""
    await _hold_still(session, pooled)
    rows = await session.execute(queries.TAKEN, {"keys": [one.claim_key for one in pooled]})
    return {row.claim_key for row in rows}


async def _hold_still(session: AsyncSession, pooled: Sequence[PooledGrams]) -> None:
    concerned = {reading.series_of_pool(one.pool) for one in pooled} - {None}
    for series in sorted((one for one in concerned if one), key=lambda one: one.carry_account):
        await reading.lock(session, series)
