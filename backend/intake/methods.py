"""Methods as the database knows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method as the database knows it: its reference, where its grams may go, and what bars them from credit."""

    id: int
    methodology: str
    barrier: str | None  # the reason why its grams are never pooled, None when they may be
    demo: bool
    activity: str = ""
