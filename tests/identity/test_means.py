"""A means has one holder at any moment, and nobody can try out numbers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backend.identity import means, people
from backend.identity.means import Listed
from backend.kit import clock
from backend.kit.db import Database, RecordImmutable
from backend.kit.settings import Settings


@pytest.fixture
async def two(db: Database) -> tuple[UUID, UUID]:
    """Two citizens without a phone."""
    async with db.transaction() as session:
        a, b = await people.register_many(session, count=2)
    return a, b


async def _link(db: Database, settings: Settings, **given: Any) -> means.Holding:
    asked: dict[str, Any] = {
        "kind": "card",
        "operator": "metro",
        "held_from": clock.now(),
        "proof_reference": "list 1",
    } | given
    async with db.transaction() as session:
        return await means.link(session, settings.keys, **asked)


def test_a_token_is_the_keyed_digest_that_intake_computes_in_bulk(settings: Settings) -> None:
    digest = hmac.digest(settings.keys.derive("means"), b"card|metro|6222-1", hashlib.sha256)
    assert means.means_token(settings.keys, "card", "metro", "6222-1").bytes == digest[:16]
    assert means.means_tokens(settings.keys, "card", "metro", ["6222-1", " 6222-1 "]) == [digest[:16]] * 2


@pytest.mark.parametrize(
    ("kind", "operator"), [("card|x", "metro"), ("card", "metro|1"), ("", "metro"), ("Card", "m1")]
)
def test_names_that_could_be_read_in_two_ways_are_refused(
    settings: Settings, kind: str, operator: str
) -> None:
    with pytest.raises(means.MeansMisnamed):
        means.means_token(settings.keys, kind, operator, "1")


async def test_linking_again_answers_the_holding_that_stands(
    db: Database, settings: Settings, two: tuple[UUID, UUID]
) -> None:
    first = await _link(db, settings, participant_id=two[0], number="again")
    assert await _link(db, settings, participant_id=two[0], number="again") == first


async def test_a_second_holder_waits_for_the_first_to_let_go(
    db: Database, settings: Settings, two: tuple[UUID, UUID]
) -> None:
    a, b = two
    begun = clock.now() - timedelta(days=2)
    held = await _link(db, settings, participant_id=a, number="handed on", held_from=begun)
    with pytest.raises(means.MeansHeld):
        await _link(db, settings, participant_id=b, number="handed on")
    async with db.transaction() as session:
        closed = await means.close_holding(session, settings.keys, participant_id=a, holding_id=held.id)
    assert closed.held_until is not None
    with pytest.raises(means.MeansHeld):  # not even for the time before the hand-over
        await _link(db, settings, participant_id=b, number="handed on", held_from=begun)
    await _link(db, settings, participant_id=b, number="handed on", held_from=closed.held_until)
    token = means.means_token(settings.keys, "card", "metro", "handed on")
    async with db.transaction() as session:
        assert await means.holder_at(session, token=token, at=begun) == a
        assert await means.holder_at(session, token=token, at=closed.held_until) == b
        assert await means.holder_at(session, token=token, at=begun - timedelta(seconds=1)) is None


async def test_of_many_who_link_one_card_at_once_one_holds_it(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        crowd = await people.register_many(session, count=12)
    results = await asyncio.gather(
        *(_link(db, settings, participant_id=one, number="popular") for one in crowd), return_exceptions=True
    )
    assert sum(isinstance(result, means.Holding) for result in results) == 1
    assert sum(isinstance(result, means.MeansHeld) for result in results) == 11


async def test_the_database_itself_refuses_a_second_holder_and_any_rewriting(
    db: Database, settings: Settings, two: tuple[UUID, UUID], superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    held = await _link(db, settings, participant_id=two[0], number="guarded")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await superuser.execute(
            "INSERT INTO means_holding (means_id, participant_id, held, proof, proof_reference, linked_at)"
            " SELECT means_id, $2, held, proof, proof_reference, linked_at FROM means_holding WHERE id = $1",
            held.id,
            two[1],
        )
    for change in (
        "UPDATE means_holding SET participant_id = '00000000-0000-0000-0000-000000000000' WHERE id = $1",
        "UPDATE means_holding SET held = tstzrange(lower(held) - interval '1 day', now()) WHERE id = $1",
        "UPDATE means_holding SET proof = 'partner_code', held = tstzrange(lower(held), now()) WHERE id = $1",
        "DELETE FROM means_holding WHERE id = $1",
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await superuser.execute(change, held.id)
        assert refused.value.sqlstate == "PK001"


async def test_a_closed_holding_is_not_reopened_and_anothers_is_unknown(
    db: Database, settings: Settings, two: tuple[UUID, UUID]
) -> None:
    from sqlalchemy import text

    held = await _link(db, settings, participant_id=two[0], number="closed")
    async with db.transaction() as session:
        with pytest.raises(means.HoldingUnknown):
            await means.close_holding(session, settings.keys, participant_id=two[1], holding_id=held.id)
    async with db.transaction() as session:
        once = await means.close_holding(session, settings.keys, participant_id=two[0], holding_id=held.id)
    async with db.transaction() as session:
        again = await means.close_holding(session, settings.keys, participant_id=two[0], holding_id=held.id)
    assert once == again
    with pytest.raises(RecordImmutable):
        async with db.transaction() as session:
            await session.execute(
                text("UPDATE means_holding SET held = tstzrange(lower(held), NULL) WHERE id = :id"),
                {"id": held.id},
            )


async def test_nobody_holds_something_from_tomorrow_on(
    db: Database, settings: Settings, two: tuple[UUID, UUID]
) -> None:
    with pytest.raises(means.HeldInTheFuture):
        await _link(
            db, settings, participant_id=two[0], number="later", held_from=clock.now() + timedelta(seconds=60)
        )


@pytest.mark.parametrize(("days_later", "good"), [(0, True), (1, True), (2, False), (-1, False)])
async def test_a_partners_code_is_good_on_its_day_and_the_next(
    db: Database, settings: Settings, two: tuple[UUID, UUID], days_later: int, good: bool
) -> None:
    number, made_on = f"coded {days_later}", clock.today()
    code = means.link_code(settings.keys, kind="card", operator="metro", number=number, day=made_on)
    assert len(code) == 8
    assert code.isdigit()
    given: dict[str, Any] = {"participant_id": two[0], "kind": "card", "operator": "metro", "number": number}
    with clock.travel(clock.now() + timedelta(days=days_later)):
        if good:
            async with db.transaction() as session:
                holding = await means.link_with_code(session, settings.keys, **given, code=code)
            assert clock.day_of(holding.held_from) == made_on - timedelta(days=90)
            assert holding.held_from.astimezone(clock.SHANGHAI).hour == 0
        else:
            with pytest.raises(means.LinkCodeWrong):
                async with db.transaction() as session:
                    await means.link_with_code(session, settings.keys, **given, code=code)


async def test_a_code_is_for_one_number_of_one_operator_and_kind(
    db: Database, settings: Settings, two: tuple[UUID, UUID]
) -> None:
    code = means.link_code(settings.keys, kind="card", operator="metro", number="mine", day=clock.today())
    for other in (
        {"kind": "card", "operator": "metro", "number": "yours"},
        {"kind": "card", "operator": "bus", "number": "mine"},
        {"kind": "meter", "operator": "metro", "number": "mine"},
    ):
        with pytest.raises(means.LinkCodeWrong):
            async with db.transaction() as session:
                await means.link_with_code(session, settings.keys, participant_id=two[0], **other, code=code)


async def test_a_code_after_a_hand_over_holds_from_the_hand_over(
    db: Database, settings: Settings, two: tuple[UUID, UUID]
) -> None:
    a, b = two
    held = await _link(
        db, settings, participant_id=a, number="sold", held_from=clock.now() - timedelta(days=9)
    )
    async with db.transaction() as session:
        closed = await means.close_holding(session, settings.keys, participant_id=a, holding_id=held.id)
    code = means.link_code(settings.keys, kind="card", operator="metro", number="sold", day=clock.today())
    async with db.transaction() as session:
        given: dict[str, Any] = {"kind": "card", "operator": "metro", "number": "sold", "code": code}
        holding = await means.link_with_code(session, settings.keys, participant_id=b, **given)
    assert holding.held_from == closed.held_until


async def test_attempts_are_counted_per_person_and_per_number(db: Database, settings: Settings) -> None:
    async def attempt(whose: UUID, number: str) -> None:
        async with db.transaction() as session:
            await means.count_link_attempt(
                session, settings.keys, participant_id=whose, kind="card", operator="metro", number=number
            )

    async with db.transaction() as session:
        a, b, c = await people.register_many(session, count=3)
    for turn in range(10):
        await attempt(a, f"guessed {turn}")
    with pytest.raises(means.TooManyLinkAttempts):
        await attempt(a, "guessed 11")
    for _ in range(10):
        await attempt(b, "besieged")
    with pytest.raises(means.TooManyLinkAttempts):
        await attempt(c, "besieged")


async def test_a_partners_list_adds_up_and_may_be_sent_again(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        a, b = await people.register_many(session, count=2)
    since = clock.now() - timedelta(days=30)
    await _link(db, settings, participant_id=b, number="L2", operator="listed")
    lines = [Listed("L1", a, since), Listed("L2", a, since), Listed("L3", a, since), Listed("L3", a, since)]

    async def send() -> means.LinkedList:
        async with db.transaction() as session:
            return await means.link_list(
                session, settings.keys, kind="card", operator="listed", lines=lines, proof_reference="list 7"
            )

    assert await send() == means.LinkedList(received=4, linked=2, already=1, held_by_others=1)
    assert await send() == means.LinkedList(received=4, linked=0, already=3, held_by_others=1)


async def test_a_list_that_names_nobody_we_know_is_refused_whole(db: Database, settings: Settings) -> None:
    lines = [Listed("L9", UUID(int=9), clock.now())]
    async with db.transaction() as session:
        with pytest.raises(people.ParticipantUnknown):
            await means.link_list(
                session, settings.keys, kind="card", operator="metro", lines=lines, proof_reference="list 8"
            )
