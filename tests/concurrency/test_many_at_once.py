"""Many tasks on the same accounts at once: nothing deadlocks, nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

import pytest

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database, TransactionCollided
from backend.kit.errors import DomainError
from backend.programmes import codes, points_identity, wallets
from tests.concurrency.conftest import Pause, Superuser, done_or_waiting, transaction
from tests.programmes.conftest import Citizen, sweep

T = TypeVar("T")
MAY, JUNE, JULY = dt.date(2027, 5, 31), dt.date(2027, 6, 30), dt.date(2027, 7, 31)
MEANWHILE = dt.datetime(2027, 6, 1, 12, tzinfo=clock.SHANGHAI)


async def all_of(work: Iterable[Awaitable[T]]) -> list[T | str]:
    """Run everything at once: the answers, and the codes of refusals."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException) and (
            not isinstance(one, DomainError) or isinstance(one, TransactionCollided)
        ):
            raise one
    return [one.code if isinstance(one, DomainError) else one for one in done]  # type: ignore[misc]


async def crowd(db: Database, size: int) -> list[Citizen]:
    """Participants of one programme, each with a lapsed lot, two live ones, a captured and an open hold."""
    programme = f"p{ids.uuid7().hex[-12:]}"
    citizens = [Citizen(db, programme=programme) for _ in range(size)]
    with clock.travel(dt.datetime(2027, 5, 1, tzinfo=clock.SHANGHAI)):
        for one in citizens:
            await one.earn("may", 50, MAY)
            await one.earn("june", 50, JUNE)
            await one.earn("july", 50, JULY)
            await one.hold("captured", 60)
            await one.capture("captured")
            await one.hold("open", 10)
    return citizens


async def identity_holds(db: Database, programme: str) -> None:
    async with db.transaction() as session:
        identity = await points_identity(session, programme=programme)
    assert identity.holds, identity


@pytest.mark.usefixtures("no_deadlock")
async def test_spends_and_everything_else_on_the_same_wallets_do_not_deadlock(db: Database) -> None:
    with clock.travel(MEANWHILE):
        for seed in range(3):
            dice = random.Random(seed)
            citizens = await crowd(db, 3)
            work: list[Awaitable[Any]] = []
            for number in range(25):
                for one in citizens:
                    work += [
                        one.hold(f"h{number}", dice.randint(1, 9)),
                        one.earn(
                            f"e{number}", dice.randint(1, 9), dice.choice([JUNE, JULY, dt.date(2028, 1, 31)])
                        ),
                        one.claw_back(f"c{number}", dice.randint(1, 9)),
                        one.release(f"h{dice.randint(0, number)}"),
                        one.capture(f"h{dice.randint(0, number)}"),
                        one.refund(f"h{dice.randint(0, number)}"),
                    ]
            for one in citizens:
                work += [
                    one.refund("captured"),
                    one.release("open"),
                    one.capture("open"),
                    one.reverse_earning("june"),
                ]
            work += [sweep(db) for _ in range(6)]
            dice.shuffle(work)
            await all_of(work)
            await identity_holds(db, citizens[0].programme)


@pytest.mark.usefixtures("no_deadlock")
async def test_postings_over_the_same_accounts_in_opposite_orders_do_not_deadlock(db: Database) -> None:
    """Batches name their accounts in every order; draws go by expiry, which here is the opposite of the ids' order."""
    citizen = Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
    days = [dt.date(2030, 12, 31) - dt.timedelta(days=step) for step in range(6)]
    async with db.transaction() as session:
        specs = [codes.wallet(citizen.id, citizen.programme, day) for day in days]
        opened: dict[str, int] = {}
        for spec in specs:  # one by one: the last to lapse has the lowest id
            opened |= await ledger.open_accounts(session, [spec])
        source = codes.issuer(citizen.programme)
        opened |= await ledger.open_accounts(session, [source])
    accounts = [opened[spec.code] for spec in specs]
    assert accounts == sorted(accounts)

    async def batch(seed: int) -> None:
        order = random.Random(seed).sample(accounts, len(accounts))
        postings = [
            ledger.Posting(
                ids.uuid7(), "points.earned", clock.now(), (ledger.Line(opened[source.code], account, 10),)
            )
            for account in order
        ]
        async with db.transaction() as session:
            await ledger.post(session, postings)

    await batch(0)
    answers = await all_of(
        [work for number in range(40) for work in (batch(number), citizen.hold(f"h{number}", 25), sweep(db))]
    )
    held = answers.count("posted")
    assert sum((await citizen.lots()).values()) == 41 * 60 - held * 25
    assert (await citizen.wallet()).held == held * 25


