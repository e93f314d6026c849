"""How numbers stand in which somebody has grams; the grams are the caller's own, the log knows nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.transparency import provenance, queries
from backend.transparency.model import Found
from backend.transparency.printed import printed


@dataclass(frozen=True, slots=True)
class Standing:
    """One number, somebody's grams in it, and the run of numbers with which it stands alike."""

    number: int
    grams: int
    run: Found

    @property
    def serial(self) -> str:
        return printed(self.run.book, self.number)


async def standing_of(session: AsyncSession, *, batch: str, grams: Mapping[int, int]) -> list[Standing]:
    """How these numbers of a batch stand, in order; one that the log does not tell of is left out."""
    source = await queries.source_of_batch(session, batch=batch) if grams else None
    if source is None:
        return []
    rows = await queries.standing(session, line=source["line"], low=min(grams), high=max(grams) + 1)
    left = sorted(grams)
    found, at = [], 0
    for run in map(provenance.found_of, rows):
        while at < len(left) and left[at] < run.high:
            if left[at] >= run.low:
                found.append(Standing(left[at], grams[left[at]], run))
            at += 1
    return found


async def as_of(session: AsyncSession) -> int:
    """How many entries of the log such answers know."""
    return await queries.progress(session)
