"""Answer questions about serial numbers and batches, from what the log says and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import certification, log
from backend.kit import ids
from backend.kit.quantities import GRAMS_PER_TONNE
from backend.transparency import queries, runs
from backend.transparency.errors import BatchUnknown, SerialUnknown
from backend.transparency.model import Batch, EventTold, Found, Leave, Part, Standing, Story, Tonne, Totals
from backend.transparency.printed import printed
from backend.transparency.queries import Filter
from backend.transparency.runs import FEWEST
from backend.transparency.telling import Status, Unreadable

DEEPEST = 12  # batches back through which carried grams are told in particulars
_LISTS = frozenset({"serials", "lots", "runs"})


async def story(session: AsyncSession, *, book: str, number: int) -> Story:
    """Everything that happened to one number, where it is now, and what it is made of; SerialUnknown."""
    as_of = await queries.progress(session)
    line = await queries.line_of(session, book=book, number=number)
    span = None if line is None else await queries.span_at(session, line=line, number=number)
    if line is None or span is None:
        raise SerialUnknown
    books: dict[int, list[str]] = {}
    for entry_index, at in await queries.events_at(session, line=line, number=number):
        books.setdefault(entry_index, []).append(at)
    entries = await log.entries_at(session, books)
    born = next(entry for entry in entries if entry.index == span.born)
    found = await queries.source_at(session, born=span.born, number=number)
    batch = tonne = None
    if found["batch"] is not None:
        batch = await _known(session, batch=found["batch"])
        tonne = await _tonne(session, born.body, batch=found["batch"], tonne=number - found["low"] + 1)
    return Story(
        book=book,
        number=number,
        line=line,
        unit=found["unit"],
        demo=found["demo"],
        credit=_credit(found, born.body, number),
        stands=Standing(
            status=span.status,
            book=span.book,
            market=span.market,
            holder=span.holder,
            compliance_year=span.compliance_year,
            entry_index=span.last,
        ),
        events=tuple(_event(entry, books[entry.index]) for entry in entries),
        batch=batch,
        tonne=tonne,
        leave=() if batch is None else await _leave(session, born.body, batch.pack_sha256s, before=span.born),
        overlays=tuple(map(str, born.body.get("overlays") or ())),
        as_of_entries=as_of,
    )


def _credit(source: RowMapping, issued: dict[str, Any], number: int) -> str | None:
    """A credit's serial as its certificate prints it; None for other units."""
    region = issued.get("region")
    if source["batch"] is None or not isinstance(region, str):
        return None
    said = certification.Printed(
        source["line"], number, region, source["vintage_year"], source["methodology"]
    )
    return certification.print_serial(said)


def _event(entry: log.Entry, books: Sequence[str]) -> EventTold:
    facts = {name: value for name, value in entry.body.items() if name not in _LISTS}
    return EventTold(entry.index, entry.kind, entry.recorded_at, tuple(dict.fromkeys(books)), facts)


async def _tonne(session: AsyncSession, issued: dict[str, Any], *, batch: str, tonne: int) -> Tonne:
    low, high = (tonne - 1) * GRAMS_PER_TONNE, tonne * GRAMS_PER_TONNE
    parts = await parts_of(session, issued, batch=batch, low_g=low, high_g=high)
    return Tonne(tonne=tonne, low_g=low, high_g=high, parts=parts)


async def parts_of(
    session: AsyncSession, issued: dict[str, Any], *, batch: str, low_g: int, high_g: int, depth: int = 0
) -> tuple[Part, ...]:
    """What grams `[low_g, high_g)` of a batch's certified tree are made of, through the batches they were carried from."""
    try:
        listed = runs.runs_of(issued)
    except Unreadable:
        return ()
    found = []
    for run, low, high in runs.within(listed, low_g, high_g):
        carried: tuple[Part, ...] = ()
        if run.carried_from is not None and depth < DEEPEST:
            carried = await _carried(
                session, run.carried_from, low - run.low_g, high - run.low_g, depth=depth + 1
            )
        found.append(
            Part(
                batch=batch,
                low_g=low,
                high_g=high,
                from_day=run.from_day,
                to_day=run.to_day,
                regions=run.regions,
                acts=run.acts,
                carried_from=run.carried_from,
                parts=carried,
            )
        )
    return tuple(found)


async def _carried(session: AsyncSession, batch: str, low: int, high: int, *, depth: int) -> tuple[Part, ...]:
    """The parts, in an earlier batch, of grams `[low, high)` of what it carried on."""
    issued = await entry_of(session, batch=batch, kind="credit.issued")
    if issued is None:
        return ()
    total, carried = issued.body.get("certified_g"), issued.body.get("carry_out_g")
    if not isinstance(total, int) or not isinstance(carried, int) or not 0 <= high <= carried <= total:
        return ()
    start = total - carried
    return await parts_of(
        session, issued.body, batch=batch, low_g=start + low, high_g=start + high, depth=depth
    )


async def entry_of(session: AsyncSession, *, batch: str, kind: str) -> log.Entry | None:
    """The newest entry of a kind about a batch."""
    steps = await queries.batch_steps(session, batch=batch)
    found = await log.entries_at(session, [index for index, one in steps if one == kind][-1:])
    return found[0] if found else None


