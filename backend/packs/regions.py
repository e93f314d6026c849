"""Regions are ISO 3166-2 codes, with one more step for a prefecture-level city: `CN`, `CN-GD`, `CN-GD-SZ`, `US-NJ`."""

from __future__ import annotations

from collections.abc import Iterable


def covers(jurisdiction: str, region: str, *, excludes: Iterable[str] = ()) -> bool:
    """True when `region` is the jurisdiction or lies in it, and lies in none of the excluded ones."""
    return _within(jurisdiction, region) and not any(_within(excluded, region) for excluded in excludes)


def _within(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}-")
