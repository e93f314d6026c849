"""Participants by pseudonym, and the personal data that is kept apart from them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.identity.people import queries
from backend.identity.people.errors import ParticipantUnknown, PhoneInvalid, PhoneTaken
from backend.identity.people.tables import Participant, ParticipantKind, Person, PersonKey
from backend.identity.sealing import KEY_BYTES, blind_index, opened_by, seal, seal_again, unseal, unseal_any
from backend.kit import clock, ids
from backend.kit.settings import Keys

_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = str.maketrans("", "", " -()")


def normal_phone(phone: str) -> str:
    """The number in E.164 form: `13800000000`, `+86 138 0000 0000` and `8613800000000` are one number."""
    number = phone.translate(_SEPARATORS)
    if number.startswith("+86"):
        number = number[3:]
    elif number.startswith("86") and len(number) == 13:
        number = number[2:]
    if _MAINLAND.fullmatch(number):
        return "+86" + number
    if not number.startswith("+86") and _INTERNATIONAL.fullmatch(number):
        return number
    raise PhoneInvalid


def phone_index(keys: Keys, phone: str) -> bytes:
    """The blind index of a phone number (32 bytes)."""
    return blind_index(keys.derive("person/phone-index"), normal_phone(phone))


async def register(
    session: AsyncSession,
    *,
    kind: ParticipantKind = ParticipantKind.CITIZEN,
    participant_id: UUID | None = None,
) -> Participant:
    """A new participant, known by pseudonym only: nobody's personal data is needed to take part."""
    participant = Participant(id=participant_id or ids.uuid7(), kind=kind, created_at=clock.now())
    session.add(participant)
    await session.flush()
    return participant


async def register_many(
    session: AsyncSession, *, count: int, kind: ParticipantKind = ParticipantKind.CITIZEN
) -> list[UUID]:
    """`count` new participants at once; their ids in the order made."""
    made = [ids.uuid7() for _ in range(count)]
    now = clock.now()
    await queries.add_participants(
        session, [{"id": participant_id, "kind": kind, "created_at": now} for participant_id in made]
    )
    return made


async def participant_of(session: AsyncSession, *, participant_id: UUID) -> Participant:
    """The participant, or `ParticipantUnknown`."""
    found = await queries.participant(session, participant_id)
    if found is None:
        raise ParticipantUnknown
    return found


async def citizen_with_phone(session: AsyncSession, keys: Keys, *, phone: str) -> UUID:
    """The citizen who has this number; made, with a key of their own, when nobody has it yet."""
    await _phones_turn(session, keys, phone)
    known = await holder_of_phone(session, keys, phone=phone)
    return known or await _new_person(session, keys, phone=phone)


async def citizen_without_phone(session: AsyncSession, keys: Keys) -> UUID:
    """A new citizen with a key of their own and no number: somebody who came in by another door."""
    return await _new_person(session, keys, phone=None)


async def group_with_key(session: AsyncSession, keys: Keys, *, kind: ParticipantKind) -> UUID:
    """A new household or firm with a key of its own."""
    return await _new_person(session, keys, phone=None, kind=kind)


async def holder_of_phone(session: AsyncSession, keys: Keys, *, phone: str) -> UUID | None:
    """The citizen who has this number; None when nobody."""
    return await queries.participant_by_phone(session, phone_index(keys, phone))


async def set_phone(session: AsyncSession, keys: Keys, *, participant_id: UUID, phone: str) -> None:
    """Give a person this number instead of the one they had. Raises PhoneTaken, ParticipantUnknown.

    Whoever asks has shown that the number is theirs.
    """
    await _phones_turn(session, keys, phone)
    holder = await holder_of_phone(session, keys, phone=phone)
    if holder not in {None, participant_id}:
        raise PhoneTaken
    key = await data_key(session, keys, participant_id=participant_id)
    if key is None:
        raise ParticipantUnknown
    sealed = seal(key, normal_phone(phone).encode(), belongs_to=b"phone" + participant_id.bytes)
    await queries.set_phone(
        session, participant_id, phone_index=phone_index(keys, phone), phone_sealed=sealed
    )


async def forget_phone(session: AsyncSession, *, participant_id: UUID) -> None:
    """Let go of a person's number: it is nobody's then."""
    await queries.set_phone(session, participant_id, phone_index=None, phone_sealed=None)


async def _phones_turn(session: AsyncSession, keys: Keys, phone: str) -> None:
    await take_turns(session, "phone:" + phone_index(keys, phone).hex())