async def _leave(
    session: AsyncSession, issued: dict[str, Any], packs: Iterable[str], *, before: int
) -> tuple[Leave, ...]:
    """What the issuance rests on: the filings that it names, else what stood for its packs when it was made."""
    kinds = ("methodology.filed", "methodology.demo_override")
    entries = await log.entries(session, low=0, high=before, kinds=kinds)
    wanted, named = set(packs), set(issued.get("filings") or ())
    return tuple(
        Leave(
            entry_index=entry.index,
            demo=entry.kind == "methodology.demo_override",
            pack_sha256=entry.body["pack_sha256"],
            **{name: entry.body.get(name) for name in _LEAVE},
        )
        for entry in entries
        if (_filing_of(entry) in named if named else entry.body.get("pack_sha256") in wanted)
    )


def _filing_of(entry: log.Entry) -> str | None:
    """The id of the filing that an entry is about, which follows from its act's."""
    try:
        return str(ids.derive(UUID(entry.body["act"]), "filing"))
    except (KeyError, ValueError):
        return None


_LEAVE = ("methodology", "version", "region", "valid_from", "valid_until", "reason")


async def batch_of(session: AsyncSession, *, batch: str) -> Batch:
    """A batch with every step that the log tells of; BatchUnknown."""
    steps = await queries.batch_steps(session, batch=batch)
    if not any(kind == "batch.frozen" for _, kind in steps):
        raise BatchUnknown
    entries = {
        entry.kind: entry for entry in await log.entries_at(session, [index for index, _ in steps])
    }  # a later revision of a step takes the place of an earlier one
    return _batch(batch, entries, after=await queries.batch_after(session, batch=batch))


async def _known(session: AsyncSession, *, batch: str) -> Batch | None:
    try:
        return await batch_of(session, batch=batch)
    except BatchUnknown:
        return None


async def batches(
    session: AsyncSession, wanted: Filter, *, after: int | None, limit: int
) -> list[tuple[int, Batch]]:
    """Frozen batches with the index of their entry, newest first, strictly behind `after`."""
    found = await queries.batches(session, wanted, after=after, limit=limit)
    return [(index, await batch_of(session, batch=batch)) for index, batch in found]


def _batch(batch: str, entries: Mapping[str, log.Entry], *, after: str | None) -> Batch:
    frozen = entries["batch.frozen"].body
    report = _body(entries, "report.certified")
    verified = _body(entries, "batch.verified")
    issued = _body(entries, "credit.issued")
    acts: Any = frozen.get("acts")
    facts: dict[str, Any] = {
        **{name: frozen.get(name) for name in _FROZEN},
        **{name: verified.get(name) for name in _VERIFIED},
        **{name: issued.get(name, verified.get(name)) for name in _CERTIFIED},
        **{name: issued.get(name) for name in _ISSUED},
        "acts": acts if isinstance(acts, int) and acts >= FEWEST else None,
        "pack_sha256s": tuple(frozen.get("pack_sha256s") or ()),
        "report_sha256": report.get("report_sha256"),
    }
    if issued.get("quantity_t"):
        book, first, quantity = issued["book"], issued["first_serial"], issued["quantity_t"]
        facts |= {"first_serial": printed(book, first), "last_serial": printed(book, first + quantity - 1)}
    entry_of = {kind: entry.index for kind, entry in entries.items()}
    return Batch(id=batch, next=after, entries=entry_of, **facts)


_FROZEN = (
    "project", "methodology", "vintage_year", "demo", "sequence", "first_month", "last_month", "previous",
    "carry_in_g", "frozen_g", "frozen_root",
)  # fmt: skip
_VERIFIED = (
    "verification_body", "statement_sha256", "rejected_g", "deducted_g", "corrections_g", "verified_g",
)  # fmt: skip
_CERTIFIED = ("certified_g", "certified_leaves", "certified_root")
_ISSUED = ("book", "quantity_t", "owner", "carry_out_g")


def _body(entries: Mapping[str, log.Entry], kind: str) -> dict[str, Any]:
    return entries[kind].body if kind in entries else {}


async def search(
    session: AsyncSession, wanted: Filter, *, after: tuple[str, int] | None, limit: int
) -> list[Found]:
    """Numbers by project, methodology, vintage, status and so on, as runs that stand alike, in order."""
    rows = await queries.search(session, wanted, after=after, limit=limit)
    return [found_of(row) for row in rows]


def found_of(row: RowMapping) -> Found:
    """A run of numbers from its row."""
    return Found(**{**row, "status": Status(row["status"])})


async def totals(session: AsyncSession, wanted: Filter) -> list[Totals]:
    """Tonnes by unit, project, methodology and vintage, each by where they stand and by market."""
    found: dict[tuple[Any, ...], Totals] = {}
    for row in await queries.totals(session, wanted):
        kind = (row["unit"], row["project"], row["methodology"], row["vintage_year"], row["demo"])
        one = found.setdefault(kind, Totals(*kind, by_status={}, by_market={}))
        status, quantity = Status(row["status"]), row["quantity_t"]
        one.by_status[status] = one.by_status.get(status, 0) + quantity
        if row["market"] is not None:
            market = one.by_market.setdefault(row["market"], {})
            market[status] = market.get(status, 0) + quantity
    return list(found.values())
