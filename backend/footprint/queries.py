"""All SQL about footprints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = """e.id, e.category, e.basis, e.item, e.quantity_milli, e.region, e.factor_year, e.pack_sha256,
    e.emissions_g, e.happened_on, e.replaces, e.recorded_at"""
_COUNTS = """NOT EXISTS (SELECT FROM footprint_entry r WHERE r.replaces = e.id)
    AND NOT EXISTS (SELECT FROM footprint_withdrawal w WHERE w.entry_id = e.id)"""

_ADD = text("""
    INSERT INTO footprint_entry (id, participant_id, category, basis, item, quantity_milli, region, factor_year,
        pack_sha256, emissions_g, happened_on, replaces, recorded_at)
    VALUES (:id, :participant_id, :category, :basis, :item, :quantity_milli, :region, :factor_year,
        :pack_sha256, :emissions_g, :happened_on, :replaces, :recorded_at)
""")
_WITHDRAW = text(
    "INSERT INTO footprint_withdrawal (entry_id, withdrawn_at) VALUES (:id, :at) ON CONFLICT DO NOTHING"
)
_OWN = text(f"""
    SELECT {_COLUMNS}, {_COUNTS} AS counts,
        EXISTS (SELECT FROM footprint_withdrawal w WHERE w.entry_id = e.id) AS withdrawn
    FROM footprint_entry e WHERE e.id = :id AND e.participant_id = :participant
""")
_ENTRIES = text(f"""
    SELECT {_COLUMNS} FROM footprint_entry e
    WHERE e.participant_id = :participant AND {_COUNTS}
        AND (CAST(:day AS date) IS NULL OR (e.happened_on, e.id) < (CAST(:day AS date), CAST(:id AS uuid)))
    ORDER BY e.happened_on DESC, e.id DESC LIMIT :limit
""")
_SUMS = text(f"""
    SELECT CAST(extract(month FROM e.happened_on) AS integer) AS month, e.category, e.basis,
        CAST(sum(e.emissions_g) AS bigint) AS grams, count(*) AS entries
    FROM footprint_entry e
    WHERE e.participant_id = :participant AND e.happened_on BETWEEN :first AND :last AND {_COUNTS}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")
_RECORDED = text("""
    SELECT count(*) FROM footprint_entry WHERE participant_id = :participant AND recorded_at >= :since
""")
_USED = text("""
    SELECT DISTINCT e.pack_sha256 FROM footprint_entry e WHERE e.pack_sha256 IS NOT NULL ORDER BY 1
""")
_COMPUTED = text("""
    SELECT e.id, e.category, e.item, e.quantity_milli, e.region, e.factor_year, e.emissions_g, e.happened_on
    FROM footprint_entry e WHERE e.pack_sha256 = :sha256 ORDER BY e.id
""")


async def add(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD, row)


async def withdraw(session: AsyncSession, **row: Any) -> None:
    await session.execute(_WITHDRAW, row)


async def own(session: AsyncSession, *, entry_id: UUID, participant_id: UUID) -> RowMapping | None:
    given = {"id": entry_id, "participant": participant_id}
    return (await session.execute(_OWN, given)).mappings().one_or_none()


async def entries(
    session: AsyncSession, *, participant_id: UUID, after: tuple[date, UUID] | None, limit: int
) -> list[RowMapping]:
    day, entry_id = after or (None, None)
    given = {"participant": participant_id, "day": day, "id": entry_id, "limit": limit}
    return list((await session.execute(_ENTRIES, given)).mappings())


async def sums(session: AsyncSession, *, participant_id: UUID, first: date, last: date) -> list[RowMapping]:
    given = {"participant": participant_id, "first": first, "last": last}
    return list((await session.execute(_SUMS, given)).mappings())


async def recorded_since(session: AsyncSession, *, participant_id: UUID, since: Any) -> int:
    found = await session.execute(_RECORDED, {"participant": participant_id, "since": since})
    return int(found.scalar_one())


async def packs_used(session: AsyncSession) -> list[str]:
    return list((await session.execute(_USED)).scalars())


async def computed_by(session: AsyncSession, sha256: str) -> AsyncIterator[RowMapping]:
    result = await session.stream(_COMPUTED, {"sha256": sha256})
    async for row in result.mappings():
        yield row
