"""Means are linked by their last trips, lost, and replaced."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.identity import means, people
from backend.identity.means import charges, numbers, service
from backend.intake import trips
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import hire
from tests.mobile_api.conftest import WORDS, Citizen, PhoneBox, sign_in
from tests.mobile_api.test_acts_and_wallet import Feed, feed, library, source

__all__ = ["feed", "hire", "library", "source"]


def _by_code(settings: Settings, number: str) -> dict[str, str]:
    which = {"kind": "bike_account", "operator": "gz-bikes", "number": number}
    return which | {
        "code": means.link_code(settings.keys, **which, day=clock.today()),
        "consent_sha256": WORDS,
    }


def _by_trips(number: str, *began: dt.datetime) -> dict[str, object]:
    which = {"kind": "bike_account", "operator": "gz-bikes", "number": number}
    return which | {"began_at": [one.isoformat() for one in began], "consent_sha256": WORDS}


async def test_who_tells_when_the_last_three_trips_began_holds_the_account_and_gets_their_points(
    alice: Citizen, feed: Feed
) -> None:
    account, now = f"B-{uuid4().hex[:8]}", clock.now().replace(microsecond=0)
    trips = [now - dt.timedelta(days=day, hours=1) for day in (1, 2, 3, 4)]
    await feed.send(*((account, began, 2000 + 100 * n) for n, began in enumerate(trips)))
    near = dt.timedelta(minutes=2)
    off = dt.timedelta(minutes=4)
    wrong = await alice.post("/means/by-trips", _by_trips(account, trips[0], trips[1], trips[2] + off))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "identity.trips_wrong")
    earlier = await alice.post("/means/by-trips", _by_trips(account, *trips[1:]))
    assert earlier.status_code == 422
    linked = await alice.post(
        "/means/by-trips", _by_trips(account, trips[2] - near, trips[0], trips[1] + near)
    )
    assert linked.status_code == 201, linked.text
    assert linked.json()["proof"] == "last_trips"
    assert len((await alice.get("/acts")).json()["items"]) == 4
    assert (await alice.post("/means/by-trips", _by_trips(account, *trips[:3]))).status_code == 429


async def test_fewer_than_three_trips_or_those_of_somebody_elses_account_prove_nothing(
    alice: Citizen, bob: Citizen, feed: Feed, settings: Settings
) -> None:
    now = clock.now().replace(microsecond=0)
    trips = [now - dt.timedelta(days=day, hours=2) for day in (1, 2, 3)]
    held, few = f"B-{uuid4().hex[:8]}", f"B-{uuid4().hex[:8]}"
    assert (await bob.post("/means", _by_code(settings, held))).status_code == 201
    await feed.send(*((held, began, 2000) for began in trips), *((few, began, 2500) for began in trips[:2]))
    for account in (held, few):
        assert (await alice.post("/means/by-trips", _by_trips(account, *trips))).status_code == 422


async def test_what_is_lost_is_nobodys_until_its_operator_says_whose_it_is(
    alice: Citizen, bob: Citizen, feed: Feed, settings: Settings
) -> None:
    account, now = f"B-{uuid4().hex[:8]}", clock.now().replace(microsecond=0)
    linked = (await alice.post("/means", _by_code(settings, account))).json()
    assert (await bob.post(f"/means/{linked['id']}/lost")).status_code == 404
    lost = await alice.post(f"/means/{linked['id']}/lost")
    assert (lost.status_code, lost.json()["held_until"] is None) == (200, False)
    assert (await alice.post(f"/means/{linked['id']}/lost")).json() == lost.json()
    later = [now + dt.timedelta(hours=hour) for hour in (2, 4, 6)]
    with clock.travel(now + dt.timedelta(hours=8)):
        await feed.send(*((account, began, 2000) for began in later))  # whoever found it rides
        token = {"refresh_token": alice.tokens["refresh_token"]}
        alice.tokens = (await alice.client.post("/sign-in/refresh", json=token)).json()
        refused = await alice.post("/means/by-trips", _by_trips(account, *later))
        assert (refused.status_code, refused.json()["code"]) == (422, "identity.trips_wrong")
        again = await alice.post("/means", _by_code(settings, account))
        assert again.status_code == 201  # found again
        assert dt.datetime.fromisoformat(again.json()["held_from"]) > later[-1]
        assert (await alice.get("/acts")).json()["items"] == []  # what the finder did is nobody's


async def test_a_new_account_takes_the_place_of_the_old_one(
    alice: Citizen, bob: Citizen, settings: Settings
) -> None:
    old = (await alice.post("/means", _by_code(settings, f"B-{uuid4().hex[:8]}"))).json()
    new = _by_code(settings, f"B-{uuid4().hex[:8]}")
    assert (await bob.post(f"/means/{old['id']}/replaced", new)).status_code == 404
    wrong = new | {"code": f"{(int(str(new['code'])) + 1) % 10**8:08d}"}
    assert (await alice.post(f"/means/{old['id']}/replaced", wrong)).status_code == 422
    replaced = await alice.post(f"/means/{old['id']}/replaced", new)
    assert replaced.status_code == 200, replaced.text
    held = {one["id"]: one["held_until"] for one in (await alice.get("/means")).json()["items"]}
    assert held[old["id"]] is not None
    assert held[replaced.json()["id"]] is None
    itself = await alice.post(f"/means/{replaced.json()['id']}/replaced", new)
    assert itself.status_code == 404


async def test_one_account_takes_the_place_of_two(alice: Citizen, settings: Settings) -> None:
    new = _by_code(settings, f"B-{uuid4().hex[:8]}")
    for _ in range(2):
        old = (await alice.post("/means", _by_code(settings, f"B-{uuid4().hex[:8]}"))).json()
        assert (await alice.post(f"/means/{old['id']}/replaced", new)).status_code == 200


async def test_what_was_let_go_before_cannot_be_lost(alice: Citizen, settings: Settings) -> None:
    linked = (await alice.post("/means", _by_code(settings, f"B-{uuid4().hex[:8]}"))).json()
    await alice.delete(f"/means/{linked['id']}")
    refused = await alice.post(f"/means/{linked['id']}/lost")
    assert (refused.status_code, refused.json()["code"]) == (404, "identity.holding_unknown")


def _by_charge(number: str, fen: int) -> dict[str, object]:
    which = {"kind": "charging_account", "operator": "gz-charging", "number": number}
    return which | {"amount_fen": fen, "consent_sha256": WORDS}


async def _charged(db: Database, settings: Settings, number: str, fen: int) -> None:
    async with db.transaction() as session:
        which = {"kind": "charging_account", "operator": "gz-charging", "number": number}
        await means.report(session, settings.keys, amount_fen=fen, **which)


async def test_who_tells_what_was_charged_holds_the_account_and_the_amount_is_good_once(
    alice: Citizen, bob: Citizen, db: Database, settings: Settings
) -> None:
    account = f"C-{uuid4().hex[:8]}"
    nothing = await bob.post("/means/by-charge", _by_charge(account, 417))
    assert (nothing.status_code, nothing.json()["code"]) == (422, "identity.charge_wrong")
    await _charged(db, settings, account, 417)
    linked = await alice.post("/means/by-charge", _by_charge(account, 417))
    assert linked.status_code == 201, linked.text
    assert linked.json()["proof"] == "small_charge"
    assert (await alice.delete(f"/means/{linked.json()['id']}")).status_code == 200
    assert (await bob.post("/means/by-charge", _by_charge(account, 417))).json()[
        "code"
    ] == "identity.charge_wrong"
    assert (await bob.post("/means/by-charge", _by_charge(account, 1000))).status_code == 422
    async with db.transaction() as session:
        kept = (await session.execute(text("SELECT digest FROM means_charge"))).scalars().all()
    assert all((417).to_bytes(4) not in one and b"417" not in one for one in kept)


async def test_after_three_tries_by_whomever_a_charge_proves_nothing(
    client: httpx.AsyncClient, phones: PhoneBox, db: Database, settings: Settings
) -> None:
    account = f"C-{uuid4().hex[:8]}"
    await _charged(db, settings, account, 500)
    which = {"kind": "charging_account", "operator": "gz-charging", "number": account}

    async def told(fen: int) -> bool:
        async with db.transaction() as session:
            who = await people.citizen_without_phone(session, settings.keys)
            try:
                await means.link_by_charge(
                    session, settings.keys, participant_id=who, amount_fen=fen, **which
                )
            except means.ChargeWrong:
                return False
        return True

    assert [await told(fen) for fen in (1, 2, 3)] == [False] * 3
    assert not await told(500)
    await _charged(db, settings, account, 600)
    assert not await told(500)  # only the last one counts
    with clock.travel(clock.now() + dt.timedelta(hours=73)):
        assert not await told(600)
        await _charged(db, settings, account, 700)
        with pytest.raises(means.TooManyCharges):
            await _charged(db, settings, account, 800)
        assert sorted(await asyncio.gather(*(told(700) for _ in range(2)))) == [False, True]
    zhang = await sign_in(client, phones)
    tries = [await zhang.post("/means/by-charge", _by_charge(account, fen)) for fen in (1, 2, 3, 4)]
    assert [one.status_code for one in tries] == [422, 422, 422, 429]  # of one person a day


def test_the_chances_of_guessing_in_the_documentation_follow_from_the_limits() -> None:
    said = (Path(__file__).parents[2] / "docs" / "linking.md").read_text("utf-8")
    of_code = 2 * 10.0**-numbers.CODE_DIGITS
    a_day, trips_a_day = service.ATTEMPTS_A_DAY, service.ATTEMPTS_A_DAY // service.ATTEMPTS_OF_TRIPS
    within_s = 2 * trips.NEAR.total_seconds()
    (_, a_month), (_, a_year) = charges.CHARGES_IN
    of_charge = charges.TRIES / charges.MOST_FEN  # three different amounts
    accounts, of_number = 100, service.TRIPS_TOLD_A_MONTH
    assert trips_a_day == of_number == 3  # of a person a day, of a number a month
    for guesses, percent, likely in (
        (a_day, a_day * of_code, "0.00002 %"),
        (365 * a_day, 365 * a_day * of_code, "0.0073 %"),
        (365 * accounts * a_day, 365 * accounts * a_day * of_code, "0.73 % that any means opens"),
        (charges.TRIES, of_charge, "0.3 %"),
        (a_month * charges.TRIES, 1 - (1 - of_charge) ** a_month, "0.9 %"),
        (a_year * charges.TRIES, 1 - (1 - of_charge) ** a_year, "1.8 %"),
        (of_number, of_number * (within_s / (16 * 3600)) ** trips.ASKED, "0.00007 %"),
        (of_number, of_number * (within_s / 3600) ** trips.ASKED, "0.3 %"),
        (12 * of_number, 12 * of_number * (within_s / 3600) ** trips.ASKED, "3.6 %"),
        (of_number, of_number * (within_s / 900) ** trips.ASKED, "19 %"),
    ):
        assert 100 * percent == pytest.approx(float(likely.split()[0]), rel=0.05)
        row = f"| {guesses:,} | {likely} |".replace(",", " ")
        assert row in said, row


async def test_all_ways_of_linking_draw_on_one_days_attempts_of_a_person_and_of_a_number(
    client: httpx.AsyncClient, phones: PhoneBox, alice: Citizen
) -> None:
    number, now = uuid4().hex[:12], clock.now()
    named = {"kind": "bike_account", "operator": "gz-bikes", "number": number}
    guess = _by_trips(number, *(now - dt.timedelta(days=day) for day in (1, 2, 3)))
    code = named | {"code": "00000000", "consent_sha256": WORDS}
    tried = [
        await alice.post("/means/by-trips", guess),  # three of the ten
        await alice.post("/means/by-charge", named | {"amount_fen": 1, "consent_sha256": WORDS}),  # three
        await alice.post("/means", code),
        await alice.post("/means/takeovers", code),
        await alice.post("/means/by-trips", guess),  # eleven
    ]
    assert [one.status_code for one in tried] == [422, 422, 422, 422, 429]
    other = await sign_in(client, phones)
    assert (await other.post("/means/takeovers", code)).status_code == 422  # the ninth of the number
    assert (
        await other.post("/means/by-charge", named | {"amount_fen": 2})
    ).status_code == 409  # no consent: not counted
    assert (await other.post("/means", code)).status_code == 422  # the tenth
    third = await sign_in(client, phones)
    assert (await third.post("/means", code)).status_code == 429  # whoever asks


async def test_trips_of_one_number_are_told_three_times_a_month_by_whomever(
    db: Database, settings: Settings
) -> None:
    which = {"kind": "card", "operator": "gz-metro", "number": uuid4().hex[:12]}

    async def tells(**more: str) -> None:
        async with db.transaction() as session:
            await means.count_trips_told(session, settings.keys, **(which | more))

    first = clock.now().replace(day=1)
    with clock.travel(first + dt.timedelta(days=1)):
        for _ in range(3):
            await tells()
        await tells(number="another")
    with clock.travel(first + dt.timedelta(days=20)):
        async with db.transaction() as session:
            await means.forget_old_attempts(session)
        with pytest.raises(means.TooOftenTold):
            await tells()
    with clock.travel(first + dt.timedelta(days=33)):
        await tells()
