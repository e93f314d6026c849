"""How many batches a process takes at once: each needs two connections, and more of them would only wait for these."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from backend.kit.errors import DomainError, Kind
from backend.kit.http import settings_of

PATIENCE_S = 20.0


class BatchesBusy(DomainError):
    """Too many batches are being taken in now; send the same request again."""

    code = "partner.batches_busy"
    kind = Kind.UNAVAILABLE
    title_zh = "正在处理的批次过多，请稍后原样重发。"


async def _turn(request: Request) -> AsyncIterator[None]:
    state = request.app.state
    if getattr(state, "batch_turns", None) is None:
        state.batch_turns = asyncio.Semaphore(max(1, settings_of(request).pool_size // 3))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await state.batch_turns.acquire()
    except TimeoutError:
        raise BatchesBusy from None
    try:
        yield
    finally:
        state.batch_turns.release()


BatchTurn = Annotated[None, Depends(_turn, scope="function")]
