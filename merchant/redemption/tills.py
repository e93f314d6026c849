"""The verbs of a till: one call that answers yes, no or waiting; looking again, asking no more; and scans that found nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.keys import Keys
from merchant.redemption import codes, queries, telling
from merchant.redemption.errors import (
    QuestionUnknown,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionUnknown,
    TooManyMisses,
)
from merchant.redemption.model import (
    CONFIRM_WITHIN,
    MERCHANT_MISSES,
    MISSES,
    MISSES_KEPT,
    MISSES_WITHIN,
    RETRY_WITHIN,
    At,
    Miss,
    Receipt,
    Refunded,
    Says,
    Scanned,
    Use,
)
from merchant.redemption.service import Position

_POLL_EVERY_S = 0.5
_RECEIPT = (
    "redemption_id", "offer_id", "programme", "title_zh", "title_en", "points", "captured_at", "captured_by",
    "shop_id", "till_id", "money_fen",
)  # fmt: skip


async def capture(session: AsyncSession, keys: Keys, *, at: At, code: str) -> Receipt:
    """Turn a scanned code into what the merchant is owed, exactly once; again it answers the same receipt, whoever asks.

    For callers who hand nothing over: tills come by `scan`. Raises RedemptionUnknown (another merchant's code, and what is
    no code), RedemptionExpired, RedemptionEnded (`how`: it ended, or waits for its citizen).
    """
    try:
        mac, _ = codes.read(keys, code)
    except codes.CodeUnreadable:
        raise RedemptionUnknown from None
    now = clock.now()
    given = {
        "mac": mac,
        "merchant": at.merchant_id,
        "by": at.by,
        "shop": at.shop_id,
        "till": at.till_id,
        "posting": ids.uuid7(),
        "now": now,
        "wait_until": now + CONFIRM_WITHIN,
    }
    row = (await session.execute(queries.CAPTURE, given)).one()
    match row.state:
        case "captured":
            return _receipt(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name for a row's columns
        case "unknown":
            raise RedemptionUnknown
        case "expired":
            raise RedemptionExpired
        case how:
            raise RedemptionEnded(how=how)


async def scan(db: Database, keys: Keys, *, at: At, code: str) -> Scanned:
    """What a till is told of a code that it scanned or that was typed: one statement in a transaction of its own.

    Sent again by the same caller within ten minutes it is answered in the same way. What finds nothing is noted.
    Raises TooManyMisses for a typed number where too many others led nowhere.
    """
    try:
        mac, typed = codes.read(keys, code)
    except codes.CodeUnreadable:
        async with db.hot_statement() as connection:
            await _missed(connection, at, reason="unreadable", typed=code.strip().isdecimal())
        return Scanned(Says.NO, "unreadable")
    now = clock.now()
    try:
        async with db.hot_statement() as connection:
            if typed:
                await _may_type(connection, at, now)
            row = await connection.fetchrow(
                queries.CAPTURE_HOT,
                mac, at.merchant_id, at.by, at.shop_id, at.till_id, ids.uuid7(), now, now + CONFIRM_WITHIN,
            )  # fmt: skip
            assert row is not None
            answer = await _labelled(connection, _answer(dict(row), at, now))
            if answer.says is Says.NO:
                await _missed(connection, at, reason=answer.reason or "unknown", typed=typed)
    except DomainError as refusal:  # the offer is not for this shop, no contract is in force, and the like
        if refusal.kind is not Kind.CONFLICT:
            raise
        async with db.hot_statement() as connection:
            await _missed(connection, at, reason=_short(refusal), typed=typed)
        return Scanned(Says.NO, _short(refusal))
    await _tell_of_question(db, answer, row["redemption_id"])
    return answer


async def _tell_of_question(db: Database, answer: Scanned, redemption_id: UUID | None) -> None:
    """A till that began to wait: its citizen hears of it. The question itself stands already."""
    if answer.says is not Says.WAITING or answer.repeated or redemption_id is None:
        return
    assert answer.scan_id is not None
    async with db.transaction() as session:
        await telling.tell(
            session,
            telling.ASKED,
            redemption_id=redemption_id,
            refers_to=answer.scan_id,
            points=answer.points or 0,
        )


async def _labelled(connection: asyncpg.Connection[asyncpg.Record], answer: Scanned) -> Scanned:
    """With the shop's own names for who used the code before, and where."""
    last = answer.last_use
    if last is None:
        return answer
    row = await connection.fetchrow(queries.LABELS, last.by, last.till_id)
    assert row is not None
    named = replace(last, by_label=row["by_label"], till_label=row["till_label"])
    return replace(answer, last_use=named)


