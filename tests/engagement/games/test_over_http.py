"""Rewards, a lottery, a tree and an event as citizens, staff and the public do them over HTTP."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

import backend.transparency.app
import mobile_api
import operator_api
from backend import log, packs, programmes
from backend.engagement import circle
from backend.identity import Role, consent
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from backend.programmes import wallets
from tests.audit import games
from tests.engagement.games.test_lotteries import redone
from tests.identity.conftest import Hire, Hired, hire
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in
from tests.operator_api.conftest import Person
from tests.operator_api.conftest import sign_in as sign_in_staff

__all__ = ["hire"]

HOUR = dt.timedelta(hours=1)
_PARTICIPANTS = text("SELECT id FROM participant")
HOME = f"/programmes/{games.CODE}"
TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE).sha256.hex()


@pytest.fixture(scope="module")
async def programme(db: Database, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("packs") / f"{games.CODE}.toml"
    path.write_text(games.PACK, encoding="utf-8")
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load(path))
        await programmes.register(session, pack=packs.load_all().find("gd-green-travel"))
    return games.CODE


class World:
    """The three apps, and who signs in to them."""

    def __init__(self, db: Database, settings: Settings, hire: Hire) -> None:
        self.db, self.settings, self.hire = db, settings, hire
        self.phones = PhoneBox()
        self.clients: list[httpx.AsyncClient] = []
        self.mobile = self._client(mobile_api.build(settings, sender=self.phones))
        self.staff = self._client(operator_api.build(settings))
        self.public = self._client(backend.transparency.app.build(settings))

    def _client(self, app: Any) -> httpx.AsyncClient:
        wire(app, settings=self.settings, db=self.db)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://puhui.test")
        self.clients.append(client)
        return client

    async def citizen(self, points: int = 200) -> Citizen:
        one = await sign_in(self.mobile, self.phones)
        async with self.db.transaction() as session:
            await wallets.earn(
                session, participant_id=one.id, programme=games.CODE, points=points,
                expires_on=dt.date(2030, 12, 31), posting_id=ids.uuid7(), happened_at=clock.now(),
            )  # fmt: skip
        return one

    async def person(self, code: str, role: Role) -> Person:
        from backend.identity import organisations

        async with self.db.transaction() as session:
            try:
                await organisations.organisation_by_code(session, code=code)
            except organisations.OrganisationUnknown:
                await organisations.create_organisation(
                    session, code=code, name_zh=f"{code} 机构", name_en=code, roles=[role]
                )
        hired: Hired = await self.hire(role, organisation=code)
        answered = await sign_in_staff(self.staff, hired)
        assert answered.status_code == 200, answered.text
        return Person(hired, answered.json(), self.staff)

    async def points(self, one: Citizen) -> int:
        async with self.db.transaction() as session:
            found = await wallets.wallet_of(session, participant_id=one.id, programme=games.CODE)
        return found.spendable


@pytest.fixture
async def world(db: Database, settings: Settings, hire: Hire, programme: str) -> AsyncIterator[World]:
    del programme
    world = World(db, settings, hire)
    yield world
    for client in world.clients:
        await client.aclose()


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def lottery_asked(start: dt.datetime) -> dict[str, str]:
    """The sample's lottery with the authority as its second party: an hour to enter, and an hour to reveal."""
    return {
        "reward": "spring", "second_party": "authority", "enter_from": start.isoformat(),
        "enter_until": (start + HOUR).isoformat(), "reveal_until": (start + 2 * HOUR).isoformat(),
    }  # fmt: skip


async def committed(lottery: str, parties: Sequence[Person]) -> list[bytes]:
    """The secrets that the two parties committed to."""
    kept = [secrets.token_bytes(32) for _ in parties]
    for person, secret in zip(parties, kept, strict=True):
        commitment = hashlib.sha256(secret + UUID(lottery).bytes).hexdigest()
        ok(await person.post(f"/lotteries/{lottery}/commitment", {"commitment": commitment}), 201)
    return kept


async def parties_of(world: World) -> tuple[Person, Person]:
    return await world.person("gd-operator", Role.OPERATOR), await world.person("authority", Role.AUTHORITY)


async def agree(one: Citizen, name: str) -> None:
    """Agree to be shown in the programme."""
    ok(await one.put(f"{HOME}/profile", {"display_name": name, "text_sha256": TEXT}))


