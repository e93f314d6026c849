"""Where every credit is, over the book that issued it and the markets' books into which it may cross."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from offset_bridge.bridge import queries

PLACES = ("held", "locked", "in_registry", "pledged", "surrendered", "cancelled")


@dataclass(frozen=True, slots=True)
class CreditIdentity:
    """Tonnes of one book by where they are. `locked` leaves out what has been deposited and waits for confirmation: it
    counts in the market's registry.
    """

    book: str
    issued: int
    held: int
    locked: int
    in_registry: int
    pledged: int
    surrendered: int
    cancelled: int

    @property
    def holds(self) -> bool:
        """True when what was issued is all that there is."""
        there = (self.held, self.locked, self.in_registry, self.pledged, self.surrendered, self.cancelled)
        return self.issued == sum(there)


async def identity(session: AsyncSession) -> list[CreditIdentity]:
    """The tonnes of each book in which credits were issued, by book; one snapshot."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in await queries.whereabouts(session):
        found[row.book][row.place] += row.high - row.low
    return [
        CreditIdentity(book=book, issued=tonnes["issued"], **{place: tonnes[place] for place in PLACES})
        for book, tonnes in sorted(found.items())
    ]


async def places(session: AsyncSession) -> dict[str, dict[int, Counter[str]]]:
    """By book and number, how many places more, or less, count that number than the one before it."""
    found: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in await queries.whereabouts(session):
        found[row.book][row.low][row.place] += 1
        found[row.book][row.high][row.place] -= 1
    return found
