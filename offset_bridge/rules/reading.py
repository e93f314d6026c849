"""Reads a case from JSON, strictly: every figure of its exact kind, every key known, every fault named by its path.

A fault names the place and what is expected there, never what stands there.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.market_shape import ALLOWANCES, CAP_BASES, GASES, PROJECT_TYPES, UNITS
from backend.packs.schema import REGION
from offset_bridge.rules.case import Case, Entity, Lot, Parameter
from offset_bridge.rules.errors import CaseInvalid

MAX_BYTES = 20_000_000
MAX_LOTS = 20_000
MAX_TONNES = 10**12  # a thousand times the country's emissions of a year
CATEGORIES = ("pre-CDM",)

T = TypeVar("T")


class _Float:
    """A number with a point or an exponent; no field takes one."""


class _Doubled(dict[str, Any]):
    """An object that says one key twice; which of the two counts cannot be told."""


def read_case(raw: bytes) -> Case:
    """The case in a JSON text. `CaseInvalid` with the path of the first fault, or with the line when it is no JSON."""
    if len(raw) > MAX_BYTES:
        _fault("$", f"超过 {MAX_BYTES} 字节", f"is larger than {MAX_BYTES} bytes")
    try:
        data = json.loads(
            raw.decode("utf-8-sig"),
            parse_float=lambda _: _Float(),
            parse_constant=lambda _: _Float(),
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        _fault(f"line {error.lineno}, column {error.colno}", "不是合法的 JSON", "is not valid JSON")
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, nested too deeply
        _fault("$", "不是 UTF-8 编码的合法 JSON", "is not valid JSON in UTF-8")
    return _case(_Object("", data))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Doubled(found)


def _fault(field: str, why_zh: str, why_en: str) -> NoReturn:
    raise CaseInvalid(field, why_zh, why_en) from None


class _Object:
    """A JSON object, read key by key; what is left at the end is unknown."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        if not isinstance(value, dict):
            _fault(path or "$", "应为对象", "must be an object")
        if isinstance(value, _Doubled):
            _fault(path or "$", "同一个键出现两次", "has the same key twice")
        self.left: dict[str, Any] = dict(value)
        self.names: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str, read: Callable[[str, Any], T]) -> T:
        """A field that must be there."""
        self.names.append(name)
        value = self.left.pop(name, None)
        if value is None:
            _fault(self.at(name), "缺少该字段", "is missing")
        return read(self.at(name), value)

    def maybe(self, name: str, read: Callable[[str, Any], T], default: T) -> T:
        """A field that may be absent or null."""
        self.names.append(name)
        value = self.left.pop(name, None)
        return default if value is None else read(self.at(name), value)

    def end(self) -> None:
        """Refuse the keys that nobody asked for."""
        if self.left:
            known = ", ".join(self.names)
            _fault(
                self.path or "$",
                f"有未知的字段；可用的是 {known}",
                f"has an unknown field; known are {known}",
            )


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def read(path: str, value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            _fault(path, f"应为 {low} 至 {high} 的整数", f"must be a whole number from {low} to {high}")
        return value

    return read


_tonnes = _whole(0, MAX_TONNES)
_year = _whole(2000, 2200)


def _text(form: str, zh: str, en: str) -> Callable[[str, Any], str]:
    def read(path: str, value: Any) -> str:
        if type(value) is not str or not re.fullmatch(form, value):
            _fault(path, f"应为{zh}", f"must be {en}")
        return value

    return read


_name = _text(
    r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}", "1 至 200 个字符的文本", "a text of 1 to 200 characters"
)
_region = _text(REGION, "ISO 3166-2 地区代码，如 CN-GD", "an ISO 3166-2 region such as CN-GD")


def _among(values: Sequence[str]) -> Callable[[str, Any], str]:
    def read(path: str, value: Any) -> str:
        if type(value) is not str or value not in values:
            listed = ", ".join(values)
            _fault(path, f"应为下列之一：{listed}", f"must be one of {listed}")
        return value

    return read


def _flag(path: str, value: Any) -> bool:
    if type(value) is not bool:
        _fault(path, "应为 true 或 false", "must be true or false")
    return value


def _maybe_flag(path: str, value: Any) -> bool | None:
    return _flag(path, value)


def _day(path: str, value: Any) -> dt.date | None:
    try:
        if type(value) is str and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    _fault(path, "应为日期，如 2014-01-01", "must be a date such as 2014-01-01")


def _parts(path: str, value: Any) -> Mapping[str, Fraction] | None:
    """Parts of each gas as exact strings, together at most 1; a gas that is not named has part 0."""
    found: dict[str, Fraction] = {}
    table = _Object(path, value)
    for gas in GASES:
        part = table.maybe(gas, _part, None)
        if part is not None:
            found[gas] = part
    table.end()
    if not found or sum(found.values()) > 1:
        _fault(path, "各气体占比之和应大于 0 且不超过 1", "must name gases whose parts add up to at most 1")
    return found


