"""Methods as the database knows them."""

from __future__ import annotations

from dataclasses import dataclass

from backend.methodologies import Quantifier
from backend.programmes import EarningRule


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method as the database knows it: its reference, where its grams may go, and what bars them from credit."""

    id: int
    methodology: str
    barrier: str | None  # the reason why its grams are never pooled, None when they may be
    demo: bool
    activity: str = ""


def places_of(rule: EarningRule, quantifier: Quantifier) -> int:
    """The decimal places that a rule's input is held with."""
    item = quantifier.activity.inputs.get(rule.input or "")
    return item.places if item is not None else 0
