"""What people agreed to, in which words, and when they took it back."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from backend.identity import consent, people
from backend.identity.consent.agreements import read_agreement
from backend.kit import clock
from backend.kit.db import Database

RIGHT = consent.agreement(consent.RIGHT, purpose="assignment")
WORDS = consent.agreement(consent.SCENARIO, purpose="consent")


@pytest.fixture
async def citizen(db: Database) -> UUID:
    """A citizen who has agreed to nothing."""
    async with db.transaction() as session:
        return (await people.register(session)).id


def test_an_agreements_fingerprint_is_over_every_byte_of_its_file() -> None:
    assert hashlib.sha256(RIGHT.body.encode()).digest() == RIGHT.sha256
    assert read_agreement(RIGHT.body.replace("随时", "不时")).sha256 != RIGHT.sha256
    assert RIGHT.sample
    assert "示例" in RIGHT.title("zh")
    assert "sample" in RIGHT.text("en")


async def test_the_right_is_assigned_from_now_on_and_revoking_acts_forward(
    db: Database, citizen: UUID
) -> None:
    async with db.transaction() as session:
        assigned = await consent.assign_right(session, participant_id=citizen, text_sha256=RIGHT.sha256)
    assert assigned.covers_from == assigned.recorded_at
    async with db.transaction() as session:
        again = await consent.assign_right(session, participant_id=citizen, text_sha256=RIGHT.sha256)
        assert again == assigned
    with clock.travel(clock.now() + timedelta(days=3)):
        async with db.transaction() as session:
            await consent.revoke_right(session, participant_id=citizen)
        with pytest.raises(consent.NothingToRevoke):
            async with db.transaction() as session:
                await consent.revoke_right(session, participant_id=citizen)
    async with db.transaction() as session:
        covered = text(
            "SELECT covers @> CAST(:at AS timestamptz) FROM right_assigned WHERE participant_id = :id"
        )
        for days, is_covered in ((2, True), (4, False), (-1, False)):
            at = assigned.covers_from + timedelta(days=days)
            assert (await session.execute(covered, {"id": citizen, "at": at})).scalars().all() == [is_covered]


async def test_assigning_again_after_revoking_begins_a_second_time(db: Database, citizen: UUID) -> None:
    for _ in range(2):
        async with db.transaction() as session:
            await consent.assign_right(session, participant_id=citizen, text_sha256=RIGHT.sha256)
        async with db.transaction() as session:
            await consent.revoke_right(session, participant_id=citizen)
    async with db.transaction() as session:
        first, second = await consent.assignments_of(session, participant_id=citizen)
    assert first.covers_until is not None
    assert first.covers_until <= second.covers_from


async def test_a_text_that_was_not_shown_cannot_be_agreed_to(db: Database, citizen: UUID) -> None:
    async with db.transaction() as session:
        with pytest.raises(consent.AgreementChanged):
            await consent.assign_right(
                session, participant_id=citizen, text_sha256=hashlib.sha256(b"").digest()
            )
        with pytest.raises(consent.AgreementUnknown):
            await consent.assign_right(
                session, participant_id=citizen, text_sha256=WORDS.sha256, agreement_id=WORDS.id
            )


async def test_ten_assignments_at_once_are_one(db: Database, citizen: UUID) -> None:
    async def assign() -> UUID:
        async with db.transaction() as session:
            made = await consent.assign_right(session, participant_id=citizen, text_sha256=RIGHT.sha256)
            return made.id

    assert len(set(await asyncio.gather(*(assign() for _ in range(10))))) == 1


async def test_the_agreed_text_is_kept_and_an_assignment_only_revoked(
    db: Database, citizen: UUID, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.transaction() as session:
        await consent.assign_right(session, participant_id=citizen, text_sha256=RIGHT.sha256)
    body = await superuser.fetchval("SELECT body FROM agreement_text WHERE sha256 = $1", RIGHT.sha256)
    assert body == RIGHT.body
    for change in (
        "UPDATE assignment_of_right SET edition = 'other'",
        "UPDATE assignment_of_right SET covers = tstzrange('2020-01-01', NULL)",
        "DELETE FROM assignment_of_right",
        "TRUNCATE assignment_of_right CASCADE",
        "UPDATE agreement_text SET body = ''",
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await superuser.execute(change)
        assert refused.value.sqlstate == "PK001"


async def test_consent_is_per_scenario_and_its_history_stays(db: Database, citizen: UUID) -> None:
    async def say(scenario: str, given: bool) -> None:
        async with db.transaction() as session:
            await consent.say(
                session, participant_id=citizen, scenario=scenario, given=given, text_sha256=WORDS.sha256
            )

    for scenario, given in [("bus", True), ("bus", True), ("metro", True), ("bus", False), ("bus", False)]:
        await say(scenario, given)
    async with db.transaction() as session:
        now = {
            said.scenario: said.given for said in await consent.consents_of(session, participant_id=citizen)
        }
        history = await consent.consent_history(session, participant_id=citizen)
        rest = await consent.consent_history(session, participant_id=citizen, after=history[0].id, limit=1)
        at = text("SELECT scenario FROM consent_given WHERE participant_id = :id AND given @> now()")
        current = (await session.execute(at, {"id": citizen})).scalars().all()
    assert now == {"bus": False, "metro": True}
    assert [(said.scenario, said.given) for said in history] == [
        ("bus", True),
        ("metro", True),
        ("bus", False),
    ]
    assert rest == [history[1]]
    assert current == ["metro"]


async def test_a_scenario_that_does_not_exist_is_refused(db: Database, citizen: UUID) -> None:
    with pytest.raises(consent.ScenarioUnknown):
        async with db.transaction() as session:
            await consent.say(
                session, participant_id=citizen, scenario="rocket", given=True, text_sha256=WORDS.sha256
            )


async def test_paper_agreements_are_recorded_for_many_at_once_and_only_once(db: Database) -> None:
    async with db.transaction() as session:
        crowd = await people.register_many(session, count=50)
    begun = clock.now() - timedelta(days=60)
    for new in (50, 0):
        async with db.transaction() as session:
            assert await consent.assign_right_list(session, participant_ids=crowd, covers_from=begun) == new
            await consent.consent_list(
                session, participant_ids=crowd, scenarios=["bus", "bike"], given_from=begun
            )
    async with db.transaction() as session:
        assert len(await consent.consent_history(session, participant_id=crowd[7])) == 2
        (assigned,) = await consent.assignments_of(session, participant_id=crowd[7])
    assert (assigned.covers_from, assigned.recorded_at > begun) == (begun, True)
