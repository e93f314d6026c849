"""All SQL about filings, demo overrides and recorded methods."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_FILE = text("""
    INSERT INTO methodology_filing
        (id, pack_sha256, region, valid_from, valid_until, act_id, proposed_by, approved_by, filed_at)
    VALUES (:id, :pack_sha256, :region, :valid_from, :valid_until, :act_id, :proposed_by, :approved_by, :filed_at)
""")
_FILINGS = text("""
    SELECT f.id, f.pack_sha256, p.pack_id, p.version, f.region, f.valid_from, f.valid_until, f.act_id, f.filed_at
    FROM methodology_filing f JOIN pack_text p ON p.sha256 = f.pack_sha256
    WHERE CAST(:sha256 AS text) IS NULL OR f.pack_sha256 = :sha256
    ORDER BY f.filed_at, f.id
""")
_OVERRIDE = text("""
    INSERT INTO methodology_demo_override (id, pack_sha256, region, reason, set_by, set_at)
    VALUES (:id, :pack_sha256, :region, :reason, :set_by, :set_at)
    ON CONFLICT (pack_sha256, region) DO NOTHING RETURNING id
""")
_OVERRIDES = text("""
    SELECT o.id, o.pack_sha256, p.pack_id, p.version, o.region, o.reason, o.set_at
    FROM methodology_demo_override o JOIN pack_text p ON p.sha256 = o.pack_sha256
    ORDER BY o.set_at, o.id
""")
# A region holds itself and everything whose code begins with its own and a dash.
_STATUS = text("""
    SELECT CASE
        WHEN EXISTS (
            SELECT FROM methodology_filing
            WHERE pack_sha256 = :sha256 AND (region = :region OR starts_with(:region, region || '-'))
              AND valid_from <= :on AND (valid_until IS NULL OR valid_until >= :on)
        ) THEN 'filed'
        WHEN EXISTS (
            SELECT FROM methodology_demo_override
            WHERE pack_sha256 = :sha256 AND (region = :region OR starts_with(:region, region || '-'))
        ) THEN 'demo'
        ELSE 'not_filed'
    END
""")
_FIND = text("""
    SELECT id FROM method_ref
    WHERE pack_sha256 = :pack_sha256 AND edition = :edition AND activity = :activity
      AND overlay_sha256 = CAST(:overlay_sha256 AS text[]) AND engine_version = :engine_version
""")
_RECORD = text("""
    INSERT INTO method_ref (pack_sha256, edition, activity, overlay_sha256, engine_version)
    VALUES (:pack_sha256, :edition, :activity, CAST(:overlay_sha256 AS text[]), :engine_version)
    ON CONFLICT (pack_sha256, edition, activity, overlay_sha256, engine_version) DO NOTHING
""")
_METHOD = text("""
    SELECT id, pack_sha256, edition, activity, overlay_sha256, engine_version FROM method_ref WHERE id = :id
""")


async def file(session: AsyncSession, **row: Any) -> None:
    await session.execute(_FILE, row)


async def filings(session: AsyncSession, *, sha256: str | None) -> Sequence[RowMapping]:
    return (await session.execute(_FILINGS, {"sha256": sha256})).mappings().all()


async def override(session: AsyncSession, **row: Any) -> bool:
    """True when the override is new."""
    return (await session.execute(_OVERRIDE, row)).scalar_one_or_none() is not None


async def overrides(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_OVERRIDES)).mappings().all()


async def status(session: AsyncSession, *, sha256: str, region: str, on: dt.date) -> str:
    return str((await session.execute(_STATUS, {"sha256": sha256, "region": region, "on": on})).scalar_one())


async def record(session: AsyncSession, **row: Any) -> int:
    """The id of the method with these facts, recorded now or before."""
    known = (await session.execute(_FIND, row)).scalar_one_or_none()
    if known is None:
        await session.execute(_RECORD, row)
        known = (await session.execute(_FIND, row)).scalar_one()
    return int(known)


async def method(session: AsyncSession, method_id: int) -> RowMapping | None:
    return (await session.execute(_METHOD, {"id": method_id})).mappings().one_or_none()
