"""Grams from actions. A `Quantifier` is prepared once for one activity, edition, region and set of overlays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.methodologies.errors import InputRefused
from backend.methodologies.explain import Explanation, explain
from backend.methodologies.lookup import Lookup, lookups
from backend.methodologies.model import (
    COLUMNS,
    NUMBERS,
    Activity,
    Derived,
    Edition,
    Input,
    Methodology,
    Parameter,
    concerns,
)
from backend.methodologies.rows import (
    RowReason,
    again_held,
    code_of,
    outside,
    possible_reasons,
    read_held,
    read_time,
)
from backend.packs import ENGINE_VERSION, NoEdition, ParameterUnknown
from backend.packs.columns import MAX_INT64, MIN_INT64, Column, NotColumnar, evaluate_columns
from backend.packs.errors import OverlayOversteps
from backend.packs.evaluate import evaluate
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.formula import Binary, Extreme, Floor, Name, Node
from backend.packs.overlays import Overlay, require_region
from backend.packs.units import parse_unit

Int64s = NDArray[np.int64]
MISSING = MIN_INT64  # stands for "no value" in an input column; NumPy's NaT is the same number
OK = 0  # the error code of a row without a fault

_UNUSED_BOUNDS = (MIN_INT64 + 1, MAX_INT64)
_KEPT, _CAP = "#kept", "#cap"  # names that no pack can write
_EPOCH_YEAR = 1970


class Outcome(NamedTuple):
    """Grams per row (0 where a row has an error) and the error per row: 0, or a place in `Quantifier.reasons`."""

    grams: Int64s
    errors: NDArray[np.int16]


@dataclass(frozen=True)
class Quantified:
    """The grams of one action, and what decided them."""

    grams: int
    edition: str
    formula: str
    parameters: tuple[Parameter, ...]
    sha256: str
    explanation: Explanation


@dataclass(frozen=True)
class Quantifier:
    """One activity, ready to be computed. Make it with `prepare`; it holds no connection and never changes.

    `reasons[0]` is never used: error 0 means that the row is sound.
    """

    methodology: Methodology
    activity: Activity
    edition: Edition
    region: str
    overlays: tuple[Overlay, ...]  # only those that were needed
    parameters: tuple[Parameter, ...]  # the figures that the formula uses
    reasons: tuple[RowReason, ...]
    columnar: bool
    _tree: Node = field(repr=False)  # the formula with deductions and the cap per act inside its one floor
    _lookups: Mapping[str, Lookup] = field(repr=False)
    _implied: Mapping[str, int] = field(repr=False)  # what the region and day say of a single row
    _known: Mapping[str, Fraction] = field(repr=False)
    _places: Mapping[RowReason, int] = field(repr=False)

    @property
    def engine_version(self) -> str:
        return ENGINE_VERSION

    @property
    def demo(self) -> bool:
        """True when an overlay meant for demonstrations was needed."""
        return any(overlay.demo for overlay in self.overlays)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that grams depend on: numbers of the formula, and what picks a figure of its tables."""
        return _used(self.activity, self._lookups)

    @property
    def implied_of_one(self) -> Mapping[str, int]:
        """The held region and year that an act without them has, by the region and day this was prepared for."""
        return self._implied

    def implied(self, days: Int64s) -> dict[str, Int64s]:
        """Columns for the year and region inputs of acts on these days (Shanghai, since 1970) in this region.

        For callers that have no column of their own for them. A region that no listed one holds is `MISSING`.
        """
        found: dict[str, Int64s] = {}
        for item in self.activity.inputs.values():
            if item.type == "year":
                years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + _EPOCH_YEAR
                found[item.id] = years
            elif item.type == "region":
                code = code_of(item, self.region)
                found[item.id] = np.full(len(days), MISSING if code is None else code, dtype=np.int64)
        return found

    def creditable(self, evidence: str) -> bool:
        """True when grams on this evidence may reach a credit pool by the methodology's own policy.

        Never where it caps what a person's day, month or year may bring: one act alone cannot tell, so none is pooled.
        """
        over_time = any(cap.per != "act" and concerns(cap, self.activity.id) for cap in self.edition.caps)
        return self.methodology.creditable.get(evidence, False) and not over_time

    def columns(self, inputs: Mapping[str, NDArray[Any]], n: int) -> Outcome:
        """The grams of `n` rows at once, exactly as one by one.

        `inputs` gives an int64 array per input (timestamps as datetime64, or as whole numbers of one unit); `MISSING`
        stands for no value. A number that the formula uses must be there; a time is checked where it is given.
        Decimals are given in steps, choices and regions as their places, as `Input` says; an absent value of an input
        with a default is the default. The first fault of a row, in the order of the pack's inputs, is the one reported.
        """
        errors = np.zeros(n, dtype=np.int16)
        given = {name: _as_int64(values) for name, values in inputs.items()}
        for name, values in given.items():
            if values.shape != (n,):
                raise ValueError(f"{name} has {values.shape[0]} rows, not {n}")
        self._check_columns(given, errors)
        sound = errors == OK
        whole = bool(sound.all())
        safe = {}
        for item in self.inputs:
            column = given.get(item.id)
            low, _ = _bounds(item)
            if column is None:
                safe[item.id] = np.full(n, low, dtype=np.int64)
            else:
                safe[item.id] = column if whole else np.where(sound, column, low)
        for name, lookup in self._lookups.items():
            self._mark(errors, lookup.lacks(safe) & sound, RowReason(name, "unknown_figure"))
        grams = self._columnar(safe, n) if self.columnar else self._row_by_row(safe, n, errors)
        negative = grams < 0
        if negative.any():
            self._mark(errors, negative, RowReason("", "negative_reduction"))
        if not whole or errors.any():
            grams = np.where(errors == OK, grams, 0)
        return Outcome(grams, errors)

    def _check_columns(self, given: dict[str, Int64s], errors: NDArray[np.int16]) -> None:
        used = {item.id for item in self.inputs}
        for item in self.activity.inputs.values():
            if item.default is not None:
                _fill(item, given, len(errors))
            if item.id in given:
                self._check_column(item, given, errors, required=item.id in used)
            elif item.id in used:
                self._mark(errors, np.ones(len(errors), dtype=np.bool_), RowReason(item.id, "missing"))

    def _check_column(
        self, item: Input, given: Mapping[str, Int64s], errors: NDArray[np.int16], *, required: bool
    ) -> None:
        values = given[item.id]
        absent = values == MISSING
        any_absent = bool(absent.any())
        if required and any_absent:
            self._mark(errors, absent, RowReason(item.id, "missing"))
        present: Any = ~absent if any_absent else True
        if item.low is not None and item.type in COLUMNS:
            self._mark(errors, (values < item.low) & present, outside(item, low=True))
        if item.high is not None and item.type in COLUMNS:
            self._mark(errors, (values > item.high) & present, outside(item, low=False))
        if item.after is not None and item.after in given:
            before = given[item.after]
            late = (values <= before) & present & (before != MISSING)
            self._mark(errors, late, RowReason(item.id, "not_after"))

    def _mark(self, errors: NDArray[np.int16], where: NDArray[np.bool_], reason: RowReason) -> None:
        if where.any():
            errors[where & (errors == OK)] = self._places[reason]

    def _columnar(self, safe: Mapping[str, Int64s], n: int) -> Int64s:
        columns = _columns(self.activity, self._known, self._lookups, safe)
        found = evaluate_columns(self._tree, columns)
        if isinstance(found.numerator, int):
            return np.full(n, found.numerator, dtype=np.int64)
        return found.numerator

    def _row_by_row(self, safe: Mapping[str, Int64s], n: int, errors: NDArray[np.int16]) -> Int64s:
        grams = np.zeros(n, dtype=np.int64)
        if n == 0:
            return grams
        names = [item.id for item in self.inputs]
        if not names:
            distinct, back = np.zeros((1, 0), dtype=np.int64), np.zeros(n, dtype=np.int64)
        else:
            table = np.stack([safe[name] for name in names], axis=1)
            distinct, back = np.unique(table, axis=0, return_inverse=True)
        results = [self._one(dict(zip(names, map(int, row), strict=True))) for row in distinct]
        back = back.reshape(-1)
        grams[:] = np.array([r if isinstance(r, int) else 0 for r in results], dtype=np.int64)[back]
        for reason in {r for r in results if isinstance(r, RowReason)}:
            bad = np.array([r == reason for r in results], dtype=np.bool_)[back]
            self._mark(errors, bad, reason)
        return grams

    def _one(self, numbers: Mapping[str, int]) -> int | RowReason:
        """The reference: exact fractions, one row."""
        values = dict(self._known)
        for item in self.inputs:
            if item.type in NUMBERS:
                values[item.id] = numbers[item.id] * item.step
        for name, lookup in self._lookups.items():
            figure = lookup.at(numbers)
            if figure is None:
                return RowReason(name, "unknown_figure")
            values[name] = figure
        try:
            grams = evaluate(self._tree, values)
        except ZeroDivisionError:
            return RowReason("", "division_by_zero")
        if grams < 0:
            return RowReason("", "negative_reduction")
        return int(grams) if grams <= MAX_INT64 else RowReason("", "too_large")

    def row(self, inputs: Mapping[str, object], *, implied: bool = True) -> int | RowReason:
        """The grams of one action, or the first reason why it has none. Never raises for what an input holds.

        With `implied`, a region or year that is not given is that of the region and day this was prepared for.
        """
        held = self.held(inputs, implied=implied)
        return held if isinstance(held, RowReason) else self._one(held)

    def again(self, stored: Mapping[str, object]) -> int | RowReason:
        """The same for the inputs that an action keeps, where every number is in the form that it is held in."""
        held = self._read(stored, again_held, {})
        return held if isinstance(held, RowReason) else self._one(held)

    def held(self, inputs: Mapping[str, object], *, implied: bool = True) -> dict[str, int] | RowReason:
        """The inputs of one action as they are held, or the first reason why they are not usable."""
        return self._read(inputs, read_held, self._implied if implied else {})

    def _read(
        self,
        inputs: Mapping[str, object],
        read: Callable[[Input, object], int | RowReason],
        implied: Mapping[str, int],
    ) -> dict[str, int] | RowReason:
        numbers: dict[str, int] = {}
        times: dict[str, dt.datetime] = {}
        used = {item.id for item in self.inputs}
        for item in self.activity.inputs.values():
            value = inputs.get(item.id)
            if value is None or value == "":
                absent = implied.get(item.id) if item.default is None else item.default
                if absent is not None:
                    numbers[item.id] = absent
                elif item.id in used:
                    return RowReason(item.id, "missing")
                continue
            fault: int | RowReason | None = None
            if item.type == "timestamp":
                fault = read_time(item, value, times)
            elif item.type in COLUMNS:
                fault = read(item, value)
            if isinstance(fault, RowReason):
                return fault
            if fault is not None:
                numbers[item.id] = fault
        return numbers

    def quantify(self, inputs: Mapping[str, object]) -> Quantified:
        """The grams of one action with their explanation; `InputRefused` when an input is not usable."""
        held = self.held(inputs)
        found = held if isinstance(held, RowReason) else self._one(held)
        if isinstance(found, RowReason):
            raise InputRefused(field=found.field, reason=found.code)
        assert not isinstance(held, RowReason)
        return Quantified(
            grams=found,
            edition=self.edition.id,
            formula=self.activity.formula.text,
            parameters=self.parameters,
            sha256=self.methodology.sha256,
            explanation=self.explain(held, grams=found),
        )

    def explain(self, inputs: Mapping[str, object], *, grams: int) -> Explanation:
        """How these grams were computed, for the person who did the act; inputs as an action keeps them."""
        return explain(
            self.methodology,
            self.activity,
            self.edition,
            parameters=(*self.parameters, *self._picked(inputs)),
            overlays=self.overlays,
            used=self.inputs,
            inputs=inputs,
            grams=grams,
        )

    def _picked(self, inputs: Mapping[str, object]) -> tuple[Parameter, ...]:
        """The figures that these inputs pick from tables."""
        numbers = {name: value for name, value in inputs.items() if type(value) is int}
        cells = [lookup.cell(numbers) for lookup in self._lookups.values()]
        return tuple(cell for cell in cells if cell is not None)


