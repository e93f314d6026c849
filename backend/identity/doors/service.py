"""Which account of which provider opens which participant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people
from backend.identity.doors import queries
from backend.identity.doors.errors import DoorTaken, DoorUnknown, LastDoor
from backend.identity.doors.providers import Provider, Shown
from backend.identity.locks import take_turns
from backend.identity.sealing import blind_index, seal, unseal
from backend.kit import clock, ids
from backend.kit.settings import Keys


@dataclass(frozen=True, slots=True)
class Door:
    """A way into an account besides its phone."""

    id: UUID
    provider: Provider
    opened_at: datetime


async def enter(session: AsyncSession, keys: Keys, *, shown: Shown) -> UUID:
    """The participant whom this account opens; made, with a key of their own and no phone, the first time."""
    await _turn(session, keys, shown)
    known = await holder_of(session, keys, shown=shown)
    if known is not None:
        return known
    participant_id = await people.citizen_without_phone(session, keys)
    await _open(session, keys, participant_id=participant_id, shown=shown)
    return participant_id


async def holder_of(session: AsyncSession, keys: Keys, *, shown: Shown) -> UUID | None:
    """The participant whom this account opens; None when nobody."""
    return await queries.holder(session, subject_index=_index(keys, shown))


async def open_door(session: AsyncSession, keys: Keys, *, participant_id: UUID, shown: Shown) -> None:
    """Let this account open the participant from now on. Doing so again changes nothing. Raises DoorTaken."""
    await _turn(session, keys, shown)
    known = await holder_of(session, keys, shown=shown)
    if known is None:
        await _open(session, keys, participant_id=participant_id, shown=shown)
    elif known != participant_id:
        raise DoorTaken


async def doors_of(session: AsyncSession, *, participant_id: UUID) -> list[Door]:
    """The doors of an account that stand, oldest first."""
    rows = await queries.of(session, participant_id=participant_id)
    return [Door(row.id, Provider(row.provider), row.opened_at) for row in rows]


async def close(session: AsyncSession, keys: Keys, *, participant_id: UUID, door_id: UUID) -> None:
    """Close a door for good. Raises DoorUnknown, and LastDoor where no phone and no other door is left."""
    await take_turns(session, f"doors:{participant_id}")
    doors = await queries.of(session, participant_id=participant_id)
    if all(row.id != door_id for row in doors):
        raise DoorUnknown
    if len(doors) == 1 and await people.phone_of(session, keys, participant_id=participant_id) is None:
        raise LastDoor
    await queries.close(session, participant_id=participant_id, now=clock.now(), door_id=door_id)


async def close_all(session: AsyncSession, *, participant_id: UUID) -> None:
    """Close every door, as on leaving: nothing is left of whose accounts they were."""
    await queries.close(session, participant_id=participant_id, now=clock.now())


async def move_all(session: AsyncSession, keys: Keys, *, of: UUID, to: UUID) -> int:
    """Let all doors of one account open another one instead; how many."""
    rows = await queries.of(session, participant_id=of)
    old, new = [await people.data_key(session, keys, participant_id=one) for one in (of, to)]
    await queries.close(session, participant_id=of, now=clock.now())
    for row in rows:
        subject = unseal(old, row.subject_sealed, belongs_to=b"door" + of.bytes) if old else None
        await queries.open_door(
            session,
            id=ids.uuid7(),
            participant_id=to,
            provider=row.provider,
            subject_index=row.subject_index,
            subject_sealed=seal(new, subject, belongs_to=b"door" + to.bytes) if new and subject else None,
            opened_at=row.opened_at,
        )
    return len(rows)


async def _turn(session: AsyncSession, keys: Keys, shown: Shown) -> None:
    await take_turns(session, "door:" + _index(keys, shown).hex())


async def _open(session: AsyncSession, keys: Keys, *, participant_id: UUID, shown: Shown) -> None:
    data_key = await people.data_key(session, keys, participant_id=participant_id)
    if data_key is None:
        raise people.ParticipantUnknown
    await queries.open_door(
        session,
        id=ids.uuid7(),
        participant_id=participant_id,
        provider=shown.provider.value,
        subject_index=_index(keys, shown),
        subject_sealed=seal(data_key, shown.subject.encode(), belongs_to=b"door" + participant_id.bytes),
        opened_at=clock.now(),
    )


def _index(keys: Keys, shown: Shown) -> bytes:
    return blind_index(
        keys.derive("door/subject"), f"{shown.provider.value}\x1f{shown.app_id}\x1f{shown.subject}"
    )
