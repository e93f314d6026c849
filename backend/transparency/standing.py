"""Where each serial number stands, as entries move it. Pure.

A line of numbers is cut into runs (`Span`) that stand alike. `apply` takes the runs that an entry touches and answers
what they become; whoever keeps the runs, a table or a list, fetches and replaces them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from backend.transparency.telling import Source, Status, Step


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Numbers `[low, high)` of a line that stand alike. `born` and `last` are entries: the source, and the last move."""

    line: str
    low: int
    high: int
    status: Status
    book: str
    market: str | None
    holder: str | None
    compliance_year: int | None
    born: int
    last: int


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """What entry `entry_index` says of numbers `[low, high)` in `book`, which came into being in the book `line`."""

    entry_index: int
    part: int
    kind: str
    line: str
    book: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The runs that a step touched, what they became, and what is wrong with it, if anything; then nothing is moved."""

    gone: tuple[Span, ...] = ()
    new: tuple[Span, ...] = ()
    fault: str | None = None


def born(source: Source, *, entry_index: int) -> Span:
    """The run with which a source begins."""
    return Span(
        line=source.book,
        low=source.low,
        high=source.high,
        status=Status.HELD,
        book=source.book,
        market=source.market,
        holder=source.holder,
        compliance_year=None,
        born=entry_index,
        last=entry_index,
    )


def apply(step: Step, *, low: int, high: int, touched: Iterable[Span], entry_index: int) -> Moved:
    """Move numbers `[low, high)`. `touched` are all runs that overlap them, of lines that know the step's book."""
    spans = sorted(touched)
    if sum(min(high, one.high) - max(low, one.low) for one in spans) != high - low:
        return Moved(fault="unknown numbers")
    if any(one.status not in step.leaves for one in spans):
        return Moved(fault="not where it could move from")
    if step.stays:
        return Moved()
    if any(one.book != step.book for one in spans):
        return Moved(fault="in another book")
    kept = [
        piece
        for one in spans
        for piece in (
            replace(one, high=min(one.high, low)) if one.low < low else None,
            replace(one, low=max(one.low, high)) if one.high > high else None,
        )
        if piece is not None
    ]
    changed = [
        _changed(replace(one, low=max(one.low, low), high=min(one.high, high)), step, entry_index=entry_index)
        for one in spans
    ]
    return Moved(gone=tuple(spans), new=(*kept, *_joined(changed)))


def _changed(span: Span, step: Step, *, entry_index: int) -> Span:
    status = step.status or span.status
    if step.back:
        status = Status.HELD if span.book == span.line else Status.BRIDGED
    year = step.compliance_year if status in {Status.PLEDGED, Status.SURRENDERED} else None
    return replace(
        span,
        status=status,
        book=step.to_book or span.book,
        market=None if step.no_market else step.market or span.market,
        holder=step.holder or span.holder,
        compliance_year=year,
        last=entry_index,
    )


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Neighbours that stand alike, as one."""
    found: list[Span] = []
    for span in spans:
        if found and replace(found[-1], high=span.high) == replace(span, low=found[-1].low):
            found[-1] = replace(found[-1], high=span.high)
        else:
            found.append(span)
    return found


def events_of(
    step: Step, *, kind: str, low: int, high: int, touched: Iterable[Span], entry_index: int, part: int
) -> list[Event]:
    """The rows of one step over one range: one for each line that knows the numbers, and one more where they arrive."""
    pieces: dict[str, tuple[int, int]] = {}
    for one in sorted(touched):
        first, last = pieces.get(one.line, (high, low))
        pieces[one.line] = (min(first, max(low, one.low)), max(last, min(high, one.high)))
    places = [step.book, *([step.to_book] if step.to_book else ())]
    rows = [(line, book, at) for line, at in sorted(pieces.items()) for book in places]
    return [
        Event(entry_index, part + number, kind, line, book, *at)
        for number, (line, book, at) in enumerate(rows)
    ]
