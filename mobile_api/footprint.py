"""My footprint: what I add up about my own emissions. It stands beside my reductions and is never netted with them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints, model_validator

from backend import footprint, intake
from backend.footprint import Entry, Item
from backend.kit import i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told

router = Router(prefix="/footprint", tags=["footprint"])

Category = Literal["clothing", "food", "housing", "travel"]
Thousandths = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}(\.[0-9]{1,3})?$")]
Region = Annotated[str, StringConstraints(pattern="^[A-Z]{2}(-[A-Z0-9]{1,3}){0,2}$")]
APART = (
    "足迹由您自行记录，不经核证，不入账，也不与减排量相抵。",
    "A footprint is what you note yourself: not certified, in no ledger, and never netted against reductions.",
)
REFUSALS = (
    footprint.OutsideTime,
    footprint.EntryUnknown,
    footprint.EntryEnded,
    footprint.TooManyEntries,
    *idempotency.REFUSALS,
)


class ItemTold(Told):
    """Something that can be counted, in `unit`. Without a `known` figure only an amount of one's own can be stated."""

    id: str
    category: str
    name: str
    unit: str
    most: int
    known: bool
    by_region: bool = Field(description="The figure depends on the region and year, so `region` is needed.")
    analogue: bool = Field(description="The figure is another country's: an international analogue.")
    value: str | None
    value_unit: str | None
    source_title: str | None
    source_url: str | None
    confidence: str | None

    @classmethod
    def of(cls, item: Item) -> ItemTold:
        figure = item.figure if item.known else None
        if figure is None and item.table is not None:
            figure = item.table.cells[-1].figure  # by region: the source of the table
        return cls(
            id=item.id,
            category=item.category,
            name=item.name_zh if i18n.language() == "zh" else item.name_en,
            unit=item.unit.text,
            most=item.most,
            known=item.known,
            by_region=item.table is not None,
            analogue=item.analogue,
            value=figure.written if figure is not None and item.table is None else None,
            value_unit=figure.unit.text if figure is not None else None,
            source_title=figure.source_title if figure is not None else None,
            source_url=figure.source_url if figure is not None else None,
            confidence=figure.confidence if figure is not None else None,
        )


class ItemsTold(Told):
    """Every item by category, and what a footprint is."""

    items: list[ItemTold]
    note: str


class EntryAsked(Asked):
    """Either an `item` with a `quantity`, or `stated_kg`: kilograms of CO2e that I know by myself."""

    category: Category
    happened_on: date
    item: Annotated[str, StringConstraints(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)] | None = None
    quantity: Thousandths | None = Field(
        default=None, description="In the item's unit, three places at most."
    )
    region: Region | None = None
    stated_kg: Thousandths | None = None
    replaces: UUID | None = Field(default=None, description="The entry of mine that this one corrects.")

    @model_validator(mode="after")
    def _one_of_two(self) -> EntryAsked:
        computed = self.item is not None and self.quantity is not None and self.stated_kg is None
        stated = self.stated_kg is not None and (self.item, self.quantity, self.region) == (None, None, None)
        if computed == stated:
            raise ValueError("either item and quantity, or stated_kg")
        return self


class EntryTold(Told):
    """One entry. `self_stated`: my own figure; else `factor_year` and `region` say which figure was used."""

    id: UUID
    category: str
    basis: str
    item: str | None
    quantity: str | None
    region: str | None
    factor_year: int | None
    factor_is_earlier: bool = Field(
        description="The figure is of an earlier year, since that of the day's year is not published."
    )
    pack_sha256: str | None
    emissions_g: int
    happened_on: date
    replaces: UUID | None
    recorded_at: datetime

    @classmethod
    def of(cls, entry: Entry) -> EntryTold:
        milli = entry.quantity_milli
        return cls(
            id=entry.id,
            category=entry.category,
            basis=entry.basis,
            item=entry.item,
            quantity=None if milli is None else f"{Decimal(milli).scaleb(-3).normalize():f}",
            region=entry.region,
            factor_year=entry.factor_year,
            factor_is_earlier=entry.factor_year is not None and entry.factor_year < entry.happened_on.year,
            pack_sha256=entry.pack_sha256,
            emissions_g=entry.emissions_g,
            happened_on=entry.happened_on,
            replaces=entry.replaces,
            recorded_at=entry.recorded_at,
        )


