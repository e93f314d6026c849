"""What a log entry says of serial numbers and of batches. Pure.

Only what is read here is ever followed: kinds that are not listed say nothing about a tonne. An entry of a listed kind
that does not have its form is `Unreadable`, and the audit names it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Facts = Mapping[str, Any]
MOST = 2**62  # no number, amount or index is larger

CREDIT = "PHCER"  # what `credit.issued` issues, unless it says otherwise


class Status(enum.StrEnum):
    """Where a number can stand."""

    HELD = "held"  # in its owner's account, in the book in which it came into being
    LOCKED = "locked"  # set aside for a market's book, not there yet
    BRIDGED = "bridged"  # in its owner's account, in a market's book, on the other side of a bridge
    PLEDGED = "pledged"  # set aside for a compliance year
    SURRENDERED = "surrendered"  # handed in, for good
    CANCELLED = "cancelled"  # taken out, for good


class Unreadable(ValueError):
    """An entry does not have the form of its kind."""


@dataclass(frozen=True, slots=True)
class Source:
    """Numbers `[low, high)` of a book coming into being."""

    book: str
    low: int
    high: int
    unit: str
    holder: str | None
    market: str | None
    batch: str | None = None
    project: str | None = None
    methodology: str | None = None
    vintage_year: int | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Numbers of a book going from one of the statuses `leaves` to another; what is None stays as it is.

    `back` is a way back to the account: held or bridged, by the side of the bridge on which the number is. `stays` is
    told of a number and moves nothing.
    """

    book: str
    serials: tuple[tuple[int, int], ...]
    leaves: frozenset[Status]
    status: Status | None = None
    back: bool = False
    stays: bool = False
    to_book: str | None = None
    market: str | None = None
    no_market: bool = False
    holder: str | None = None
    compliance_year: int | None = None


@dataclass(frozen=True, slots=True)
class BatchStep:
    """An entry that is about a batch; what only `batch.frozen` says is None in others."""

    batch: str
    project: str | None = None
    methodology: str | None = None
    vintage_year: int | None = None
    demo: bool | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """All that one entry says."""

    sources: tuple[Source, ...] = ()
    steps: tuple[Step, ...] = ()
    batch: BatchStep | None = None


_ACCOUNT = frozenset({Status.HELD, Status.BRIDGED})
_HELD = frozenset({Status.HELD})
_LOCKED = frozenset({Status.LOCKED})
_PLEDGED = frozenset({Status.PLEDGED})
_ARRIVED = frozenset({Status.BRIDGED, Status.PLEDGED, Status.SURRENDERED, Status.CANCELLED})


def told(kind: str, body: Facts) -> Told:
    """What an entry of one of KINDS says; Unreadable when it does not have that kind's form."""
    return _READERS[kind](body)


def _issued(body: Facts) -> Told:
    first, quantity = _count(body, "first_serial"), _count(body, "quantity_t")
    batch = BatchStep(_text(body, "batch"))
    if quantity == 0:
        return Told(batch=batch)
    if first < 1:
        raise Unreadable("first_serial")
    source = Source(
        book=_text(body, "book"),
        low=first,
        high=first + quantity,
        unit=_text(body, "unit") if "unit" in body else CREDIT,
        holder=_text(body, "owner"),
        market=None,
        batch=batch.batch,
        project=_text(body, "project"),
        methodology=_text(body, "methodology"),
        vintage_year=_count(body, "vintage_year"),
        demo=_flag(body, "demo"),
    )
    return Told(sources=(source,), batch=batch)


def _registered(body: Facts) -> Told:
    """Credits of another registry, taken in."""
    facts = body.get("facts")
    if not isinstance(facts, dict):
        raise Unreadable("facts")
    years = {str(facts.get(name))[:4] for name in ("vintage_start", "vintage_end")}
    year = years.pop() if len(years) == 1 else ""
    project = facts.get("project_id")
    first = Source(
        book=_text(body, "book"),
        low=1,
        high=2,
        unit=_text(body, "unit"),
        holder=_text(body, "organisation"),
        market=_text(body, "market"),
        project=project if isinstance(project, str) else None,
        vintage_year=int(year) if year.isascii() and year.isdigit() else None,
    )
    return Told(sources=tuple(replace(first, low=low, high=high) for low, high in _serials(body)))


