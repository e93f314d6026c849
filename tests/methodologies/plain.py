"""The plainest way to the grams of an act: a pack's TOML read with Decimal and Fraction, and a formula read by Python.

It shares no line with the package. Nothing here is fast, and nothing is clever.
"""

from __future__ import annotations

import ast
import math
import operator
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

UNITS = {
    "1": Fraction(1),
    "%": Fraction(1, 100),
    "m": Fraction(1),
    "km": Fraction(1000),
    "kWh": Fraction(3_600_000),
    "MJ": Fraction(1_000_000),
    "kgCO2/kWh": Fraction(1000, 3_600_000),
    "gCO2/kWh": Fraction(1, 3_600_000),
    "gCO2e/km": Fraction(1, 1000),
    "gCO2e/MJ": Fraction(1, 1_000_000),
    "gCO2e": Fraction(1),
}
_COMPARE = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
_SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def figure(text: str) -> Fraction:
    """`"48.7"` or `"1/3"`"""
    above, _, below = text.partition("/")
    return Fraction(Decimal(above)) / Fraction(Decimal(below or "1"))


class Refused(Exception):
    """The act has no grams; says why in the package's code."""


def grams(text: str, given: Mapping[str, Any]) -> int | str:
    """The grams of one act by the first activity and edition of a pack, or the code of why it has none."""
    try:
        return _grams(tomllib.loads(text), given)
    except Refused as refused:
        return str(refused)
    except ZeroDivisionError:
        return "division_by_zero"


def _grams(pack: dict[str, Any], given: Mapping[str, Any]) -> int:  # noqa: C901 - in the order of the law, at once
    activity, edition = pack["activity"][0], pack["edition"][0]
    tables = {table["id"]: table for table in edition.get("table", [])}
    needed = {node.id for node in ast.walk(ast.parse(activity["formula"])) if isinstance(node, ast.Name)}
    needed |= {name for table in tables.values() if table["id"] in needed for name in table["by"]}
    values: dict[str, Any] = {
        item["id"]: figure(item["value"]) * UNITS[item["unit"]] for item in edition["parameter"]
    }
    raw = _inputs(activity, given, needed)
    for item in activity["inputs"]:
        if item["type"] in ("uint", "int", "decimal") and item["id"] in raw:
            values[item["id"]] = raw[item["id"]] * UNITS[item["unit"]]
    for name in sorted(tables.keys() & needed):
        values[name] = _picked(tables[name], raw)
    left = list(edition.get("derived", []))
    while left:
        item = left.pop(0)
        try:
            values[item["id"]] = _value(ast.parse(item["formula"], mode="eval").body, values)
        except KeyError:
            left.append(item)
    inner = ast.parse(activity["formula"], mode="eval").body.args[0]
    found = _value(inner, values)
    for deduction in edition.get("deduction", []):
        found -= found * figure(deduction["value"])
    for cap in edition.get("cap", []):
        if cap["per"] == "act":
            found = min(found, Fraction(cap["limit"]))
    whole = math.floor(found)
    if whole < 0:
        raise Refused("negative_reduction")
    if whole >= 2**63:
        raise Refused("too_large")
    return whole


def _picked(table: dict[str, Any], raw: Mapping[str, Any]) -> Fraction:
    cells = [cell for cell in table["cell"] if all(cell[by] == raw[by] for by in table["by"])]
    if not cells or cells[0]["value"] == "unknown":
        raise Refused("unknown_figure")
    return figure(cells[0]["value"]) * UNITS[table["unit"]]


def _inputs(activity: dict[str, Any], given: Mapping[str, Any], needed: set[str]) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    for item in activity["inputs"]:
        name, value = item["id"], given.get(item["id"], item.get("default"))
        if value is None:
            if name in needed:
                raise Refused("missing")
            continue
        if item["type"] in ("choice", "region"):
            if value not in [choice["id"] for choice in item["choices"]]:
                raise Refused("not_a_choice")
            raw[name] = value
            continue
        number = Fraction(Decimal(value))
        if number < figure(str(item.get("min", 1))):
            raise Refused("below_minimum")
        if number > figure(str(item.get("max", 9999))):
            raise Refused("above_maximum")
        raw[name] = int(number) if item["type"] == "year" else number
    return raw


def _value(node: ast.expr, values: Mapping[str, Any]) -> Fraction:  # noqa: PLR0911 - one case per node
    match node:
        case ast.Constant(value=int(whole)):
            return Fraction(whole)
        case ast.Name(id=name):
            return Fraction(values[name])
        case ast.UnaryOp(operand=inner):
            return -_value(inner, values)
        case ast.BinOp(left=left, op=sign, right=right):
            return Fraction(_SIGNS[type(sign)](_value(left, values), _value(right, values)))
        case ast.Call(func=ast.Name(id="when"), args=[ast.Compare() as test, then, otherwise]):
            a, b = _value(test.left, values), _value(test.comparators[0], values)
            return _value(then if _COMPARE[type(test.ops[0])](a, b) else otherwise, values)
        case ast.Call(func=ast.Name(id="floor"), args=[inner]):
            return Fraction(math.floor(_value(inner, values)))
        case ast.Call(func=ast.Name(id=name), args=parts):
            found = [_value(part, values) for part in parts]
            return min(found) if name == "min" else max(found)
    raise AssertionError(node)
