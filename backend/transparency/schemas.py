"""What `/public/v1` answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from backend import log, methodologies
from backend.kit.schemas import Sha256, Told
from backend.transparency.model import Totals
from backend.transparency.telling import Status


class HeadTold(Told):
    """A signed tree head. `note` is what was signed, a C2SP checkpoint; the rest is read out of it."""

    size: int = Field(description="How many entries the log had.")
    root: Sha256
    signed_at: datetime
    key_id: str = Field(description="The four bytes, in hex, by which the note names its key.")
    note: str

    @classmethod
    def of(cls, head: log.TreeHead) -> HeadTold:
        return cls(
            size=head.size,
            root=head.root.hex(),
            signed_at=head.signed_at,
            key_id=head.key_id.hex(),
            note=head.note,
        )


class HeadPage(Told):
    """Signed heads by size; `next` is where to go on, null at the end."""

    items: list[HeadTold]
    next: int | None


class KeyTold(Told):
    """A key that signs tree heads: Ed25519, 32 bytes in hex."""

    name: str
    generation: int
    key_id: str
    public_key: str

    @classmethod
    def of(cls, key: log.PublicKey) -> KeyTold:
        return cls(
            name=key.name,
            generation=key.generation,
            key_id=key.key_id.hex(),
            public_key=key.public_key.hex(),
        )


class EntryTold(Told):
    """A log entry. `leaf_hash` is SHA-256 of a zero byte and the UTF-8 bytes of `canonical`; the rest is read out of it."""

    index: int
    kind: str
    recorded_at: datetime
    body: dict[str, Any]
    canonical: str
    leaf_hash: Sha256

    @classmethod
    def of(cls, entry: log.Entry) -> EntryTold:
        return cls(
            index=entry.index,
            kind=entry.kind,
            recorded_at=entry.recorded_at,
            body=entry.body,
            canonical=entry.canonical.decode(),
            leaf_hash=entry.leaf_hash.hex(),
        )


class EntryPage(Told):
    """Entries in order; `next` is the index to go on from, null at the end of the log."""

    items: list[EntryTold]
    next: int | None
    size: int = Field(description="How many entries the log has now.")


class ConsistencyTold(Told):
    """That the log of `new` entries only added to that of `old`; heads are there where one was signed at that size."""

    old: int
    new: int
    old_root: Sha256
    new_root: Sha256
    proof: list[Sha256]
    old_head: HeadTold | None
    new_head: HeadTold | None


class PartTold(Told):
    """Grams of a tonne in one run of acts of a batch's certified tree; `acts` and the days are those of the whole run.

    They are null where all acts of the batch together are fewer than ten. What was carried from an earlier batch is
    told by `parts`, which lie in that batch's tree.
    """

    batch: str
    low_g: int
    high_g: int
    grams: int
    from_day: str | None
    to_day: str | None
    regions: list[str] | None
    acts: int | None
    carried_from: str | None
    parts: list[PartTold]


class TonneTold(Told):
    """The grams `[low_g, high_g)` of a batch's certified tree that make up its tonne number `tonne` (from 1)."""

    tonne: int
    low_g: int
    high_g: int
    parts: list[PartTold]


class LeaveTold(Told):
    """The filing, or the override for demonstrations (`demo`), on which the methodology rests."""

    entry_index: int
    demo: bool
    pack_sha256: str
    methodology: str | None
    version: str | None
    region: str | None
    valid_from: str | None
    valid_until: str | None
    reason: str | None


class EventOfSerial(Told):
    """Something that happened to this very number; `entry_index` is where the log says so."""

    entry_index: int
    kind: str
    recorded_at: datetime
    books: list[str]
    facts: dict[str, Any]


class StandingTold(Told):
    """Where the number stands now: since which entry, in which book, in whose account."""

    status: Status
    book: str
    market: str | None
    holder: str | None
    compliance_year: int | None
    entry_index: int


class BatchTold(Told):
    """A batch, as far as it has come: `frozen`, `reported`, `verified` or `issued`. Amounts in grams and tonnes."""

    id: str
    state: str
    project: str
    methodology: str
    vintage_year: int
    demo: bool
    sequence: int | None
    first_month: str | None
    last_month: str | None
    previous: str | None
    next: str | None
    carry_in_g: int | None
    acts: int | None = Field(description="Null below ten.")
    frozen_g: int | None
    frozen_root: str | None
    pack_sha256s: list[str]
    report_sha256: str | None
    verification_body: str | None
    statement_sha256: str | None
    rejected_g: int | None
    deducted_g: int | None
    corrections_g: int | None = Field(
        description="What of the deduction makes good for acts of earlier batches that were withdrawn since; null for none."
    )
    verified_g: int | None
    certified_g: int | None
    certified_leaves: int | None
    certified_root: str | None
    book: str | None
    first_serial: str | None
    last_serial: str | None
    quantity_t: int | None
    owner: str | None
    carry_out_g: int | None
    entries: dict[str, int] = Field(description="The log entry of each step.")