async def test_one_posting_id_sent_a_hundred_times_at_once_moves_points_once(db: Database) -> None:
    citizen = Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
    earned = await all_of(citizen.earn("e", 100) for _ in range(100))
    assert Counter(getattr(one, "outcome", one) for one in earned) == {"posted": 1, "repeated": 99}
    assert Counter(await all_of(citizen.hold("h", 60) for _ in range(100))) == {"posted": 1, "repeated": 99}
    assert Counter(await all_of(citizen.capture("h") for _ in range(100))) == {"posted": 1, "repeated": 99}
    assert Counter(await all_of(citizen.refund("h") for _ in range(100))) == {"posted": 1, "repeated": 99}
    taken = await all_of(citizen.claw_back("c", 130) for _ in range(100))
    assert Counter(getattr(one, "outcome", one) for one in taken) == {"posted": 1, "repeated": 99}
    wallet = await citizen.wallet()
    assert (wallet.spendable, wallet.held, wallet.owed) == (0, 0, 30)


async def test_a_plain_posting_and_a_batch_that_holds_it_count_it_once(db: Database) -> None:
    """Half of the batch stands elsewhere already, or is being written there just now: no answer says "send it again"."""
    async with db.transaction() as session:
        names = [f"issuer:p{ids.uuid7().hex}", *(f"wallet:{ids.uuid7()}:p:never" for _ in range(4))]
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, names))
    source, *lots = (opened[name] for name in names)
    postings = [
        ledger.Posting(ids.uuid7(), "points.earned", clock.now(), (ledger.Line(source, lot, 7),))
        for lot in lots
    ]

    async def send(chosen: list[ledger.Posting]) -> dict[Any, Any]:
        async with db.transaction() as session:
            return await ledger.post(session, chosen)

    work = [send(random.Random(seed).sample(postings, 1 + seed % 4)) for seed in range(60)]
    answers = await all_of(work)
    outcomes = Counter((key, outcome) for answer in answers for key, outcome in dict(answer).items())  # type: ignore[arg-type]
    assert [outcomes[posting.id, "posted"] for posting in postings] == [1, 1, 1, 1]
    async with db.transaction() as session:
        assert set((await ledger.balances(session, lots)).values()) == {7}


@pytest.mark.usefixtures("no_deadlock")
async def test_a_hold_ends_once_whoever_comes_first(db: Database) -> None:
    for number in range(8):
        citizen = Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
        await citizen.earn("e", 50)
        await citizen.hold("h", 20)
        ends = [
            citizen.capture("h", name="till 1"),
            citizen.release("h"),
            citizen.capture("h", name="till 2"),
            citizen.capture("h", name="till 3"),
        ]
        random.Random(number).shuffle(ends)
        answers = await all_of(ends)
        assert Counter(answers) == {"posted": 1, "ledger.already_resolved": 3}
        await identity_holds(db, citizen.programme)


@pytest.mark.usefixtures("no_deadlock")
async def test_a_posting_is_reversed_once_under_however_many_ids(db: Database) -> None:
    async with db.transaction() as session:
        names = [f"measured:m{ids.uuid7().hex}", f"uncredited:m{ids.uuid7().hex}:evidence"]
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, names))
        done = ledger.Posting(
            ids.uuid7(), "acts.uncredited", clock.now(), (ledger.Line(opened[names[0]], opened[names[1]], 9),)
        )
        await ledger.post(session, [done])

    async def reverse(key: Any) -> str:
        async with db.transaction() as session:
            return await ledger.reverse(
                session, undo={key: done.id}, reason="withdrawn", happened_at=clock.now()
            )

    keys = [ids.uuid7() for _ in range(10)]
    answers = Counter(await all_of(reverse(key) for key in keys * 5))
    assert answers["posted"] == 1
    assert answers["repeated"] == 4
    assert answers["ledger.already_resolved"] == 45
    async with db.transaction() as session:
        assert set((await ledger.balances(session, opened.values())).values()) == {0}


