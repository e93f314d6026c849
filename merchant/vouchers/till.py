"""Vouchers at the till: looking at one, and using it once."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock, ids
from backend.kit.db import Database, errors_from_database
from backend.kit.errors import DomainError
from backend.kit.keys import Keys
from merchant import redemption
from merchant.redemption import At, Says
from merchant.vouchers import codes, queries, telling
from merchant.vouchers.model import Answer, Use
from merchant.vouchers.reasons import REASONS

_NOTHING_TOLD = frozenset({"unreadable", "unknown"})


async def look(
    db: Database,
    session: AsyncSession,
    keys: Keys,
    *,
    at: At,
    code: str,
    purchase_fen: int | None = None,
) -> Answer:
    """Whether a voucher could be used at this till now, and what it is worth; nothing is done with it.

    What finds nothing is noted with the till's failed scans. Raises TooManyMisses for a typed code where too many led nowhere.
    """
    return await _asked(db, session, keys, at=at, code=code, purchase_fen=purchase_fen, use=False)


async def use(
    db: Database,
    session: AsyncSession,
    keys: Keys,
    *,
    at: At,
    code: str,
    purchase_fen: int | None = None,
) -> Answer:
    """Use a voucher at this till, once: a yes is said to one caller only. Its citizen is told.

    A no leaves the voucher as it is. Noted and limited as `look` is.
    """
    answer = await _asked(db, session, keys, at=at, code=code, purchase_fen=purchase_fen, use=True)
    if answer.says is Says.YES:
        await telling.tell_used(session, answer)
    return answer


async def _asked(
    db: Database,
    session: AsyncSession,
    keys: Keys,
    *,
    at: At,
    code: str,
    purchase_fen: int | None,
    use: bool,
) -> Answer:
    typed = not code.strip().upper().startswith(codes.PREFIX)
    if typed:
        await redemption.let_type(db, at=at)
    answer = await _found(session, keys, at=at, code=code, purchase_fen=purchase_fen, use=use)
    if answer.says is Says.NO:
        guessed = typed and answer.reason in _NOTHING_TOLD
        await redemption.note_miss(db, at=at, reason=f"voucher_{answer.reason}", typed=guessed)
    return answer


async def _found(
    session: AsyncSession, keys: Keys, *, at: At, code: str, purchase_fen: int | None, use: bool
) -> Answer:
    try:
        mac = codes.read(keys, code)
    except codes.CodeUnreadable:
        return Answer(Says.NO, "unreadable")
    now = clock.now()
    given = {
        "mac": mac,
        "merchant": at.merchant_id,
        "by": at.by,
        "shop": at.shop_id,
        "till": at.till_id,
        "purchase_fen": purchase_fen,
        "use": use,
        "event": ids.uuid7(),
        "now": now,
        "today": clock.day_of(now),
    }
    try:
        with errors_from_database():
            async with session.begin_nested():
                row = (await session.execute(queries.AT_TILL, given)).one()
    except DomainError as refusal:  # the offer is not for this shop, the shop is shut, and the like
        reason = refusal.code.rpartition(".")[2]
        if reason not in REASONS:
            raise
        return Answer(Says.NO, reason)
    return _answer(row)


def _answer(row: Row[Any]) -> Answer:
    if row.state in _NOTHING_TOLD:
        return Answer(Says.NO, row.state)
    last = None
    if row.state == "used":
        last = redemption.Use(
            row.used_at, row.used_by, row.shop_id, row.till_id, row.by_label, row.till_label
        )
    good = row.state == "good"
    return Answer(
        Says.YES if good else Says.NO,
        None if good else row.state,
        redemption_id=row.redemption_id,
        offer_id=row.offer_id,
        title_zh=row.title_zh,
        title_en=row.title_en,
        face_fen=row.face_fen,
        minimum_fen=row.minimum_fen,
        valid_until=row.valid_until,
        last_use=last,
    )


async def uses_of(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    shop_id: UUID | None = None,
    limit: int = 50,
    after: tuple[dt.datetime, UUID] | None = None,
) -> list[Use]:
    """Vouchers that a merchant's tills took, or those of one shop, the newest first."""
    at, redemption_id = after or (None, None)
    given = {
        "merchant": merchant_id,
        "shop": shop_id,
        "limit": limit,
        "after_at": at,
        "after_id": redemption_id,
    }
    return [Use(**row._mapping) for row in await session.execute(queries.USES, given)]  # noqa: SLF001
