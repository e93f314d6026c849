"""All SQL of pledges, closing and cancellation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_NEXT_STEP = text("""
    SELECT 1 + coalesce(max(step), 0) FROM (
        SELECT step FROM unit_pledge WHERE market = :market AND compliance_year = :year
        UNION ALL SELECT step FROM unit_release WHERE market = :market AND compliance_year = :year
        UNION ALL SELECT step FROM compliance_close WHERE market = :market AND compliance_year = :year) AS steps
""")
_PLEDGE = text("""
    INSERT INTO unit_pledge
        (id, account_id, market, compliance_year, step, rules_revision, obligation_revision, edition, pack_sha256,
         asked, answer, cap_t, used_before_t, offset_t, allowance_t, pledged_by, pledged_at)
    VALUES (:id, :account_id, :market, :compliance_year, :step, :rules_revision, :obligation_revision, :edition,
            :pack_sha256, CAST(:asked AS jsonb), CAST(:answer AS jsonb), :cap_t, :used_before_t, :offset_t,
            :allowance_t, :pledged_by, :pledged_at)
""")
_PLEDGE_LOTS = text("""
    INSERT INTO unit_pledge_lot (pledge_id, line, lot_id, book_id, serials)
    SELECT :pledge_id, u.line, l.id, l.book_id, int8range(u.low, u.high)
    FROM unnest(CAST(:lots AS uuid[]), CAST(:lows AS bigint[]), CAST(:highs AS bigint[])) WITH ORDINALITY
        AS u(lot, low, high, line)
    JOIN unit_lot l ON l.id = u.lot
""")
_STANDING = text("""
    SELECT p.id AS pledge_id, p.account_id, p.step, u.lot_id, lower(u.serials) AS low, upper(u.serials) AS high
    FROM unit_pledge p JOIN unit_pledge_lot u ON u.pledge_id = p.id
    WHERE p.market = :market AND p.compliance_year = :year
        AND (CAST(:account_id AS uuid) IS NULL OR p.account_id = :account_id)
        AND NOT EXISTS (SELECT FROM unit_release r WHERE r.pledge_id = p.id)
    ORDER BY p.step, u.line
""")
_BY_UNIT = text("""
    SELECT l.unit, sum(upper(u.serials) - lower(u.serials))::bigint AS tonnes
    FROM unit_pledge p JOIN unit_pledge_lot u ON u.pledge_id = p.id JOIN unit_lot l ON l.id = u.lot_id
    WHERE p.market = :market AND p.compliance_year = :year
        AND NOT EXISTS (SELECT FROM unit_release r WHERE r.pledge_id = p.id)
    GROUP BY l.unit
""")
_PLEDGES = """
    SELECT p.id, p.account_id, p.market, a.organisation, p.compliance_year, p.step, p.edition, p.pack_sha256,
           p.rules_revision, p.obligation_revision, p.cap_t, p.used_before_t, p.offset_t, p.allowance_t, p.answer,
           p.pledged_at, r.released_at
    FROM unit_pledge p JOIN registry_account a ON a.id = p.account_id LEFT JOIN unit_release r ON r.pledge_id = p.id
"""
_PLEDGE_BY_ID = text(_PLEDGES + " WHERE p.id = :id")
_PLEDGES_OF = text(
    _PLEDGES
    + """
    WHERE (CAST(:accounts AS uuid[]) IS NULL OR p.account_id = ANY (CAST(:accounts AS uuid[])))
        AND (CAST(:before AS timestamptz) IS NULL OR (p.pledged_at, p.id) < (:before, CAST(:before_id AS uuid)))
    ORDER BY p.pledged_at DESC, p.id DESC LIMIT :limit
"""
)
_LOTS_OF = text("""
    SELECT pledge_id, lot_id, lower(serials) AS low, upper(serials) AS high FROM unit_pledge_lot
    WHERE pledge_id = ANY (CAST(:pledges AS uuid[])) ORDER BY pledge_id, line
""")
_RELEASE = text("""
    INSERT INTO unit_release (pledge_id, market, compliance_year, step, released_by, released_at)
    VALUES (:pledge_id, :market, :compliance_year, :step, :released_by, :released_at)
""")

_CLOSE = text("""
    INSERT INTO compliance_close
        (market, compliance_year, step, rules_revision, act_id, proposed_by, approved_by, closed_at)
    VALUES (:market, :compliance_year, :step, :rules_revision, :act_id, :proposed_by, :approved_by, :closed_at)
