"""Letting transactions about one subject pass one after the other."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")


async def take_turns(session: AsyncSession, *subjects: str) -> None:
    """Wait until no other transaction holds any of these subjects; held to the transaction's end.

    Taken in sorted order, so that two transactions about the same subjects never block each other for good.
    """
    for subject in sorted(set(subjects)):
        await session.execute(_LOCK, {"subject": subject})
