"""Logs as JSON lines that can be shipped elsewhere: UTC, with a trace id, without secrets and without people."""

from __future__ import annotations

import functools
import json
import logging
import re
import secrets
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, cast

import structlog

HIDDEN = "[hidden]"

_trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)

_PRIVATE = re.compile(
    r"pass(word|wd|phrase)|secret|token|authori[sz]ation|cookie|api_?key|private|master_?key|totp|otp|pin$|signature"
    r"|phone|mobile_?number|email|id_?card|card_?(no|number)|plate|(real|full|person)_?name|address|birth"
    r"|latitude|longitude|^(lat|lng|lon)$|^(body|query|query_string|payload|url)$",
    re.IGNORECASE,
)


def trace_id() -> str:
    """The id under which the present request or task can be found in the log; 32 hexadecimal digits."""
    current = _trace_id.get()
    if current is None:
        current = new_trace()
    return current


def new_trace(given: str | None = None) -> str:
    """Begin a trace, or join the one that a caller's `traceparent` (W3C Trace Context) names."""
    matched = re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", given or "")
    chosen = matched[1] if matched and matched[1] != "0" * 32 else secrets.token_hex(16)
    _trace_id.set(chosen)
    return chosen


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; call it with an event in words and facts by name."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(name))


def hide_private(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every key that names a secret or a person, at any depth."""
    return {key: HIDDEN if _names_private(key) else _cleaned(value) for key, value in event.items()}


@functools.lru_cache(maxsize=1024)
def _names_private(key: str) -> bool:
    return _PRIVATE.search(key) is not None


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if _names_private(str(key)) else _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


def _with_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    current = _trace_id.get()
    if current is not None:
        event["trace_id"] = current
    return event


def _safe_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An exception as its types and places in code; its text may quote input, parameters or rows."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = [type(link).__name__ for link in _chain(error)]
        event["at"] = _places(error)
    return event


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in links and len(links) < 8:
        links.append(current)
        current = current.__cause__ or current.__context__
    return links


def _places(error: BaseException) -> list[str]:
    places: list[str] = []
    for link in _chain(error)[:3]:
        step = link.__traceback__
        frames: list[str] = []
        while step is not None:
            code = step.tb_frame.f_code
            frames.append(f"{step.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}:{step.tb_lineno}")
            step = step.tb_next
        places += frames[-8:]
    return places


_SHARED: list[Any] = [
    _with_trace,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _safe_exception,
    hide_private,
]

# At import, so that no process that forgot `configure` prints values out of its stack frames.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


class _Lines(structlog.stdlib.ProcessorFormatter):
    """JSON lines. Our own records come finished and are written as they are; the libraries' go through `_SHARED` first."""

    def __init__(self) -> None:
        super().__init__(
            foreign_pre_chain=_SHARED,
            processors=[self.remove_processors_meta, lambda *given: _as_json(given[2])],
        )

    def format(self, record: logging.LogRecord) -> str:
        ours = isinstance(record.msg, dict) and hasattr(record, "_logger")  # as structlog tells its own
        return _as_json(record.msg) if ours else super().format(record)


def configure(level: int = logging.INFO) -> None:
    """Write JSON lines to standard error: our own logs, and the libraries' through the same renderer."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task"):
        theirs = logging.getLogger(name)
        theirs.handlers, theirs.propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True  # prints query strings; the request log replaces it
    for name in (
        "httpx",
        "celery.worker.strategy",
        "celery.app.trace",
    ):  # whole addresses; two lines for every ring
        logging.getLogger(name).setLevel(logging.WARNING)