def prepare(
    methodology: Methodology, *, activity: str, on: dt.date, region: str, overlays: Sequence[Overlay] = ()
) -> Quantifier:
    """Ready one activity for a day and a region.

    Refuses with `ActivityUnknown`, `NoEdition`, `AmbiguousEdition`, `OutsideJurisdiction`, `ParameterUnknown` or
    `OverlayOversteps`.
    """
    act = methodology.activity(activity)
    edition = methodology.edition_on(on)
    needed = require_region(
        methodology.id,
        jurisdiction=methodology.jurisdiction,
        excludes=methodology.excludes_jurisdictions,
        region=region,
        overlays=overlays,
    )
    implied: dict[str, int] = {}
    for item in act.inputs.values():
        code = code_of(item, region) if item.type == "region" else on.year if item.type == "year" else None
        if code is not None:
            implied[item.id] = code
    return _assemble(
        methodology, act, edition, region=region, overlays=overlays, needed=needed, implied=implied
    )


def prepare_recorded(
    methodology: Methodology, *, activity: str, edition: str, overlays: Sequence[Overlay]
) -> Quantifier:
    """Ready an activity as it was once recorded: with that edition and exactly these overlays, wherever it was used."""
    found = next((known for known in methodology.editions if known.id == edition), None)
    if found is None:
        raise NoEdition(pack=methodology.id, asked=edition)
    return _assemble(
        methodology,
        methodology.activity(activity),
        found,
        region=methodology.jurisdiction,
        overlays=overlays,
        needed=tuple(overlays),
        implied={},
    )


