"""The outermost layer of every app: trace id, language, limits on what is read, a log line, metrics, the last resort.

A JSON body is read whole, at most as many bytes as its address takes, and refused here when it is not UTF-8, nested deeper than
`MAX_DEPTH`, or holds what no database column and no JSON number can: NUL, lone surrogates, NaN, Infinity. Other
bodies stream through, counted. An app mounted in another leaves all of this to the outer one.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.kit import echo, i18n, logging, metrics, problems
from backend.kit.errors import DomainError

MAX_DEPTH = 32
MAX_TARGET_BYTES = 8192
MOST_JSON_BYTES = 16 << 20
MAX_NUMBER_DIGITS = 100

_log = logging.get("puhui.http")
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_SUSPECT = re.compile(rb"\\u|NaN|Infinity|[0-9]{%d}" % MAX_NUMBER_DIGITS)
_UNSAFE_TEXT = re.compile("[\x00\ud800-\udfff]")
_UNLESS_SAID = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Edge:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, body_limits: Mapping[str, int]) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.body_limits = body_limits  # surfaces that are mounted later add theirs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope.get("puhui.edge"):
            await self._never_failing(scope, receive, send)
        else:
            scope["puhui.edge"] = True
            await self._outermost(scope, receive, send)

    async def _outermost(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        trace = logging.new_trace(headers.get("traceparent"))
        i18n.speak(i18n.preferred(headers.get("accept-language", "")))
        began = time.perf_counter()
        status = 0
        turn: Any = None  # of the rate limiter, where the app has one
        turns: list[Mapping[str, str]] = []  # of whoever is counted further in
        scope["puhui.turns"] = turns

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                ours = {"trace-id": trace}
                counted = [*turns, *([turn.headers] if turn is not None else [])]
                for name in ("ratelimit-policy", "ratelimit"):
                    if said := ", ".join(one[name] for one in counted if name in one):
                        ours[name] = said
                message["headers"] = _with_ours(message.get("headers", ()), ours)
            await send(message)

        try:
            try:
                turn = await self._turn(scope)
                if turn is not None and turn.refused is not None:
                    echo.forget()  # nothing of the request was read
                    raise turn.refused
                checked = await self._checked(scope, headers, receive)
            except DomainError as refusal:
                await problems.answer(refusal)(scope, receive, marked)
                return
            await self._never_failing(scope, checked, marked, app=self._shortly)
        finally:
            seconds = time.perf_counter() - began
            template = route_template(scope)
            metrics.observe_request(method=scope["method"], route=template, status=status, seconds=seconds)
            _log.info(
                "request", method=_method(scope), route=template, status=status, ms=round(seconds * 1000, 1)
            )

    async def _turn(self, scope: Scope) -> Any:
        """The request's turn at the app's rate limiter, where it has one."""
        limiter = getattr(scope["app"].state, "limiter", None) if "app" in scope else None
        return None if limiter is None else await limiter.turn(scope)

    async def _shortly(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The short way where the app has one for this request and nothing is in it; else the usual one."""
        handlers = getattr(scope["app"].state, "short", None) if "app" in scope else None
        handler = handlers.get((scope["method"], scope["path"])) if handlers else None
        if handler is not None and "puhui.body" in scope:
            scope["route"], scope["path_params"] = handler, {}
            response = await handler(Request(scope), scope["puhui.body"])
            if response is not None:
                await response(scope, receive, send)
                return
            del scope["route"]
        await self.app(scope, receive, send)

    async def _never_failing(
        self, scope: Scope, receive: Receive, send: Send, *, app: ASGIApp | None = None
    ) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await (app or self.app)(scope, receive, watched)
        except Exception as error:
            if started:
                raise  # too late for an answer; the server ends the connection
            if isinstance(error, DomainError):
                await problems.answer(error)(scope, receive, send)
                return
            _log.error("unexpected", exc_info=error)
            await problems.internal()(scope, receive, send)

    async def _checked(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        echo.remember(scope, b"")
        _check_target(scope)
        limit = self._most_bytes(scope["path"])
        is_json = _is_json(headers)
        if is_json:
            limit = min(limit, MOST_JSON_BYTES)  # it is held in memory, whole, before anybody is known
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
            raise problems.BodyTooLarge(limit_bytes=limit)
        if not is_json:
            return _counted(receive, limit)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return _replayed([message], receive)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise problems.BodyTooLarge(limit_bytes=limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                break
        body = b"".join(chunks)
        echo.remember(scope, body)
        check_json(body)
        scope["puhui.body"] = body
        return _replayed([{"type": "http.request", "body": body, "more_body": False}], receive)

    def _most_bytes(self, path: str) -> int:
        if not path.startswith(tuple(self.body_limits)):
            return self.max_body_bytes
        return self.body_limits[max((one for one in self.body_limits if path.startswith(one)), key=len)]


def _with_ours(theirs: Iterable[tuple[bytes, bytes]], ours: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """An answer's header fields: ours in the place of whatever was said by those names, and `_UNLESS_SAID`."""
    written = {name.encode(): value.encode("latin-1") for name, value in ours.items()}
    kept = [(name, value) for name, value in theirs if name.lower() not in written]
    said = {name.lower() for name, _ in kept}
    return [*kept, *written.items(), *(one for one in _UNLESS_SAID if one[0] not in said)]


def _check_target(scope: Scope) -> None:
    query: bytes = scope.get("query_string", b"")
    path: str = scope["path"]
    if len(query) + len(path) > MAX_TARGET_BYTES or _UNSAFE_TEXT.search(path) or b"\x00" in query:
        raise problems.RequestMalformed
    if b"%00" in query:
        raise problems.RequestMalformed


def _is_json(headers: Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return not media_type or media_type == "application/json" or media_type.endswith("+json")


def check_json(body: bytes) -> None:
    """Refuse JSON that later layers could choke on; what is merely not JSON is left to the parser.

    Raises `RequestMalformed` or `BodyTooDeep`.
    """
    if not body:
        return
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise problems.RequestMalformed from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and depth_of(body) > MAX_DEPTH:
        raise problems.BodyTooDeep(limit=MAX_DEPTH)
    if _SUSPECT.search(body):
        _check_values(body)


def depth_of(body: bytes) -> int:
    """The deepest nesting of arrays and objects, in one pass and without recursion."""
    depth = deepest = 0
    for token in _TOKENS.finditer(body):
        first = body[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _check_values(body: bytes) -> None:
    try:
        parsed = json.loads(body, parse_constant=_refuse, parse_int=_whole, parse_float=_fraction)
    except (ValueError, RecursionError):
        raise problems.RequestMalformed from None
    waiting: list[Any] = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and _UNSAFE_TEXT.search(value):
            raise problems.RequestMalformed


def _refuse(_constant: str) -> None:
    raise problems.RequestMalformed


def _whole(digits: str) -> int:
    if len(digits) > MAX_NUMBER_DIGITS:
        raise problems.RequestMalformed
    return int(digits)


def _fraction(digits: str) -> float:
    if len(digits) > MAX_NUMBER_DIGITS:
        raise problems.RequestMalformed
    return float(digits)


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = list(messages)

    async def next_message() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return next_message


def _counted(receive: Receive, limit: int) -> Receive:
    size = 0

    async def next_message() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(status_code=413)
        return message

    return next_message


def route_template(scope: Scope) -> str:
    """The matched address with `{name}` for each parameter, so that neither log nor metric holds a value."""
    if scope.get("route") is None:
        return "unmatched"
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    parts = str(scope["path"]).split("/")
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in parts)[:200]


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in metrics.METHODS else "OTHER"
