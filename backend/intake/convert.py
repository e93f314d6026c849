"""Batches of rows to acts: which rule, which inputs, how many grams and points, under which claim key.

Works on whole columns and touches no database, so that it runs beside the transaction that stores the batch before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from backend.identity import means_tokens
from backend.intake.claims import as_bytes, claim_keys, shanghai_days
from backend.intake.errors import ClaimIncomplete
from backend.intake.mapping import Field, Mapping, MeansColumn, Rule
from backend.intake.methods import places_of
from backend.intake.rows import RowBatch, RowFault
from backend.intake.seen import SEEN, UUID_TYPE, seen_columns
from backend.intake.values import filled, great_circle_m, read_quantities, read_times, read_whole
from backend.kit import clock
from backend.kit.settings import Keys
from backend.methodologies import MISSING, Input, Methodology, Quantifier, RowReason, code_of, prepare
from backend.packs import Overlay
from backend.packs.units import parse_unit
from backend.programmes import EarningRule, Programme, points_for, require_known

# Moments are microseconds since 1970; what an act does not have is MISSING, a text or device that it does not have null.
ACTS = pa.schema(
    [
        ("line", pa.int64()), ("claim_key", UUID_TYPE), ("happened_us", pa.int64()), ("ended_us", pa.int64()),
        ("method_no", pa.int16()), ("token", UUID_TYPE), ("inputs", pa.string()), ("grams", pa.int64()),
        ("points", pa.int64()), *SEEN,
    ]
)  # fmt: skip
_EPOCH = date(1970, 1, 1)
_CLOCK_TOLERANCE_US = 5 * 60 * 1_000_000
_LONGEST_TEXT = 200
_TEXT_MISSING = "\0"


@dataclass(frozen=True, slots=True)
class Method:
    """One way of computing: its number within the job, and the quantifier behind it."""

    no: int
    quantifier: Quantifier


@dataclass(slots=True)
class Converted:
    """A batch of acts as a table of `ACTS`, and what became of the other rows. `means` counts the means in it."""

    table: pa.Table
    rows: int
    means: int
    last_line: int
    days: tuple[date, ...]
    faults: list[RowFault] = field(default_factory=list)
    filtered: Counter[str] = field(default_factory=Counter)

    @property
    def received(self) -> int:
        return self.rows + len(self.faults) + self.filtered.total()


@dataclass(frozen=True, slots=True)
class _Acts:
    """The rows of one rule, column by column; `numbers` and `texts` are the inputs by their id."""

    rule: Rule
    lines: NDArray[np.int64]
    days: NDArray[np.int64]
    method_no: NDArray[np.int16]
    tokens: list[bytes]
    columns: MappingType[str, pa.StringArray]
    numbers: MappingType[str, NDArray[np.int64]]
    texts: MappingType[str, pa.StringArray]
    grams: NDArray[np.int64]
    points: NDArray[np.int64]


class Converter:
    """Turns the batches of one job into acts. `methods` grows as editions come into use."""

    def __init__(
        self,
        *,
        keys: Keys,
        mapping: Mapping,
        programme: Programme,
        methodologies: MappingType[str, Methodology],
        overlays: Sequence[Overlay],
        region: str,
        evidence: str,
    ) -> None:
        self._keys = keys
        self._mapping = mapping
        self._programme = programme
        self._methodologies = methodologies
        self._overlays = overlays
        self._region = region
        self._weight = programme.weight(evidence)
        for rule in mapping.rules:
            _require_claim(mapping, rule, methodologies)
            earn = self._earn(rule) if rule.filter is None else None
            if earn is not None:
                require_known(earn)
        self._now_us = int(clock.now().timestamp() * 1_000_000)
        self._known: dict[tuple[str, str, str], Method] = {}
        self.methods: list[Method] = []

    def convert(self, batch: RowBatch) -> Converted:
        """Acts, refusals and left-out rows of one batch; every row is exactly one of them."""
        result = Converted(ACTS.empty_table(), 0, 0, batch.last_line, (), list(batch.faults))
        columns = {name: filled(texts) for name, texts in batch.columns.items()}
        tables: list[pa.Table] = []
        days: set[int] = set()
        left = np.arange(len(batch.lines))
        for rule in self._mapping.rules:
            rows, left = _taken(rule, columns, left)
            if not len(rows):
                continue
            if rule.filter is not None:
                result.filtered[rule.filter] += len(rows)
                continue
            part = columns
            if len(rows) < len(batch.lines):
                part = {name: texts.take(pa.array(rows)) for name, texts in columns.items()}
            table, found = self._acts(rule, part, batch.lines[rows], result.faults)
            if table is not None:
                tables.append(table)
                days.update(found)
        when = self._mapping.rules[0].when or ""
        result.faults.extend(RowFault(int(batch.lines[row]), when, "no_rule") for row in left.tolist())
        if tables:
            result.table = pa.concat_tables(tables)
            result.rows = result.table.num_rows
            result.means = pc.count_distinct(result.table["token"]).as_py()
        result.days = tuple(_EPOCH + timedelta(days=day) for day in sorted(days))
        return result

    def _acts(
        self,
        rule: Rule,
        columns: MappingType[str, pa.StringArray],
        lines: NDArray[np.int64],
        faults: list[RowFault],
    ) -> tuple[pa.Table | None, set[int]]:
        n = len(lines)
        bad: dict[int, tuple[str, str, str]] = {}
        numbers, texts = self._inputs_of(rule, columns, bad)
        tokens = self._tokens(self._mapping.means, columns, bad, n)

        happened = numbers[rule.happened_at]
        usable = happened != MISSING
        for row in np.nonzero(~usable)[0].tolist():
            bad.setdefault(row, (rule.happened_at, "missing", ""))
        days = shanghai_days(np.where(usable, happened, 0))
        self._check_days(rule, happened, days, usable, bad)

        grams = np.zeros(n, dtype=np.int64)
        points = np.zeros(n, dtype=np.int64)
        method_no = np.zeros(n, dtype=np.int16)
        good = np.ones(n, dtype=np.bool_)
        good[list(bad)] = False
        for method, rows in self._methods(rule, days, good):
            for name, values in method.quantifier.implied(days[rows]).items():
                if all(source.id != name for source in rule.inputs):
                    numbers.setdefault(name, np.full(n, MISSING, dtype=np.int64))[rows] = values
            given = {name: values[rows] for name, values in numbers.items()}
            outcome = method.quantifier.columns(given, len(rows))
            for place in np.nonzero(outcome.errors)[0].tolist():
                reason = method.quantifier.reasons[int(outcome.errors[place])]
                bad.setdefault(int(rows[place]), _fault(rule, reason))
            grams[rows], method_no[rows] = outcome.grams, method.no
            earn = self._earn(rule)
            if earn is not None:
                points[rows] = points_for(
                    earn,
                    grams=outcome.grams,
                    weight=self._weight,
                    inputs=given,
                    places=places_of(earn, method.quantifier),
                    days=days[rows],
                )
        good[list(bad)] = False
        faults.extend(
            RowFault(int(lines[row]), name, code, bound) for row, (name, code, bound) in sorted(bad.items())
        )
        keep = np.nonzero(good)[0]
        if not len(keep):
            return None, set()
        acts = _Acts(rule, lines, days, method_no, tokens, columns, numbers, texts, grams, points)
        return self._table(acts, keep), set(np.unique(days[keep]).tolist())

    def _inputs_of(
        self, rule: Rule, columns: MappingType[str, pa.StringArray], bad: dict[int, tuple[str, str, str]]
    ) -> tuple[dict[str, NDArray[np.int64]], dict[str, pa.StringArray]]:
        """The inputs that the mapping gives, as numbers and as texts; what cannot be read is noted in `bad`."""
        numbers: dict[str, NDArray[np.int64]] = {}
        texts: dict[str, pa.StringArray] = {}
        asked = self._methodologies[rule.methodology].activity(rule.activity).inputs
        for source in rule.inputs:
            cells = columns[source.columns[0]]
            if source.kind == "text" and asked[source.id].choices:
                numbers[source.id], codes = _choices(asked[source.id], cells)
                unsound = _in_column(source, codes)
            elif source.kind == "text":
                texts[source.id] = cells
                unsound = _in_column(source, _long_texts(cells))
            else:
                numbers[source.id], unsound = self._numbers(source, rule, columns)
            for row, (column, code) in unsound.items():
                bad.setdefault(row, (column, code, ""))
        return numbers, texts

    def _numbers(
        self, source: Field, rule: Rule, columns: MappingType[str, pa.StringArray]
    ) -> tuple[NDArray[np.int64], dict[int, tuple[str, str]]]:
        """The values of one input, and for each row that has none the column and the reason."""
        cells = columns[source.columns[0]]
        if source.kind == "great_circle":
            metres, corners = great_circle_m([columns[name] for name in source.columns])
            return metres, {row: (source.columns[place], code) for row, (place, code) in corners.items()}
        if source.kind == "time":
            values, codes = read_times(cells, self._mapping.time_zone)
        else:
            item = self._methodologies[rule.methodology].activity(rule.activity).inputs[source.id]
            if source.kind == "quantity":
                assert source.unit is not None
                values, codes = read_quantities(cells, parse_unit(source.unit).scale / item.step)
            else:
                values, codes = read_whole(cells)
                _into_steps(values, codes, 10**item.places)
        return values, _in_column(source, codes)

    def _tokens(
        self,
        means: MeansColumn,
        columns: MappingType[str, pa.StringArray],
        bad: dict[int, tuple[str, str, str]],
        n: int,
    ) -> list[bytes]:
        parts = [columns[name].fill_null("") for name in means.columns]
        joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "\x1f")
        coded = joined.dictionary_encode()
        names: list[str] = coded.dictionary.to_pylist()
        usable = [name if 0 < len(name) <= _LONGEST_TEXT and name.isprintable() else "" for name in names]
        known = self._known_tokens(means, [name for name in usable if name])
        by_place = [known.get(name, b"") for name in usable]
        tokens = [by_place[place] for place in coded.indices.to_pylist()]
        if b"" in by_place:
            for row in range(n):
                if not tokens[row]:
                    bad.setdefault(
                        row, (means.columns[0], "too_long" if joined[row].as_py() else "missing", "")
                    )
        return tokens

    def _known_tokens(self, means: MeansColumn, names: list[str]) -> dict[str, bytes]:
        numbers = names
        if means.groups is not None:
            spread = means_tokens(self._keys, "group", means.operator, names)
            numbers = [f"group-{int.from_bytes(token[:8]) % means.groups}" for token in spread]
        return dict(zip(names, means_tokens(self._keys, means.kind, means.operator, numbers), strict=True))

    def _check_days(
        self,
        rule: Rule,
        happened: NDArray[np.int64],
        days: NDArray[np.int64],
        usable: NDArray[np.bool_],
        bad: dict[int, tuple[str, str, str]],
    ) -> None:
        programme = self._programme
        outside = days < (programme.acts_from - _EPOCH).days
        if programme.acts_until is not None:
            outside |= days > (programme.acts_until - _EPOCH).days
        for row in np.nonzero(outside & usable)[0].tolist():
            bound = programme.acts_from.isoformat()
            bad.setdefault(row, (rule.happened_at, "outside_programme_dates", bound))
        future = (happened > self._now_us + _CLOCK_TOLERANCE_US) & usable
        if programme.early_minutes is not None:  # a screen holds it instead, for somebody to decide
            future[:] = False
        for row in np.nonzero(future)[0].tolist():
            bad.setdefault(row, (rule.happened_at, "in_the_future", ""))

    def _methods(
        self, rule: Rule, days: NDArray[np.int64], good: NDArray[np.bool_]
    ) -> list[tuple[Method, NDArray[np.int64]]]:
        """The rows of each edition that is in force on their days."""
        rows = np.nonzero(good)[0]
        by_method: dict[int, tuple[Method, list[int]]] = {}
        for day in np.unique(days[rows]).tolist():
            method = self._method(rule, _EPOCH + timedelta(days=day))
            by_method.setdefault(method.no, (method, []))[1].append(day)
        if len(by_method) == 1:
            return [(next(iter(by_method.values()))[0], rows)]
        return [(method, rows[np.isin(days[rows], of)]) for method, of in by_method.values()]

    def _method(self, rule: Rule, on: date) -> Method:
        methodology = self._methodologies[rule.methodology]
        key = (rule.methodology, rule.activity, methodology.edition_on(on).id)
        if key not in self._known:
            quantifier = prepare(
                methodology, activity=rule.activity, on=on, region=self._region, overlays=self._overlays
            )
            self._known[key] = Method(len(self.methods), quantifier)
            self.methods.append(self._known[key])
        return self._known[key]

    def _earn(self, rule: Rule) -> EarningRule | None:
        return self._programme.earn_rule(methodology=rule.methodology, activity=rule.activity)

    def _table(self, acts: _Acts, keep: NDArray[np.int64]) -> pa.Table:
        """The kept acts as `ACTS`."""
        rule, numbers, texts = acts.rule, acts.numbers, acts.texts
        whole = len(keep) == len(acts.lines)
        own = acts.tokens if whole else [acts.tokens[row] for row in keep.tolist()]
        ended = numbers[rule.ended_at][keep] if rule.ended_at else np.full(len(keep), MISSING)
        activity = self._methodologies[rule.methodology].activity(rule.activity)
        fields: list[Sequence[bytes]] = []
        for name in activity.claim_key:
            if name == "means":
                fields.append(own)
            elif name in numbers:
                fields.append(as_bytes(numbers[name][keep]))
            elif name in texts:
                fields.append([_framed(text) for text in texts[name].take(pa.array(keep)).to_pylist()])
        keys = claim_keys(
            self._keys,
            activity=rule.activity,
            operator=self._mapping.means.operator,
            fields=fields,
            days=acts.days[keep],
        )
        return pa.Table.from_arrays(
            [
                pa.array(acts.lines[keep]),
                _uuids(keys),
                pa.array(numbers[rule.happened_at][keep]),
                pa.array(ended),
                pa.array(acts.method_no[keep]),
                _uuids(b"".join(own)),
                _inputs(rule, numbers, texts, keep),
                pa.array(acts.grams[keep]),
                pa.array(acts.points[keep]),
                *seen_columns(
                    self._keys, acts.rule.places, acts.columns, acts.numbers.get("distance_m"), keep
                ),
            ],
            schema=ACTS,
        )


def _require_claim(mapping: Mapping, rule: Rule, methodologies: MappingType[str, Methodology]) -> None:
    """A claim key with a field left out would take different acts for one."""
    if rule.filter is not None:
        return
    given = {source.id for source in rule.inputs} | {"activity", "operator", "means"}
    missing = [
        name for name in methodologies[rule.methodology].claim_fields(rule.activity) if name not in given
    ]
    if missing:
        raise ClaimIncomplete(mapping=mapping.id, activity=rule.activity, missing=", ".join(missing))


def _taken(
    rule: Rule, columns: MappingType[str, pa.StringArray], left: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows among `left` that a rule takes, and the others."""
    if rule.when is None or not len(left):
        return left, left[:0]
    fits = pc.is_in(columns[rule.when], value_set=pa.array(sorted(rule.among))).to_numpy(zero_copy_only=False)
    return left[fits[left]], left[~fits[left]]


