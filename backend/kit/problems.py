"""Refusals on the wire: `application/problem+json` (RFC 9457), in the caller's language, never echoing input.

Members: `type`, `title` (zh-CN unless `Accept-Language` prefers en), `status`, the stable `code`, `trace_id`, and the
facts of the case as further members. A validation problem lists under `errors` where (`in`, `field`), what (`code`)
and why (`reason`), in the words of our own schema; a name that the caller made up is shown as `*`.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from backend.kit import echo, i18n, logging
from backend.kit.errors import DomainError, Kind, title_en
from backend.kit.validation import known_names, listed_faults

MEDIA_TYPE = "application/problem+json"
_RESERVED = {"type", "title", "status", "detail", "instance", "code", "trace_id", "errors"}

_log = logging.get("puhui.problems")


class RequestInvalid(DomainError):
    """The request does not have the form that this endpoint takes."""

    code = "kit.request_invalid"
    kind = Kind.INVALID
    title_zh = "请求内容不符合本接口的要求。"


class RequestMalformed(DomainError):
    """The request cannot be read: its body, path or query is not well formed."""

    code = "kit.request_malformed"
    kind = Kind.MALFORMED
    title_zh = "无法读取请求：正文、路径或查询格式有误。"


class NotFound(DomainError):
    """There is nothing here that you may see."""

    code = "kit.not_found"
    kind = Kind.NOT_FOUND
    title_zh = "没有找到，或您无权查看。"


@dataclasses.dataclass(eq=False)
class BodyTooLarge(DomainError):
    """The request's body is larger than this service takes."""

    code = "kit.body_too_large"
    kind = Kind.TOO_LARGE
    title_zh = "请求正文过大。"

    limit_bytes: int


@dataclasses.dataclass(eq=False)
class BodyTooDeep(DomainError):
    """The request's JSON is nested more deeply than this service takes."""

    code = "kit.body_too_deep"
    kind = Kind.MALFORMED
    title_zh = "请求的 JSON 嵌套过深。"

    limit: int


_BY_STATUS: dict[int, tuple[str, str, str]] = {
    400: (RequestMalformed.code, RequestMalformed.title_zh, title_en(RequestMalformed)),
    401: ("kit.unauthenticated", "请先登录。", "Please sign in first."),
    403: ("kit.forbidden", "您没有此项权限。", "You may not do this."),
    404: (NotFound.code, NotFound.title_zh, title_en(NotFound)),
    405: ("kit.method_not_allowed", "此地址不支持该方法。", "This address does not take that method."),
    406: ("kit.not_acceptable", "无法提供所要求的格式。", "The requested format cannot be given."),
    413: (BodyTooLarge.code, BodyTooLarge.title_zh, title_en(BodyTooLarge)),
    414: ("kit.address_too_long", "请求地址过长。", "The request's address is too long."),
    415: ("kit.media_type_unsupported", "不支持此内容类型。", "This content type is not supported."),
    429: ("kit.rate_limited", "请求过于频繁，请稍后再试。", "Too many requests; try again later."),
    503: (
        "kit.unavailable",
        "服务暂不可用，请稍后重试。",
        "The service is not available now; try again later.",
    ),
}
_INTERNAL = ("kit.internal", "服务器内部错误，已记录。", "Something failed on our side; it was recorded.")


