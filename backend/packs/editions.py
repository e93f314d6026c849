"""Editions of a pack: dated, never overlapping; exactly one answers for a day or a compliance year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, Protocol, TypeVar

from backend.packs.errors import AmbiguousEdition, NoEdition
from backend.packs.faults import Faults
from backend.packs.figures import UNKNOWN

Validity = dt.date | Literal["unknown"]


class Dated(Protocol):
    """An edition with its first and last day of validity, both included; None means it has no end yet."""

    @property
    def id(self) -> str: ...
    @property
    def valid_from(self) -> Validity: ...
    @property
    def valid_until(self) -> Validity | None: ...


class ForYears(Protocol):
    """An edition for compliance years, the first and the last included."""

    @property
    def id(self) -> str: ...
    @property
    def compliance_years(self) -> tuple[int, int]: ...


D = TypeVar("D", bound=Dated)
Y = TypeVar("Y", bound=ForYears)


def for_day(pack: str, editions: Iterable[D], on: dt.date) -> D:
    """The one edition that holds on a day. An edition of unknown validity stands alone in its pack and always holds."""
    return _one(pack, [edition for edition in editions if holds_on(edition, on)], on.isoformat())


def for_year(pack: str, editions: Iterable[Y], year: int) -> Y:
    """The one edition for a compliance year, which is the year of the emissions."""
    return _one(
        pack, [e for e in editions if e.compliance_years[0] <= year <= e.compliance_years[1]], str(year)
    )


def holds_on(edition: Dated, day: dt.date) -> bool:
    """True when the day lies in the edition's validity; an unknown end does not exclude a day."""
    started = edition.valid_from == UNKNOWN or edition.valid_from <= day
    ended = isinstance(edition.valid_until, dt.date) and edition.valid_until < day
    return started and not ended


A = TypeVar("A")


def _one(pack: str, matching: Sequence[A], asked: str) -> A:
    if not matching:
        raise NoEdition(pack=pack, asked=asked)
    if len(matching) > 1:
        raise AmbiguousEdition(pack=pack, asked=asked, editions=tuple(getattr(e, "id", "") for e in matching))
    return matching[0]


def check_dated(data: Mapping[str, Any], faults: Faults) -> None:
    """Report editions that overlap, end before they begin, or hide an unknown validity among others."""
    editions = _readable(data)
    official = data.get("pack", {}).get("official", True) if isinstance(data.get("pack"), dict) else True
    spans = []
    for place, edition in editions:
        at = ("edition", place, "valid_from")
        start, end = edition.get("valid_from"), edition.get("valid_until")
        if UNKNOWN in (start, end):
            if official or len(data["edition"]) > 1:
                faults.add(at, "validity_unknown")
            continue
        if type(start) is not dt.date:
            continue
        last = end if type(end) is dt.date else dt.date.max
        if last < start:
            faults.add(at, "bad_order", why="the edition ends before it begins", why_zh="版本的结束早于开始")
        spans.append((start, last, place))
    _check_spans(spans, data, faults)


def check_years(data: Mapping[str, Any], faults: Faults) -> None:
    """The same for editions by compliance year."""
    spans = []
    for place, edition in _readable(data):
        years = edition.get("compliance_years")
        if not isinstance(years, list) or len(years) != 2 or not all(type(year) is int for year in years):
            continue
        if years[1] < years[0]:
            at = ("edition", place, "compliance_years")
            faults.add(at, "bad_order", why="the last year is before the first", why_zh="末年早于首年")
        spans.append((years[0], years[1], place))
    _check_spans(spans, data, faults)


def _readable(data: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    found = data.get("edition")
    if not isinstance(found, list):
        return []
    return [(place, edition) for place, edition in enumerate(found) if isinstance(edition, dict)]


def _check_spans(spans: list[tuple[Any, Any, int]], data: Mapping[str, Any], faults: Faults) -> None:
    spans.sort()
    for before, after in pairwise(spans):
        if after[0] <= before[1]:
            first, second = (data["edition"][span[2]].get("id", span[2]) for span in (before, after))
            faults.add(("edition", after[2]), "edition_overlap", first=first, second=second)
