"""What must hold of the stored texts of packs."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.packs.store import verify

_NAMED = (
    Rule.single(
        "pack_text",
        "SELECT sha256 AS place FROM pack_text WHERE engine_version !~ '^[0-9]+$'",
        en="it does not say which engine read it",
        zh="未注明由哪一版引擎读取",
    ),
)


async def texts(session: AsyncSession) -> Checked:
    """Every pack that was used is stored whole under its SHA-256, with the engine's version."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM pack_text"))
    checked.add(await verify(session))
    return await look_for(session, checked, _NAMED)