async def scan_signed_in(
    db: Database, keys: Keys, *, staff: bool, session_id: UUID, subject: UUID, code: str
) -> Scanned | None:
    """`scan` for whoever a good token names, with the question whether it still stands, in one statement.

    None where there is anything else to say than yes or waiting by a scanned code: `scan` then says it. Nothing was done.
    """
    try:
        mac, typed = codes.read(keys, code)
    except codes.CodeUnreadable:
        return None
    if typed:
        return None
    now = clock.now()
    try:
        async with db.hot_statement() as connection:
            row = await connection.fetchrow(
                queries.SCAN_HOT,
                staff, session_id, subject, mac, ids.uuid7(), now, now + CONFIRM_WITHIN,
            )  # fmt: skip
    except DomainError:
        return None
    if row is None or not row["fresh"]:
        return None
    at = At(row["merchant_id"], subject, row["at_shop"], row["at_till"])
    answer = _answer(dict(row), at, now)
    await _tell_of_question(db, answer, row["redemption_id"])
    return answer


def _short(refusal: DomainError) -> str:
    return refusal.code.rpartition(".")[2]


def _answer(row: dict[str, Any], at: At, now: dt.datetime) -> Scanned:
    """What the database found, as the till is told it."""
    state = row["state"]
    last = None
    if row["captured_at"] is not None and not row["fresh"] and row["captured_by"] is not None:
        last = Use(row["captured_at"], row["captured_by"], row["shop_id"], row["till_id"])
    if state == "waiting":
        return Scanned(
            Says.WAITING, "confirm", scan_id=row["scan_id"], waits_until=row["waits_until"],
            points=row["points"], repeated=not row["fresh"],
        )  # fmt: skip
    if state != "captured":
        return Scanned(Says.NO, state, last_use=last, points=row["points"])
    same = row["captured_by"] == at.by and row["till_id"] == at.till_id
    if row["fresh"] or (same and now - row["captured_at"] <= RETRY_WITHIN):
        return Scanned(
            Says.YES, receipt=_receipt(row), last_use=last, points=row["points"], repeated=not row["fresh"]
        )
    return Scanned(Says.NO, "used", receipt=_receipt(row), last_use=last, points=row["points"])


def _receipt(row: dict[str, Any]) -> Receipt:
    return Receipt(**{name: row[name] for name in _RECEIPT})


async def _may_type(connection: asyncpg.Connection[asyncpg.Record], at: At, now: dt.datetime) -> None:
    own, merchants = await connection.fetchrow(  # type: ignore[misc]  # two counts, always
        queries.RECENT_MISSES, at.till_id or at.by, at.merchant_id, now - MISSES_WITHIN
    )
    if own >= MISSES or merchants >= MERCHANT_MISSES:
        raise TooManyMisses(retry_after_s=int(MISSES_WITHIN.total_seconds()))


async def _missed(
    connection: asyncpg.Connection[asyncpg.Record], at: At, *, reason: str, typed: bool
) -> None:
    await connection.execute(
        queries.ADD_MISS,
        at.merchant_id, at.by, at.shop_id, at.till_id, typed, reason, clock.now(),
    )  # fmt: skip


async def let_type(db: Database, *, at: At) -> None:
    """For whatever else is typed at a till. Raises TooManyMisses where too much that was typed there led nowhere."""
    async with db.hot_statement() as connection:
        await _may_type(connection, at, clock.now())


async def note_miss(db: Database, *, at: At, reason: str, typed: bool) -> None:
    """Note what led nowhere at a till beside scans of redemptions, in a transaction of its own."""
    async with db.hot_statement() as connection:
        await _missed(connection, at, reason=reason, typed=typed)