def rendered(
    *,
    status: int,
    code: str,
    title_zh: str,
    title: str,
    facts: Mapping[str, Any] | None = None,
    faults: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem as a response in the present language."""
    language = i18n.language()
    document: dict[str, Any] = {
        "type": f"urn:puhui:problem:{code}",
        "title": title_zh if language == "zh" else title,
        "status": status,
        "code": code,
        "trace_id": logging.trace_id(),
    }
    if faults is not None:
        document["errors"] = faults
    document |= {
        f"fact_{name}" if name in _RESERVED else name: value for name, value in (facts or {}).items()
    }
    body = json.dumps(document, ensure_ascii=False, default=_plain).encode("utf-8", "replace")
    return Response(
        body,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={
            "content-language": i18n.TAGS[language],
            "vary": "Accept-Language",
            "cache-control": "no-store",
            **(headers or {}),
        },
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset | tuple):
        return sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    return str(value)


def answer(error: DomainError) -> Response:
    """A refusal as a response. `error.headers`, where a class has it, goes with it (`WWW-Authenticate`, …).

    The facts of what is not there are the caller's own words, so they are left out; in other facts a text that the
    caller sent is shown as `*`, but for names that are `ours`.
    """
    kind = type(error)
    facts = {} if kind.kind is Kind.NOT_FOUND else error.facts()
    return rendered(
        status=kind.kind.http_status,
        code=kind.code,
        title_zh=kind.title_zh,
        title=title_en(kind),
        facts=facts if kind.ours else echo.without_echo(facts),
        headers=_headers_of(error),
    )


def _headers_of(error: DomainError) -> Mapping[str, str]:
    headers = getattr(error, "headers", None)
    if headers is not None:
        return typing.cast("Mapping[str, str]", headers)
    return {"retry-after": "1"} if error.kind is Kind.UNAVAILABLE else {}


def internal() -> Response:
    """The answer when our own code failed."""
    code, title_zh, title = _INTERNAL
    return rendered(status=500, code=code, title_zh=title_zh, title=title)


async def _on_domain_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    if error.kind is Kind.UNAVAILABLE:
        _log.warning("unavailable", code=error.code, exc_info=error)
    return answer(error)


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status < 200 or status in {204, 304}:
        return Response(status_code=status, headers=error.headers)
    fallback = (
        _INTERNAL if status >= 500 else (f"kit.http_{status}", "请求被拒绝。", "The request was refused.")
    )
    code, title_zh, title = _BY_STATUS.get(status, fallback)
    return rendered(status=status, code=code, title_zh=title_zh, title=title, headers=error.headers)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(fault.get("type") == "json_invalid" for fault in found):
        return answer(RequestMalformed())
    faults = listed_faults(found, known=known_names(request.app), language=i18n.language())
    return rendered(
        status=RequestInvalid.kind.http_status,
        code=RequestInvalid.code,
        title_zh=RequestInvalid.title_zh,
        title=title_en(RequestInvalid),
        faults=faults,
    )


async def _on_anything(_request: Request, error: Exception) -> Response:
    _log.error("unexpected", exc_info=error)
    return internal()


def install(app: FastAPI) -> None:
    """Let `app` answer every failure as a problem. `http.new_app` does this already."""
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_anything)


def problems(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """What an endpoint may refuse with, for `responses=`: `@router.post("/captures", responses=problems(HoldUnknown))`."""
    by_status: dict[int, list[type[DomainError]]] = {}
    for error in errors:
        by_status.setdefault(error.kind.http_status, []).append(error)
    return {
        status: {
            "description": " · ".join(f"`{kind.code}` {title_en(kind)} {kind.title_zh}" for kind in kinds),
            "content": {MEDIA_TYPE: {"schema": problem_schema(kinds)}},
        }
        for status, kinds in sorted(by_status.items())
    }


def problem_schema(kinds: Iterable[type[DomainError]] = ()) -> dict[str, Any]:
    """The JSON schema of a problem that is one of `kinds`, their facts included."""
    codes: list[str] = []
    properties: dict[str, Any] = {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "trace_id": {"type": "string"},
    }
    for kind in kinds:
        codes.append(kind.code)
        properties |= {name: schema for name, schema in _fact_schemas(kind) if name not in _RESERVED}
    if codes:
        properties["code"] = {"type": "string", "enum": sorted(set(codes))}
    return {
        "type": "object",
        "required": ["type", "title", "status", "code", "trace_id"],
        "properties": properties,
    }


def _fact_schemas(kind: type[DomainError]) -> list[tuple[str, dict[str, Any]]]:
    if not dataclasses.is_dataclass(kind) or kind.kind is Kind.NOT_FOUND:
        return []
    hints = typing.get_type_hints(kind)
    schemas: list[tuple[str, dict[str, Any]]] = []
    for field in dataclasses.fields(kind):
        try:
            schema = TypeAdapter(hints[field.name]).json_schema()
        except (PydanticSchemaGenerationError, PydanticUserError):
            schema = {}
        schemas.append((field.name, {} if "$defs" in schema else schema))
    return schemas
