"""All SQL about means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_NAME_MEANS = text("""
    INSERT INTO means (token, kind, operator)
    SELECT DISTINCT token, :kind, :operator FROM unnest(CAST(:tokens AS uuid[])) AS token
    ORDER BY token
    ON CONFLICT (token) DO NOTHING
""")

_HOLD_MANY = text("""
    INSERT INTO means_holding
        (means_id, participant_id, held, proof, proof_reference, hint_sealed, linked_at)
    SELECT means.id, given.participant_id, tstzrange(given.held_from, NULL),
           :proof, :proof_reference, given.hint_sealed, :linked_at
    FROM unnest(
        CAST(:tokens AS uuid[]), CAST(:participants AS uuid[]),
        CAST(:held_from AS timestamptz[]), CAST(:hints AS bytea[])
    ) AS given (token, participant_id, held_from, hint_sealed)
    JOIN means ON means.token = given.token
    ORDER BY means.id
    ON CONFLICT DO NOTHING
    RETURNING id
""")

_HELD_BY_THEM = text("""
    SELECT count(*) FROM unnest(CAST(:tokens AS uuid[]), CAST(:participants AS uuid[]))
        AS given (token, participant_id)
    JOIN means ON means.token = given.token
    JOIN means_holding AS holding
      ON holding.means_id = means.id AND holding.participant_id = given.participant_id
     AND upper_inf(holding.held)
""")

_HOLDING = """
    SELECT holding.id, means.kind, means.operator, holding.participant_id, lower(holding.held) AS held_from,
           upper(holding.held) AS held_until, holding.proof, holding.linked_at, holding.hint_sealed
    FROM means_holding AS holding JOIN means ON means.id = holding.means_id
"""

_OPEN_HOLDING = text(_HOLDING + " WHERE means.token = :token AND upper_inf(holding.held)")
_ONE_HOLDING = text(_HOLDING + " WHERE holding.id = :id AND holding.participant_id = :participant_id")
_HOLDINGS_OF = text(
    _HOLDING
    + " WHERE holding.participant_id = :participant_id AND holding.id > :after ORDER BY holding.id LIMIT :limit"
)

_LAST_HELD_UNTIL = text("""
    SELECT max(upper(holding.held)) FROM means_holding AS holding
    JOIN means ON means.id = holding.means_id WHERE means.token = :token
""")

_CLOSE = text("""
    UPDATE means_holding
    SET held = tstzrange(lower(held), greatest(CAST(:now AS timestamptz), lower(held) + interval '1 microsecond'))
    WHERE id = ANY(CAST(:ids AS bigint[])) AND upper_inf(held)
""")

_OPEN_IDS_OF = text("SELECT id FROM means_holding WHERE participant_id = :participant_id AND upper_inf(held)")

_HOLDER_AT = text(
    "SELECT participant_id FROM means_holder WHERE token = :token AND held @> CAST(:at AS timestamptz)"
)

_COUNT_ATTEMPT = text("""
    INSERT INTO means_link_attempt (subject, day, attempts) VALUES (:subject, :day, :times)
    ON CONFLICT (subject, day) DO UPDATE SET attempts = means_link_attempt.attempts + excluded.attempts
    RETURNING attempts
""")

_LOST = text("""
    SELECT EXISTS (
        SELECT FROM means m JOIN means_holding h ON h.means_id = m.id JOIN means_ended e ON e.holding_id = h.id
        WHERE m.token = :token AND e.why = 'lost' AND NOT EXISTS (
            SELECT FROM means_holding later WHERE later.means_id = m.id AND later.id > h.id))
""")

_END = text("""
    INSERT INTO means_ended (holding_id, why, successor_id, said_at) VALUES (:holding, :why, :successor, :now)
    ON CONFLICT (holding_id) DO NOTHING
""")

_SAID_ENDED = text("SELECT EXISTS (SELECT FROM means_ended WHERE holding_id = :holding)")

_FORGET_ATTEMPTS = text("DELETE FROM means_link_attempt WHERE day < :before")


async def name_means(session: AsyncSession, *, tokens: Sequence[UUID], kind: str, operator: str) -> None:
    await session.execute(_NAME_MEANS, {"tokens": list(tokens), "kind": kind, "operator": operator})


async def hold_many(session: AsyncSession, **given: Any) -> list[int]:
    made = await session.execute(_HOLD_MANY, given)
    return list(made.scalars())


async def count_held_by_them(
    session: AsyncSession, *, tokens: Sequence[UUID], participants: Sequence[UUID]
) -> int:
    found = await session.execute(_HELD_BY_THEM, {"tokens": list(tokens), "participants": list(participants)})
    return int(found.scalar_one())


async def open_holding(session: AsyncSession, *, token: UUID) -> Row[Any] | None:
    return (await session.execute(_OPEN_HOLDING, {"token": token})).one_or_none()


async def one_holding(session: AsyncSession, *, holding_id: int, participant_id: UUID) -> Row[Any] | None:
    found = await session.execute(_ONE_HOLDING, {"id": holding_id, "participant_id": participant_id})
    return found.one_or_none()


async def holdings_of(
    session: AsyncSession, *, participant_id: UUID, after: int, limit: int
) -> Sequence[Row[Any]]:
    found = await session.execute(
        _HOLDINGS_OF, {"participant_id": participant_id, "after": after, "limit": limit}
    )
    return found.all()


async def last_held_until(session: AsyncSession, *, token: UUID) -> datetime | None:
    found: datetime | None = (await session.execute(_LAST_HELD_UNTIL, {"token": token})).scalar_one()
    return found


async def close(session: AsyncSession, *, ids: Sequence[int], now: datetime) -> None:
    await session.execute(_CLOSE, {"ids": list(ids), "now": now})


async def open_ids_of(session: AsyncSession, *, participant_id: UUID) -> list[int]:
    return list((await session.execute(_OPEN_IDS_OF, {"participant_id": participant_id})).scalars())


async def holder_at(session: AsyncSession, *, token: UUID, at: datetime) -> UUID | None:
    return (await session.execute(_HOLDER_AT, {"token": token, "at": at})).scalar_one_or_none()


async def is_lost(session: AsyncSession, *, token: UUID) -> bool:
    return bool((await session.execute(_LOST, {"token": token})).scalar_one())


async def is_said_ended(session: AsyncSession, *, holding_id: int) -> bool:
    return bool((await session.execute(_SAID_ENDED, {"holding": holding_id})).scalar_one())


async def say_ended(session: AsyncSession, **row: Any) -> None:
    await session.execute(_END, row)


async def count_attempt(session: AsyncSession, *, subject: UUID, day: date, times: int) -> int:
    given = {"subject": subject, "day": day, "times": times}
    return int((await session.execute(_COUNT_ATTEMPT, given)).scalar_one())


async def forget_attempts(session: AsyncSession, *, before: date) -> None:
    await session.execute(_FORGET_ATTEMPTS, {"before": before})
