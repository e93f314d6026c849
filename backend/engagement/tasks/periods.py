"""The periods of tasks: spans of Shanghai days, both included."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from backend.programmes.features import Period, Season

EVER = (dt.date(1970, 1, 1), dt.date(2999, 12, 31))


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to `last`."""

    first: dt.date
    last: dt.date


def span_of(period: Period, day: dt.date, seasons: Sequence[Season]) -> Span | None:
    """The period that holds a day; weeks begin on Monday. None between seasons."""
    match period:
        case "day":
            return Span(day, day)
        case "week":
            monday = day - dt.timedelta(days=day.weekday())
            return Span(monday, monday + dt.timedelta(days=6))
        case "month":
            first = day.replace(day=1)
            return Span(first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1))
        case "season":
            return next((Span(one.first, one.last) for one in seasons if one.holds(day)), None)
        case "once":
            return Span(*EVER)


def spans_within(period: Period, first: dt.date, last: dt.date, seasons: Sequence[Season]) -> list[Span]:
    """Every period that holds a day from `first` to `last`, in order."""
    found: list[Span] = []
    day = first
    while day <= last:
        span = span_of(period, day, seasons)
        if span is None:
            day = min((one.first for one in seasons if one.first > day), default=dt.date.max)
            continue
        found.append(span)
        if span.last >= last:
            break
        day = span.last + dt.timedelta(days=1)
    return found