class CategorySum(Told):
    """Emissions of one category in gCO2e, apart by how they are known."""

    category: str
    computed_g: int
    self_stated_g: int
    entries: int


class SpanTold(Told):
    """Emissions by category, and beside them what my acts avoided. The two are never subtracted from each other."""

    emissions: list[CategorySum]
    reduction_g: int


class MonthTold(SpanTold):
    """One month of the year."""

    month: int


class SumsTold(Told):
    """A year and its months, up to today."""

    year: int
    whole_year: SpanTold
    months: list[MonthTold]
    note: str


@router.get("/items", responses=problems(Unauthenticated))
async def list_footprint_items(citizen: SignedInCitizen) -> ItemsTold:
    """What can be counted, with each figure and its source; what no source knows is told as unknown."""
    del citizen
    items = footprint.footprint_of(footprint.current()).items.values()
    return ItemsTold(items=[ItemTold.of(item) for item in items], note=_note())


@router.post(
    "",
    status_code=201,
    responses=problems(
        Unauthenticated,
        footprint.ItemUnknown,
        footprint.FactorUnknown,
        footprint.QuantityOutside,
        footprint.RegionNeeded,
        *REFUSALS,
    ),
)
async def add_footprint_entry(
    asked: EntryAsked, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> EntryTold:
    """Add to my footprint, or with `replaces` correct an entry. Nothing of it is credited, and nothing is posted."""
    if asked.item is not None and asked.quantity is not None:
        entry = await footprint.add(
            session,
            participant_id=citizen.id,
            category=asked.category,
            item=asked.item,
            quantity_milli=_thousandths(asked.quantity),
            happened_on=asked.happened_on,
            region=asked.region,
            replaces=asked.replaces,
        )
    else:
        entry = await footprint.state(
            session,
            participant_id=citizen.id,
            category=asked.category,
            emissions_g=_thousandths(asked.stated_kg or "0"),
            happened_on=asked.happened_on,
            replaces=asked.replaces,
        )
    return EntryTold.of(entry)


@router.get("", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_footprint_entries(
    citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[EntryTold]:
    """My entries that count, the latest day first."""
    after = asked.after(date, UUID)
    entries = await footprint.entries_of(
        session,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(entries, position=lambda entry: (entry.happened_on, entry.id), show=EntryTold.of)


@router.delete(
    "/{entry_id}", responses=problems(Unauthenticated, footprint.EntryUnknown, footprint.EntryEnded)
)
async def withdraw_footprint_entry(
    entry_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> EntryTold:
    """Take an entry back. Doing so again changes nothing."""
    return EntryTold.of(await footprint.withdraw(session, participant_id=citizen.id, entry_id=entry_id))


@router.get("/sums", responses=problems(Unauthenticated))
async def sum_footprint(
    citizen: SignedInCitizen, session: ReadSession, year: Annotated[int, Query(ge=2000, le=2100)]
) -> SumsTold:
    """My emissions of a year by month and category, beside what my acts avoided; never one minus the other."""
    sums = await footprint.sums_of(session, participant_id=citizen.id, year=year)
    months, avoided_in_all = [], 0
    for month in range(1, 13):
        first = date(year, month, 1)
        last = (date(year + month // 12, month % 12 + 1, 1)).toordinal() - 1
        avoided = (
            await intake.sums_of(session, participant_id=citizen.id, first=first, last=date.fromordinal(last))
        ).grams
        avoided_in_all += avoided
        of_month = [one for one in sums if one.month == month]
        if of_month or avoided:
            months.append(MonthTold(month=month, emissions=_by_category(of_month), reduction_g=avoided))
    whole = SpanTold(emissions=_by_category(sums), reduction_g=avoided_in_all)
    return SumsTold(year=year, whole_year=whole, months=months, note=_note())


def _by_category(sums: list[footprint.Sum]) -> list[CategorySum]:
    return [
        CategorySum(
            category=category,
            computed_g=sum(one.grams for one in of_it if one.basis == "computed"),
            self_stated_g=sum(one.grams for one in of_it if one.basis == "self_stated"),
            entries=sum(one.entries for one in of_it),
        )
        for category in footprint.CATEGORIES
        for of_it in [[one for one in sums if one.category == category]]
    ]


def _thousandths(text: str) -> int:
    """A decimal with up to three places in thousandths; kilograms become grams."""
    return int(Decimal(text).scaleb(3))


def _note() -> str:
    zh, en = APART
    return zh if i18n.language() == "zh" else en