def _assemble(
    methodology: Methodology,
    activity: Activity,
    edition: Edition,
    *,
    region: str,
    overlays: Sequence[Overlay],
    needed: tuple[Overlay, ...],
    implied: Mapping[str, int],
) -> Quantifier:
    parameters, known = [], dict[str, Fraction]()
    for name in sorted(_figures_behind(activity, edition)):
        parameter, by = _settle(methodology, edition.parameters[name], overlays)
        parameters.append(parameter)
        if by is not None and by not in needed:
            needed = (*needed, by)
        assert isinstance(parameter.value, Fraction)
        known[name] = parameter.value * parameter.unit.scale
    for name in sorted(activity.formula.names & edition.derived.keys()):
        _derive(name, edition, known)
    parameters += [
        _computed(edition.derived[name], known[name], parameters) for name in known if name in edition.derived
    ]
    tree, deducted = _whole_tree(methodology, activity, edition, known)
    parameters += deducted
    found = lookups(activity, edition)
    reasons = possible_reasons(activity)
    return Quantifier(
        methodology=methodology,
        activity=activity,
        edition=edition,
        region=region,
        overlays=needed,
        parameters=tuple(parameters),
        reasons=reasons,
        columnar=_is_columnar(activity, tree, known, found),
        _tree=tree,
        _lookups=found,
        _implied=implied,
        _known=known,
        _places={reason: place for place, reason in enumerate(reasons) if place},
    )


