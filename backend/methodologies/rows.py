"""Why a row has no grams, and how the inputs of one row are read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from backend.methodologies.model import COLUMNS, Activity, Input
from backend.packs.regions import covers

_DECIMAL = re.compile(r"-?\d{1,19}(?:\.\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a row has no grams: the field, a stable code, and the bound that was crossed, if one was."""

    field: str
    code: str
    bound: int | str | None = None

    def message(self, language: str = "en") -> str:
        """The reason as a sentence."""
        zh, en = _REASONS[self.code]
        return (zh if language == "zh" else en).format(field=self.field, bound=self.bound)


_REASONS = {
    "missing": ("缺少 {field}", "{field} is missing"),
    "not_a_number": ("{field} 不是整数", "{field} is not a whole number"),
    "too_many_places": ("{field} 的小数位数超过 {bound} 位", "{field} has more than {bound} decimal places"),
    "not_a_choice": ("{field} 不在可选值之内", "{field} is none of the possible values"),
    "unknown_figure": ("表 {field} 没有这一行所需的数值", "the table {field} has no figure for this row"),
    "not_a_time": ("{field} 不是时间", "{field} is not a time"),
    "below_minimum": ("{field} 小于最小值 {bound}", "{field} is below the minimum of {bound}"),
    "above_maximum": ("{field} 大于最大值 {bound}", "{field} is above the maximum of {bound}"),
    "not_after": ("{field} 不晚于它应晚于的时间", "{field} is not after the time that it must follow"),
    "negative_reduction": ("公式得出负的减排量", "the formula gives a negative reduction"),
    "division_by_zero": ("公式除以零", "the formula divides by zero"),
    "too_large": ("结果过大", "the result is too large"),
}


def possible_reasons(activity: Activity) -> tuple[RowReason, ...]:
    """Every reason that a row of this activity can have, behind a first that stands for none."""
    reasons = [RowReason("", "ok")]
    for item in activity.inputs.values():
        reasons.append(RowReason(item.id, "missing"))
        if item.type in COLUMNS:
            reasons += [outside(item, low=True), outside(item, low=False)]
        if item.after is not None:
            reasons.append(RowReason(item.id, "not_after"))
    reasons += [RowReason(name, "unknown_figure") for name in sorted(activity.formula.names)]
    reasons += [RowReason("", code) for code in ("negative_reduction", "division_by_zero", "too_large")]
    return tuple(dict.fromkeys(reasons))


def outside(item: Input, *, low: bool) -> RowReason:
    """The reason of a value below or above what an input may be; a place among choices that is none."""
    if item.choices:
        return RowReason(item.id, "not_a_choice")
    bound = item.low if low else item.high
    shown = item.show(bound) if item.places and bound is not None else bound
    return RowReason(item.id, "below_minimum" if low else "above_maximum", shown)


def read_held(item: Input, value: object) -> int | RowReason:
    """The whole number that an input is held as; the reason when the value is not usable."""
    found = read_unbounded(item, value)
    return found if isinstance(found, RowReason) else _within(item, found)


def read_unbounded(item: Input, value: object) -> int | RowReason:
    """The same without looking at bounds, which columns look at themselves."""
    return _read_code(item, value) if item.choices else _read_number(item, value)


def _within(item: Input, held: int) -> int | RowReason:
    if item.low is not None and held < item.low:
        return outside(item, low=True)
    if item.high is not None and held > item.high:
        return outside(item, low=False)
    return held


def again_held(item: Input, value: object) -> int | RowReason:
    """The same for a value that was held already, as actions keep it."""
    return _within(item, value) if type(value) is int else RowReason(item.id, "not_a_number")


def _read_number(item: Input, value: object) -> int | RowReason:
    if item.places:
        return _read_decimal(item, value)
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.removeprefix("-").isdigit() and len(digits) < 20):
            return RowReason(item.id, "not_a_number")
        value = int(digits)
    return value if type(value) is int else RowReason(item.id, "not_a_number")


def _read_decimal(item: Input, value: object) -> int | RowReason:
    if type(value) is int:
        return int(value * 10**item.places)
    digits = value.strip() if isinstance(value, str) else ""
    if not _DECIMAL.fullmatch(digits):
        return RowReason(item.id, "not_a_number")
    held = Fraction(digits) * 10**item.places
    return int(held) if held.denominator == 1 else RowReason(item.id, "too_many_places", item.places)


def _read_code(item: Input, value: object) -> int | RowReason:
    found = code_of(item, value) if isinstance(value, str) else None
    return RowReason(item.id, "not_a_choice") if found is None else found


def code_of(item: Input, value: str) -> int | None:
    """The place of a choice; of a region, the place of the smallest listed region that holds it. None when it is none."""
    fits = [
        (len(one.id), place)
        for place, one in enumerate(item.choices)
        if (covers(one.id, value) if item.type == "region" else one.id == value)
    ]
    return max(fits)[1] if fits else None


def read_columns(activity: Activity, given: Mapping[str, object]) -> dict[str, int] | None:
    """The held numbers of one row; None when one of its values cannot be held at all."""
    held: dict[str, int] = {}
    for item in activity.inputs.values():
        if item.type in COLUMNS and given.get(item.id) not in (None, ""):
            found = read_unbounded(item, given[item.id])
            if isinstance(found, RowReason) or abs(found) >= 2**63:
                return None
            held[item.id] = found
    return held


def read_time(item: Input, value: object, times: dict[str, dt.datetime]) -> RowReason | None:
    """Put a moment, or a text in ISO 8601, into `times`; the reason when it is none or not after its predecessor."""
    try:
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    except ValueError:
        return RowReason(item.id, "not_a_time")
    times[item.id] = moment
    before = times.get(item.after or "")
    if before is None:
        return None
    if (before.tzinfo is None) != (moment.tzinfo is None):
        return RowReason(item.id, "not_a_time")
    return RowReason(item.id, "not_after") if moment <= before else None