""")
_CLOSES = text("""
    SELECT market, compliance_year, step, rules_revision, act_id, closed_at FROM compliance_close
    WHERE CAST(:market AS text) IS NULL OR market = :market ORDER BY market, compliance_year
""")
_SURRENDER = text("""
    INSERT INTO unit_surrender
        (account_id, market, compliance_year, obligation_revision, obligation_t, cap_t, offset_t, allowance_t,
         returned_t, shortfall_t, surrendered_at)
    VALUES (:account_id, :market, :compliance_year, :obligation_revision, :obligation_t, :cap_t, :offset_t,
            :allowance_t, :returned_t, :shortfall_t, :surrendered_at)
""")
_SURRENDER_LOTS = text("""
    INSERT INTO unit_surrender_lot (account_id, compliance_year, line, fate, pledge_id, lot_id, book_id, serials)
    SELECT :account_id, :year, u.line, u.fate, u.pledge, l.id, l.book_id, int8range(u.low, u.high)
    FROM unnest(CAST(:fates AS text[]), CAST(:pledges AS uuid[]), CAST(:lots AS uuid[]), CAST(:lows AS bigint[]),
                CAST(:highs AS bigint[])) WITH ORDINALITY AS u(fate, pledge, lot, low, high, line)
    JOIN unit_lot l ON l.id = u.lot
""")
_SURRENDERS = text("""
    SELECT s.account_id, s.market, a.organisation, s.compliance_year, s.obligation_revision, s.obligation_t, s.cap_t,
           s.offset_t, s.allowance_t, s.returned_t, s.shortfall_t, s.surrendered_at
    FROM unit_surrender s JOIN registry_account a ON a.id = s.account_id
    WHERE (CAST(:accounts AS uuid[]) IS NULL OR s.account_id = ANY (CAST(:accounts AS uuid[])))
        AND (CAST(:year AS integer) IS NULL OR s.compliance_year = :year)
    ORDER BY s.market, s.compliance_year, a.organisation
""")
_SURRENDERED_LOTS = text("""
    SELECT account_id, compliance_year, fate, lot_id, lower(serials) AS low, upper(serials) AS high
    FROM unit_surrender_lot WHERE account_id = ANY (CAST(:accounts AS uuid[])) ORDER BY account_id, compliance_year, line
""")
_RECOUNT = text("""
    INSERT INTO surrender_recount
        (account_id, compliance_year, obligation_revision, obligation_t, cap_t, counted_offset_t, excess_t, claim_t,
         overpaid_t, shortfall_t, counted_at)
    VALUES (:account_id, :compliance_year, :obligation_revision, :obligation_t, :cap_t, :counted_offset_t, :excess_t,
            :claim_t, :overpaid_t, :shortfall_t, :counted_at)
""")
_RECOUNTS = text("""
    SELECT account_id, compliance_year, obligation_revision, obligation_t, cap_t, counted_offset_t, excess_t, claim_t,
           overpaid_t, shortfall_t, counted_at
    FROM surrender_recount WHERE account_id = ANY (CAST(:accounts AS uuid[]))
    ORDER BY account_id, compliance_year, obligation_revision
""")

_CANCEL = text("""
    INSERT INTO unit_cancellation (id, account_id, book_id, quantity_t, purpose, cancelled_by, cancelled_at)
    SELECT :id, :account_id, b.id, :quantity_t, :purpose, :cancelled_by, :cancelled_at
    FROM serial_book b WHERE b.code = :book
""")
_CANCELLED = text("""
    SELECT c.id, c.account_id, b.code AS book, c.quantity_t, c.purpose, c.cancelled_at
    FROM unit_cancellation c JOIN serial_book b ON b.id = c.book_id
    WHERE (CAST(:accounts AS uuid[]) IS NULL OR c.account_id = ANY (CAST(:accounts AS uuid[])))
        AND (CAST(:before AS timestamptz) IS NULL OR (c.cancelled_at, c.id) < (:before, CAST(:before_id AS uuid)))
    ORDER BY c.cancelled_at DESC, c.id DESC LIMIT :limit