def _part(path: str, value: Any) -> Fraction | None:
    try:
        figure = parse_figure(value) if type(value) is str else UNKNOWN
    except ValueError:
        figure = UNKNOWN
    if figure == UNKNOWN or not 0 <= figure <= 1:
        _fault(
            path,
            '应为 0 到 1 之间的数，写成字符串，如 "0.5"',
            'must be a figure from 0 to 1 as a string, such as "0.5"',
        )
    return Fraction(figure)


def _list(path: str, value: Any) -> list[Any]:
    if type(value) is not list or len(value) > MAX_LOTS:
        _fault(path, f"应为列表，至多 {MAX_LOTS} 项", f"must be a list of at most {MAX_LOTS} items")
    return value


def _lot(path: str, value: Any, *, used: bool) -> Lot:
    table = _Object(path, value)
    unit = table.take("unit", _among((*UNITS, *ALLOWANCES)))
    lot = Lot(
        id=table.maybe("id", _name, path) if used else table.take("id", _name),
        unit=unit,
        tonnes=table.take("tonnes", _tonnes),
        project_region=table.maybe("project_region", _region, None),
        project_type=table.maybe("project_type", _among(PROJECT_TYPES), None),
        gases=table.maybe("gases", _parts, None),
        vintage_start=table.maybe("vintage_start", _day, None),
        vintage_end=table.maybe("vintage_end", _day, None),
        commissioned_on=table.maybe("commissioned_on", _day, None),
        filed=table.maybe("filed", _maybe_flag, None),
        own_boundary=table.maybe("own_boundary", _flag, False),
        covered_boundary=table.maybe("covered_boundary", _flag, False),
        ccer_category=table.maybe("ccer_category", _among(CATEGORIES), None),
        project_id=table.maybe("project_id", _name, None),
        project_window_reductions_t=table.maybe("project_window_reductions_t", _tonnes, None),
        year=table.maybe("year", _year, None),
    )
    table.end()
    if lot.vintage_start and lot.vintage_end and lot.vintage_end < lot.vintage_start:
        _fault(f"{path}.vintage_end", "早于 vintage_start", "is before vintage_start")
    return lot


def read_holding(value: object) -> Lot:
    """One holding in the form it has in a case, or `CaseInvalid` with the path of its first fault below `holding`."""
    return _lot("holding", value, used=False)


def _lots(path: str, value: Any, *, used: bool) -> tuple[Lot, ...]:
    lots = tuple(_lot(f"{path}[{place}]", item, used=used) for place, item in enumerate(_list(path, value)))
    seen: set[str] = set()
    for place, lot in enumerate(lots):
        if lot.id in seen:
            _fault(f"{path}[{place}].id", "与前面的重复", "repeats an earlier one")
        seen.add(lot.id)
    return lots


def _holdings(path: str, value: Any) -> tuple[Lot, ...]:
    return _lots(path, value, used=False)


_Used = tuple[dict[str, int], tuple[Lot, ...]]


def _used(path: str, value: Any) -> _Used:
    if type(value) is list:
        return {}, _lots(path, value, used=True)
    table = _Object(path, value)
    totals = {unit: table.maybe(unit, _tonnes, 0) for unit in (*UNITS, *ALLOWANCES)}
    table.end()
    return {unit: tonnes for unit, tonnes in totals.items() if tonnes}, ()


def _keyed(path: str, value: Any) -> dict[str, Any]:
    table = _Object(path, value)
    if not all(re.fullmatch(r"[A-Za-z0-9._-]{1,80}", name) for name in table.left):
        _fault(path, "键应由字母、数字和 . _ - 组成", "has a key that is not of letters, digits and . _ -")
    return table.left


def _pools(path: str, value: Any) -> dict[str, int]:
    found = {}
    for name, item in _keyed(path, value).items():
        pool = _Object(f"{path}.{name}", item)
        found[name] = pool.take("remaining_t", _tonnes)
        pool.end()
    return found


def _parameters(path: str, value: Any) -> dict[str, Parameter]:
    found = _keyed(path, value)
    for name, item in found.items():
        if type(item) is not bool and type(item) is not str:
            _fault(f"{path}.{name}", "应为文本或 true、false", "must be a text, true or false")
    return found


def _entity(path: str, value: Any) -> Entity:
    table = _Object(path, value)
    region = table.maybe("region", _region, None)
    obligation = table.take("obligation_t", _tonnes)
    figures = {base: table.maybe(base, _tonnes, -1) for base in CAP_BASES if base != "obligation_t"}
    table.end()
    given = {base: tonnes for base, tonnes in figures.items() if tonnes >= 0}
    return Entity(region=region, obligation_t=obligation, figures={**given, "obligation_t": obligation})


def _case(table: _Object) -> Case:
    market = table.maybe("market", _text(r"[a-z-]{1,40}", "市场编号", "the id of a market"), None)
    nothing: _Used = ({}, ())
    totals, lots = table.maybe("used", _used, nothing)
    case = Case(
        market=market,
        compliance_year=table.take("compliance_year", _year),
        on=table.maybe("on", _day, None),
        entity=table.take("entity", _entity),
        used_totals=totals,
        used_lots=lots,
        holdings=table.take("holdings", _holdings),
        pools=table.maybe("pools", _pools, {}),
        parameters=table.maybe("parameters", _parameters, {}),
    )
    table.end()
    return case