def _figures_behind(activity: Activity, edition: Edition) -> set[str]:
    """The parameters that a formula uses, itself or through derived figures."""
    names, open_ = set[str](), list(activity.formula.names)
    while open_:
        name = open_.pop()
        if name in edition.derived and name not in names:
            open_ += edition.derived[name].formula.names
        names.add(name)
    return names & edition.parameters.keys()


def _derive(name: str, edition: Edition, known: dict[str, Fraction]) -> Fraction:
    """A derived figure in base units; the names below it are computed first and kept in `known`."""
    if name not in known:
        formula = edition.derived[name].formula
        for below in sorted(formula.names & edition.derived.keys()):
            _derive(below, edition, known)
        known[name] = evaluate(formula.tree, known)
    return known[name]


def _computed(derived: Derived, value: Fraction, below: Sequence[Parameter]) -> Parameter:
    """A derived figure as the figures that explain an act are told: its formula is its source."""
    stated = [parameter.confidence for parameter in below]
    worst = next((one for one in ("low", "medium") if one in stated), "high")
    own = value / derived.unit.scale
    return Parameter(
        id=derived.id,
        value=own,
        written=str(own),
        unit=derived.unit,
        name_zh=derived.name_zh,
        name_en=derived.name_en,
        source_title=derived.formula.text,
        source_url="",
        source_date=UNKNOWN,
        confidence=worst,
    )


