"""All SQL about people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from backend.identity.people.tables import Participant, Person, PersonKey

_COUNT_KNOWN = text("SELECT count(*) FROM participant WHERE id = ANY(CAST(:ids AS uuid[]))")


async def participant(session: AsyncSession, participant_id: UUID) -> Participant | None:
    return await session.get(Participant, participant_id)


async def add_participants(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    if rows:
        await session.execute(insert(Participant), list(rows))


async def count_known(session: AsyncSession, participant_ids: Collection[UUID]) -> int:
    return int((await session.execute(_COUNT_KNOWN, {"ids": list(participant_ids)})).scalar_one())


async def person(session: AsyncSession, participant_id: UUID) -> Person | None:
    return await session.get(Person, participant_id, populate_existing=True)


async def participant_by_phone(session: AsyncSession, phone_index: bytes) -> UUID | None:
    found = await session.execute(select(Person.participant_id).where(col(Person.phone_index) == phone_index))
    return found.scalar_one_or_none()


async def set_phone(
    session: AsyncSession, participant_id: UUID, *, phone_index: bytes | None, phone_sealed: bytes | None
) -> None:
    await session.execute(
        update(Person)
        .where(col(Person.participant_id) == participant_id, col(Person.erased_at).is_(None))
        .values(phone_index=phone_index, phone_sealed=phone_sealed)
        .execution_options(synchronize_session=False)
    )


async def wrapped_key(session: AsyncSession, participant_id: UUID) -> bytes | None:
    found = await session.execute(
        select(PersonKey.wrapped).where(col(PersonKey.participant_id) == participant_id)
    )
    return found.scalar_one_or_none()


async def wrapped_keys(session: AsyncSession, participant_ids: Collection[UUID]) -> list[tuple[UUID, bytes]]:
    found = await session.execute(
        text(
            "SELECT participant_id, wrapped FROM person_key WHERE participant_id = ANY(CAST(:ids AS uuid[]))"
        ),
        {"ids": list(participant_ids)},
    )
    return [(participant_id, wrapped) for participant_id, wrapped in found]


_LOCK_WRAPPED = text("""
    SELECT participant_id, wrapped FROM person_key
    WHERE CAST(:after AS uuid) IS NULL OR participant_id > CAST(:after AS uuid)
    ORDER BY participant_id LIMIT :count FOR UPDATE
""")
_SET_WRAPPED = text("""
    UPDATE person_key SET wrapped = again.wrapped
    FROM unnest(CAST(:ids AS uuid[]), CAST(:wrapped AS bytea[])) AS again (participant_id, wrapped)
    WHERE person_key.participant_id = again.participant_id
""")


async def lock_wrapped(session: AsyncSession, *, after: UUID | None, count: int) -> list[tuple[UUID, bytes]]:
    rows = await session.execute(_LOCK_WRAPPED, {"after": after, "count": count})
    return [(participant_id, wrapped) for participant_id, wrapped in rows]


async def every_wrapped(session: AsyncSession) -> AsyncIterator[tuple[UUID, bytes]]:
    rows = await session.stream(text("SELECT participant_id, wrapped FROM person_key"))
    async for participant_id, wrapped in rows:
        yield participant_id, wrapped


async def set_wrapped(session: AsyncSession, wrapped: dict[UUID, bytes]) -> None:
    if wrapped:
        await session.execute(_SET_WRAPPED, {"ids": list(wrapped), "wrapped": list(wrapped.values())})


async def destroy_key(session: AsyncSession, participant_id: UUID, *, now: datetime) -> bool:
    destroyed = await session.execute(
        delete(PersonKey)
        .where(col(PersonKey.participant_id) == participant_id)
        .returning(col(PersonKey.participant_id))
    )
    await session.execute(
        update(Person)
        .where(col(Person.participant_id) == participant_id)
        .values(phone_index=None, phone_sealed=None, erased_at=now)
    )
    return destroyed.first() is not None


_SEALED_PHONES = text("""
    SELECT p.participant_id, p.phone_sealed, k.wrapped
    FROM person p JOIN person_key k USING (participant_id)
    WHERE p.participant_id = ANY(CAST(:ids AS uuid[])) AND p.phone_sealed IS NOT NULL
""")


async def sealed_phones(session: AsyncSession, participant_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    return (await session.execute(_SEALED_PHONES, {"ids": list(participant_ids)})).all()
