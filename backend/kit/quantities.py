"""Amounts: whole numbers of the smallest unit, never a float, never a mixed unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from backend.kit.errors import DomainError, Kind

MAX_AMOUNT = 2**63 - 1

Grams = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="gCO2e")]
Points = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="pt")]
Tonnes = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="tCO2e")]
Fen = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="CNY 0.01")]

GRAMS_PER_TONNE = 1_000_000


@dataclass(eq=False)
class UnitsDiffer(DomainError):
    """Amounts of different units cannot be added or compared."""

    code = "kit.units_differ"
    kind = Kind.INVALID
    title_zh = "不同单位的数量不能相加或比较。"

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A whole number of one unit: `g`, `pt`, `t` or `fen`."""

    amount: int
    unit: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"a quantity is a whole number, not {type(self.amount).__name__}")

    def __add__(self, other: Self) -> Quantity:
        return Quantity(self.amount + self._same_unit(other), self.unit)

    def __sub__(self, other: Self) -> Quantity:
        return Quantity(self.amount - self._same_unit(other), self.unit)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._same_unit(other)

    def __le__(self, other: Self) -> bool:
        return self.amount <= self._same_unit(other)

    def _same_unit(self, other: Self) -> int:
        if self.unit != other.unit:
            raise UnitsDiffer(left=self.unit, right=other.unit)
        return other.amount

    def __str__(self) -> str:
        return f"{self.amount:,} {self.unit}"
