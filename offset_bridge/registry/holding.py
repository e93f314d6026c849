"""What the numbers of a market's books are, and what an account holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock, ids
from backend.ledger import SerialRange
from offset_bridge import rules
from offset_bridge.registry import queries
from offset_bridge.registry.errors import BookUnknown
from offset_bridge.registry.model import Account, Held, Lot, Source

# What the engine reads of a lot; everything else in `facts` is for people and for provenance.
READ_BY_RULES = (
    "project_region", "project_type", "gases", "vintage_start", "vintage_end", "commissioned_on", "filed",
    "covered_boundary", "ccer_category", "project_id", "project_window_reductions_t", "year",
)  # fmt: skip


def entity_code(book: str, organisation: str) -> str:
    """The ledger account in which an organisation's units of a market's book lie."""
    return f"entity:{book}:{organisation}"


async def record_lot(
    session: AsyncSession,
    *,
    book: str,
    serials: SerialRange,
    unit: str,
    source: Source,
    source_id: UUID,
    facts: Mapping[str, Any],
) -> Lot:
    """Say what these numbers of a market's book are; it is said once. The book is open already.

    `facts` are the fields of a holding of `puhui offset evaluate` without id, unit and tonnes; `boundary_of` lists the
    organisations (codes) inside whose boundary the reductions arose. Further facts are kept and not read by rules.
    Refuses CaseInvalid for a fact that cannot be read, BookUnknown, LotRecordedAlready.
    """
    rules.read_holding({"id": book, "unit": unit, "tonnes": serials.quantity, **read_by_rules(facts)})
    lot_id = ids.derive(source_id, book, serials.low)
    made = await queries.record_lot(
        session,
        id=lot_id,
        book=book,
        low=serials.low,
        high=serials.high,
        unit=unit,
        source=source.value,
        source_id=source_id,
        facts=dict(facts),
        recorded_at=clock.now(),
    )
    if not made:
        raise BookUnknown
    return (await lots(session, [lot_id]))[lot_id]


def read_by_rules(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those facts that the engine reads."""
    return {name: facts[name] for name in READ_BY_RULES if facts.get(name) is not None}


def as_holding(held: Held, *, organisation: str) -> dict[str, Any]:
    """These numbers as a holding of `puhui offset evaluate`, seen from an organisation."""
    lot = held.lot
    inside = organisation in lot.facts.get("boundary_of", ())
    return {
        "id": held.id,
        "unit": lot.unit,
        "tonnes": held.serials.quantity,
        **read_by_rules(lot.facts),
        **({"own_boundary": True} if inside else {}),
    }


async def holdings(session: AsyncSession, *, account: Account) -> list[Held]:
    """What an account holds and may dispose of, run by run, by book and number."""
    rows = await queries.holdings(session, market=account.market, organisation=account.organisation)
    return [Held(_lot(row), SerialRange(row["held_low"], row["held_high"])) for row in rows]


async def lots(session: AsyncSession, wanted: Sequence[UUID]) -> dict[UUID, Lot]:
    """These lots by id."""
    return {row["id"]: _lot(row) for row in await queries.lots(session, wanted)}


def _lot(row: RowMapping) -> Lot:
    return Lot(
        id=row["id"],
        book=row["book"],
        serials=SerialRange(row["low"], row["high"]),
        unit=row["unit"],
        demo=row["demo"],
        source=Source(row["source"]),
        source_id=row["source_id"],
        facts=row["facts"],
        recorded_at=row["recorded_at"],
    )