async def _new_person(
    session: AsyncSession,
    keys: Keys,
    *,
    phone: str | None,
    kind: ParticipantKind = ParticipantKind.CITIZEN,
) -> UUID:
    participant = await register(session, kind=kind)
    data_key = os.urandom(KEY_BYTES)
    whose = participant.id.bytes
    person = Person(participant_id=participant.id, joined_at=participant.created_at)
    if phone is not None:
        person.phone_index = phone_index(keys, phone)
        person.phone_sealed = seal(data_key, normal_phone(phone).encode(), belongs_to=b"phone" + whose)
    session.add(person)
    await session.flush()
    wrapped = seal(keys.sealing("person"), data_key, belongs_to=whose)
    session.add(PersonKey(participant_id=participant.id, wrapped=wrapped))
    await session.flush()
    return participant.id


async def data_key(session: AsyncSession, keys: Keys, *, participant_id: UUID) -> bytes | None:
    """The key that seals what is personal about one participant; None when there is none, or it was destroyed."""
    wrapped = await queries.wrapped_key(session, participant_id)
    if wrapped is None:
        return None
    return unseal_any(keys.opening("person"), wrapped, belongs_to=participant_id.bytes)


async def seal_words(session: AsyncSession, keys: Keys, *, participant_id: UUID, words: str) -> bytes:
    """What a person wrote, so that nobody can read it once their key is destroyed. ParticipantUnknown without a key."""
    key = await data_key(session, keys, participant_id=participant_id)
    if key is None:
        raise ParticipantUnknown
    return seal(key, words.encode(), belongs_to=b"words" + participant_id.bytes)


async def read_words(session: AsyncSession, keys: Keys, *, participant_id: UUID, sealed: bytes) -> str | None:
    """What `seal_words` sealed; None once the person left."""
    key = await data_key(session, keys, participant_id=participant_id)
    return None if key is None else unseal(key, sealed, belongs_to=b"words" + participant_id.bytes).decode()


async def read_many(
    session: AsyncSession, keys: Keys, *, sealed: Sequence[tuple[UUID, bytes]]
) -> list[str | None]:
    """What `seal_words` sealed of several people, in the order asked; None for whoever left."""
    wrapped = dict(await queries.wrapped_keys(session, {participant_id for participant_id, _ in sealed}))
    opening = keys.opening("person")
    data_keys = {
        participant_id: unseal_any(opening, key, belongs_to=participant_id.bytes)
        for participant_id, key in wrapped.items()
    }
    return [
        unseal(data_keys[whose], words, belongs_to=b"words" + whose.bytes).decode()
        if whose in data_keys
        else None
        for whose, words in sealed
    ]


async def phone_of(session: AsyncSession, keys: Keys, *, participant_id: UUID) -> str | None:
    """The person's own number, for nobody but that person; None when unknown or erased."""
    person = await queries.person(session, participant_id)
    key = await data_key(session, keys, participant_id=participant_id)
    if person is None or key is None or person.phone_sealed is None:
        return None
    return unseal(key, person.phone_sealed, belongs_to=b"phone" + participant_id.bytes).decode()


async def wrap_again(
    session: AsyncSession, keys: Keys, *, after: UUID | None, count: int
) -> tuple[int, UUID | None]:
    """Wrap the next `count` data keys above the participant `after` with the present master key.

    How many needed it, and the last participant looked at; None when there is none left. Doing it again is harmless.
    """
    rows = await queries.lock_wrapped(session, after=after, count=count)
    opening = keys.opening("person")
    again = {
        participant_id: wrapped
        for participant_id, old in rows
        if (wrapped := seal_again(opening, old, belongs_to=participant_id.bytes)) is not None
    }
    await queries.set_wrapped(session, again)
    return len(again), rows[-1][0] if rows else None


async def rests_on(session: AsyncSession, keys: Keys) -> tuple[int, int, int]:
    """How many data keys the present master wrapped, how many only another opens, and how many none does."""
    counts = [0, 0, 0]
    opening = keys.opening("person")
    async for participant_id, wrapped in queries.every_wrapped(session):
        number = opened_by(opening, wrapped, belongs_to=participant_id.bytes)
        counts[2 if number is None else min(number, 1)] += 1
    return counts[0], counts[1], counts[2]


def masked(phone: str) -> str:
    """A number as its owner recognises it: the last four digits."""
    return "*" * max(0, len(phone) - 4) + phone[-4:]


async def erase(session: AsyncSession, *, participant_id: UUID) -> bool:
    """Destroy the key of a person: what was sealed with it is noise, the pseudonym and its books stay whole.

    True when there was a key. Backups older than this hold the wrapped key until they are rotated.
    """
    return await queries.destroy_key(session, participant_id, now=clock.now())


async def all_exist(session: AsyncSession, *, participant_ids: Sequence[UUID]) -> bool:
    """Whether every one of these participants is known."""
    wanted = set(participant_ids)
    return await queries.count_known(session, wanted) == len(wanted)
