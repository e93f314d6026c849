"""Points spent with the programme itself: what lapses first goes first, and comes back to the exact lots once."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from backend import ledger
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.programmes import spending
from tests.programmes.conftest import Citizen, sweep

JUNE, JULY = dt.date(2027, 6, 30), dt.date(2027, 7, 31)


async def spend(citizen: Citizen, name: str, points: int) -> str:
    async with citizen.db.transaction() as session:
        return await spending.spend(
            session,
            participant_id=citizen.id,
            programme=citizen.programme,
            points=points,
            posting_id=citizen.key(name),
            happened_at=clock.now(),
        )


async def give_back(citizen: Citizen, spent: str, name: str | None = None) -> str:
    async with citizen.db.transaction() as session:
        return await spending.give_back(
            session,
            spent=citizen.key(spent),
            posting_id=citizen.key(name or f"back {spent}"),
            happened_at=clock.now(),
        )


async def test_what_lapses_first_is_spent_first_and_comes_back_to_the_exact_lots_once(
    citizen: Citizen,
) -> None:
    await citizen.earn("never", 5, None)
    await citizen.earn("july", 30, JULY)
    await citizen.earn("june", 20, JUNE)
    for expected in ("posted", "repeated"):
        assert await spend(citizen, "tree", 52) == expected
    assert await citizen.lots() == {"never": 3}
    for expected in ("posted", "repeated"):
        assert await give_back(citizen, "tree") == expected
    assert await citizen.lots() == {"2027-06-30": 20, "2027-07-31": 30, "never": 5}
    with pytest.raises(ledger.AlreadyResolved):
        await give_back(citizen, "tree", "once more")


async def test_more_than_there_is_is_refused_and_the_last_point_can_be_spent(citizen: Citizen) -> None:
    await citizen.earn("june", 20, JUNE)
    with pytest.raises(ledger.InsufficientBalance):
        await spend(citizen, "too much", 21)
    assert await spend(citizen, "all", 20) == "posted"
    assert await citizen.lots() == {}


async def test_lapsed_points_are_not_spent_and_what_comes_back_to_their_lot_lapses(citizen: Citizen) -> None:
    with clock.travel(dt.datetime(2027, 6, 30, 23, 59, tzinfo=SHANGHAI)):
        await citizen.earn("june", 20, JUNE)
        await spend(citizen, "tree", 15)
    with clock.travel(dt.datetime(2027, 7, 1, 0, 0, 1, tzinfo=SHANGHAI)):
        with pytest.raises(ledger.InsufficientBalance):
            await spend(citizen, "too late", 1)
        assert await give_back(citizen, "tree") == "posted"
        assert await sweep(citizen.db) >= 20
        assert await citizen.lots() == {}


async def test_only_a_spending_is_given_back(citizen: Citizen) -> None:
    await citizen.earn("june", 20, JUNE)
    await citizen.hold("tea", 5)
    for other in ("june", "tea", "nothing"):
        with pytest.raises(ledger.PostingUnknown):
            await give_back(citizen, other)


async def test_two_at_once_do_not_spend_the_same_points(citizen: Citizen) -> None:
    await citizen.earn("june", 20, JUNE)
    done = await asyncio.gather(*(spend(citizen, f"s{n}", 15) for n in range(4)), return_exceptions=True)
    assert [one for one in done if one == "posted"] == ["posted"]
    assert await citizen.lots() == {"2027-06-30": 5}
