"""A lottery as anybody may read it, put together from its log entries and nothing else.

`docs/lottery_draw.py` takes this document as it is. Who stands behind a handle is in none of these entries.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.engagement.lotteries import queries, service
from backend.engagement.lotteries.errors import LotteryUnknown


async def published(session: AsyncSession, *, lottery_id: UUID) -> dict[str, Any]:
    """What was opened, committed, fixed, revealed and drawn so far. Raises LotteryUnknown."""
    rows = (await session.execute(queries.LOGGED, {"lottery": lottery_id})).all()
    indexes = [row.log_index + step for row in rows for step in range(row.entries)]
    entries = await log.entries_at(session, indexes)
    if not entries:
        raise LotteryUnknown
    return told(entries)


def told(entries: list[log.Entry]) -> dict[str, Any]:
    """The document that a lottery's log entries give, in their order. Pure."""
    document: dict[str, Any] = {
        "commitments": {},
        "entries": None,
        "entries_sha256": None,
        "secrets": {},
        "outcome": None,
        "seed": None,
        "winners": [],
        "failed_by": [],
        "log": [{"index": one.index, "kind": one.kind} for one in entries],
    }
    for one in entries:
        body = one.body
        match one.kind:
            case service.OPENED:
                document = body | document
            case service.COMMITTED:
                document["commitments"][body["party"]] = body["commitment"]
            case service.LISTED:
                document["entries"] = (document["entries"] or []) + body["labels"]
            case service.CLOSED:
                document["entries"] = document["entries"] or []
                document["entries_sha256"] = body["entries_sha256"]
            case service.REVEALED:
                document["secrets"][body["party"]] = body["secret"]
            case service.DRAWN:
                document |= {"outcome": "drawn", "seed": body["seed"], "winners": body["winners"]}
            case service.FAILED:
                document |= {"outcome": "failed", "failed_by": body["failed_by"]}
    return document