def _allocated(body: Facts) -> Told:
    """Allowances of one year, given to entities. Their book is named `<market>-<unit>-<year>`."""
    book, market, year = _text(body, "book"), _text(body, "market"), _count(body, "compliance_year")
    unit = book.removeprefix(f"{market}-").removesuffix(f"-{year}").upper()
    allotments = body.get("allotments")
    if not isinstance(allotments, list) or not all(isinstance(one, dict) for one in allotments):
        raise Unreadable("allotments")
    return Told(
        sources=tuple(
            Source(book, *pair, unit, _text(one, "organisation"), market, vintage_year=year)
            for one in allotments
            for pair in _serials(one)
        )
    )


def _transferred(body: Facts) -> Told:
    return Told(steps=(Step(_text(body, "book"), _serials(body), _HELD, holder=_text(body, "to")),))


def _locked(body: Facts) -> Told:
    return _bridge(body, _HELD, status=Status.LOCKED, market=_text(body, "market"))


def _returned(body: Facts) -> Told:
    return _bridge(body, _LOCKED, status=Status.HELD, no_market=True)


def _deposited(body: Facts) -> Told:
    return _bridge(
        body, _LOCKED, status=Status.BRIDGED, to_book=_text(body, "to_book"), market=_text(body, "market")
    )


def _confirmed(body: Facts) -> Told:
    return _bridge(body, _ARRIVED, stays=True)


def _bridge(body: Facts, leaves: frozenset[Status], **change: Any) -> Told:
    return Told(steps=(Step(_text(body, "from_book"), _serials(body), leaves, **change),))


def _sold(body: Facts) -> Told:
    return Told(steps=(Step(_text(body, "book"), _serials(body), _ACCOUNT, holder=_text(body, "buyer")),))


def _pledged(body: Facts) -> Told:
    return _compliance(body, _ACCOUNT, status=Status.PLEDGED, compliance_year=_count(body, "compliance_year"))


def _released(body: Facts) -> Told:
    return _compliance(body, _PLEDGED, back=True)


def _surrendered(body: Facts) -> Told:
    """What is handed in at the close of a year, and what is given back because it was too much."""
    year = _count(body, "compliance_year")
    kept = _compliance(body, _PLEDGED, status=Status.SURRENDERED, compliance_year=year)
    back = _compliance({"lots": body.get("returned", [])}, _PLEDGED, back=True)
    return Told(steps=kept.steps + back.steps)


def _compliance(body: Facts, leaves: frozenset[Status], **change: Any) -> Told:
    """Lots of one or several books."""
    lots = body.get("lots")
    if not isinstance(lots, list) or not all(isinstance(lot, dict) for lot in lots):
        raise Unreadable("lots")
    return Told(steps=tuple(Step(_text(lot, "book"), _serials(lot), leaves, **change) for lot in lots))


def _cancelled(body: Facts) -> Told:
    return Told(steps=(Step(_text(body, "book"), _serials(body), _ACCOUNT, status=Status.CANCELLED),))


def _frozen(body: Facts) -> Told:
    return Told(
        batch=BatchStep(
            batch=_text(body, "batch"),
            project=_text(body, "project"),
            methodology=_text(body, "methodology"),
            vintage_year=_count(body, "vintage_year"),
            demo=_flag(body, "demo"),
            previous=None if body.get("previous") is None else _text(body, "previous"),
        )
    )


def _of_batch(body: Facts) -> Told:
    return Told(batch=BatchStep(_text(body, "batch")))


_READERS = {
    "credit.issued": _issued,
    "credit.registered": _registered,
    "allowance.allocated": _allocated,
    "credit.transferred": _transferred,
    "bridge.locked": _locked,
    "bridge.returned": _returned,
    "bridge.deposited": _deposited,
    "bridge.confirmed": _confirmed,
    "sale.settled": _sold,
    "unit.pledged": _pledged,
    "unit.released": _released,
    "unit.surrendered": _surrendered,
    "credit.cancelled": _cancelled,
    "credit.forfeited": _cancelled,
    "batch.frozen": _frozen,
    "report.certified": _of_batch,
    "batch.verified": _of_batch,
}
KINDS = tuple(_READERS)


def _text(body: Facts, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise Unreadable(name)
    return value


def _count(body: Facts, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST:
        raise Unreadable(name)
    return value


def _flag(body: Facts, name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise Unreadable(name)
    return value


def _serials(body: Facts) -> tuple[tuple[int, int], ...]:
    value = body.get("serials")
    if not isinstance(value, list):
        raise Unreadable("serials")
    return tuple(_pairs(value))


def _pairs(value: list[Any]) -> Iterator[tuple[int, int]]:
    for pair in value:
        match pair:
            case [int(low), int(high)] if 1 <= low < high < MOST:
                yield low, high
            case _:
                raise Unreadable("serials")