async def look_again(session: AsyncSession, *, at: At, scan_id: UUID) -> Scanned:
    """What became of a question to a citizen: yes once confirmed, waiting, or no with what became of it.

    Raises QuestionUnknown for another merchant's, and for another shop's where `at` is a shop.
    """
    given = {"asked": scan_id, "merchant": at.merchant_id, "shop": at.shop_id}
    row = (await session.execute(queries.QUESTION, given)).one_or_none()
    if row is None:
        raise QuestionUnknown
    if row.answer == "confirmed":
        receipt = await receipt_of(session, merchant_id=at.merchant_id, redemption_id=row.redemption_id)
        return Scanned(Says.YES, receipt=receipt, scan_id=scan_id, points=row.points)
    if row.answer is not None:
        return Scanned(Says.NO, row.answer, scan_id=scan_id, points=row.points)
    if row.ended is not None:
        how = "used" if row.ended == "captured" else row.ended
        return Scanned(Says.NO, how, scan_id=scan_id, points=row.points)
    if row.until <= clock.now():
        return Scanned(Says.NO, "timed_out", scan_id=scan_id, points=row.points)
    return Scanned(Says.WAITING, "confirm", scan_id=scan_id, waits_until=row.until, points=row.points)


async def wait_for(db: Database, *, at: At, scan_id: UUID, wait_s: float) -> Scanned:
    """`look_again` until there is more to say than waiting, or for so many seconds. Holds no connection meanwhile."""
    ends = asyncio.get_running_loop().time() + wait_s
    while True:
        async with db.transaction() as session:
            found = await look_again(session, at=at, scan_id=scan_id)
        left = ends - asyncio.get_running_loop().time()
        if found.says is not Says.WAITING or left <= 0:
            return found
        await asyncio.sleep(min(_POLL_EVERY_S, left))


async def withdraw(session: AsyncSession, *, at: At, scan_id: UUID) -> Scanned:
    """Ask the citizen no more; whoever confirmed before was faster, and is a yes. Raises QuestionUnknown."""
    await look_again(session, at=at, scan_id=scan_id)
    given = {"asked": scan_id, "merchant": at.merchant_id, "by": at.by, "now": clock.now()}
    await session.execute(queries.WITHDRAW, given)
    return await look_again(session, at=at, scan_id=scan_id)


async def receipt_of(
    session: AsyncSession, *, merchant_id: UUID, redemption_id: UUID, shop_id: UUID | None = None
) -> Receipt:
    """One captured redemption of a merchant, or of one of its shops; another's is unknown. Raises RedemptionUnknown."""
    given = {"merchant": merchant_id, "redemption": redemption_id, "shop": shop_id}
    row = (await session.execute(queries.ONE_RECEIPT, given)).one_or_none()
    if row is None:
        raise RedemptionUnknown
    return _told(row)


def _told(row: Row[Any]) -> Receipt:
    """A receipt as the database tells it, its refunds as arrays of what `Refunded` has."""
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns
    return Receipt(**fields | {"refunds": tuple(map(_refunded, fields["refunds"] or ()))})


def _refunded(told: Sequence[Any]) -> Refunded:
    part_id, points, at, reason, agreed_by, agreed_label, by, by_label, till_id, till_label = told
    return Refunded(
        part_id, points, dt.datetime.fromisoformat(at).astimezone(dt.UTC), reason, UUID(agreed_by), agreed_label,
        None if by is None else UUID(by), by_label, None if till_id is None else UUID(till_id), till_label,
    )  # fmt: skip


async def captures_of(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    shop_id: UUID | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Receipt]:
    """What a merchant's tills captured, or those of one shop, the newest first, behind the position of the last one seen."""
    at, redemption_id = after or (None, None)
    given = {
        "merchant": merchant_id,
        "shop": shop_id,
        "limit": limit,
        "after_at": at,
        "after_id": redemption_id,
    }
    return [_told(row) for row in await session.execute(queries.RECEIPTS, given)]


async def misses_of(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    shop_id: UUID | None = None,
    limit: int = 50,
    after: tuple[dt.datetime, int] | None = None,
) -> list[Miss]:
    """Scans of a merchant, or of one of its shops, that found nothing, the newest first."""
    at, number = after or (None, None)
    given = {"merchant": merchant_id, "shop": shop_id, "limit": limit, "after_at": at, "after_id": number}
    return [Miss(**row._mapping) for row in await session.execute(queries.MISSES, given)]  # noqa: SLF001


async def forget_misses(session: AsyncSession) -> int:
    """Remove what is older than thirty days; how many there were."""
    result = await session.execute(queries.FORGET_MISSES, {"before": clock.now() - MISSES_KEPT})
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
