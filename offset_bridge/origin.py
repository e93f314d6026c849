"""The books that credits are issued in, and what their issuance said of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import Printed, book_of, print_serial
from backend.kit.errors import DomainError, Kind
from backend.ledger import SerialRange

LIVE, DEMO = book_of(demo=False), book_of(demo=True)
UNIT = "PHCER"
BOOKS = (LIVE, DEMO)


@dataclass(eq=False)
class IssuanceNotStated(DomainError):
    """The log states no issuance of some of these serial numbers."""

    code = "credits.issuance_not_stated"
    kind = Kind.CONFLICT
    title_zh = "日志未记载其中某些编号的签发。"


@dataclass(frozen=True, slots=True)
class Issued:
    """Numbers of an origin book that came into being in one issuance, with what its log entry says of them."""

    book: str
    serials: SerialRange
    batch: UUID
    project: str
    methodology: str
    vintage_year: int
    region: str

    @property
    def vintage(self) -> tuple[dt.date, dt.date]:
        """The first and the last day of the year in which the reductions arose."""
        return dt.date(self.vintage_year, 1, 1), dt.date(self.vintage_year, 12, 31)

    def printed(self, number: int) -> str:
        """One of the numbers as people read it."""
        return print_serial(Printed(self.book, number, self.region, self.vintage_year, self.methodology))


def book_in(market: str, book: str) -> str:
    """The book of a compliance market in which an origin book's credits stand once they have crossed."""
    return f"{market}-{book}"


async def issued(session: AsyncSession, *, book: str, serials: Sequence[SerialRange]) -> list[Issued]:
    """Where these numbers of an origin book come from, one piece per issuance, by number.

    Raises IssuanceNotStated when the log says nothing of some of them.
    """
    size = await log.size(session)
    entries = await log.entries(session, low=0, high=size, kind="credit.issued")
    bodies = [entry.body for entry in entries if entry.body["book"] == book]
    found = sorted(
        (piece for one in serials for piece in _pieces(one, bodies)), key=lambda piece: piece.serials
    )
    if sum(piece.serials.quantity for piece in found) != sum(one.quantity for one in serials):
        raise IssuanceNotStated
    return found


def _pieces(wanted: SerialRange, bodies: Iterable[dict[str, Any]]) -> Iterable[Issued]:
    for body in bodies:
        if not body["quantity_t"]:
            continue
        low = max(wanted.low, body["first_serial"])
        high = min(wanted.high, body["first_serial"] + body["quantity_t"])
        if low < high:
            yield Issued(
                book=body["book"],
                serials=SerialRange(low, high),
                batch=UUID(body["batch"]),
                project=body["project"],
                methodology=body["methodology"],
                vintage_year=body["vintage_year"],
                region=body.get("region") or common_region(_regions(body)),
            )


def _regions(body: dict[str, Any]) -> set[str]:
    return {region for run in body["runs"] for region in run.get("regions", ())}


def common_region(regions: Iterable[str]) -> str:
    """The smallest region (ISO 3166-2, dashes going downwards) that holds all of these; `CN` for none."""
    shared: list[str] | None = None
    for region in regions:
        parts = region.split("-")
        if shared is None:
            shared = parts
        else:
            same = next((n for n, (a, b) in enumerate(zip(shared, parts, strict=False)) if a != b), None)
            shared = shared[: min(len(shared), len(parts)) if same is None else same]
    return "-".join(shared or ["CN"])
