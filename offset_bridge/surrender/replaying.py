"""The rows that a replay of compliance years needs, and the state of a year as far as it is replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.ledger import SerialRange
from backend.packs import Market
from offset_bridge import registry
from offset_bridge.registry import Account, Adoption, Held, Lot, Obligation
from offset_bridge.surrender.closing import Standing

_PLEDGES = text("""
    SELECT id, account_id, market, compliance_year, step, rules_revision, obligation_revision, edition, pack_sha256,
           asked, answer, cap_t, used_before_t, offset_t, allowance_t, pledged_at
    FROM unit_pledge
""")
_PLEDGE_LOTS = text("""
    SELECT u.pledge_id, u.lot_id, lower(u.serials) AS low, upper(u.serials) AS high, u.book_id = l.book_id AS same_book
    FROM unit_pledge_lot u LEFT JOIN unit_lot l ON l.id = u.lot_id ORDER BY u.pledge_id, u.line
""")
_RELEASES = text("SELECT pledge_id, market, compliance_year, step FROM unit_release")
_CLOSES = text("""
    SELECT market, compliance_year, step, rules_revision, act_id, proposed_by, approved_by, closed_at AS done_at
    FROM compliance_close
""")
_ALL_OBLIGATIONS = text("""
    SELECT o.account_id, a.market, a.organisation, o.compliance_year, o.revision, o.issued_t, o.initial_t,
           o.confirmed_emissions_t, o.obligation_t, o.reason, o.act_id, o.fixed_at
    FROM compliance_obligation o JOIN registry_account a ON a.id = o.account_id
    ORDER BY o.account_id, o.compliance_year, o.revision
""")
_LOT_IDS = text("SELECT id FROM unit_lot")

Year = tuple[str, int]  # market, compliance year


@dataclass
class Kept:
    """All rows that a replay needs, by what they are looked up by."""

    accounts: dict[UUID, Account]
    obligations: dict[tuple[UUID, int, int], Obligation]
    adoptions: dict[tuple[str, int, int], Adoption]
    markets: dict[str, Market]
    lots: dict[UUID, Lot]
    by_book: dict[str, list[Lot]] = field(default_factory=dict)

    def held(self, book: str, low: int, high: int) -> Held | None:
        """These numbers with the lot that they all lie in."""
        for lot in self.by_book.get(book, ()):
            if lot.serials.low <= low < high <= lot.serials.high:
                return Held(lot, SerialRange(low, high))
        return None


@dataclass
class Replay:
    """A market's year as far as it is replayed."""

    standing: dict[UUID, list[Standing]] = field(default_factory=dict)  # by account
    closed: bool = False

    def used(self, account: UUID) -> list[Held]:
        return [one.held for one in self.standing.get(account, ())]

    def by_unit(self) -> dict[str, int]:
        sums: dict[str, int] = {}
        for units in self.standing.values():
            for one in units:
                sums[one.held.lot.unit] = sums.get(one.held.lot.unit, 0) + one.held.serials.quantity
        return sums


async def pledge_rows(session: AsyncSession) -> list[dict[str, Any]]:
    """Every pledge as it is stored, without its units."""
    return [dict(row) for row in (await session.execute(_PLEDGES)).mappings()]


async def release_rows(session: AsyncSession) -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(_RELEASES)).mappings()]


async def close_rows(session: AsyncSession) -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(_CLOSES)).mappings()]


async def kept(session: AsyncSession) -> Kept:
    """All of them."""
    found = (await session.execute(_LOT_IDS)).scalars().all()
    lots = await registry.lots(session, list(found))
    accounts = {one.id: one for one in await registry.accounts(session, limit=10**9)}
    adoptions = await registry.adoptions(session)
    obligations = [Obligation(**row) for row in (await session.execute(_ALL_OBLIGATIONS)).mappings()]
    markets = {}
    for adoption in adoptions:
        markets[adoption.pack_sha256] = await registry.stored_market(session, sha256=adoption.pack_sha256)
    books = Kept(
        accounts=accounts,
        obligations={(one.account_id, one.compliance_year, one.revision): one for one in obligations},
        adoptions={(one.market, one.compliance_year, one.revision): one for one in adoptions},
        markets=markets,
        lots=lots,
    )
    for lot in lots.values():
        books.by_book.setdefault(lot.book, []).append(lot)
    return books


async def pledged_units(session: AsyncSession, books: Kept) -> dict[UUID, list[Held]]:
    """The units of each pledge, by its id."""
    found: dict[UUID, list[Held]] = {}
    for row in (await session.execute(_PLEDGE_LOTS)).mappings():
        if row["lot_id"] in books.lots and row["same_book"]:
            held = Held(books.lots[row["lot_id"]], SerialRange(row["low"], row["high"]))
            found.setdefault(row["pledge_id"], []).append(held)
    return found


def years(
    pledges: Sequence[dict[str, Any]], releases: Sequence[dict[str, Any]], closes: Sequence[dict[str, Any]]
) -> dict[Year, list[tuple[str, dict[str, Any]]]]:
    """What happened to each market's year, as (table, row), by step."""
    found: dict[Year, list[tuple[str, dict[str, Any]]]] = {}
    for table, rows in (
        ("unit_pledge", pledges),
        ("unit_release", releases),
        ("compliance_close", closes),
    ):
        for row in rows:
            found.setdefault((row["market"], row["compliance_year"]), []).append((table, row))
    for steps in found.values():
        steps.sort(key=lambda one: one[1]["step"])
    return found