class StoryTold(Told):
    """All that the log tells of one serial number. `demo`: what it rests on was never filed; it is a demonstration."""

    serial: str
    book: str
    number: int
    line: str = Field(description="The book in which the number came into being.")
    also: list[str] = Field(
        description="The same number as it is printed in the other books in which it stood."
    )
    unit: str
    demo: bool
    credit: str | None = Field(description="A credit's serial as its certificate prints it.")
    stands: StandingTold
    events: list[EventOfSerial]
    batch: BatchTold | None
    tonne: TonneTold | None
    leave: list[LeaveTold]
    overlays: list[str] = Field(description="Fingerprints of overlays for demonstrations that it rests on.")
    as_of_entries: int = Field(description="How many entries of the log this answer knows.")


class FoundTold(Told):
    """Neighbouring serial numbers that stand alike."""

    first_serial: str
    last_serial: str
    quantity_t: int
    unit: str
    status: Status
    book: str
    market: str | None
    holder: str | None
    compliance_year: int | None
    batch: str | None
    project: str | None
    methodology: str | None
    vintage_year: int | None
    demo: bool
    born: int = Field(description="The log entry with which these numbers came into being.")
    last: int = Field(description="The log entry that brought them where they stand.")


class ActStepTold(Told):
    """Where an act's grams lie in a batch's tree, and what became of the tonnes that they are part of.

    `kind` is the log entry that the receipt rests on; with `batch.frozen` nothing is certified yet, and a newer receipt
    says more. `carried_on_g` went on into the batch `carried_to`, if there is one by now.
    """

    batch: str
    kind: str
    state: str | None
    low_g: int
    high_g: int
    carried_on_g: int
    carried_to: str | None
    first_tonne: int | None
    last_tonne: int | None
    tonnes: list[FoundTold]


class ActTold(Told):
    """Where the grams of one act went, as its receipt proves. `counted_g` is what the batch's tree has of it."""

    counted_g: int
    steps: list[ActStepTold]
    as_of_entries: int


class InclusionTold(Told):
    """That an entry is in the log of `size` entries (RFC 9162, section 2.1.3), where no head was signed at that size."""

    index: int
    size: int
    leaf_hash: Sha256
    root: Sha256
    proof: list[Sha256]


class Tonnes(Told):
    """Tonnes by where they stand."""

    held_t: int = 0
    locked_t: int = 0
    bridged_t: int = 0
    pledged_t: int = 0
    surrendered_t: int = 0
    cancelled_t: int = 0

    @classmethod
    def by(cls, status: dict[Status, int]) -> Tonnes:
        return cls(**{f"{one}_t": quantity for one, quantity in status.items()})


class CoBenefitsTold(Told):
    """Pollutants that a national average puts beside the tonnes issued: an illustration, no part of any credit."""

    so2_kg: int
    nox_kg: int
    note_zh: str
    note_en: str

    @classmethod
    def of(cls, tonnes: int) -> CoBenefitsTold:
        told = methodologies.illustrate(tonnes * 1_000_000)
        return cls(
            so2_kg=told.so2_mg // 1_000_000, nox_kg=told.nox_mg // 1_000_000, note_zh=told.zh, note_en=told.en
        )


class TotalsTold(Told):
    """Tonnes of one unit, project, methodology and vintage: issued, and where they stand, in all and by market."""

    unit: str
    project: str | None
    methodology: str | None
    vintage_year: int | None
    demo: bool
    issued_t: int
    standing: Tonnes
    markets: dict[str, Tonnes]
    co_benefits: CoBenefitsTold | None = Field(description="Of credits by a methodology; null for others.")

    @classmethod
    def of(cls, one: Totals) -> TotalsTold:
        return cls(
            unit=one.unit,
            project=one.project,
            methodology=one.methodology,
            vintage_year=one.vintage_year,
            demo=one.demo,
            issued_t=one.issued_t,
            standing=Tonnes.by(one.by_status),
            markets={market: Tonnes.by(status) for market, status in sorted(one.by_market.items())},
            co_benefits=CoBenefitsTold.of(one.issued_t) if one.methodology else None,
        )


class Figures(Told):
    """Totals computed from the log's first `as_of_entries` entries."""

    as_of_entries: int
    items: list[TotalsTold]
