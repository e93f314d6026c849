"""The rule packs that come with this deployment, read once per process."""

from __future__ import annotations

import asyncio
from functools import cache

from backend import packs
from backend.packs import Library


@cache
def _read() -> Library:
    return packs.load_all()


async def library() -> Library:
    """Every pack of the deployment; reading them runs their examples, so it happens off the event loop."""
    return await asyncio.to_thread(_read)
