"""Telling citizens in time which of their vouchers end."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.identity import joining
from backend.kit import clock
from backend.kit.db import Database
from merchant.vouchers import queries
from merchant.vouchers.telling import ENDING, yuan

TOLD_BEFORE = dt.timedelta(days=5)


async def _reader(session: AsyncSession, row: Row[Any]) -> UUID:
    """Whoever reads what is told to the account: the account that it ended in, if it did."""
    of: UUID = row.participant_id
    return await joining.survivor_of(session, participant_id=of) if row.ended else of


async def remind_all(db: Database, *, batch: int = 2_000) -> int:
    """Tell everybody whose good vouchers end within five days, once for each; how many were told. Harmless to repeat."""
    told, after, today = 0, None, clock.today()
    while True:
        async with db.transaction() as session:
            given = {"today": today, "until": today + TOLD_BEFORE, "after": after, "limit": batch}
            rows = (await session.execute(queries.ENDING, given)).all()
            told += await inbox.tell_many(
                session,
                kind=ENDING.name,
                told=[
                    (
                        await _reader(session, row),
                        str(row.redemption_id),
                        {
                            "title_zh": row.title_zh,
                            "title_en": row.title_en,
                            "merchant_zh": row.merchant_zh,
                            "merchant_en": row.merchant_en,
                            "face_yuan": yuan(row.face_fen),
                            "last_day": row.valid_until.isoformat(),
                        },
                    )
                    for row in rows
                ],
            )
        if len(rows) < batch:
            return told
        after = rows[-1].redemption_id