async def test_a_reward_is_taken_once_for_one_key_and_delivered_or_refused(world: World) -> None:
    alice, clerk = await world.citizen(), await world.person("gd-operator", Role.OPERATOR)
    told = {one["id"]: one for one in ok(await alice.get(f"{HOME}/rewards"))}
    assert (told["bag"]["price_points"], told["bag"]["left"], told["sapling"]["real"]) == (10, 3, False)
    first = ok(await alice.post(f"{HOME}/rewards/bag", key="one-bag-please"), 201)
    assert ok(await alice.post(f"{HOME}/rewards/bag", key="one-bag-please"), 201) == first
    assert await world.points(alice) == 190
    waiting = ok(await clerk.get(f"{HOME}/grants", params={"waiting": True}))["items"]
    assert [one["id"] for one in waiting] == [first["id"]]
    assert str(alice.id) not in json.dumps(waiting)
    refused = ok(await clerk.post(f"{HOME}/grants/{first['id']}/refusal", {"reason": "none left"}))
    assert (refused["state"], await world.points(alice)) == ("refused", 200)
    again = await clerk.post(f"{HOME}/grants/{first['id']}/delivery", {})
    assert (again.status_code, again.json()["code"]) == (409, "rewards.grant_decided")
    ok(await alice.post(f"{HOME}/rewards/reed-bed"), 201)
    (cause,) = ok(await clerk.get(f"{HOME}/causes"))
    assert (cause["reward"], cause["gifts"], cause["points"]) == ("reed-bed", 1, 7)
    figures = {one["reward"]: one for one in ok(await clerk.get(f"{HOME}/rewards/figures"))}
    assert figures["bag"]["kind"] == "goods"
    assert {figures["bag"][name] for name in ("given", "delivered", "refused", "people", "points")} == {None}
    for _ in range(4):  # with alice, five people
        ok(await (await world.citizen()).post(f"{HOME}/rewards/reed-bed"), 201)
    figures = {one["reward"]: one for one in ok(await clerk.get(f"{HOME}/rewards/figures"))}
    assert figures["reed-bed"] == {
        "reward": "reed-bed", "kind": "public_welfare", "given": 5, "delivered": 0, "refused": 0, "people": 5,
        "points": 35,
    }  # fmt: skip
    missing = await alice.post(f"{HOME}/rewards/moon")
    assert (missing.status_code, missing.json()["code"]) == (404, "rewards.unknown")
    off = await alice.get("/programmes/gd-green-travel/lotteries")
    assert (off.status_code, off.json()["code"]) == (404, "programmes.feature_off")


async def test_points_are_given_to_a_cause_and_everybody_reads_who_got_what(world: World) -> None:
    alice, clerk = await world.citizen(), await world.person("gd-operator", Role.OPERATOR)
    at = f"{HOME}/causes/reed-bed"
    small = await alice.post(f"{at}/gifts", {"points": 6})
    assert (small.status_code, small.json()["code"], small.json()["at_least_points"]) == (
        409, "rewards.gift_too_small", 7,
    )  # fmt: skip
    wrong = await alice.post(f"{HOME}/causes/bag/gifts", {"points": 10})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "rewards.elsewhere")
    gift = ok(await alice.post(f"{at}/gifts", {"points": 100}, key="a-gift-once"), 201)
    assert ok(await alice.post(f"{at}/gifts", {"points": 100}, key="a-gift-once"), 201) == gift
    assert (gift["points"], gift["title"], await world.points(alice)) == (100, "芦苇湿地", 100)
    assert ok(await alice.get(f"{HOME}/gifts"))["items"] == [gift]
    assert ok(await (await world.citizen()).get(f"{HOME}/gifts"))["items"] == []
    kept = await clerk.post(f"{HOME}/grants/{gift['id']}/refusal", {"reason": "no"})
    assert (kept.status_code, kept.json()["code"]) == (409, "rewards.grant_decided")  # not given back

    over = {
        "points": 60, "money_fen": 1_500, "recipient_zh": "湿地基金会", "recipient_en": "Wetlands Trust",
        "reference": "R-2026-0001", "handed_on": clock.today().isoformat(),
    }  # fmt: skip
    (before,) = ok(await clerk.get(f"{HOME}/causes"))
    left = before["points"] - before["handed_points"]
    late = await clerk.post(f"{at}/handovers", over | {"points": left + 1})
    assert (late.status_code, late.json()["left_points"]) == (409, left)
    tomorrow = (clock.today() + dt.timedelta(days=1)).isoformat()
    assert (await clerk.post(f"{at}/handovers", over | {"handed_on": tomorrow})).status_code == 422
    first, second = [
        ok(await clerk.post(f"{at}/handovers", over | {"points": some}), 201) for some in (40, 60)
    ]
    undone = ok(
        await clerk.post(f"{at}/handovers/{first['id']}/correction", {"reason": "paid in November"}), 201
    )
    assert (undone["points"], undone["money_fen"], undone["corrects"]) == (-40, -1_500, first["id"])
    for one in (first, undone):
        again = await clerk.post(f"{at}/handovers/{one['id']}/correction", {"reason": "again"})
        assert (again.status_code, again.json()["code"]) == (409, "causes.handover_corrected")

    # read without signing in
    (cause,) = ok(await world.mobile.get(f"{HOME}/causes"))
    assert (cause["handed_points"], cause["handed_fen"]) == (
        before["handed_points"] + 60,
        before["handed_fen"] + 1_500,
    )
    told = ok(await world.mobile.get(f"{at}/handovers"))["items"][:3]
    assert [(one["points"], one["corrected_by"]) for one in told] == [
        (-40, None),
        (60, None),
        (40, undone["id"]),
    ]
    assert {one["recipient"] for one in told} == {"湿地基金会"}
    assert str(alice.id) not in json.dumps(told)
    assert second["id"] in [one["id"] for one in told]


