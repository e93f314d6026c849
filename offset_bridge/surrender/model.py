"""What callers bring to pledging and closing, and get from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.ledger import SerialRange
from offset_bridge.registry import Adoption, Held, Obligation
from offset_bridge.rules import Answer, Reason


@dataclass(frozen=True, slots=True)
class AskedLot:
    """Units of one book: these numbers, or so many tonnes with the lowest numbers held."""

    book: str
    quantity_t: int | None = None
    serials: tuple[SerialRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Numbers of one lot that the place `asked` of a request means."""

    asked: int
    held: Held


@dataclass(frozen=True)
class Decision:
    """What the rules say of units: the case as the engine read it, its answer, and what both rest on."""

    adoption: Adoption
    obligation: Obligation
    case: Mapping[str, Any]
    answer: Answer
    used_t: int  # every unit that was used before
    used_offsets_t: int  # of them, those that count towards the cap

    @property
    def open_t(self) -> int:
        """What is left of the obligation before anything of this case is used."""
        return max(0, self.obligation.obligation_t - self.used_t)


@dataclass(frozen=True, slots=True)
class PledgeLine:
    """What became of numbers that were to be pledged: `usable_t` could be, `pledged_t` are, with reasons for the rest."""

    asked: int
    book: str
    unit: str
    serials: SerialRange
    usable_t: int
    pledged_t: int
    reasons: tuple[Reason, ...]

    @property
    def refused_t(self) -> int:
        return self.serials.quantity - self.usable_t


@dataclass(frozen=True)
class PledgeAnswer:
    """A pledge, or why there is none: `pledge_id` is None when nothing was pledged."""

    pledge_id: UUID | None
    decision: Decision
    lines: tuple[PledgeLine, ...]

    @property
    def pledged_t(self) -> int:
        return sum(line.pledged_t for line in self.lines)

    @property
    def refused_t(self) -> int:
        return sum(line.refused_t for line in self.lines)


@dataclass(frozen=True, slots=True)
class Pledge:
    """A pledge that was made, with its units. `released_at` is set when it was taken back."""

    id: UUID
    account_id: UUID
    market: str
    organisation: str
    compliance_year: int
    step: int
    edition: str
    pack_sha256: str
    rules_revision: int
    obligation_revision: int
    cap_t: int | None
    used_before_t: int
    offset_t: int
    allowance_t: int
    answer: Mapping[str, Any]
    pledged_at: datetime
    released_at: datetime | None
    units: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Surrendered:
    """What an entity surrendered when its year was closed. `units` are those surrendered, `returned` those given back."""

    account_id: UUID
    market: str
    organisation: str
    compliance_year: int
    obligation_revision: int
    obligation_t: int
    cap_t: int | None
    offset_t: int
    allowance_t: int
    returned_t: int
    shortfall_t: int
    surrendered_at: datetime
    units: tuple[Held, ...] = ()
    returned: tuple[Held, ...] = ()
    recounts: tuple[Recount, ...] = ()


@dataclass(frozen=True, slots=True)
class Recount:
    """What a revision after the close makes of a surrender that stands."""

    obligation_revision: int
    obligation_t: int
    cap_t: int | None
    counted_offset_t: int
    excess_t: int
    claim_t: int
    overpaid_t: int
    shortfall_t: int
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a market's year."""

    market: str
    compliance_year: int
    step: int
    rules_revision: int
    act_id: UUID
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Credits that an organisation gave up for a purpose of its own."""

    id: UUID
    account_id: UUID
    book: str
    serials: tuple[SerialRange, ...]
    quantity_t: int
    purpose: str
    cancelled_at: datetime
