"""What the present request said, so that no refusal says it back.

A refusal's facts serve the command line too, where naming the programme that was not found helps. Over HTTP a text
that came from the caller is shown as `*`: the caller knows it, and a page or a log that shows the answer stays safe.
Numbers, ids and times keep their value; they were parsed and cannot carry anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.types import Scope

HIDDEN = "*"
SHORTEST = 4  # a shorter text is hidden only when it is the whole of what was sent

_request: ContextVar[tuple[Scope, bytes] | None] = ContextVar("request", default=None)


def remember(scope: Scope, body: bytes) -> None:
    """Keep the present request at hand; nothing is read from it unless it is refused."""
    _request.set((scope, body))


def forget() -> None:
    """There is nothing that a refusal could say back."""
    _request.set(None)


def without_echo(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with every text that the present request sent, or that holds one, replaced by `*`."""
    request = _request.get()
    if request is None or not facts:
        return dict(facts)
    sent = {text.strip().casefold() for text in _texts(*request)} - {""}
    everything = "\n".join(sent)
    return {name: _cleaned(value, sent, everything) for name, value in facts.items()}


def _cleaned(value: Any, sent: set[str], everything: str) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return HIDDEN if _was_sent(value.strip().casefold(), sent, everything) else value
    if isinstance(value, Mapping):
        return {
            _cleaned(key, sent, everything): _cleaned(inner, sent, everything) for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(inner, sent, everything) for inner in value]
    return value


def _was_sent(text: str, sent: set[str], everything: str) -> bool:
    if text in sent or (len(text) >= SHORTEST and text in everything):
        return True
    return any(SHORTEST <= len(part) <= len(text) and part in text for part in sent)


def _texts(scope: Scope, body: bytes) -> Iterator[str]:
    yield from str(scope["path"]).split("/")
    for pair in parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True):
        yield from pair
    yield from (unquote(value.decode("latin-1")) for _, value in scope["headers"])
    try:
        waiting: list[Any] = [json.loads(body)] if body else []
    except (ValueError, RecursionError):
        yield body.decode("utf-8", "replace")
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value
