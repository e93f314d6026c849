"""Events as they were written: whole numbers and decimals with all of their digits."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

from fastapi import Request

_LARGE = 1 << 20  # bytes; a larger body is read beside the event loop


async def exact(request: Request, member: str) -> list[Any]:
    """The list under `member` of a body that was found well formed, its decimals never read as floats."""
    body = await request.body()

    def read() -> list[Any]:
        found: list[Any] = json.loads(body, parse_float=Decimal)[member]
        return found

    return await asyncio.to_thread(read) if len(body) > _LARGE else read()
