"""How requests name units with serial numbers, and how answers show them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from backend import ledger
from backend.kit.errors import DomainError, Kind
from backend.kit.schemas import Asked, Code, Told
from backend.ledger import SerialRange

MOST_NUMBERS = 10**12
MOST_RUNS = 200

Number = Annotated[int, Field(strict=True, ge=1, le=MOST_NUMBERS)]
Tonnes = Annotated[int, Field(strict=True, ge=1, le=MOST_NUMBERS, description="tCO2e")]


class NumbersUnclear(DomainError):
    """Say either how many tonnes or which serial numbers, each of them once."""

    code = "units.numbers_unclear"
    kind = Kind.INVALID
    title_zh = "请写明吨数或编号之一，编号不得重复。"


class Run(Asked):
    """Serial numbers in a row; both ends are included."""

    first: Number
    last: Number


class Units(Asked):
    """Units of one book: either `quantity_t`, and the lowest numbers held are taken, or the numbers themselves."""

    book: Code = Field(examples=["phcer"])
    quantity_t: Tonnes | None = None
    serials: list[Run] | None = Field(default=None, min_length=1, max_length=MOST_RUNS)

    def chosen(self) -> tuple[int, tuple[SerialRange, ...] | None]:
        """How many, and which if they were named; NumbersUnclear when that cannot be said."""
        if self.serials is None:
            if self.quantity_t is None:
                raise NumbersUnclear
            return self.quantity_t, None
        if self.quantity_t is not None or any(run.last < run.first for run in self.serials):
            raise NumbersUnclear
        try:
            named = ledger.joined(SerialRange(run.first, run.last + 1) for run in self.serials)
        except ValueError:
            raise NumbersUnclear from None
        return sum(one.quantity for one in named), named


class RunTold(Told):
    """Serial numbers of the book in a row, both ends included."""

    first: int
    last: int
    quantity_t: int

    @classmethod
    def of(cls, run: SerialRange) -> RunTold:
        return cls(first=run.low, last=run.high - 1, quantity_t=run.quantity)
