"""The short way of a few named requests: past the outermost layer straight to the verb.

A surface may name handlers by method and address beside its endpoints. A handler sees the request and its body after the edge has
counted and checked it, and answers where everything is in order. Whatever is not (no token, a body of another shape, a
missing header) it leaves to the endpoint by answering None, so that refusals are worded in one place; what its verb refuses is
told as everywhere. The endpoint stays the description of what the request means, and must answer the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from email.message import Message

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

Handler = Callable[[Request, bytes], Awaitable[Response | None]]
Handlers = Mapping[tuple[str, str], Handler]  # by method and address within the surface

MOST_TOKEN = 4096


def token_of(request: Request) -> str | None:
    """The bearer token that the request carries, read as FastAPI's `HTTPBearer` reads it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and 0 < len(token) <= MOST_TOKEN else None


def says_json(request: Request) -> bool:
    """Whether an endpoint would read the body as JSON: the request says so in words that it understands."""
    said = request.headers.get("content-type", "")
    if said == "application/json":
        return True
    message = Message()
    message["content-type"] = said
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )


def answer(told: BaseModel, *, status: int = 200) -> Response:
    """A body as an endpoint would send it."""
    return Response(told.model_dump_json(), status_code=status, media_type="application/json")
