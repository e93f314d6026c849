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

_ADD_CHARGE = text("""
    INSERT INTO means_charge (id, token, digest, charged_at, expires_at)
    VALUES (:id, :token, :digest, :charged_at, :expires_at)
""")
_COUNT_CHARGES = text("SELECT count(*) FROM means_charge WHERE token = :token AND charged_at > :since")
_LAST_CHARGE = text("""
    SELECT id, digest, expires_at, tries, used_at FROM means_charge
    WHERE token = :token ORDER BY charged_at DESC, id DESC LIMIT 1 FOR UPDATE
""")
_TRY_CHARGE = text("UPDATE means_charge SET tries = tries + 1 WHERE id = :id")
_USE_CHARGE = text("UPDATE means_charge SET used_at = :now WHERE id = :id")
_FORGET_CHARGES = text("DELETE FROM means_charge WHERE charged_at < :before")

_ADD_TAKEOVER = text("""
    INSERT INTO means_takeover (id, holding_id, number, taker_id, asked_at, objects_until)
    VALUES (:id, :holding_id, :number, :taker_id, :asked_at, :objects_until)
""")
_STEP_TAKEOVER = text("""
    INSERT INTO means_takeover_step (takeover_id, step, reason, decided_by, stepped_at)
    VALUES (:takeover_id, :step, :reason, :decided_by, :stepped_at)
""")
_TAKEOVER = """
    SELECT t.id, t.holding_id, t.number, t.taker_id, t.asked_at, t.objects_until, h.participant_id, upper(h.held) AS held_until,
           m.kind, m.operator, m.token,
           (SELECT s.step FROM means_takeover_step s WHERE s.takeover_id = t.id
            ORDER BY array_position(ARRAY['done', 'refused', 'withdrawn', 'granted', 'objected'], s.step) LIMIT 1) AS step,
           (SELECT s.reason FROM means_takeover_step s WHERE s.takeover_id = t.id AND s.step = 'objected') AS objection,
           (SELECT s.stepped_at FROM means_takeover_step s WHERE s.takeover_id = t.id AND s.step = 'granted') AS granted_at
    FROM means_takeover t JOIN means_holding h ON h.id = t.holding_id JOIN means m ON m.id = h.means_id
"""
_ONE_TAKEOVER = text(_TAKEOVER + " WHERE t.id = :id")
_LAST_TAKEOVER = text(_TAKEOVER + " WHERE t.holding_id = :holding_id ORDER BY t.number DESC LIMIT 1")
_TAKEOVERS_OBJECTED = text(
    _TAKEOVER
    + """ WHERE (CAST(:after AS uuid) IS NULL OR t.id > :after) AND upper_inf(h.held)
      AND EXISTS (SELECT FROM means_takeover_step s WHERE s.takeover_id = t.id AND s.step = 'objected')
      AND NOT EXISTS (SELECT FROM means_takeover_step s WHERE s.takeover_id = t.id AND s.step <> 'objected')
    ORDER BY t.id LIMIT :limit"""
)
_TAKEOVERS_OF = text(
    _TAKEOVER
    + """ WHERE t.taker_id = ANY (CAST(:takers AS uuid[])) AND (CAST(:before AS uuid) IS NULL OR t.id < :before)
    ORDER BY t.id DESC LIMIT :limit"""
)
_UNDECIDED_OF = text("""
    SELECT t.id, t.holding_id FROM means_takeover t JOIN means_holding h ON h.id = t.holding_id
    WHERE t.taker_id = :taker AND (CAST(:holder AS uuid) IS NULL OR h.participant_id = :holder) AND NOT EXISTS (
        SELECT FROM means_takeover_step s WHERE s.takeover_id = t.id AND s.step IN ('refused', 'withdrawn', 'done'))
    ORDER BY t.id
""")
_KEEP_HOLDING = text("SELECT upper_inf(held) FROM means_holding WHERE id = :id FOR UPDATE")

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


async def add_charge(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD_CHARGE, row)


async def count_charges(session: AsyncSession, *, token: UUID, since: datetime) -> int:
    return int((await session.execute(_COUNT_CHARGES, {"token": token, "since": since})).scalar_one())


async def last_charge(session: AsyncSession, *, token: UUID) -> Row[Any] | None:
    return (await session.execute(_LAST_CHARGE, {"token": token})).one_or_none()


async def try_charge(session: AsyncSession, *, charge_id: UUID) -> None:
    await session.execute(_TRY_CHARGE, {"id": charge_id})


async def use_charge(session: AsyncSession, *, charge_id: UUID, now: datetime) -> None:
    await session.execute(_USE_CHARGE, {"id": charge_id, "now": now})


async def forget_charges(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(_FORGET_CHARGES, {"before": before})


async def add_takeover(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD_TAKEOVER, row)


async def step_takeover(session: AsyncSession, **row: Any) -> None:
    await session.execute(_STEP_TAKEOVER, row)


async def takeover(session: AsyncSession, takeover_id: UUID) -> Row[Any] | None:
    return (await session.execute(_ONE_TAKEOVER, {"id": takeover_id})).one_or_none()


async def last_takeover(session: AsyncSession, *, holding_id: int) -> Row[Any] | None:
    return (await session.execute(_LAST_TAKEOVER, {"holding_id": holding_id})).one_or_none()


async def takeovers_of(
    session: AsyncSession, *, takers: Sequence[UUID], before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    given = {"takers": list(takers), "before": before, "limit": limit}
    return (await session.execute(_TAKEOVERS_OF, given)).all()


async def undecided_of(session: AsyncSession, *, taker: UUID, holder: UUID | None) -> Sequence[Row[Any]]:
    return (await session.execute(_UNDECIDED_OF, {"taker": taker, "holder": holder})).all()


async def keep_holding(session: AsyncSession, *, holding_id: int) -> bool:
    """Let nobody end it before this transaction ends; whether it stands."""
    return bool((await session.execute(_KEEP_HOLDING, {"id": holding_id})).scalar_one())


async def takeovers_objected(session: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    return (await session.execute(_TAKEOVERS_OBJECTED, {"after": after, "limit": limit})).all()
