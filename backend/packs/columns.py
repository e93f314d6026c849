"""Evaluates a formula exactly over whole columns of inputs, without a float.

Each sub-expression is an int64 array of numerators over one constant denominator, with the least and greatest
numerator that the declared bounds of the inputs allow. `+ - * min max floor` and comparisons stay in that form, and so
does division by a constant. A division by a column, or a step whose bounds could leave int64, is refused when the
formula is prepared (`NotColumnar`); the caller then evaluates each distinct row with `evaluate`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.packs.evaluate import COMPARE
from backend.packs.formula import Binary, Extreme, Floor, Name, Negative, Node, Number, When

Int64s = NDArray[np.int64]
MIN_INT64, MAX_INT64 = -(2**63), 2**63 - 1

_COMPARE_COLUMNS: dict[str, Callable[[Any, Any], NDArray[np.bool_]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


class NotColumnar(Exception):
    """The formula cannot be held in int64 numerators over constant denominators."""


@dataclass(frozen=True, slots=True)
class Column:
    """Numerators (an array, or one whole number for a constant) over a denominator, and the numerators' bounds."""

    numerator: Int64s | int
    denominator: int
    low: int
    high: int

    @classmethod
    def constant(cls, value: Fraction) -> Column:
        return _fitting(value.numerator, value.denominator, value.numerator, value.numerator)

    @classmethod
    def given(cls, values: Int64s, *, low: int, high: int, scale: Fraction) -> Column:
        """Whole input values within `low` and `high`, each worth `scale` base units."""
        return _times(_fitting(values, 1, low, high), cls.constant(scale))

    @property
    def is_constant(self) -> bool:
        return isinstance(self.numerator, int)


def evaluate_columns(node: Node, columns: Mapping[str, Column]) -> Column:  # noqa: C901, PLR0911 - one case per node
    """The formula's tree over columns; `NotColumnar` depends on the bounds alone, never on the values."""
    match node:
        case Number(value):
            return Column.constant(Fraction(value))
        case Name(id=name):
            return columns[name]
        case Negative(inner):
            return _times(evaluate_columns(inner, columns), Column.constant(Fraction(-1)))
        case Floor(inner):
            found = evaluate_columns(inner, columns)
            d = found.denominator
            whole = found.numerator if d == 1 else found.numerator // d
            return Column(whole, 1, found.low // d, found.high // d)
        case Binary("+", left, right):
            return _plus(evaluate_columns(left, columns), evaluate_columns(right, columns))
        case Binary("-", left, right):
            negated = _times(evaluate_columns(right, columns), Column.constant(Fraction(-1)))
            return _plus(evaluate_columns(left, columns), negated)
        case Binary("*", left, right):
            return _times(evaluate_columns(left, columns), evaluate_columns(right, columns))
        case Binary("/", left, right):
            return _over(evaluate_columns(left, columns), evaluate_columns(right, columns))
        case Extreme(which, parts):
            return _extreme(which, [evaluate_columns(part, columns) for part in parts])
        case When():
            return _when(node, columns)
    raise AssertionError(node)


def _fitting(numerator: Any, denominator: int, low: int, high: int) -> Column:
    if low < MIN_INT64 or high > MAX_INT64 or denominator > MAX_INT64:
        raise NotColumnar
    return Column(numerator, denominator, low, high)


def _scaled(column: Column, denominator: int) -> Column:
    factor = denominator // column.denominator
    if factor == 1:
        return column
    low, high = column.low * factor, column.high * factor
    if factor > MAX_INT64 or low < MIN_INT64 or high > MAX_INT64:
        raise NotColumnar
    return Column(column.numerator * factor, denominator, low, high)


def _alike(columns: list[Column]) -> list[Column]:
    denominator = math.lcm(*(column.denominator for column in columns))
    if denominator > MAX_INT64:
        raise NotColumnar
    return [_scaled(column, denominator) for column in columns]


def _plus(left: Column, right: Column) -> Column:
    a, b = _alike([left, right])
    low, high = a.low + b.low, a.high + b.high
    if low < MIN_INT64 or high > MAX_INT64:
        raise NotColumnar
    return Column(a.numerator + b.numerator, a.denominator, low, high)


def _times(left: Column, right: Column) -> Column:
    left, right = _cancelled(left, right)
    left, right = _cancelled(right, left)
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    denominator = left.denominator * right.denominator
    if min(corners) < MIN_INT64 or max(corners) > MAX_INT64 or denominator > MAX_INT64:
        raise NotColumnar
    return Column(left.numerator * right.numerator, denominator, min(corners), max(corners))


def _cancelled(left: Column, right: Column) -> tuple[Column, Column]:
    """Cancel a constant `left` against the denominator of `right`, so that numbers stay small."""
    if not isinstance(left.numerator, int) or left.numerator == 0:
        return left, right
    common = math.gcd(left.numerator, right.denominator)
    n = left.numerator // common
    return Column(n, left.denominator, n, n), Column(
        right.numerator, right.denominator // common, right.low, right.high
    )


def _over(left: Column, right: Column) -> Column:
    if not isinstance(right.numerator, int) or right.numerator == 0:
        raise NotColumnar
    return _times(left, Column.constant(Fraction(right.denominator, right.numerator)))


def _extreme(which: str, columns: list[Column]) -> Column:
    alike = _alike(columns)
    pick, narrow = (np.minimum, min) if which == "min" else (np.maximum, max)
    found = alike[0]
    for other in alike[1:]:
        both = isinstance(found.numerator, int) and isinstance(other.numerator, int)
        numerator: Any = (
            narrow(found.numerator, other.numerator) if both else pick(found.numerator, other.numerator)
        )
        found = Column(
            numerator, found.denominator, narrow(found.low, other.low), narrow(found.high, other.high)
        )
    return found


def _when(node: When, columns: Mapping[str, Column]) -> Column:
    left, right = _alike([evaluate_columns(node.left, columns), evaluate_columns(node.right, columns)])
    if isinstance(left.numerator, int) and isinstance(right.numerator, int):
        chosen = COMPARE[node.comparison](Fraction(left.numerator), Fraction(right.numerator))
        return evaluate_columns(node.then if chosen else node.otherwise, columns)
    then, otherwise = _alike(
        [evaluate_columns(node.then, columns), evaluate_columns(node.otherwise, columns)]
    )
    where = _COMPARE_COLUMNS[node.comparison](left.numerator, right.numerator)
    return Column(
        np.where(where, then.numerator, otherwise.numerator),
        then.denominator,
        min(then.low, otherwise.low),
        max(then.high, otherwise.high),
    )
