"""Which market pack a case means."""

from __future__ import annotations

from pathlib import Path

from backend import packs
from backend.packs import Market
from offset_bridge.rules.errors import CaseInvalid, EditionMissing, MarketMissing

MARKETS = (
    "beijing",
    "tianjin",
    "shanghai",
    "chongqing",
    "hubei",
    "guangdong",
    "shenzhen",
    "fujian",
    "national",
)


def find_market(name: str | None, *, year: int) -> Market:
    """The market by id, or by the path of a pack file. `EditionMissing` for a market that has no pack yet."""
    if name is None:
        raise CaseInvalid("market", "须指明市场", "a market must be named")
    if name.endswith(".toml") or "/" in name:
        return packs.market_of(packs.load(Path(name)))
    for pack in packs.load_all(packs.builtin_root() / "markets").of_kind("market"):
        if not pack.faults and packs.market_of(pack).market == name:
            return packs.market_of(pack)
    if name in MARKETS:
        raise EditionMissing(market=name, edition=str(year), source="")
    raise MarketMissing(known=MARKETS)
