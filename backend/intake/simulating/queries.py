"""All SQL of a simulation: the stored acts of one method, page by page along their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.db import raw_connection
from backend.methodologies import MISSING

PAGE_ROWS = 50_000
_EPOCH = date(1970, 1, 1)
_NUL = "0" * 24

_METHODS = text("""
    SELECT r.id, p.pack_id, r.activity FROM method_ref r JOIN pack_text p ON p.sha256 = r.pack_sha256 ORDER BY r.id
""")
_SOURCES = text("""
    SELECT s.id, s.code, s.region, s.evidence, s.overlays, p.code AS programme
    FROM intake_source s JOIN programme p ON p.id = s.programme_id
""")


async def methods(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_METHODS)).mappings().all()


async def sources(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_SOURCES)).mappings().all()


def key_of(day: date) -> UUID:
    """The least claim key of a Shanghai day; a day before 1970 has that of its first day."""
    return UUID(f"{max((day - _EPOCH).days, 0):08x}{_NUL}")


async def acts(
    session: AsyncSession, *, method_id: int, inputs: Sequence[str], low: UUID, below: UUID
) -> AsyncIterator[Sequence[Any]]:
    """Pages of acts that still count: key, source, person, grams, points with what a cap or the budget took, and each input.

    A person is the holder, or the means where nobody holds it. An input that is no whole number is `MISSING`.
    """
    connection = await raw_connection(session)
    query = _page(len(inputs))
    after = UUID(int=low.int - 1) if low.int else UUID(int=0)
    while True:
        page = await connection.fetch(query, method_id, after, below, PAGE_ROWS, *inputs)
        if page:
            yield page
        if len(page) < PAGE_ROWS:
            return
        after = page[-1][0]


def _page(inputs: int) -> str:
    picked = "".join(
        f""", COALESCE(CASE WHEN a.inputs->>(${n}::text) ~ '^-?[0-9]{{1,18}}$'
                            THEN (a.inputs->>(${n}::text))::bigint END, '{MISSING}'::bigint)"""
        for n in range(5, 5 + inputs)
    )
    return f"""
        SELECT a.claim_key, a.source_id, COALESCE(a.participant_id, c.participant_id, a.means_token), a.grams,
               a.points + COALESCE(t.points, 0) + COALESCE(u.points, 0){picked}
        FROM action a
        LEFT JOIN action_claim c ON c.claim_key = a.claim_key
        LEFT JOIN action_trimmed t ON t.claim_key = a.claim_key
        LEFT JOIN action_unfunded u ON u.claim_key = a.claim_key AND a.participant_id IS NOT NULL
        WHERE a.method_id = $1 AND a.claim_key > $2 AND a.claim_key < $3
          AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
        ORDER BY a.claim_key LIMIT $4
    """