def _whole_tree(
    methodology: Methodology, activity: Activity, edition: Edition, known: dict[str, Fraction]
) -> tuple[Node, list[Parameter]]:
    """The formula with what the edition takes off and where it stops, before the one floor; and the figures of it."""
    tree = activity.formula.tree
    assert isinstance(tree, Floor)
    inner, figures = tree.inner, []
    kept = Fraction(1)
    for deduction in edition.deductions:
        if concerns(deduction, activity.id):
            if not isinstance(deduction.figure.value, Fraction):
                raise ParameterUnknown(pack=methodology.id, parameter=deduction.figure.id)
            kept *= 1 - deduction.figure.value
            figures.append(deduction.figure)
    if kept != 1:
        known[_KEPT], inner = kept, Binary("*", inner, Name(_KEPT))
    for cap in edition.caps:
        if concerns(cap, activity.id) and cap.limit == UNKNOWN:
            raise ParameterUnknown(pack=methodology.id, parameter=cap.id)
    limits = [cap.limit for cap in edition.caps if concerns(cap, activity.id) and cap.per == "act"]
    if limits:
        known[_CAP] = Fraction(min(limit for limit in limits if limit != UNKNOWN))
        inner = Extreme("min", (inner, Name(_CAP)))
    return (tree if inner is tree.inner else Floor(inner)), figures


def _settle(
    methodology: Methodology, parameter: Parameter, overlays: Sequence[Overlay]
) -> tuple[Parameter, Overlay | None]:
    """The parameter with a known value, and the overlay that gave it if one had to."""
    for overlay in overlays:
        given = overlay.figures.get((methodology.id, parameter.id))
        if given is None:
            continue
        if parameter.value != UNKNOWN:
            raise OverlayOversteps(overlay=overlay.id, pack=methodology.id, parameter=parameter.id)
        unit = parse_unit(given.unit)
        if unit.dimension != parameter.unit.dimension:
            raise OverlayOversteps(overlay=overlay.id, pack=methodology.id, parameter=parameter.id)
        return _given(parameter, given.value, given.unit, overlay), overlay
    if parameter.value == UNKNOWN:
        raise ParameterUnknown(pack=methodology.id, parameter=parameter.id)
    return parameter, None


def _given(parameter: Parameter, value: str, unit: str, overlay: Overlay) -> Parameter:
    return Parameter(
        id=parameter.id,
        value=parse_figure(value),
        written=value,
        unit=parse_unit(unit),
        name_zh=parameter.name_zh,
        name_en=parameter.name_en,
        source_title=f"overlay {overlay.id}",
        source_url="",
        source_date=UNKNOWN,
        confidence="low",
    )


def _used(activity: Activity, lookups: Mapping[str, Lookup]) -> tuple[Input, ...]:
    names = activity.formula.names.union(*(lookup.by for lookup in lookups.values()))
    return tuple(item for item in activity.inputs.values() if item.id in names)


def _fill(item: Input, given: dict[str, Int64s], n: int) -> None:
    """Put the default where an optional input has no value."""
    assert item.default is not None
    if item.id not in given:
        given[item.id] = np.full(n, item.default, dtype=np.int64)
        return
    absent = given[item.id] == MISSING
    if absent.any():
        given[item.id] = np.where(absent, item.default, given[item.id])


def _bounds(item: Input) -> tuple[int, int]:
    low, high = _UNUSED_BOUNDS
    return (low if item.low is None else item.low, high if item.high is None else item.high)


def _columns(
    activity: Activity,
    known: Mapping[str, Fraction],
    lookups: Mapping[str, Lookup],
    values: Mapping[str, Int64s],
) -> dict[str, Column]:
    columns = {name: Column.constant(value) for name, value in known.items()}
    for item in _used(activity, lookups):
        if item.type in NUMBERS:
            low, high = _bounds(item)
            columns[item.id] = Column.given(values[item.id], low=low, high=high, scale=item.step)
    columns.update({name: lookup.column(values) for name, lookup in lookups.items()})
    return columns


def _is_columnar(
    activity: Activity, tree: Node, known: Mapping[str, Fraction], lookups: Mapping[str, Lookup]
) -> bool:
    """Whether int64 suffices follows from the bounds alone, so columns without rows can tell."""
    none = np.zeros(0, dtype=np.int64)
    try:
        values = {item.id: none for item in _used(activity, lookups)}
        found = evaluate_columns(tree, _columns(activity, known, lookups, values))
    except NotColumnar:
        return False
    return MIN_INT64 <= found.low <= found.high <= MAX_INT64


def _as_int64(values: NDArray[Any]) -> Int64s:
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]").view(np.int64)
    if values.dtype.kind not in "iu" or values.dtype == np.uint64:
        raise TypeError(f"an input column holds whole numbers of int64, not {values.dtype}")
    return values.astype(np.int64, copy=False)
