"""All SQL of the compliance registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK_YEAR = text("SELECT pg_advisory_xact_lock(7318012, hashtext(:what))")
_SHARE_MARKET = text("SELECT pg_advisory_xact_lock_shared(7318012, hashtext(:what))")

_SET_MODE = text("""
    INSERT INTO registry_mode (market, revision, mode, act_id, proposed_by, approved_by, set_at)
    VALUES (:market, :revision, :mode, :act_id, :proposed_by, :approved_by, :set_at)
""")
_MODE = text("""
    SELECT market, revision, mode, act_id, set_at FROM registry_mode
    WHERE market = :market ORDER BY revision DESC LIMIT 1
""")
_HAS_UNITS = text("""
    SELECT EXISTS (SELECT FROM unit_lot l JOIN serial_book b ON b.id = l.book_id WHERE starts_with(b.code, :market || '-'))
""")

_OPEN = text("""
    INSERT INTO registry_account (id, market, organisation_id, organisation, region, regulated, opened_by, opened_at)
    VALUES (:id, :market, :organisation_id, :organisation, :region, :regulated, :opened_by, :opened_at)
""")
_ACCOUNT = (
    "SELECT id, market, organisation_id, organisation, region, regulated, opened_at FROM registry_account"
)
_ACCOUNT_OF = text(_ACCOUNT + " WHERE market = :market AND organisation = :organisation")
_ACCOUNT_BY_ID = text(_ACCOUNT + " WHERE id = :id")
_ACCOUNTS_OF = text(_ACCOUNT + " WHERE organisation_id = :organisation_id ORDER BY market")
_ACCOUNTS_IN = text(_ACCOUNT + " WHERE market = :market ORDER BY organisation")
_ACCOUNTS = text(
    _ACCOUNT
    + """
    WHERE (CAST(:market AS text) IS NULL OR (market, organisation) > (:market, :organisation))
    ORDER BY market, organisation LIMIT :limit
"""
)

_FIX = text("""
    INSERT INTO compliance_obligation
        (account_id, compliance_year, revision, issued_t, initial_t, confirmed_emissions_t, obligation_t, reason,
         act_id, proposed_by, approved_by, fixed_at)
    VALUES (:account_id, :compliance_year, :revision, :issued_t, :initial_t, :confirmed_emissions_t, :obligation_t,
            :reason, :act_id, :proposed_by, :approved_by, :fixed_at)
""")
_OBLIGATION = """
    SELECT o.account_id, a.market, a.organisation, o.compliance_year, o.revision, o.issued_t, o.initial_t,
           o.confirmed_emissions_t, o.obligation_t, o.reason, o.act_id, o.fixed_at
    FROM compliance_obligation o JOIN registry_account a ON a.id = o.account_id
"""
_OBLIGATIONS = text(
    _OBLIGATION
    + """
    WHERE o.account_id = :account_id AND (CAST(:year AS integer) IS NULL OR o.compliance_year = :year)
    ORDER BY o.compliance_year, o.revision
"""
)
_OBLIGATIONS_IN = text(
    _OBLIGATION
    + """
    WHERE a.market = :market AND o.compliance_year = :year AND NOT EXISTS (
        SELECT FROM compliance_obligation later
        WHERE later.account_id = o.account_id AND later.compliance_year = o.compliance_year
            AND later.revision > o.revision)
    ORDER BY a.organisation
"""
)

_ADOPT = text("""
    INSERT INTO compliance_rules
        (market, compliance_year, revision, pack_sha256, edition, pools, parameters, apply_by, surrender_by,
         act_id, proposed_by, approved_by, adopted_at)
    VALUES (:market, :compliance_year, :revision, :pack_sha256, :edition, CAST(:pools AS jsonb),
            CAST(:parameters AS jsonb), :apply_by, :surrender_by, :act_id, :proposed_by, :approved_by, :adopted_at)
""")
_RULES = """
    SELECT market, compliance_year, revision, pack_sha256, edition, pools, parameters, apply_by, surrender_by, act_id,
           adopted_at
    FROM compliance_rules
"""
_RULES_OF = text(
    _RULES + " WHERE market = :market AND compliance_year = :year ORDER BY revision DESC LIMIT 1"
)
_RULES_LISTED = text(
    _RULES
    + " WHERE CAST(:market AS text) IS NULL OR market = :market ORDER BY market, compliance_year, revision"
)
_IN_USE = text("""
    SELECT EXISTS (
        SELECT FROM unit_pledge p WHERE p.market = :market AND p.compliance_year = :year
            AND NOT EXISTS (SELECT FROM unit_release r WHERE r.pledge_id = p.id))
""")
_CLOSED = text(
    "SELECT EXISTS (SELECT FROM compliance_close WHERE market = :market AND compliance_year = :year)"
)

_RECORD_LOT = text("""
    INSERT INTO unit_lot (id, book_id, serials, unit, source, source_id, facts, recorded_at)
    SELECT :id, b.id, int8range(:low, :high), :unit, :source, :source_id, CAST(:facts AS jsonb), :recorded_at
    FROM serial_book b WHERE b.code = :book AND b.unit = :unit RETURNING id
""")
_LOT = """
    l.id, k.code AS book, lower(l.serials) AS low, upper(l.serials) AS high, l.unit, k.demo, l.source, l.source_id,
    l.facts, l.recorded_at
