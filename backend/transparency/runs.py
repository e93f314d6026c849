"""Which acts a tonne is made of, in aggregates. Pure.

A certified tree's grams lie in one order, and the issuance's entry cuts that order into runs: so many grams of so many
acts between two days in some regions. A run of fewer than FEWEST acts would come close to persons, so it is never shown
by itself, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.transparency.telling import MOST, Unreadable

FEWEST = 10  # acts in a run that is shown


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring grams `[low_g, high_g)` of a certified tree.

    Days, regions and acts are None where even all acts together are fewer than FEWEST. A run that is `carried_from` an
    earlier batch has none of its own: they lie in that batch's tree.
    """

    low_g: int
    high_g: int
    from_day: str | None = None
    to_day: str | None = None
    regions: tuple[str, ...] | None = None
    acts: int | None = None
    carried_from: str | None = None

    @property
    def grams(self) -> int:
        return self.high_g - self.low_g


def runs_of(body: dict[str, Any]) -> list[Run]:
    """The runs of a `credit.issued` entry as they may be shown; Unreadable when they have another form."""
    found: list[Run] = []
    low = 0
    listed = body.get("runs")
    if not isinstance(listed, list):
        raise Unreadable("runs")
    for one in listed:
        run = _read(one, low=low)
        low = run.high_g
        found.append(run)
    return _merged(found)


def within(runs: Sequence[Run], low_g: int, high_g: int) -> list[tuple[Run, int, int]]:
    """The runs that grams `[low_g, high_g)` lie in, each with the part of that range that lies in it."""
    return [
        (run, max(low_g, run.low_g), min(high_g, run.high_g))
        for run in runs
        if run.low_g < high_g and low_g < run.high_g
    ]


def _read(one: Any, *, low: int) -> Run:
    if not isinstance(one, dict):
        raise Unreadable("runs")
    grams, carried = one.get("grams"), one.get("carried_from")
    if not isinstance(grams, int) or isinstance(grams, bool) or not 0 < grams < MOST:
        raise Unreadable("grams")
    if carried is not None:
        if not isinstance(carried, str):
            raise Unreadable("carried_from")
        return Run(low, low + grams, carried_from=carried)
    days = [day for day in (one.get("from_day"), one.get("to_day")) if isinstance(day, str)]
    regions, acts = one.get("regions"), one.get("acts")
    if len(days) != 2 or not isinstance(regions, list):
        raise Unreadable("from_day")
    if not isinstance(acts, int) or isinstance(acts, bool) or not 0 <= acts < MOST:
        raise Unreadable("acts")
    return Run(low, low + grams, min(days), max(days), tuple(sorted(map(str, regions))), acts)


def _merged(runs: Sequence[Run]) -> list[Run]:
    """Runs of too few acts joined with a neighbour; all acts, where they are too few together, without particulars."""
    found: list[Run] = []
    for run in runs:
        before = found[-1] if found else None
        if (
            before is None
            or before.carried_from is not None
            or run.carried_from is not None
            or not (_few(before) or _few(run))
        ):
            found.append(run)
        else:
            found[-1] = _both(before, run)
    return [
        replace(run, from_day=None, to_day=None, regions=None, acts=None) if _few(run) else run
        for run in found
    ]


def _few(run: Run) -> bool:
    return run.carried_from is None and (run.acts or 0) < FEWEST


def _both(one: Run, other: Run) -> Run:
    assert one.from_day is not None
    assert one.to_day is not None
    assert other.from_day is not None
    assert other.to_day is not None
    return Run(
        one.low_g,
        other.high_g,
        min(one.from_day, other.from_day),
        max(one.to_day, other.to_day),
        tuple(sorted({*(one.regions or ()), *(other.regions or ())})),
        (one.acts or 0) + (other.acts or 0),
    )
