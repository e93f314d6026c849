"""Why a row has no grams, and how the inputs of one row are read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from backend.methodologies.model import NUMBERS, Activity, Input


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a row has no grams: the field, a stable code, and the bound that was crossed, if one was."""

    field: str
    code: str
    bound: int | None = None

    def message(self, language: str = "en") -> str:
        """The reason as a sentence."""
        zh, en = _REASONS[self.code]
        return (zh if language == "zh" else en).format(field=self.field, bound=self.bound)


_REASONS = {
    "missing": ("缺少 {field}", "{field} is missing"),
    "not_a_number": ("{field} 不是整数", "{field} is not a whole number"),
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
        if item.type in NUMBERS:
            reasons.append(RowReason(item.id, "below_minimum", item.low))
            reasons.append(RowReason(item.id, "above_maximum", item.high))
        if item.after is not None:
            reasons.append(RowReason(item.id, "not_after"))
    reasons += [RowReason("", code) for code in ("negative_reduction", "division_by_zero", "too_large")]
    return tuple(dict.fromkeys(reasons))


def read_number(item: Input, value: object, numbers: dict[str, int]) -> RowReason | None:
    """Put a whole number, or a text that writes one, into `numbers`; the reason when it is not usable."""
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.removeprefix("-").isdigit() and len(digits) < 20):
            return RowReason(item.id, "not_a_number")
        value = int(digits)
    if type(value) is not int:
        return RowReason(item.id, "not_a_number")
    if item.low is not None and value < item.low:
        return RowReason(item.id, "below_minimum", item.low)
    if item.high is not None and value > item.high:
        return RowReason(item.id, "above_maximum", item.high)
    numbers[item.id] = value
    return None


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