"""
_HOLDINGS = text(f"""
    SELECT {_LOT}, lower(l.serials * b.serials) AS held_low, upper(l.serials * b.serials) AS held_high
    FROM ledger_account a
    JOIN serial_block b ON b.account_id = a.id
    JOIN serial_book k ON k.id = b.book_id
    JOIN unit_lot l ON int8range(l.book_id, l.book_id, '[]') && int8range(b.book_id, b.book_id, '[]')
        AND l.serials && b.serials
    WHERE a.kind = 'entity' AND split_part(a.code, ':', 3) = :organisation
        AND a.code = ANY (ARRAY(
            SELECT 'entity:' || m.code || ':' || :organisation FROM serial_book m
            WHERE starts_with(m.code, :market || '-')))
    ORDER BY k.code, lower(b.serials), lower(l.serials)
""")
_LOTS = text(f"""
    SELECT {_LOT} FROM unit_lot l JOIN serial_book k ON k.id = l.book_id
    WHERE l.id = ANY (CAST(:ids AS uuid[]))
""")


async def lock_year(session: AsyncSession, *, market: str, year: int) -> None:
    """Let one transaction at a time work on a market's year; what was committed before is seen after it."""
    await session.execute(_LOCK_YEAR, {"what": f"{market}:{year}"})


async def lock_market(session: AsyncSession, *, market: str) -> None:
    """Keep units from coming into a market until this transaction ends."""
    await session.execute(_LOCK_YEAR, {"what": market})


async def share_market(session: AsyncSession, *, market: str) -> None:
    """Keep the market what it is until this transaction ends; any number may do so at once."""
    await session.execute(_SHARE_MARKET, {"what": market})


async def set_mode(session: AsyncSession, **row: Any) -> None:
    await session.execute(_SET_MODE, row)


async def mode(session: AsyncSession, *, market: str) -> RowMapping | None:
    return (await session.execute(_MODE, {"market": market})).mappings().one_or_none()


async def has_units(session: AsyncSession, *, market: str) -> bool:
    return bool((await session.execute(_HAS_UNITS, {"market": market})).scalar_one())


async def open_account(session: AsyncSession, **row: Any) -> None:
    await session.execute(_OPEN, row)


async def account_of(session: AsyncSession, *, market: str, organisation: str) -> RowMapping | None:
    given = {"market": market, "organisation": organisation}
    return (await session.execute(_ACCOUNT_OF, given)).mappings().one_or_none()


async def account(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    return (await session.execute(_ACCOUNT_BY_ID, {"id": account_id})).mappings().one_or_none()


async def accounts_of(session: AsyncSession, organisation_id: UUID) -> Sequence[RowMapping]:
    return (await session.execute(_ACCOUNTS_OF, {"organisation_id": organisation_id})).mappings().all()


async def accounts_in(session: AsyncSession, market: str) -> Sequence[RowMapping]:
    return (await session.execute(_ACCOUNTS_IN, {"market": market})).mappings().all()


async def accounts(
    session: AsyncSession, *, after: tuple[str, str] | None, limit: int
) -> Sequence[RowMapping]:
    market, organisation = after or (None, None)
    given = {"market": market, "organisation": organisation, "limit": limit}
    return (await session.execute(_ACCOUNTS, given)).mappings().all()


async def fix(session: AsyncSession, **row: Any) -> None:
    await session.execute(_FIX, row)


async def obligations(session: AsyncSession, *, account_id: UUID, year: int | None) -> Sequence[RowMapping]:
    """Every revision, oldest first."""
    return (await session.execute(_OBLIGATIONS, {"account_id": account_id, "year": year})).mappings().all()


async def obligations_in(session: AsyncSession, *, market: str, year: int) -> Sequence[RowMapping]:
    """The revision that holds for each account of a market."""
    return (await session.execute(_OBLIGATIONS_IN, {"market": market, "year": year})).mappings().all()


async def adopt(session: AsyncSession, *, pools: Any, parameters: Any, **row: Any) -> None:
    row |= {"pools": json.dumps(pools), "parameters": json.dumps(parameters)}
    await session.execute(_ADOPT, row)


async def rules_of(session: AsyncSession, *, market: str, year: int) -> RowMapping | None:
    return (await session.execute(_RULES_OF, {"market": market, "year": year})).mappings().one_or_none()


async def rules_listed(session: AsyncSession, *, market: str | None) -> Sequence[RowMapping]:
    return (await session.execute(_RULES_LISTED, {"market": market})).mappings().all()


async def in_use(session: AsyncSession, *, market: str, year: int) -> bool:
    """Whether a pledge of the year stands."""
    return bool((await session.execute(_IN_USE, {"market": market, "year": year})).scalar_one())


async def closed(session: AsyncSession, *, market: str, year: int) -> bool:
    return bool((await session.execute(_CLOSED, {"market": market, "year": year})).scalar_one())


async def record_lot(session: AsyncSession, *, facts: Any, **row: Any) -> bool:
    """False when there is no such book of this unit."""
    row["facts"] = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    return (await session.execute(_RECORD_LOT, row)).first() is not None


async def holdings(session: AsyncSession, *, market: str, organisation: str) -> Sequence[RowMapping]:
    given = {"market": market, "organisation": organisation}
    return (await session.execute(_HOLDINGS, given)).mappings().all()


async def lots(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    return (await session.execute(_LOTS, {"ids": list(ids)})).mappings().all()