async def test_a_lottery_from_opening_to_a_draw_that_the_public_redoes(world: World, tmp_path: Path) -> None:
    alice, bob = await world.citizen(), await world.citizen()
    clerk, witness = await parties_of(world)
    start = clock.now()
    asked = lottery_asked(start)
    own = await clerk.post(f"{HOME}/lotteries", asked | {"second_party": "gd-operator"})
    assert own.json()["code"] == "lotteries.second_party_unfit"
    lottery = ok(await clerk.post(f"{HOME}/lotteries", asked), 201)["id"]
    early = await alice.post(f"{HOME}/lotteries/{lottery}/entries")
    assert early.json()["code"] == "lotteries.not_entering"
    kept = await committed(lottery, (clerk, witness))
    stranger = await world.person("desert", Role.PARTNER)
    assert (await stranger.get(f"/lotteries/{lottery}")).status_code == 404
    labels = [
        ok(await one.post(f"{HOME}/lotteries/{lottery}/entries"), 201)["label"] for one in (alice, alice, bob)
    ]
    assert ok(await world.public.get(f"/lotteries/{lottery}"))["entries"] is None
    with clock.travel(start + HOUR):
        clerk, witness = await parties_of(world)
        ok(await clerk.post(f"/lotteries/{lottery}/secret", {"secret": kept[0].hex()}), 201)
        drawn = ok(await witness.post(f"/lotteries/{lottery}/secret", {"secret": kept[1].hex()}), 201)
        prizes = ok(await clerk.get(f"{HOME}/grants", params={"reward": "spring/bike"}))["items"]
    assert (drawn["state"], [one["points"] for one in prizes]) == ("drawn", [0])
    published = await world.public.get(f"/lotteries/{lottery}")
    assert sorted(ok(published)["entries"]) == sorted(labels)
    verdict = redone(ok(published), tmp_path)
    assert verdict.returncode == 0, verdict.stderr
    seen = ok(await alice.get(f"{HOME}/lotteries/{lottery}"))
    assert [one["label"] for one in seen["winners"]] == [one["entry"] for one in ok(published)["winners"]]
    assert {one["name"] for one in seen["winners"]} == {None}, "nobody agreed to be shown"
    assert any(one["mine"] for one in seen["winners"])
    for said in (published.text, json.dumps(seen)):
        assert not re.search("|".join(str(one.id) for one in (alice, bob)), said)


async def test_winners_are_named_while_they_agree_to_be_shown(world: World) -> None:
    alice, bob, cai = [await world.citizen() for _ in range(3)]
    start, parties = clock.now(), await parties_of(world)
    lottery = ok(await parties[0].post(f"{HOME}/lotteries", lottery_asked(start)), 201)["id"]
    kept = await committed(lottery, parties)
    path = f"{HOME}/lotteries/{lottery}"
    labels = [ok(await one.post(f"{path}/entries"), 201)["label"] for one in (alice, bob, cai)]
    await agree(alice, "小爱")
    await agree(bob, "小波")
    await bob.delete(f"{HOME}/profile")
    with clock.travel(start + HOUR):
        for person, secret in zip(await parties_of(world), kept, strict=True):
            ok(await person.post(f"/lotteries/{lottery}/secret", {"secret": secret.hex()}), 201)

    async def named() -> dict[str, str | None]:
        return {one["label"]: one["name"] for one in ok(await cai.get(path))["winners"]}

    # three entries, three prizes: everybody won
    assert await named() == dict(zip(labels, ("小爱", None, None), strict=True))
    assert "小爱" not in (await world.public.get(f"/lotteries/{lottery}")).text
    await alice.delete(f"{HOME}/profile")
    assert await named() == dict.fromkeys(labels)


