"""Pages by cursor: `limit` and `cursor` in, `next_cursor` out.

    async def trips(paging: Paging, session: ReadSession) -> Page[Trip]:
        rows = await queries.trips(session, after=paging.after(datetime, UUID), limit=paging.fetch)
        return paging.page(rows, position=lambda row: (row.happened_at, row.id), show=Trip.of)

The query orders by the position, starts strictly after `after` (None for the first page) and fetches `paging.fetch`
rows, one more than are shown. A cursor is opaque and signed for the address that gave it; a changed one, or one
from elsewhere, is refused (422 `kit.cursor_unusable`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from backend.kit.errors import DomainError, Kind
from backend.kit.http import settings_of

DEFAULT_LIMIT = 50
MOST = 200
_MAC_BYTES = 16

T = TypeVar("T")
Row = TypeVar("Row")


class CursorUnusable(DomainError):
    """The cursor is not one that this address gave; begin again without it."""

    code = "kit.cursor_unusable"
    kind = Kind.INVALID
    title_zh = "分页游标无效，请从首页重新开始。"


class Page(BaseModel, Generic[T]):
    """Some items in order; `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for."""

    limit: int
    position: tuple[Any, ...] | None
    key: bytes
    address: str

    @property
    def fetch(self) -> int:
        """How many rows to ask the database for."""
        return self.limit + 1

    def after(self, *types: Any) -> tuple[Any, ...] | None:
        """The position to start behind, each part as the type named; None on the first page."""
        if self.position is None:
            return None
        if len(types) != len(self.position):
            raise CursorUnusable
        try:
            return tuple(
                TypeAdapter(kind).validate_python(part)
                for kind, part in zip(types, self.position, strict=True)
            )
        except ValidationError:
            raise CursorUnusable from None

    def page(
        self, rows: Sequence[Row], *, position: Callable[[Row], tuple[Any, ...]], show: Callable[[Row], T]
    ) -> Page[T]:
        """The page of the fetched rows, with the cursor of the last one shown when there are more."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(
            items=[show(row) for row in shown],
            next_cursor=encode(position(shown[-1]), key=self.key, address=self.address) if more else None,
        )


def encode(position: tuple[Any, ...], *, key: bytes, address: str) -> str:
    """A cursor for `position` that only `address` takes back."""
    payload = json.dumps(to_jsonable_python(position), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mac(key, address, payload) + payload).rstrip(b"=").decode()


def decode(cursor: str, *, key: bytes, address: str) -> tuple[Any, ...]:
    """The position in a cursor; raises `CursorUnusable`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CursorUnusable from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, address, payload)):
        raise CursorUnusable
    return tuple(json.loads(payload))


def _mac(key: bytes, address: str, payload: bytes) -> bytes:
    return hmac.digest(key, address.encode() + b"\n" + payload, hashlib.sha256)[:_MAC_BYTES]


def _asked(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many items at most.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    key = settings_of(request).keys.derive("cursor")
    address = request.url.path
    return PageRequest(
        limit=limit,
        position=None if cursor is None else decode(cursor, key=key, address=address),
        key=key,
        address=address,
    )


Paging = Annotated[PageRequest, Depends(_asked)]
