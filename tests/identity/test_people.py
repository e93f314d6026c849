"""Participants by pseudonym, and the one place with personal data."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from cryptography.exceptions import InvalidTag

from backend import identity
from backend.identity import consent, means, people, tokens
from backend.identity.people import ParticipantKind, PhoneInvalid
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("13800000000", "+8613800000000"),
        ("+86 138-0000-0000", "+8613800000000"),
        ("8613800000000", "+8613800000000"),
        ("+85251234567", "+85251234567"),
    ],
)
def test_one_number_has_one_form(written: str, normal: str) -> None:
    assert people.normal_phone(written) == normal


@pytest.mark.parametrize(
    "written", ["", "12345", "12800000000", "1380000000", "+86 12345678901", "１3800000000", "x"]
)
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(PhoneInvalid) as refused:
        people.normal_phone(written)
    assert not refused.value.facts()


async def test_the_same_number_is_the_same_person_even_when_both_come_at_once(
    db: Database, settings: Settings
) -> None:
    async def come(phone: str) -> object:
        async with db.transaction() as session:
            return await people.citizen_with_phone(session, settings.keys, phone=phone)

    came = await asyncio.gather(*(come(phone) for phone in ["13900000001", "+8613900000001"] * 5))
    assert len(set(came)) == 1


async def test_a_phone_is_readable_by_its_key_and_found_nowhere_in_clear(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.transaction() as session:
        whose = await people.citizen_with_phone(session, settings.keys, phone="13900000002")
        assert await people.phone_of(session, settings.keys, participant_id=whose) == "+8613900000002"
    row = await superuser.fetchrow("SELECT * FROM person WHERE participant_id = $1", whose)
    assert row is not None
    assert b"13900000002" not in row["phone_sealed"] + row["phone_index"]


async def test_one_persons_sealed_phone_does_not_open_as_anothers(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.transaction() as session:
        a = await people.citizen_with_phone(session, settings.keys, phone="13900000003")
        b = await people.citizen_with_phone(session, settings.keys, phone="13900000004")
    await superuser.execute(
        "UPDATE person_key SET wrapped = (SELECT wrapped FROM person_key WHERE participant_id = $2)"
        " WHERE participant_id = $1",
        a,
        b,
    )
    async with db.transaction() as session:
        with pytest.raises(InvalidTag):
            await people.phone_of(session, settings.keys, participant_id=a)


async def test_erasing_destroys_the_key_and_leaves_the_pseudonym(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    keys = settings.keys
    async with db.transaction() as session:
        whose = await people.citizen_with_phone(session, keys, phone="13900000005")
        await means.link(
            session,
            keys,
            participant_id=whose,
            kind="card",
            operator="metro",
            number="ERASE-0001",
            held_from=clock.now(),
            proof_reference="list 1",
        )
        text = consent.agreement(consent.RIGHT, purpose="assignment")
        await consent.assign_right(session, participant_id=whose, text_sha256=text.sha256)
        pair = await tokens.start_session(session, settings, tokens.Audience.CITIZEN, subject=whose)
    async with db.transaction() as session:
        await identity.erase_person(session, participant_id=whose)
    async with db.transaction() as session:
        assert await people.phone_of(session, keys, participant_id=whose) is None
        assert (await people.participant_of(session, participant_id=whose)).kind is ParticipantKind.CITIZEN
        holdings = await means.holdings_of(session, keys, participant_id=whose)
        assert [(h.hint, h.held_until is not None) for h in holdings] == [(None, True)]
        assigned = await consent.assignments_of(session, participant_id=whose)
        assert [a.revoked_at is not None for a in assigned] == [True]
        bearer = tokens.verify_access(settings, tokens.Audience.CITIZEN, pair.access_token)
        with pytest.raises(tokens.TokenRefused):
            await tokens.check_session(session, bearer)
        # the number is free: whoever has it next is another person
        assert await people.citizen_with_phone(session, keys, phone="13900000005") != whose
    assert await superuser.fetchval("SELECT count(*) FROM person_key WHERE participant_id = $1", whose) == 0


async def test_households_and_firms_take_part_without_personal_data(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        household = await people.register(session, kind=ParticipantKind.HOUSEHOLD)
        many = await people.register_many(session, count=3, kind=ParticipantKind.FIRM)
    async with db.transaction() as session:
        assert (await people.participant_of(session, participant_id=household.id)).kind == "household"
        assert await people.all_exist(session, participant_ids=[household.id, *many, *many])
        assert await people.data_key(session, settings.keys, participant_id=household.id) is None