async def test_a_tree_is_ordered_handed_over_planted_and_certified(world: World) -> None:
    alice, bob = await world.citizen(), await world.citizen()
    clerk, gardener = (
        await world.person("gd-operator", Role.OPERATOR),
        await world.person("desert", Role.PARTNER),
    )
    tree = ok(await alice.post(f"{HOME}/trees", {"reward": "saxaul"}), 201)
    assert (await alice.get(f"{HOME}/trees/{tree['id']}/certificate.pdf")).json()[
        "code"
    ] == "planting.no_certificate"
    batch = ok(await clerk.post(f"{HOME}/trees/batches", {"partner": "desert"}), 201)
    orders = ok(await gardener.get(f"{HOME}/trees", params={"batch_id": batch["id"]}))["items"]
    assert [one["id"] for one in orders] == [tree["id"]]
    assert str(alice.id) not in json.dumps(orders)
    report = {"reference": "MQ-1", "place": "甘肃省武威市民勤县", "planted_on": clock.today().isoformat()}
    number = ok(await gardener.post(f"{HOME}/trees/{tree['id']}/planted", report), 201)["certificate"]
    other = await world.person("another", Role.PARTNER)
    assert (await other.get(f"{HOME}/trees")).status_code == 404
    pdf = await alice.get(f"{HOME}/trees/{tree['id']}/certificate.pdf", params={"named": True})
    svg = await alice.get(f"{HOME}/trees/{tree['id']}/certificate.svg")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert svg.text.startswith("<svg")
    assert (await bob.get(f"{HOME}/trees/{tree['id']}/certificate.svg")).status_code == 404
    told = ok(await world.public.get(f"/certificates/{number}"))
    assert (told["real"], told["reference"], told["place"]) == (True, "MQ-1", report["place"])
    assert str(alice.id) not in json.dumps(told)
    assert (await world.public.get("/certificates/0000-0000-0000")).status_code == 404
    virtual = ok(await bob.post(f"{HOME}/trees", {"reward": "sapling"}), 201)
    assert (virtual["real"], virtual["state"]) == (False, "planted")


async def test_a_certificate_bears_a_name_where_its_holder_asks_and_agrees(world: World) -> None:
    alice = await world.citizen()
    tree = ok(await alice.post(f"{HOME}/trees", {"reward": "sapling"}), 201)

    async def drawn(*, named: bool) -> str:
        """The certificate for a phone; its letters are shapes, so that two with the same text are the same."""
        asked = {"named": named}
        return (await alice.get(f"{HOME}/trees/{tree['id']}/certificate.svg", params=asked)).text

    without = await drawn(named=False)
    assert without.startswith("<svg")
    assert await drawn(named=True) == without, "who agreed to nothing has no name to print"
    await agree(alice, "小爱")
    assert await drawn(named=False) == without
    assert await drawn(named=True) != without
    await alice.delete(f"{HOME}/profile")
    assert await drawn(named=True) == without


async def test_an_event_is_signed_up_for_and_checked_in_at_the_door(world: World) -> None:
    alice, bob = await world.citizen(), await world.citizen()
    clerk = await world.person("gd-operator", Role.OPERATOR)
    begins = clock.now() + HOUR / 2
    asked = {
        "title_zh": "骑行讲座", "title_en": "A talk on cycling", "place": "市民中心", "starts_at": begins.isoformat(),
        "ends_at": (begins + HOUR).isoformat(), "capacity": 1, "price_points": 6, "award_points": 9,
    }  # fmt: skip
    event = ok(await clerk.post(f"{HOME}/events", asked), 201)["id"]
    assert ok(await alice.post(f"{HOME}/events/{event}/sign-up"), 201)["state"] == "seat"
    waiting = ok(await bob.post(f"{HOME}/events/{event}/sign-up"), 201)
    assert (waiting["state"], waiting["waiting_before"]) == ("waiting", 0)
    shown = ok(await clerk.get(f"{HOME}/events/{event}/code"))
    code = {"code": shown["code"]}
    assert (await bob.post(f"{HOME}/events/{event}/check-in", code)).json()[
        "code"
    ] == "events.check_in_refused"
    for _ in range(2):
        assert ok(await alice.post(f"{HOME}/events/{event}/check-in", code))["state"] == "checked_in"
    assert await world.points(alice) == 203
    assert ok(await bob.post(f"{HOME}/events/{event}/sign-up/cancellation"))["state"] == "cancelled"
    assert await world.points(bob) == 200
    (told,) = ok(await bob.get(f"{HOME}/events"))["items"]
    assert (told["id"], told["seats_left"], told["award_points"]) == (event, 0, 9)


async def test_the_log_of_a_lottery_names_no_participant(world: World) -> None:
    async with world.db.transaction() as session:
        entries = await log.entries(session, low=0, high=await log.size(session))
        people = {str(row) for row in (await session.execute(_PARTICIPANTS)).scalars()}
    said = json.dumps([one.body for one in entries])
    assert any(one.kind == "lottery.drawn" for one in entries)
    assert not [one for one in people if one in said]
