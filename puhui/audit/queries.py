"""All SQL of the recorded audits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = "id, mode, based_on, full_run, began_at, ended_at, revision, horizon::text AS horizon, log_size, log_root, rows, violations, mac"


async def runs(session: AsyncSession, *, since: datetime | None = None) -> list[Any]:
    """The recorded runs, the newest first; only those that ended later than that."""
    where = "" if since is None else " WHERE ended_at > :since"
    rows = await session.execute(
        text(f"SELECT {_COLUMNS} FROM audit_run{where} ORDER BY ended_at DESC, id DESC"),
        {} if since is None else {"since": since},
    )
    return list(rows)


async def add(session: AsyncSession, *, horizon: int, **values: Any) -> None:
    """Keep a run."""
    names = ", ".join(values)
    given = ", ".join(f":{name}" for name in values)
    await session.execute(
        text(
            f"INSERT INTO audit_run ({names}, horizon) VALUES ({given}, CAST(CAST(:horizon AS text) AS xid8))"
        ),
        {**values, "horizon": str(horizon)},
    )


async def moment(session: AsyncSession) -> tuple[int, str]:
    """The oldest transaction that this snapshot does not know the end of, and the schema's revision."""
    row = (
        await session.execute(
            text("""
                SELECT pg_snapshot_xmin(pg_current_snapshot())::text, (SELECT version_num FROM alembic_version)
            """)
        )
    ).one()
    return int(row[0]), str(row[1])