@pytest.mark.usefixtures("no_deadlock")
async def test_a_refund_racing_the_sweep_is_exact(db: Database) -> None:
    for _ in range(8):
        (citizen,) = await crowd(db, 1)
        with clock.travel(MEANWHILE):
            assert (await citizen.lots()) == {"2027-06-30": 30, "2027-07-31": 50}
            answers = await all_of([sweep(db), citizen.refund("captured"), sweep(db), sweep(db)])
            assert "posted" in answers
            await sweep(db)
            assert (await citizen.lots()) == {"2027-06-30": 40, "2027-07-31": 50}
            async with db.transaction() as session:
                identity = await points_identity(session, programme=citizen.programme)
        assert (identity.expired, identity.payable, identity.held) == (50, 0, 10)
        assert identity.holds


async def test_a_guard_counts_what_is_held_whatever_is_tried(db: Database) -> None:
    citizen = Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
    await citizen.earn("june", 60, JUNE)
    await citizen.earn("july", 40, JULY)
    answers = await all_of(citizen.hold(f"h{number}", 7) for number in range(40))
    assert Counter(answers) == {"posted": 14, "ledger.insufficient_balance": 26}
    wallet = await citizen.wallet()
    assert (wallet.spendable, wallet.held) == (2, 98)


async def test_holds_that_the_lots_can_bear_all_succeed_at_once(db: Database) -> None:
    """Nobody is refused because another just took from the lot that looked full."""
    for _ in range(3):
        citizen = Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
        for month in range(1, 9):
            await citizen.earn(f"e{month}", 10, dt.date(2030, month, 28))
        answers = await all_of(citizen.hold(f"h{number}", 8) for number in range(10))
        assert Counter(answers) == {"posted": 10}
        assert await citizen.lots() == {}


async def test_a_source_account_is_locked_by_nobody(db: Database, superuser: Superuser) -> None:
    """While one posting from the issuer is open, another goes through at once; so does a capture to one merchant."""
    held_open = Citizen(db, programme="one-issuer")
    another = Citizen(db, programme="one-issuer")
    for one in (held_open, another):
        await one.earn("first", 50)
        await one.hold("h", 20)
        await one.hold("earlier", 1)
        await one.capture("earlier", "bakery")  # so that its account is open already
    about: dict[str, Any] = {"participant_id": held_open.id, "programme": "one-issuer", "expires_on": None}

    async def earn() -> None:
        async with transaction(db, pause) as session:
            await wallets.earn(session, **about, points=5, posting_id=ids.uuid7(), happened_at=clock.now())

    async def capture() -> None:
        async with transaction(db, pause) as session:
            await wallets.capture(
                session,
                hold=held_open.key("h"),
                merchant="bakery",
                posting_id=ids.uuid7(),
                happened_at=clock.now(),
            )

    for first, statements, others in (
        (earn, 2, [another.earn("e", 5), another.earn("e2", 5, JULY)]),
        (capture, 3, [another.capture("h", "bakery")]),
    ):
        pause = Pause(after=statements)
        opened = asyncio.create_task(first())
        await asyncio.wait_for(pause.reached.wait(), 10)
        for other in others:
            task = asyncio.create_task(other)
            assert not await done_or_waiting(task, superuser), "it waited"
            await task
        assert not opened.done()
        pause.go.set()
        await opened


async def test_an_earning_into_a_new_lot_sees_the_debt_of_a_clawback_that_was_under_way(
    db: Database, superuser: Superuser
) -> None:
    citizen = Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
    neighbour = Citizen(db, programme=citizen.programme)
    await neighbour.claw_back("claw", 1)  # so that only the citizen's own accounts are new
    about: dict[str, Any] = {"participant_id": citizen.id, "programme": citizen.programme, "points": 30}
    pause = Pause(after=2)

    async def claw_back() -> None:
        async with transaction(db, pause) as session:
            await wallets.claw_back(session, **about, posting_id=ids.uuid7(), happened_at=clock.now())

    one = asyncio.create_task(claw_back())
    await pause.reached.wait()
    two = asyncio.create_task(citizen.earn("new", 50))
    assert await done_or_waiting(two, superuser), "the earning did not wait"
    pause.go.set()
    await one
    assert (await two).repaid == 30
    wallet = await citizen.wallet()
    assert (wallet.spendable, wallet.owed) == (20, 0)
