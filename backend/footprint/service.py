"""Adding to one's footprint, correcting it, taking entries back, and adding it up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import packs
from backend.footprint import queries
from backend.footprint.computing import emission_of
from backend.footprint.errors import EntryEnded, EntryUnknown, ItemUnknown, OutsideTime, TooManyEntries
from backend.footprint.shape import current, footprint_of
from backend.identity import people
from backend.identity.locks import take_turns
from backend.kit import clock, ids

FIRST_DAY = dt.date(2000, 1, 1)
PER_DAY = 200  # entries that one citizen may add in a day
Basis = Literal["computed", "self_stated"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One amount of emissions in grams of CO2e. `quantity_milli` counts thousandths of the item's unit."""

    id: UUID
    category: str
    basis: Basis
    item: str | None
    quantity_milli: int | None
    region: str | None
    factor_year: int | None
    pack_sha256: str | None
    emissions_g: int
    happened_on: dt.date
    replaces: UUID | None
    recorded_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Sum:
    """What one category of one month came to, by one basis."""

    month: int
    category: str
    basis: Basis
    grams: int
    entries: int


async def add(
    session: AsyncSession,
    *,
    participant_id: UUID,
    category: str,
    item: str,
    quantity_milli: int,
    happened_on: dt.date,
    region: str | None = None,
    replaces: UUID | None = None,
) -> Entry:
    """Add a quantity of an item; its emissions are computed by the pack that is current, which is kept.

    `quantity_milli` counts thousandths of the item's unit; `region` is needed where the figure depends on it. With
    `replaces`, the entry stands in for an earlier one of the same citizen. Refuses with `ItemUnknown`, `FactorUnknown`,
    `QuantityOutside`, `RegionNeeded`, `OutsideTime`, `EntryUnknown`, `EntryEnded` or `TooManyEntries`.
    """
    pack = current()
    found = footprint_of(pack).items.get(item)
    if found is None or found.category != category:
        raise ItemUnknown
    emission = emission_of(found, quantity_milli=quantity_milli, region=region, year=happened_on.year)
    await packs.store(session, pack)
    return await _record(
        session,
        participant_id=participant_id,
        category=category,
        basis="computed",
        item=item,
        quantity_milli=quantity_milli,
        region=emission.region,
        factor_year=emission.year,
        pack_sha256=pack.sha256,
        emissions_g=emission.grams,
        happened_on=happened_on,
        replaces=replaces,
    )


async def state(
    session: AsyncSession,
    *,
    participant_id: UUID,
    category: str,
    emissions_g: int,
    happened_on: dt.date,
    replaces: UUID | None = None,
) -> Entry:
    """Add a figure that the citizen knows by themselves, marked as self-stated; grams of CO2e, at least 0."""
    return await _record(
        session,
        participant_id=participant_id,
        category=category,
        basis="self_stated",
        item=None,
        quantity_milli=None,
        region=None,
        factor_year=None,
        pack_sha256=None,
        emissions_g=emissions_g,
        happened_on=happened_on,
        replaces=replaces,
    )


async def withdraw(session: AsyncSession, *, participant_id: UUID, entry_id: UUID) -> Entry:
    """Take an entry back; again changes nothing. `EntryUnknown` for what is not this citizen's own, `EntryEnded` for
    one that was corrected: its correction is what counts.
    """
    await take_turns(session, _turn(participant_id))
    row = await _own(session, participant_id, entry_id)
    if not row["counts"] and not row["withdrawn"]:
        raise EntryEnded
    await queries.withdraw(session, id=entry_id, at=clock.now())
    return _entry(row)


async def entries_of(
    session: AsyncSession, *, participant_id: UUID, limit: int, after: tuple[dt.date, UUID] | None = None
) -> list[Entry]:
    """The entries that count, the latest day first; `after` is the day and id of the last one seen."""
    rows = await queries.entries(session, participant_id=participant_id, after=after, limit=limit)
    return [_entry(row) for row in rows]


async def sums_of(session: AsyncSession, *, participant_id: UUID, year: int) -> list[Sum]:
    """What the entries that count came to, by month of a year, category and basis; months without entries are absent."""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    rows = await queries.sums(session, participant_id=participant_id, first=first, last=last)
    return [Sum(**row) for row in rows]


async def _record(
    session: AsyncSession, *, participant_id: UUID, replaces: UUID | None, happened_on: dt.date, **facts: Any
) -> Entry:
    if not FIRST_DAY <= happened_on <= clock.today():
        raise OutsideTime
    await people.participant_of(session, participant_id=participant_id)
    await take_turns(session, _turn(participant_id))
    midnight = dt.datetime.combine(clock.today(), dt.time(), clock.SHANGHAI)
    if await queries.recorded_since(session, participant_id=participant_id, since=midnight) >= PER_DAY:
        raise TooManyEntries(most=PER_DAY)
    if replaces is not None and not (await _own(session, participant_id, replaces))["counts"]:
        raise EntryEnded
    entry = Entry(
        id=ids.uuid7(), happened_on=happened_on, replaces=replaces, recorded_at=clock.now(), **facts
    )
    row = {name: getattr(entry, name) for name in Entry.__slots__}
    await queries.add(session, participant_id=participant_id, **row)
    return entry


async def _own(session: AsyncSession, participant_id: UUID, entry_id: UUID) -> RowMapping:
    row = await queries.own(session, entry_id=entry_id, participant_id=participant_id)
    if row is None:
        raise EntryUnknown
    return row


def _turn(participant_id: UUID) -> str:
    return f"footprint:{participant_id}"


def _entry(row: RowMapping) -> Entry:
    return Entry(**{name: cast("Any", row[name]) for name in Entry.__slots__})
