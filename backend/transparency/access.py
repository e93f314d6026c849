"""What endpoints of the public surface have in common: a session that knows the log's newest entries, and caching."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from backend.kit.http import database
from backend.transparency import following
from backend.transparency.queries import Filter
from backend.transparency.telling import MOST, Status

FOR_GOOD = "public, max-age=31536000, immutable"
FOR_A_MOMENT = "public, max-age=10"
PROOF: dict[int | str, dict[str, Any]] = {
    200: {"description": "A proof as `puhui verify` reads it (docs/proofs.md), or its bare hashes."}
}


async def _followed(request: Request) -> AsyncIterator[AsyncSession]:
    db = database(request)
    await following.catch_up(db, patience_s=following.PATIENCE_S)
    async with db.transaction() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        yield session


Followed = Annotated[AsyncSession, Depends(_followed, scope="function")]
Index = Annotated[int, Query(ge=0, lt=MOST)]
Name = Annotated[str | None, Query(min_length=1, max_length=100)]


def filtered(
    *,
    project: Name = None,
    methodology: Name = None,
    vintage_year: Annotated[int | None, Query(ge=1990, le=2200)] = None,
    status: Status | None = None,
    unit: Name = None,
    book: Name = None,
    market: Name = None,
    holder: Annotated[str | None, Query(min_length=1, max_length=100, description="An organisation.")] = None,
    batch: Name = None,
    demo: bool | None = None,
) -> Filter:
    """The query parameters that say which numbers are asked for."""
    return Filter(
        project=project,
        methodology=methodology,
        vintage_year=vintage_year,
        status=status,
        unit=unit,
        book=book,
        market=market,
        holder=holder,
        batch=batch,
        demo=demo,
    )


Wanted = Annotated[Filter, Depends(filtered)]


def cached(request: Request, body: BaseModel, *, keep: str = FOR_A_MOMENT) -> Response:
    """The answer with an ETag over its bytes; 304 when the caller has it already."""
    content = body.model_dump_json().encode()
    return tagged(request, content, media_type="application/json", keep=keep)


def tagged(request: Request, content: bytes, *, media_type: str, keep: str) -> Response:
    """Bytes with an ETag; 304 without them when the caller names it in `If-None-Match`."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": keep}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
