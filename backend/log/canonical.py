"""One text for one document: the bytes of an entry that are hashed.

JSON with sorted keys, no spaces, UTF-8, whole numbers only; so the same facts always give the same bytes, and the bytes
can be read again with any JSON library. The rules are those of RFC 8785 for the documents that we allow: strings,
whole numbers, true, false, null, lists, and objects with string keys (sorted by code point).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.kit.errors import DomainError, Kind

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # a zero byte or half of a surrogate pair


@dataclass(eq=False)
class NotCanonical(DomainError):
    """An entry holds something that has no single written form: a float, a half character, a key that is not text."""

    code = "log.not_canonical"
    kind = Kind.INVALID
    title_zh = "日志条目中有无唯一写法的值：浮点数、不完整字符或非文本的键。"

    at: str


def encode(document: Any) -> bytes:
    """The canonical bytes of a document."""
    _check(document, "$")
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def _check(value: Any, at: str) -> None:
    match value:
        case None | bool() | int():
            return
        case str() if not _UNSTORABLE.search(value):
            return
        case list() | tuple():
            for place, item in enumerate(value):
                _check(item, f"{at}[{place}]")
        case dict():
            for key, item in value.items():
                if not isinstance(key, str) or _UNSTORABLE.search(key):
                    raise NotCanonical(at=at)
                _check(item, f"{at}.{key}")
        case _:
            raise NotCanonical(at=at)


def decode(data: bytes) -> Any:
    """Read canonical bytes again; ValueError when they are not exactly what `encode` would write."""
    document = json.loads(data, parse_float=_no_float)
    if encode(document) != data:
        raise ValueError("the bytes are not in canonical form")
    return document


def _no_float(_: str) -> Any:
    raise ValueError("a canonical document holds no floats")


def moment(at: datetime) -> str:
    """An aware time as text, in UTC with microseconds: `2026-01-02T03:04:05.000006Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
