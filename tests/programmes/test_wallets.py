"""Points: earned, spent from what lapses first, restored exactly, lapsed, clawed back."""

from __future__ import annotations

import datetime as dt

import pytest

from backend import ledger
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.programmes import PointsLot, codes, wallets
from tests.programmes.conftest import Citizen, sweep

JUNE, JULY = dt.date(2027, 6, 30), dt.date(2027, 7, 31)


def at(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


async def test_what_lapses_first_is_spent_first_and_a_refund_restores_the_exact_lots(
    citizen: Citizen,
) -> None:
    await citizen.earn("never", 5, None)
    await citizen.earn("july", 30, JULY)
    await citizen.earn("june", 20, JUNE)

    assert await citizen.hold("tea", 40) == "posted"
    assert await citizen.lots() == {"2027-07-31": 10, "never": 5}
    assert (await citizen.wallet()).held == 40
    assert await citizen.capture("tea") == "posted"
    assert await citizen.refund("tea") == "posted"

    assert await citizen.lots() == {"2027-06-30": 20, "2027-07-31": 30, "never": 5}
    wallet = await citizen.wallet()
    assert wallet.lots == (PointsLot(JUNE, 20), PointsLot(JULY, 30), PointsLot(None, 5))
    assert (wallet.spendable, wallet.held, wallet.owed) == (55, 0, 0)


async def test_points_that_never_lapse_are_drawn_last(citizen: Citizen) -> None:
    await citizen.earn("never", 5, None)
    await citizen.earn("june", 1, JUNE)
    await citizen.hold("tea", 2)
    assert await citizen.lots() == {"never": 4}


async def test_each_verb_repeated_changes_nothing_and_another_key_is_refused(citizen: Citizen) -> None:
    for expected in ("posted", "repeated"):
        assert (await citizen.earn("e", 50)).outcome == expected
    for expected in ("posted", "repeated"):
        assert await citizen.hold("h", 20) == expected
        assert await citizen.hold("h2", 5) == expected
    with pytest.raises(ledger.PostingIdReused):
        await citizen.hold("h", 21)
    with pytest.raises(ledger.PostingIdReused):
        await citizen.earn("e", 51)
    for expected in ("posted", "repeated"):
        assert await citizen.capture("h") == expected
        assert await citizen.release("h2") == expected
    with pytest.raises(ledger.AlreadyResolved):
        await citizen.capture("h", name="another till")
    with pytest.raises(ledger.AlreadyResolved):
        await citizen.release("h")
    with pytest.raises(ledger.PostingIdReused):
        await citizen.capture("h", "bakery")
    for expected in ("posted", "repeated"):
        assert await citizen.refund("h") == expected
    with pytest.raises(ledger.AlreadyResolved):
        await citizen.refund("h", name="refund again")
    assert await citizen.lots() == {"2030-12-31": 50}


async def test_a_verb_does_not_touch_a_posting_of_another_sort(citizen: Citizen) -> None:
    await citizen.earn("e", 50)
    await citizen.hold("h", 20)
    with pytest.raises(ledger.PostingUnknown):
        await citizen.release("e")
    with pytest.raises(ledger.PostingUnknown):
        await citizen.capture("e")
    with pytest.raises(ledger.PostingUnknown):
        await citizen.reverse_earning("h")
    with pytest.raises(ledger.PostingUnknown):
        await citizen.refund("h")


async def test_a_lot_may_be_spent_on_its_last_day_and_not_after_midnight_in_shanghai(
    citizen: Citizen,
) -> None:
    with clock.travel(at(2027, 6, 30, 23, 59, 50)):
        await citizen.earn("june", 20, JUNE)
        await citizen.hold("last minute", 5)
        assert await sweep(citizen.db) == 0
    with clock.travel(at(2027, 7, 1, 0, 0, 1)):
        assert (await citizen.wallet()).lots == ()
        with pytest.raises(ledger.InsufficientBalance):
            await citizen.hold("too late", 1)
        assert await citizen.lots() == {"2027-06-30": 15}, "lapsed, and waiting for the sweep"


async def test_a_hold_sent_again_after_its_lot_lapsed_is_answered_as_before(citizen: Citizen) -> None:
    with clock.travel(at(2027, 6, 30, 12)):
        await citizen.earn("june", 20, JUNE)
        assert await citizen.hold("tea", 20) == "posted"
    with clock.travel(at(2027, 7, 1, 12)):
        assert await citizen.hold("tea", 20) == "repeated"


async def test_the_sweep_takes_what_lapsed_and_nothing_else(citizen: Citizen) -> None:
    others = [Citizen(citizen.db, programme=citizen.programme) for _ in range(7)]
    with clock.travel(at(2027, 7, 2)):
        await sweep(citizen.db)  # what the other tests left behind
    with clock.travel(at(2027, 6, 1)):
        for one in (citizen, *others):
            await one.earn("june", 20, JUNE)
            await one.earn("july", 7, JULY)
        await citizen.hold("tea", 5)
    with clock.travel(at(2027, 7, 2)):
        assert await sweep(citizen.db) == 15 + 7 * 20
        assert await sweep(citizen.db) == 0
        assert (await citizen.wallet()).lots == (PointsLot(JULY, 7),)
        await citizen.release("tea")
        assert await citizen.lots() == {"2027-06-30": 5, "2027-07-31": 7}
        with pytest.raises(ledger.InsufficientBalance):
            await citizen.hold("more tea", 8)
        assert await sweep(citizen.db) == 5, "released into a lot that had lapsed"


async def test_a_clawback_beyond_the_balance_is_owed_and_later_earnings_repay_it_first(
    citizen: Citizen,
) -> None:
    await citizen.earn("e", 50, JUNE)
    await citizen.hold("tea", 30)
    taken = await citizen.claw_back("claw", 60)
    assert (taken.outcome, taken.drawn, taken.owed) == ("posted", 20, 40)
    again = await citizen.claw_back("claw", 60)
    assert (again.outcome, again.drawn, again.owed) == ("repeated", 20, 40)
    wallet = await citizen.wallet()
    assert (wallet.spendable, wallet.held, wallet.owed) == (0, 30, 40)

    first = await citizen.earn("e2", 25, JULY)
    assert (first.repaid, (await citizen.wallet()).owed) == (25, 15)
    second = await citizen.earn("e3", 25, JULY)
    assert (second.repaid, (await citizen.wallet()).owed) == (15, 0)
    assert (await citizen.earn("e3", 25, JULY)).repaid == 15
    assert await citizen.lots() == {"2027-07-31": 10}
    assert (await citizen.earn("e4", 1, JULY)).repaid == 0


async def test_an_earning_that_repaid_is_reversed_with_the_debt_it_repaid(citizen: Citizen) -> None:
    await citizen.claw_back("claw", 10)
    await citizen.earn("e", 25, JULY)
    assert await citizen.reverse_earning("e") == "posted"
    wallet = await citizen.wallet()
    assert (wallet.spendable, wallet.owed) == (0, 10)


async def test_a_spent_earning_is_not_reversed_but_clawed_back(citizen: Citizen) -> None:
    await citizen.earn("e", 25, JULY)
    await citizen.hold("tea", 5)
    with pytest.raises(ledger.InsufficientBalance):
        await citizen.reverse_earning("e")
    assert (await citizen.claw_back("claw", 25)).owed == 5


async def test_a_posting_to_several_participants_is_not_reversed_as_one_of_them(citizen: Citizen) -> None:
    """Intake posts a chunk at once; nobody's earning is undone because a neighbour's act is withdrawn."""
    neighbour = Citizen(citizen.db, programme=citizen.programme)
    async with citizen.db.transaction() as session:
        specs = [codes.issuer(citizen.programme)] + [
            codes.wallet(one.id, one.programme, JULY) for one in (citizen, neighbour)
        ]
        opened = await ledger.open_accounts(session, specs)
        source, *lots = (opened[spec.code] for spec in specs)
        lines = tuple(ledger.Line(source, lot, 5) for lot in lots)
        await ledger.post(
            session, [ledger.Posting(citizen.key("chunk"), "points.earned", clock.now(), lines)]
        )
    with pytest.raises(ledger.PostingUnknown):
        await citizen.reverse_earning("chunk")
    assert await neighbour.lots() == {"2027-07-31": 5}


async def test_a_batch_of_earnings_repays_one_debt_in_order(citizen: Citizen) -> None:
    await citizen.claw_back("claw", 30)
    earnings = [
        wallets.Earning(citizen.key(name), citizen.id, points, day, clock.now())
        for name, points, day in (("a", 20, JUNE), ("b", 20, JULY), ("c", 20, JUNE))
    ]
    for outcome in ("posted", "repeated"):
        async with citizen.db.transaction() as session:
            done = await wallets.earn_many(session, programme=citizen.programme, earnings=earnings)
        assert [(done[e.posting_id].outcome, done[e.posting_id].repaid) for e in earnings] == [
            (outcome, 20),
            (outcome, 10),
            (outcome, 0),
        ]
    assert await citizen.lots() == {"2027-06-30": 20, "2027-07-31": 10}


async def test_no_points_are_neither_earned_nor_held_nor_clawed_back(citizen: Citizen) -> None:
    for points in (0, -1):
        with pytest.raises(ledger.TransferNotAllowed):
            await citizen.earn("e", points)
        with pytest.raises(ledger.TransferNotAllowed):
            await citizen.hold("h", points)
        with pytest.raises(ledger.TransferNotAllowed):
            await citizen.claw_back("c", points)


async def test_a_statement_pages_through_every_movement_once(citizen: Citizen) -> None:
    await citizen.earn("june", 20, JUNE)
    await citizen.earn("july", 20, JULY)
    await citizen.hold("tea", 30)
    await citizen.capture("tea")
    await citizen.claw_back("claw", 15)

    async def page(limit: int, after: ledger.Cursor | None) -> list[wallets.StatementEntry]:
        async with citizen.db.transaction() as session:
            return await wallets.statement_of(
                session, participant_id=citizen.id, programme=citizen.programme, limit=limit, after=after
            )

    whole = await page(100, None)
    assert [(e.part, e.points, e.reason) for e in whole if e.part != "wallet"] == [
        ("debt", -5, "points.owed"),
        ("hold", -30, "points.captured"),
        ("hold", 10, "points.held"),
        ("hold", 20, "points.held"),
    ]
    assert sum(e.points for e in whole if e.part == "wallet") == 0
    for size in (1, 2, 3, 5):
        seen: list[wallets.StatementEntry] = []
        while part := await page(size, seen[-1].cursor if seen else None):
            seen += part
        assert seen == whole


async def test_the_liability_is_listed_by_the_day_on_which_it_lapses(citizen: Citizen, db: Database) -> None:
    other = Citizen(db, programme=citizen.programme)
    await citizen.earn("june", 20, JUNE)
    await other.earn("june", 5, JUNE)
    await other.earn("never", 1, None)
    async with db.transaction() as session:
        forecast = await wallets.liability_of(session, programme=citizen.programme)
    assert [(one.expires_on, one.points, one.lots) for one in forecast] == [(JUNE, 25, 2), (None, 1, 1)]
