"""Two accounts become one: nothing doubles, nothing is lost, and what comes late is moved on."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import uuid4

import pytest

from backend import ledger
from backend.identity import consent, doors, erase_person, joining, means, people, tokens
from backend.identity.doors import Provider, Shown
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import joined, points_identity, purses, wallets
from backend.programmes.benefits import money_identity
from backend.programmes.errors import RedemptionsOpen
from backend.programmes.joined import Moved
from tests.programmes.conftest import Citizen

JUNE, JULY = dt.date(2030, 6, 30), dt.date(2030, 7, 31)


@pytest.fixture
async def two(db: Database, settings: Settings, citizen: Citizen) -> tuple[Citizen, Citizen]:
    """Somebody known by phone, and an account of WeChat that turns out theirs."""
    phone, shown = f"133{uuid4().int % 10**8:08d}", Shown(Provider.WECHAT, "app", uuid4().hex)
    other = Citizen(db, programme=citizen.programme)
    async with db.transaction() as session:
        citizen.id = await people.citizen_with_phone(session, settings.keys, phone=phone)
        other.id = await doors.enter(session, settings.keys, shown=shown)
    return citizen, other


async def _join(db: Database, settings: Settings, ended: Citizen, stands: Citizen) -> Moved:
    async with db.transaction() as session:
        return await joined.join_accounts(
            session, settings.keys, joined=ended.id, into=stands.id, shown="wechat"
        )


async def _identity_holds(db: Database, programme: str) -> bool:
    async with db.transaction() as session:
        return (await points_identity(session, programme=programme)).holds


async def test_each_lot_goes_to_the_lot_of_the_same_day_and_a_debt_stays_a_debt(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await stands.earn("june", 20, JUNE)
    await ended.earn("june", 5, JUNE)
    await ended.earn("july", 30, JULY)
    await ended.earn("never", 7, None)
    other = Citizen(db, programme=f"q{ids.uuid7().hex[-12:]}")
    other.id = ended.id
    await other.claw_back("owed", 4)
    async with db.transaction() as session:
        await purses.put(
            session,
            participant_id=ended.id,
            programme=ended.programme,
            amount=9,
            purse=purses.pending(JUNE, JULY),
            posting_id=ids.uuid7(),
            happened_at=clock.now(),
        )

    assert await _join(db, settings, ended, stands) == Moved(points=5 + 30 + 7 + 9, owed=4, benefit_fen=0)

    assert await stands.lots() == {"2030-06-30": 25, "2030-07-31": 30, "never": 7}
    assert await ended.lots() == {}
    assert (await stands.wallet()).pending == 9
    other.id = stands.id
    assert (await other.wallet()).owed == 4
    for programme in (stands.programme, other.programme):
        assert await _identity_holds(db, programme)


async def test_money_passes_over_too(db: Database, settings: Settings, two: tuple[Citizen, Citizen]) -> None:
    stands, ended = two
    async with db.transaction() as session:
        await purses.put(
            session,
            participant_id=ended.id,
            programme=ended.programme,
            amount=300,
            purse=purses.benefit(JULY),
            posting_id=ids.uuid7(),
            happened_at=clock.now(),
        )
    assert (await _join(db, settings, ended, stands)).benefit_fen == 300
    async with db.transaction() as session:
        held = await ledger.balances_by_code(session, f"benefit:{stands.id}:")
        assert sum(held.values()) == 300
        assert (await money_identity(session, programme=ended.programme)).holds


async def test_joining_ten_times_at_once_and_both_ways_moves_everything_once(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await stands.earn("a", 10)
    await ended.earn("b", 100)
    done = await asyncio.gather(
        *(_join(db, settings, ended, stands) for _ in range(5)),
        *(_join(db, settings, stands, ended) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Moved) for one in done) == 1
    assert sum(isinstance(one, joining.NotToBeJoined) for one in done) == 9
    assert sorted([sum((await one.lots()).values()) for one in (stands, ended)]) == [0, 110]
    assert await _identity_holds(db, stands.programme)


async def test_a_second_join_waits_for_the_first_and_finds_that_an_account_ended(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await ended.earn("b", 100)
    async with db.transaction() as session:
        await joined.join_accounts(session, settings.keys, joined=ended.id, into=stands.id, shown="wechat")
        second = asyncio.create_task(_join(db, settings, ended, stands))
        await asyncio.sleep(0.3)
        assert not second.done()
    with pytest.raises(joining.NotToBeJoined):
        await second
    assert sum((await stands.lots()).values()) == 100


async def test_who_spends_while_the_accounts_are_joined_finds_nothing_left(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await ended.earn("b", 100)
    async with db.transaction() as session:
        await joined.join_accounts(session, settings.keys, joined=ended.id, into=stands.id, shown="wechat")
        spending = asyncio.create_task(ended.hold("tea", 60))
        await asyncio.sleep(0.3)
        assert not spending.done()
    with pytest.raises(ledger.InsufficientBalance):
        await spending
    assert sum((await stands.lots()).values()) == 100


async def test_joining_while_something_is_spent_moves_what_is_left_and_later_what_comes_back(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await ended.earn("b", 100)
    async with db.transaction() as session:
        await wallets.hold(
            session,
            participant_id=ended.id,
            programme=ended.programme,
            points=60,
            posting_id=ended.key("tea"),
            happened_at=clock.now(),
        )
        joining_them = asyncio.create_task(_join(db, settings, ended, stands))
        await asyncio.sleep(0.3)
        assert not joining_them.done()
    assert (await joining_them).points == 40
    await ended.release("tea")
    await joined.sweep(db)
    assert sum((await stands.lots()).values()) == 100
    assert await _identity_holds(db, stands.programme)


async def test_a_redemption_under_way_is_finished_first(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await ended.earn("b", 100)
    await ended.hold("tea", 60)
    with pytest.raises(RedemptionsOpen):
        await _join(db, settings, ended, stands)
    await ended.release("tea")
    assert (await _join(db, settings, ended, stands)).points == 100


async def test_what_comes_late_is_moved_on_once_through_every_account_that_ended(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await ended.earn("b", 100)
    await ended.hold("tea", 60)
    await ended.capture("tea")
    await _join(db, settings, ended, stands)
    last = Citizen(db, programme=stands.programme)
    async with db.transaction() as session:
        last.id = await people.citizen_with_phone(
            session, settings.keys, phone=f"132{uuid4().int % 10**8:08d}"
        )
    await _join(db, settings, stands, last)

    await ended.refund("tea")  # to the exact lots, whose account has ended
    await ended.earn("late act", 5)
    await ended.claw_back("withdrawn act", 200)
    assert await joined.sweep(db) == 1
    assert await joined.sweep(db) == 0
    wallet = await last.wallet()
    assert (wallet.spendable, wallet.owed) == (40, 135)
    assert [await one.lots() for one in (ended, stands)] == [{}, {}]
    assert await _identity_holds(db, stands.programme)


async def test_two_sweeps_at_once_move_everything_once(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await _join(db, settings, ended, stands)
    await ended.earn("late", 5)
    await ended.claw_back("owed", 8)
    await asyncio.gather(*(joined.sweep(db) for _ in range(4)))
    assert (await stands.wallet()).owed == 3
    assert (await ended.wallet()).owed == 0


async def test_who_ended_keeps_no_door_no_session_and_no_means_and_their_word_is_carried_over(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    right = consent.agreement(consent.RIGHT, purpose="assignment").sha256
    words = consent.agreement(consent.SCENARIO, purpose="consent").sha256
    number = uuid4().hex
    async with db.transaction() as session:
        await means.link(
            session,
            settings.keys,
            participant_id=ended.id,
            kind="bike_account",
            operator="gz-bikes",
            number=number,
            held_from=clock.now() - dt.timedelta(days=9),
            proof_reference="list",
        )
        for scenario, given in (("bus", True), ("metro", True)):
            await consent.say(
                session, participant_id=ended.id, scenario=scenario, given=given, text_sha256=words
            )
        await consent.say(session, participant_id=stands.id, scenario="metro", given=False, text_sha256=words)
        await consent.assign_right(session, participant_id=ended.id, text_sha256=right)
        pair = await tokens.start_session(session, settings, tokens.Audience.CITIZEN, subject=ended.id)

    await _join(db, settings, ended, stands)

    token = means.means_token(settings.keys, "bike_account", "gz-bikes", number)
    async with db.transaction() as session:
        assert await doors.doors_of(session, participant_id=ended.id) == []
        assert len(await doors.doors_of(session, participant_id=stands.id)) == 1
        now = clock.now()
        assert await means.holder_at(session, token=token, at=now) == stands.id
        assert await means.holder_at(session, token=token, at=now - dt.timedelta(days=1)) == ended.id
        held = await means.holdings_of(session, settings.keys, participant_id=stands.id)
        assert [one.hint for one in held] == [number[-4:]]
        said = {
            one.scenario: one.given for one in await consent.consents_of(session, participant_id=stands.id)
        }
        assert said == {"bus": True, "metro": False}
        assert len(await consent.assignments_of(session, participant_id=stands.id)) == 1
        assert await joining.survivor_of(session, participant_id=ended.id) == stands.id
        assert await joining.joined_accounts(session, participant_id=stands.id) == [ended.id]
        bearer = tokens.verify_access(settings, tokens.Audience.CITIZEN, pair.access_token)
        with pytest.raises(tokens.TokenRefused):
            await tokens.check_session(session, bearer)


async def test_who_leaves_takes_the_keys_of_every_account_of_theirs_along(
    db: Database, settings: Settings, two: tuple[Citizen, Citizen]
) -> None:
    stands, ended = two
    await _join(db, settings, ended, stands)
    async with db.transaction() as session:
        await erase_person(session, participant_id=stands.id)
        for one in (stands, ended):
            assert await people.data_key(session, settings.keys, participant_id=one.id) is None
            assert await doors.doors_of(session, participant_id=one.id) == []
