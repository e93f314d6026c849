"""A grant is good for one purpose of one session, for five minutes, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from backend.identity import people, sign_in, step_up, tokens
from backend.identity.step_up import Purpose, StepUpNeeded
from backend.identity.tokens import Audience
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings


async def _begin(db: Database, settings: Settings, whose: UUID | None = None) -> tuple[UUID, UUID]:
    """A session of somebody with a phone, and whose it is."""
    async with db.transaction() as session:
        if whose is None:
            phone = f"137{uuid4().int % 10**8:08d}"
            whose = await people.citizen_with_phone(session, settings.keys, phone=phone)
        pair = await tokens.start_session(session, settings, Audience.CITIZEN, subject=whose)
    return tokens.verify_access(settings, Audience.CITIZEN, pair.access_token).session_id, whose


async def _granted(
    db: Database, settings: Settings, session_id: UUID, whose: UUID, purpose: Purpose = Purpose.EXPORT
) -> None:
    async with db.transaction() as session:
        asked = await step_up.ask(
            session,
            settings.keys,
            session_id=session_id,
            participant_id=whose,
            person_id=whose,
            purpose=purpose,
            address=uuid4().hex,
        )
        granted = await step_up.grant(
            session,
            settings.keys,
            request_id=asked.request_id,
            session_id=session_id,
            participant_id=whose,
            person_id=whose,
            code=asked.code,
        )
    assert granted.purpose is purpose


async def _use(db: Database, session_id: UUID, whose: UUID, purpose: Purpose = Purpose.EXPORT) -> bool:
    async with db.transaction() as session:
        try:
            await step_up.use(session, session_id=session_id, participant_id=whose, purpose=purpose)
        except StepUpNeeded:
            return False
    return True


async def test_a_grant_is_used_once_for_its_own_purpose_in_its_own_session(
    db: Database, settings: Settings
) -> None:
    mine, whose = await _begin(db, settings)
    other, _ = await _begin(db, settings, whose)
    assert not await _use(db, mine, whose)
    await _granted(db, settings, mine, whose)
    assert not await _use(db, mine, whose, Purpose.CLOSE_ACCOUNT)
    assert not await _use(db, other, whose)
    assert not await _use(db, mine, uuid4())
    assert await _use(db, mine, whose)
    assert not await _use(db, mine, whose)


@pytest.mark.parametrize(("seconds", "good"), [(299, True), (301, False)])
async def test_a_grant_lasts_five_minutes(db: Database, settings: Settings, seconds: int, good: bool) -> None:
    mine, whose = await _begin(db, settings)
    await _granted(db, settings, mine, whose)
    with clock.travel(clock.now() + timedelta(seconds=seconds)):
        assert await _use(db, mine, whose) is good


async def test_what_fails_after_it_used_the_grant_leaves_it_good(db: Database, settings: Settings) -> None:
    mine, whose = await _begin(db, settings)
    await _granted(db, settings, mine, whose)

    async def fails() -> None:
        async with db.transaction() as session:
            await step_up.use(session, session_id=mine, participant_id=whose, purpose=Purpose.EXPORT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert await _use(db, mine, whose)


async def test_a_second_use_waits_for_the_first_and_is_refused(db: Database, settings: Settings) -> None:
    mine, whose = await _begin(db, settings)
    await _granted(db, settings, mine, whose)
    async with db.transaction() as session:
        await step_up.use(session, session_id=mine, participant_id=whose, purpose=Purpose.EXPORT)
        second = asyncio.create_task(_use(db, mine, whose))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert not await second


async def test_a_step_up_code_does_not_sign_in_and_is_worthless_in_another_session(
    db: Database, settings: Settings
) -> None:
    mine, whose = await _begin(db, settings)
    other, _ = await _begin(db, settings, whose)
    async with db.transaction() as session:
        asked = await step_up.ask(
            session,
            settings.keys,
            session_id=mine,
            participant_id=whose,
            person_id=whose,
            purpose=Purpose.JOIN,
            address="a",
        )
    async with db.transaction() as session:
        with pytest.raises(sign_in.SignInCodeWrong):
            await sign_in.exchange_code(
                session, settings.keys, request_id=asked.request_id, phone=asked.phone, code=asked.code
            )
        with pytest.raises(sign_in.SignInCodeWrong):
            await step_up.grant(
                session,
                settings.keys,
                request_id=asked.request_id,
                session_id=other,
                participant_id=whose,
                person_id=whose,
                code=asked.code,
            )


async def test_who_has_no_phone_is_told_to_use_their_other_door(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        whose = (await people.register(session)).id
    mine, _ = await _begin(db, settings, whose)
    async with db.transaction() as session:
        with pytest.raises(step_up.DoorMissing):
            await step_up.ask(
                session,
                settings.keys,
                session_id=mine,
                participant_id=whose,
                person_id=whose,
                purpose=Purpose.EXPORT,
                address="a",
            )
        granted = await step_up.grant_by_door(
            session, session_id=mine, participant_id=whose, purpose=Purpose.EXPORT, door="wechat"
        )
    assert granted.purpose is Purpose.EXPORT
    assert await _use(db, mine, whose)
