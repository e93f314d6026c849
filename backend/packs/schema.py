"""A small declarative checker for the shape of a pack file; every fault is collected, none stops the others.

A shape is written once, beside the noun that reads it:

    PARAMETER = Table({"id": Text(IDENTIFIER), "value": Figure(), "unit": UnitText(), "source_date": Day(unknown=True)},
                      optional={"notes": Text()})
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.packs.faults import Faults, Path
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.formula import FormulaError, parse_formula
from backend.packs.units import UnitError, parse_unit

IDENTIFIER = r"[a-z][a-z0-9_]*"
PACK_ID = r"[a-z0-9]+(?:-[a-z0-9]+)*"
REGION = r"[A-Z]{2}(?:-[A-Z0-9]{1,3}){0,2}"
VERSION = r"\d+\.\d+\.\d+"
ADDRESS = r"https?://\S+"
FILL = "fill:"  # what a text begins with that its author has yet to write
_MAX_TEXT = 10_000
_MAX_ITEMS = 10_000


class FloatFound(str):
    """What a TOML float is read as, so that its place can be reported instead of its rounded value."""

    __slots__ = ()


class Shape(Protocol):
    """Anything that can look at a value and report its faults."""

    def check(self, value: object, at: Path, faults: Faults) -> None: ...


_NAMES: dict[type, tuple[str, str]] = {
    dict: ("a table", "表"),
    list: ("a list", "列表"),
    str: ("a text", "文本"),
    bool: ("true or false", "true 或 false"),
    int: ("a whole number", "整数"),
    dt.date: ("a date", "日期"),
}


def _is(value: object, kind: type, at: Path, faults: Faults) -> bool:
    """True when `value` is exactly of this kind; a float is reported as a float wherever it stands."""
    if isinstance(value, FloatFound):
        return False  # reported once for the whole file
    if type(value) is kind:
        return True
    expected, expected_zh = _NAMES[kind]
    faults.add(at, "wrong_type", expected=expected, expected_zh=expected_zh, found=type(value).__name__)
    return False


@dataclass(frozen=True)
class Text:
    """A text, whole matches of `form`, or one of `among`."""

    form: str | None = None
    among: tuple[str, ...] = ()
    unknown: bool = False

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if not _is(value, str, at, faults):
            return
        assert isinstance(value, str)
        if self.unknown and value == UNKNOWN:
            return
        if not value.strip():
            faults.add(at, "empty")
        elif len(value) > _MAX_TEXT:
            faults.add(at, "out_of_range", found=len(value), low=1, high=_MAX_TEXT)
        elif self.among and value not in self.among:
            faults.add(at, "not_allowed", found=repr(value), known=", ".join(self.among))
        elif self.form and not re.fullmatch(self.form, value):
            faults.add(at, "bad_pattern", found=repr(value), expected=self.form)


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both included."""

    low: int = 0
    high: int = 2**63 - 1
    unknown: bool = False

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if self.unknown and value == UNKNOWN:
            return
        if _is(value, int, at, faults) and not self.low <= value <= self.high:  # type: ignore[operator]
            faults.add(at, "out_of_range", found=value, low=self.low, high=self.high)


@dataclass(frozen=True)
class Figure:
    """A figure in a string: exact, or `"unknown"`."""

    unknown: bool = True

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if isinstance(value, FloatFound):
            return
        if type(value) is not str or (value == UNKNOWN and not self.unknown):
            faults.add(at, "bad_figure")
            return
        try:
            parse_figure(value)
        except ValueError:
            faults.add(at, "bad_figure")


@dataclass(frozen=True)
class UnitText:
    """A unit of measure that we know."""

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if _is(value, str, at, faults):
            try:
                parse_unit(str(value))
            except UnitError as error:
                faults.add(at, "bad_unit", why=error, why_zh=error.zh)