""")

Run = tuple[UUID, int, int]  # a lot, and the numbers of it: first, one behind the last


async def next_step(session: AsyncSession, *, market: str, year: int) -> int:
    return int((await session.execute(_NEXT_STEP, {"market": market, "year": year})).scalar_one())


async def pledge(session: AsyncSession, *, asked: Any, answer: Any, units: Sequence[Run], **row: Any) -> None:
    row |= {
        "asked": json.dumps(asked, ensure_ascii=False),
        "answer": json.dumps(answer, ensure_ascii=False),
    }
    await session.execute(_PLEDGE, row)
    lots, lows, highs = zip(*units, strict=True)
    given = {"pledge_id": row["id"], "lots": list(lots), "lows": list(lows), "highs": list(highs)}
    await session.execute(_PLEDGE_LOTS, given)


async def standing(
    session: AsyncSession, *, market: str, year: int, account_id: UUID | None = None
) -> Sequence[RowMapping]:
    """The units of pledges that stand, in the order in which they were pledged."""
    given = {"market": market, "year": year, "account_id": account_id}
    return (await session.execute(_STANDING, given)).mappings().all()


async def pledged_by_unit(session: AsyncSession, *, market: str, year: int) -> dict[str, int]:
    """Tonnes of every entity's standing pledges, by unit."""
    rows = await session.execute(_BY_UNIT, {"market": market, "year": year})
    return {row.unit: row.tonnes for row in rows}


async def pledge_by_id(session: AsyncSession, pledge_id: UUID) -> RowMapping | None:
    return (await session.execute(_PLEDGE_BY_ID, {"id": pledge_id})).mappings().one_or_none()


async def pledges_of(
    session: AsyncSession,
    *,
    accounts: Sequence[UUID] | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Newest first."""
    at, before_id = before or (None, None)
    given = {
        "accounts": None if accounts is None else list(accounts),
        "before": at,
        "before_id": before_id,
        "limit": limit,
    }
    return (await session.execute(_PLEDGES_OF, given)).mappings().all()


async def lots_of(session: AsyncSession, pledges: Sequence[UUID]) -> Sequence[RowMapping]:
    return (await session.execute(_LOTS_OF, {"pledges": list(pledges)})).mappings().all()


async def release(session: AsyncSession, **row: Any) -> None:
    await session.execute(_RELEASE, row)


async def close(session: AsyncSession, **row: Any) -> None:
    await session.execute(_CLOSE, row)


async def closes(session: AsyncSession, *, market: str | None) -> Sequence[RowMapping]:
    return (await session.execute(_CLOSES, {"market": market})).mappings().all()


async def surrender(
    session: AsyncSession, *, units: Sequence[tuple[str, UUID, UUID, int, int]], **row: Any
) -> None:
    """`units` are (fate, pledge, lot, first number, one behind the last)."""
    await session.execute(_SURRENDER, row)
    if units:
        names = ("fates", "pledges", "lots", "lows", "highs")
        columns = dict(zip(names, map(list, zip(*units, strict=True)), strict=True))
        given = {"account_id": row["account_id"], "year": row["compliance_year"], **columns}
        await session.execute(_SURRENDER_LOTS, given)


async def surrenders(
    session: AsyncSession, *, accounts: Sequence[UUID] | None, year: int | None
) -> Sequence[RowMapping]:
    given = {"accounts": None if accounts is None else list(accounts), "year": year}
    return (await session.execute(_SURRENDERS, given)).mappings().all()


async def surrendered_lots(session: AsyncSession, accounts: Sequence[UUID]) -> Sequence[RowMapping]:
    return (await session.execute(_SURRENDERED_LOTS, {"accounts": list(accounts)})).mappings().all()


async def recount(session: AsyncSession, **row: Any) -> None:
    await session.execute(_RECOUNT, row)


async def recounts(session: AsyncSession, accounts: Sequence[UUID]) -> Sequence[RowMapping]:
    return (await session.execute(_RECOUNTS, {"accounts": list(accounts)})).mappings().all()


async def cancel(session: AsyncSession, **row: Any) -> None:
    await session.execute(_CANCEL, row)


async def cancelled(
    session: AsyncSession,
    *,
    accounts: Sequence[UUID] | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Newest first."""
    at, before_id = before or (None, None)
    given = {
        "accounts": None if accounts is None else list(accounts),
        "before": at,
        "before_id": before_id,
        "limit": limit,
    }
    return (await session.execute(_CANCELLED, given)).mappings().all()
