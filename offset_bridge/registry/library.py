"""Market packs: those that come with this deployment by market, and stored ones by their fingerprint."""

from __future__ import annotations

import asyncio
from functools import cache

from sqlalchemy.ext.asyncio import AsyncSession

from backend import packs
from backend.packs import Market, Pack
from offset_bridge.registry.errors import MarketUnknown

_stored: dict[str, Market] = {}  # a fingerprint always means the same rules


@cache
def _shipped() -> dict[str, Pack]:
    found = packs.load_all(packs.builtin_root() / "markets").of_kind("market")
    return {packs.market_of(pack).market: pack for pack in found if not pack.faults}


async def shipped_pack(market: str) -> Pack:
    """The pack of a market that this deployment has, or MarketUnknown."""
    found = (await asyncio.to_thread(_shipped)).get(market)
    if found is None:
        raise MarketUnknown
    return found


async def stored_market(session: AsyncSession, *, sha256: str) -> Market:
    """The market in a stored pack, read from its text once per process."""
    if sha256 not in _stored:
        _stored[sha256] = packs.market_of(await packs.recall(session, sha256=sha256))
    return _stored[sha256]
