"""The right to claim taken back while batches are frozen: grams in open pools leave, frozen ones stay, once and to the gram."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from backend import certification
from backend.identity import consent, means, people
from backend.intake import releasing
from backend.intake.holding import withdraw
from backend.kit import ids
from tests.certification.conftest import BIKE, BIKES, PROJECT, SINCE, Town, rides_of
from tests.certification.test_races import close_in, waits

LEFT = f"uncredited:{PROJECT}:right_revoked"


async def rider(town: Town, account: str) -> UUID:
    """One more citizen who assigned the right, with a bike account."""
    async with town.db.transaction() as session:
        (made,) = await people.register_many(session, count=1)
        await consent.assign_right_list(session, participant_ids=[made], covers_from=SINCE)
        await means.link(
            session, town.settings.keys, participant_id=made, kind="bike_account", operator=BIKES,
            number=account, held_from=SINCE, proof_reference="list",
        )  # fmt: skip
    return made


async def take_back(town: Town, who: UUID) -> releasing.Released:
    async with town.db.transaction() as session:
        return await releasing.revoke_right(session, participant_id=who)


async def pool(town: Town, month: str) -> int:
    return await town.balance(f"pool:{PROJECT}:{BIKE}:{month}")


async def test_grams_in_an_open_pool_leave_it_and_frozen_ones_stay(town: Town) -> None:
    who = await rider(town, "R1")
    await town.ride("2018-03", rides_of(5_000), account="R1")
    await town.ride("2018-03", rides_of(4_000))
    frozen = await town.close("2018-03")
    await town.ride("2018-04", rides_of(3_000), account="R1")
    await town.ride("2018-04", rides_of(2_000))
    before = await town.balance(LEFT)
    told = await take_back(town, who)
    assert (told.left_g, told.stay_g) == (3_000, 5_000)
    assert (await pool(town, "2018-04"), await town.balance(LEFT) - before) == (2_000, 3_000)
    assert await town.balance(f"batch:{frozen.id}") == 9_000
    async with town.db.transaction() as session:  # and again leaves nothing more
        again = await releasing.release(session, participant_id=who)
    assert (again.left_g, again.stay_g) == (0, 5_000)

    await town.ride("2018-05", rides_of(1_000), account="R1")  # done while it was assigned, told of later
    assert await pool(town, "2018-05") == 0
    await town.verify(frozen)
    await town.issue(frozen)
    batch = await town.close("2018-04")
    assert batch.frozen_g == 2_000
    assert not await town.violations()


async def test_an_act_that_left_its_pool_is_withdrawn_from_where_it_lies(town: Town) -> None:
    who = await rider(town, "R2")
    await town.ride("2019-03", rides_of(1_000), account="R2")
    await take_back(town, who)
    before = await town.balance(LEFT)
    async with town.db.transaction() as session:
        key = (
            await session.execute(text("SELECT claim_key FROM action WHERE participant_id = :p"), {"p": who})
        ).scalar_one()
        await withdraw(session, keys=[key], cause="withdrawn", reference=ids.uuid7())
    assert before - await town.balance(LEFT) == 1_000
    names = ("rights.taken_back", "batches.acts", "batches.grams")
    assert not await town.violations(*names)


async def test_a_freeze_under_way_is_waited_for_and_what_it_took_stays(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    who = await rider(town, "R3")
    await town.ride("2020-03", rides_of(6_000), account="R3")
    async with town.db.transaction() as session:
        await close_in(town, session, "2020-03")
        leaving = asyncio.create_task(take_back(town, who))
        await waits(leaving, superuser)
    told = await leaving
    assert (told.left_g, told.stay_g) == (0, 6_000)


async def test_a_freeze_waits_for_grams_that_leave_and_does_not_take_them(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    who = await rider(town, "R4")
    await town.ride("2021-03", rides_of(6_000), account="R4")
    async with town.db.transaction() as session:
        told = await releasing.revoke_right(session, participant_id=who)
        closing = asyncio.create_task(town.close("2021-03"))
        await waits(closing, superuser)
    assert told.left_g == 6_000
    with pytest.raises(certification.NothingToFreeze):
        await closing
    assert not await town.violations("rights.taken_back", "batches.acts", "batches.grams", "grams.posted")


async def test_a_right_taken_back_while_a_file_is_taken_in_lets_its_grams_leave_afterwards(
    town: Town,
) -> None:
    who = await rider(town, "R5")
    await town.ride("2022-03", rides_of(1_000))
    async with town.db.transaction() as session:
        told = await releasing.revoke_right(session, participant_id=who)  # nobody else sees it yet
        await asyncio.wait_for(town.ride("2022-03", rides_of(7_000), account="R5"), timeout=30)
    assert (told.left_g, await pool(town, "2022-03")) == (0, 8_000)
    assert await releasing.release_late(town.db) > 0
    assert await pool(town, "2022-03") == 1_000
    assert await releasing.release_late(town.db) == 0
    assert not await town.violations("rights.taken_back", "grams.posted")


async def test_a_no_said_while_a_file_is_taken_in_leaves_what_was_done_before_and_refuses_what_comes_after(
    town: Town,
) -> None:
    who = await rider(town, "R6")
    sha256 = consent.agreement(consent.SCENARIO, purpose="consent").sha256
    async with town.db.transaction() as session:
        await consent.say(session, participant_id=who, scenario="bike", given=False, text_sha256=sha256)
        await asyncio.wait_for(town.ride("2022-05", rides_of(7_000), account="R6"), timeout=30)
    assert await pool(town, "2022-05") == 7_000
    async with town.db.transaction() as session:
        said = await session.execute(
            text("SELECT low > now() - interval '1 hour' FROM consent_withdrawn WHERE participant_id = :who"),
            {"who": who},
        )
        assert said.scalar_one()
