"""Plausible bodies and parameters, made from what a document says it takes: good enough to come past validation."""

from __future__ import annotations

import re
from typing import Any

UUID_NOBODY_HAS = "00000000-0000-7000-8000-00000000abcd"
_WORDS = (
    "gd-green-travel", "abc", "a" * 24, "a" * 40, "0" * 64, "1", "12", "123456", "12345678", "1234567890123456", "bus", "CN-GD",
    "13800000000", "AAAA-BBBB", "2026-11", "2026", "webhook.test", "1.5", "0.5", "+8613800000000", "A" * 43, "11.11",
    "08:00", "91350211M000100Y43", "0123456789abcdef", "ABCDEFGH", "sha256", UUID_NOBODY_HAS, "A" * 22,
)  # fmt: skip
_DEEPEST = 12
_FORMATS = {
    "uuid": UUID_NOBODY_HAS,
    "date": "2026-11-20",
    "date-time": "2026-11-20T08:00:00+08:00",
    "time": "08:00:00",
    "binary": "x",
    "email": "who@example.com",
    "uri": "https://1.1.1.1/",
}


def value_of(schema: dict[str, Any], schemas: dict[str, Any], *, depth: int = 0) -> Any:
    """One value that the schema allows, as small as may be."""
    schema = _resolved(schema, schemas)
    told = [schema[name] for name in ("const", "default") if schema.get(name) is not None]
    told += [schema[name][0] for name in ("examples", "enum") if schema.get(name)]
    if told:
        return told[0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", []) if depth < _DEEPEST else []
            return {name: value_of(schema["properties"][name], schemas, depth=depth + 1) for name in wanted}
        case "array":
            one = value_of(schema.get("items", {}), schemas, depth=depth + 1)
            return [one] * schema.get("minItems", 0)
        case "string":
            return _text(schema)
        case "boolean":
            return True
        case other:
            return _number(schema) if other else {}


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What a reference or a choice stands for: the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
            continue
        choices = next((schema[name] for name in ("anyOf", "oneOf", "allOf") if name in schema), None)
        if choices is None or schema.get("default") is not None:
            return schema
        schema = next((one for one in choices if one.get("type") != "null"), {})


def _number(schema: dict[str, Any]) -> int:
    least = int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
    return min(max(least, 1), int(schema.get("maximum", least + 1)))


def _text(schema: dict[str, Any]) -> str:
    if "format" in schema:
        return _FORMATS.get(str(schema["format"]), "x")
    least, most = schema.get("minLength", 1), schema.get("maxLength", 10_000)
    pattern = re.compile(schema.get("pattern", ""))
    for word in _WORDS:
        if pattern.search(word) and least <= len(word) <= most:
            return word
    return "x" * int(least)
