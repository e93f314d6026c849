"""What was wrong with a request, in our own words: pydantic's own messages may quote the input."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import FastAPI

from backend.kit.errors import Language

MOST_FAULTS = 20
_PLACES = {"body", "query", "path", "header", "cookie"}

_REASONS: dict[str, tuple[str, str]] = {
    "missing": ("缺少此项", "is missing"),
    "extra_forbidden": ("不接受此项", "is not taken here"),
    "int_type": ("应为整数", "is to be a whole number"),
    "int_parsing": ("应为整数", "is to be a whole number"),
    "int_parsing_size": ("整数过大", "is too large a number"),
    "int_from_float": ("应为整数", "is to be a whole number"),
    "float_type": ("应为数字", "is to be a number"),
    "float_parsing": ("应为数字", "is to be a number"),
    "finite_number": ("应为有限的数", "is to be a finite number"),
    "decimal_type": ("应为十进制数", "is to be a decimal number"),
    "decimal_parsing": ("应为十进制数", "is to be a decimal number"),
    "decimal_max_digits": ("位数过多", "has too many digits"),
    "decimal_max_places": ("小数位过多", "has too many decimal places"),
    "bool_type": ("应为 true 或 false", "is to be true or false"),
    "bool_parsing": ("应为 true 或 false", "is to be true or false"),
    "string_type": ("应为文本", "is to be text"),
    "string_unicode": ("应为有效的 Unicode 文本", "is to be valid Unicode text"),
    "string_too_short": ("至少 {min_length} 个字符", "has fewer than {min_length} characters"),
    "string_too_long": ("至多 {max_length} 个字符", "has more than {max_length} characters"),
    "string_pattern_mismatch": ("格式不符", "does not have the form asked for"),
    "too_short": ("至少 {min_length} 项", "has fewer than {min_length} items"),
    "too_long": ("至多 {max_length} 项", "has more than {max_length} items"),
    "greater_than": ("应大于 {gt}", "is to be greater than {gt}"),
    "greater_than_equal": ("应不小于 {ge}", "is to be at least {ge}"),
    "less_than": ("应小于 {lt}", "is to be less than {lt}"),
    "less_than_equal": ("应不大于 {le}", "is to be at most {le}"),
    "multiple_of": ("应为 {multiple_of} 的倍数", "is to be a multiple of {multiple_of}"),
    "enum": ("应为 {expected} 之一", "is to be one of {expected}"),
    "literal_error": ("应为 {expected} 之一", "is to be one of {expected}"),
    "uuid_type": ("应为 UUID", "is to be a UUID"),
    "uuid_parsing": ("应为 UUID", "is to be a UUID"),
    "datetime_parsing": ("应为 ISO 8601 时间", "is to be an ISO 8601 time"),
    "datetime_from_date_parsing": ("应为 ISO 8601 时间", "is to be an ISO 8601 time"),
    "datetime_type": ("应为 ISO 8601 时间", "is to be an ISO 8601 time"),
    "timezone_aware": ("时间须带时区", "is to have an offset"),
    "date_parsing": ("应为日期 YYYY-MM-DD", "is to be a date YYYY-MM-DD"),
    "date_from_datetime_parsing": ("应为日期 YYYY-MM-DD", "is to be a date YYYY-MM-DD"),
    "date_type": ("应为日期 YYYY-MM-DD", "is to be a date YYYY-MM-DD"),
    "list_type": ("应为数组", "is to be an array"),
    "dict_type": ("应为对象", "is to be an object"),
    "model_type": ("应为对象", "is to be an object"),
    "model_attributes_type": (
        "应为 JSON 对象（application/json）",
        "is to be a JSON object (application/json)",
    ),
    "union_tag_invalid": ("类型标记不可用", "has a kind that is not known"),
    "union_tag_not_found": ("缺少类型标记", "does not say its kind"),
}
_UNKNOWN_REASON = ("无效", "is not valid")
_SHOWN_LIMITS = {
    "min_length", "max_length", "gt", "ge", "lt", "le", "multiple_of", "max_digits", "decimal_places", "expected",
}  # fmt: skip


def listed_faults(
    found: Sequence[Mapping[str, Any]], *, known: frozenset[str], language: Language
) -> list[dict[str, str]]:
    """The faults as `{in, field, code, reason}`, at most 20; nothing in them comes from the caller."""
    return [_fault(fault, known, language) for fault in found[:MOST_FAULTS]]


def _fault(fault: Mapping[str, Any], known: frozenset[str], language: Language) -> dict[str, str]:
    location = list(fault.get("loc", ()))
    place = location.pop(0) if location and location[0] in _PLACES else "body"
    kind = str(fault.get("type", ""))
    if not re.fullmatch(r"[a-z][a-z0-9_.]{0,63}", kind):
        kind = "invalid"
    return {
        "in": str(place),
        "field": ".".join(_shown(part, known) for part in location),
        "code": kind,
        "reason": _reason(kind, fault.get("ctx"), language),
    }


def _shown(part: object, known: frozenset[str]) -> str:
    if isinstance(part, int):
        return str(part)
    return str(part) if part in known else "*"


def _reason(kind: str, context: object, language: Language) -> str:
    sentence = _REASONS.get(kind, _UNKNOWN_REASON)[0 if language == "zh" else 1]
    limits = context if isinstance(context, Mapping) else {}
    shown = {name: str(value)[:200] for name, value in limits.items() if name in _SHOWN_LIMITS}
    try:
        return sentence.format(**shown)
    except (KeyError, IndexError):
        return _UNKNOWN_REASON[0 if language == "zh" else 1]


_names: WeakKeyDictionary[FastAPI, frozenset[str]] = WeakKeyDictionary()


def known_names(app: FastAPI) -> frozenset[str]:
    """Every name that the OpenAPI document of `app` publishes for a parameter, a property or a schema."""
    names = _names.get(app)
    if names is None:
        collected: set[str] = set()
        _collect(app.openapi(), collected)
        names = _names[app] = frozenset(collected)
    return names


def _collect(node: object, into: set[str]) -> None:
    if isinstance(node, Mapping):
        for holder in ("properties", "schemas"):
            held = node.get(holder)
            if isinstance(held, Mapping):
                into.update(str(name) for name in held)
        if "in" in node and isinstance(node.get("name"), str):
            into.update({node["name"], node["name"].lower()})
        for inner in node.values():
            _collect(inner, into)
    elif isinstance(node, list):
        for inner in node:
            _collect(inner, into)
