"""A household saves electricity: its meter is told by the partner over HTTP, and those who act for it see what came of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from backend.identity import means
from backend.kit import clock
from tests.mobile_api.conftest import WORDS, Citizen, sign_in
from tests.mobile_api.test_members import _acting, _household, _let_in
from tests.programmes.eight.town import Event, Town

PROGRAMME = "gz-carbon-inclusion"
NONE = {"acts": 0, "reduction_g": 0, "points_earned": 0}


async def _links(town: Town, home: Citizen, number: str) -> dict[str, Any]:
    """Link a meter for the household with the code that its operator shows."""
    meter = {"kind": "meter", "operator": "gz-utilities", "number": number}
    code = means.link_code(town.settings.keys, **meter, day=clock.today())
    linked = await home.post("/means", meter | {"code": code, "consent_sha256": WORDS})
    assert linked.status_code == 201, linked.text
    found: dict[str, Any] = linked.json()
    return found


def _saved(number: str, kwh: str, at: dt.datetime) -> Event:
    return {
        "kind": "electricity",
        "meter": number,
        "saved": kwh,
        "at": at.isoformat(),
        "until": (at + dt.timedelta(minutes=1)).isoformat(),
        "factor_year": 2023,
    }


async def _told(citizen: Citizen, path: str) -> Any:
    answer = await citizen.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_a_household_saves_is_the_households_seen_by_members_and_observers_and_spent_by_members(
    town: Town,
) -> None:
    await town.run(PROGRAMME)
    savings = await town.feed("gz-savings", overlays=[f"{PROGRAMME}-demo"])
    alice, bob, olga = [await sign_in(town.phone_client, town.phones) for _ in range(3)]
    group = await _household(alice)
    membership = await _let_in(alice, bob, group)
    await _let_in(alice, olga, group, "observer")
    acting, seeing = await _acting(bob, group), await _acting(olga, group)

    now, meter = clock.now().replace(microsecond=0), "meter-44"
    first = await town.send(savings, [_saved(meter, "2", now - dt.timedelta(hours=1))])
    assert first["points"] == 0  # nobody holds the meter: it waits
    refused = await seeing.post("/means", {"kind": "meter", "operator": "gz-utilities", "number": meter})
    assert (refused.status_code, refused.json()["code"]) == (403, "kit.see_only")
    linked = await _links(town, acting, meter)
    later = now + dt.timedelta(minutes=3)
    with clock.travel(later + dt.timedelta(minutes=2)):
        second = await town.send(savings, [_saved(meter, "10.5", later)])
        # 441.9 g a kWh, floored by act; a tenth of a carbon coin for each gram, floored by act
        grams, points = 883 + 4_639, 88 + 463
        assert (second["reduction_g"], second["points"]) == (4_639, 463)

        for one in (acting, seeing):
            total = (await _told(one, "/home"))["total"]
            assert total == {"acts": 2, "reduction_g": grams, "points_earned": points}
            acts = (await _told(one, "/acts"))["items"]
            assert [(act["reduction_g"], act["points"], act["status"]) for act in acts] == [
                (4_639, 463, "uncredited"),
                (883, 88, "uncredited"),
            ]
            assert [act["claimed_at"] is None for act in acts] == [True, False]
            explained = await _told(one, f"/acts/{acts[0]['id']}")
            assert explained["explanation"]["inputs"]["saved_kwh"] == "10.500 kWh"
            journeys = await _told(one, "/journeys")
            assert journeys["total_g"] == grams
            assert {share["state"] for share in journeys["shares"]} == {"uncredited"}
            assert (await _told(one, f"/wallets/{PROGRAMME}"))["spendable"] == points
            assert meter not in str(acts) + str(explained)
        for person in (alice, bob, olga):  # what the household did is nobody's own
            assert (await _told(person, "/home"))["total"] == NONE
            assert (await _told(person, "/acts"))["items"] == []
            assert (await person.get(f"/acts/{acts[0]['id']}")).status_code == 404

        coupon = f"/programmes/{PROGRAMME}/rewards/coupon"
        refused = await seeing.post(coupon)
        assert (refused.status_code, refused.json()["code"]) == (403, "kit.see_only")
        taken = await acting.post(coupon)
        assert taken.status_code == 201, taken.text
        for one in (acting, seeing):
            assert (await _told(one, f"/wallets/{PROGRAMME}"))["spendable"] == points - 100
        done = (await _told(alice, f"/members/groups/{group}/acts"))["items"]
        by = {one["membership_id"] for one in done if one["operation"] in {"link_means", "take_reward"}}
        assert by == {membership}
        assert linked["kind"] == "meter"
    await town.passes_the_audit()
