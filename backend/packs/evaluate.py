"""Evaluates a formula exactly, one action at a time, with fractions. This is the reference; `columns` must agree."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

from backend.packs.formula import Binary, Extreme, Floor, Name, Negative, Node, Number, When

COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


def evaluate(node: Node, values: Mapping[str, Fraction]) -> Fraction:  # noqa: PLR0911 - one case per node
    """The exact value of a formula's tree; every name is given in base units. ZeroDivisionError where it divides by 0.

    Of a `when`, only the branch that is chosen is evaluated.
    """
    match node:
        case Number(value):
            return Fraction(value)
        case Name(id=name):
            return values[name]
        case Negative(inner):
            return -evaluate(inner, values)
        case Floor(inner):
            return Fraction(math.floor(evaluate(inner, values)))
        case Binary(sign, left, right):
            a, b = evaluate(left, values), evaluate(right, values)
            return a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a / b
        case Extreme(which, parts):
            found = [evaluate(part, values) for part in parts]
            return min(found) if which == "min" else max(found)
        case When(comparison, left, right, then, otherwise):
            chosen = COMPARE[comparison](evaluate(left, values), evaluate(right, values))
            return evaluate(then if chosen else otherwise, values)
    raise AssertionError(node)
