"""All SQL about stored packs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_INSERT = text("""
    INSERT INTO pack_text (sha256, kind, pack_id, version, text, engine_version)
    VALUES (:sha256, :kind, :pack_id, :version, :text, :engine_version)
    ON CONFLICT (sha256) DO NOTHING
""")
_GET = text("SELECT text, pack_id, version FROM pack_text WHERE sha256 = :sha256")
_EACH = text("SELECT sha256, kind, pack_id, version, text FROM pack_text ORDER BY sha256")


async def insert(session: AsyncSession, **row: Any) -> None:
    await session.execute(_INSERT, row)


async def get(session: AsyncSession, sha256: str) -> RowMapping | None:
    return (await session.execute(_GET, {"sha256": sha256})).mappings().one_or_none()


async def each(session: AsyncSession) -> AsyncIterator[RowMapping]:
    result = await session.stream(_EACH)
    async for row in result.mappings():
        yield row
