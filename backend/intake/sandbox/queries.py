"""All SQL of sandboxes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_CLOCK = text("SELECT stands_at FROM sandbox_clock WHERE organisation_id = :organisation_id")
_SET_CLOCK = text("""
    INSERT INTO sandbox_clock (organisation_id, stands_at) VALUES (:organisation_id, :at)
    ON CONFLICT (organisation_id) DO UPDATE SET stands_at = excluded.stands_at
""")
_FREE_CLOCK = text("DELETE FROM sandbox_clock WHERE organisation_id = :organisation_id")

# In the order of their keys, so that two batches with the same acts wait for each other and never both.
_TAKE = text("""
    INSERT INTO sandbox_act (organisation_id, claim_key, facts_sha256, taken_at)
    SELECT :organisation_id, claim_key, facts, :at
    FROM unnest(CAST(:claim_keys AS uuid[]), CAST(:facts AS bytea[])) AS new(claim_key, facts)
    ORDER BY claim_key
    ON CONFLICT DO NOTHING RETURNING claim_key
""")
_STANDING = text("""
    SELECT claim_key, facts_sha256 FROM sandbox_act
    WHERE organisation_id = :organisation_id AND claim_key = ANY(CAST(:claim_keys AS uuid[]))
""")
_EMPTY = text("DELETE FROM sandbox_act WHERE organisation_id = :organisation_id")
_FORGET = text("""
    DELETE FROM sandbox_act WHERE (organisation_id, claim_key) IN (
        SELECT organisation_id, claim_key FROM sandbox_act WHERE taken_at < :before LIMIT :limit)
""")


async def clock(session: AsyncSession, organisation_id: UUID) -> datetime | None:
    """Where the sandbox's clock stands, None when nobody stopped it."""
    found: datetime | None = (await session.execute(_CLOCK, {"organisation_id": organisation_id})).scalar()
    return found


async def set_clock(session: AsyncSession, *, organisation_id: UUID, at: datetime) -> None:
    await session.execute(_SET_CLOCK, {"organisation_id": organisation_id, "at": at})


async def free_clock(session: AsyncSession, organisation_id: UUID) -> None:
    await session.execute(_FREE_CLOCK, {"organisation_id": organisation_id})


async def take(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    claim_keys: Sequence[UUID],
    facts: Sequence[bytes],
    at: datetime,
) -> set[UUID]:
    """Remember acts; those of them that were new."""
    given = {
        "organisation_id": organisation_id,
        "claim_keys": list(claim_keys),
        "facts": list(facts),
        "at": at,
    }
    return set((await session.execute(_TAKE, given)).scalars())


async def standing(
    session: AsyncSession, *, organisation_id: UUID, claim_keys: Sequence[UUID]
) -> dict[UUID, bytes]:
    """The facts of the acts that are remembered, by their keys."""
    rows = await session.execute(
        _STANDING, {"organisation_id": organisation_id, "claim_keys": list(claim_keys)}
    )
    return {row.claim_key: bytes(row.facts_sha256) for row in rows}


async def empty(session: AsyncSession, organisation_id: UUID) -> None:
    await session.execute(_EMPTY, {"organisation_id": organisation_id})


async def forget(session: AsyncSession, *, before: datetime, limit: int) -> int:
    result = await session.execute(_FORGET, {"before": before, "limit": limit})
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
