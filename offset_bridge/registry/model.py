"""What callers get of a compliance registry."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from backend.ledger import SerialRange


class Mode(enum.StrEnum):
    """Whether a registry is real."""

    LIVE = "live"
    DEMO = "demo"


class Source(enum.StrEnum):
    """How numbers came to stand in a market's book."""

    ALLOCATED = "allocated"
    REGISTERED = "registered"
    BRIDGED = "bridged"


@dataclass(frozen=True, slots=True)
class ModeSet:
    """What a registry is, by which act, since when."""

    market: str
    revision: int
    mode: Mode
    act_id: UUID
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """An organisation's account in a market, named by the organisation's code. `regulated`: it may have an obligation."""

    id: UUID
    market: str
    organisation_id: UUID
    organisation: str
    region: str
    regulated: bool
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Obligation:
    """An entity's figures of a compliance year, all in tonnes; the highest revision holds."""

    account_id: UUID
    market: str
    organisation: str
    compliance_year: int
    revision: int
    issued_t: int
    initial_t: int
    confirmed_emissions_t: int
    obligation_t: int
    reason: str
    act_id: UUID
    fixed_at: datetime


@dataclass(frozen=True, slots=True)
class Adoption:
    """By which edition a market's year is judged. `pools` are tonnes by id; `parameters` what the pack leaves open."""

    market: str
    compliance_year: int
    revision: int
    pack_sha256: str
    edition: str
    pools: Mapping[str, int]
    parameters: Mapping[str, bool | str]
    apply_by: date
    surrender_by: date
    act_id: UUID
    adopted_at: datetime


@dataclass(frozen=True, slots=True)
class Lot:
    """What a run of numbers of a market's book is. `facts` are those of a holding of `puhui offset evaluate`, and more."""

    id: UUID
    book: str
    serials: SerialRange
    unit: str
    demo: bool
    source: Source
    source_id: UUID
    facts: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """Numbers that one account holds, all of one lot."""

    lot: Lot
    serials: SerialRange

    @property
    def id(self) -> str:
        """The name of these numbers in a case: the book, the first and the last."""
        return f"{self.lot.book}:{self.serials.low}-{self.serials.high - 1}"