@dataclass(frozen=True)
class FormulaText:
    """A formula that can be read; its names and units are checked by the pack that holds it."""

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if _is(value, str, at, faults):
            try:
                parse_formula(str(value))
            except FormulaError as error:
                faults.add(at, "bad_formula", why=error, why_zh=error.zh)


@dataclass(frozen=True)
class Day:
    """A TOML date without a time."""

    unknown: bool = False

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if (self.unknown and value == UNKNOWN) or isinstance(value, FloatFound):
            return
        if type(value) is not dt.date:
            faults.add(at, "bad_date")


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def check(self, value: object, at: Path, faults: Faults) -> None:
        _is(value, bool, at, faults)


@dataclass(frozen=True)
class Items:
    """A list, each item of one shape; with `unique`, no two tables in it share that key's value."""

    item: Shape
    least: int = 0
    unique: str | None = None

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if not _is(value, list, at, faults):
            return
        assert isinstance(value, list)
        if not self.least <= len(value) <= _MAX_ITEMS:
            faults.add(at, "out_of_range", found=len(value), low=self.least, high=_MAX_ITEMS)
            return
        seen: set[object] = set()
        for place, item in enumerate(value):
            self.item.check(item, (*at, place), faults)
            name = item.get(self.unique) if self.unique and isinstance(item, dict) else None
            if isinstance(name, str):
                if name in seen:
                    faults.add((*at, place, self.unique or ""), "duplicate", name=repr(name))
                seen.add(name)


@dataclass(frozen=True)
class Table:
    """A table with known keys, some of which may be absent."""

    keys: Mapping[str, Shape]
    optional: Mapping[str, Shape] = field(default_factory=dict)

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if not _is(value, dict, at, faults):
            return
        assert isinstance(value, dict)
        shapes = {**self.keys, **self.optional}
        for key, item in value.items():
            if key in shapes:
                shapes[key].check(item, (*at, key), faults)
            else:
                faults.add((*at, key), "unknown_key", known=", ".join(sorted(shapes)))
        for key in self.keys:
            if key not in value:
                faults.add((*at, key), "missing_key")


@dataclass(frozen=True)
class Keyed:
    """A table whose keys are the author's own, of one form, each holding one shape."""

    form: str
    item: Shape

    def check(self, value: object, at: Path, faults: Faults) -> None:
        if not _is(value, dict, at, faults):
            return
        assert isinstance(value, dict)
        for key, item in value.items():
            if not re.fullmatch(self.form, key):
                faults.add((*at, key), "bad_pattern", found=repr(key), expected=self.form)
            self.item.check(item, (*at, key), faults)


@dataclass(frozen=True)
class OneOf:
    """A value of one of two shapes: a text is read by the second, everything else by the first."""

    other: Shape
    text: Shape

    def check(self, value: object, at: Path, faults: Faults) -> None:
        (self.text if type(value) is str else self.other).check(value, at, faults)


@dataclass(frozen=True)
class Anything:
    """A value that the pack's own check reads, such as the inputs of an example."""

    def check(self, value: object, at: Path, faults: Faults) -> None:
        """Nothing to check here; floats are found for the whole file."""


def find_marks(value: Any, at: Path, faults: Faults) -> None:
    """Report every text that a scaffold left to be filled in; what else is wrong with it is not told."""
    if type(value) is str and value.startswith(FILL):
        faults.drop(at)
        faults.add(at, "to_fill", what=value.removeprefix(FILL).strip())
    elif isinstance(value, dict):
        for key, item in value.items():
            find_marks(item, (*at, key), faults)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            find_marks(item, (*at, place), faults)


def find_floats(value: Any, at: Path, faults: Faults) -> None:
    """Report every float of a document."""
    if isinstance(value, FloatFound):
        faults.add(at, "float")
    elif isinstance(value, dict):
        for key, item in value.items():
            find_floats(item, (*at, key), faults)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            find_floats(item, (*at, place), faults)