def _inputs(
    rule: Rule,
    numbers: MappingType[str, NDArray[np.int64]],
    texts: MappingType[str, pa.StringArray],
    keep: NDArray[np.int64],
) -> pa.Array:
    """The inputs other than the act's two times as JSON objects, built column by column."""
    pieces: list[Any] = []
    times = {rule.happened_at, rule.ended_at}
    separator = "{"
    for source in rule.inputs:
        if source.id in times:
            continue
        if source.id in numbers:
            values = pa.array(numbers[source.id][keep])
            shown = pc.if_else(pc.equal(values, MISSING), "null", values.cast(pa.string()))
        else:
            shown = pa.array(
                [_json_text(text) for text in texts[source.id].take(pa.array(keep)).to_pylist()], pa.string()
            )
        pieces += [f'{separator}"{source.id}":', shown]
        separator = ","
    for name in sorted(numbers.keys() - {source.id for source in rule.inputs}):  # implied by day and region
        pieces += [f'{separator}"{name}":', pa.array(numbers[name][keep]).cast(pa.string())]
        separator = ","
    if not pieces:
        return pa.array(["{}"] * len(keep), pa.string())
    return pc.binary_join_element_wise(*pieces, "}", "")


def _choices(item: Input, cells: pa.StringArray) -> tuple[NDArray[np.int64], dict[int, str]]:
    """The places of choices or regions; what is none of them is told."""
    coded = cells.dictionary_encode()
    codes = [code_of(item, text) for text in coded.dictionary.to_pylist()]
    places = np.array([MISSING if code is None else code for code in codes] or [MISSING], dtype=np.int64)
    row_code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    values = np.where(row_code < 0, MISSING, places[np.maximum(row_code, 0)])
    wrong = np.nonzero((row_code >= 0) & (values == MISSING))[0]
    return values, dict.fromkeys(wrong.tolist(), "not_a_choice")


def _into_steps(values: NDArray[np.int64], codes: dict[int, str], steps: int) -> None:
    """Whole numbers as the steps of a decimal input, in place."""
    if steps > 1:
        there = values != MISSING
        large = there & (np.abs(values) > np.iinfo(np.int64).max // steps)
        values[there & ~large] *= steps
        values[large] = MISSING
        codes.update(dict.fromkeys(np.nonzero(large)[0].tolist(), "too_large"))


def _uuids(raw: bytes) -> pa.Array:
    return pa.Array.from_buffers(UUID_TYPE, len(raw) // 16, [None, pa.py_buffer(raw)])


def _long_texts(texts: pa.StringArray) -> dict[int, str]:
    return {
        row: "too_long"
        for row, text in enumerate(texts.to_pylist())
        if text is not None and (len(text) > _LONGEST_TEXT or not text.isprintable())
    }


def _json_text(text: str | None) -> str:
    return json.dumps(text, ensure_ascii=False)


def _framed(text: str | None) -> bytes:
    raw = (text if text is not None else _TEXT_MISSING).encode()
    return len(raw).to_bytes(4) + raw


def _fault(rule: Rule, reason: RowReason) -> tuple[str, str, str]:
    """The reason in the sender's words: its column, not our input."""
    column = next((source.columns[0] for source in rule.inputs if source.id == reason.field), reason.field)
    return column, reason.code, "" if reason.bound is None else str(reason.bound)


def _in_column(source: Field, codes: MappingType[int, str]) -> dict[int, tuple[str, str]]:
    return {row: (source.columns[0], code) for row, code in codes.items()}
