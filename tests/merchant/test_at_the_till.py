"""A clerk, a phone and a manager over HTTP: waiting for the customer, parts, voids, what was used before, what found nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.identity import Role, organisations, tokens
from backend.identity.tokens import Audience
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant.redemption import CONFIRM_WITHIN, codes
from merchant.redemption.reasons import REASONS
from mobile_api import build as build_mobile
from tests.identity.conftest import hire
from tests.merchant.conftest import Arrive, Buyer
from tests.merchant.test_endpoints import (
    Citizen,
    Offered,
    app,
    citizen,
    client,
    offered,
    phone,
    signed_in,
    tea,
    word,
)
from tests.merchant.test_managers_word import WHY, Software, a_key
from tests.merchant.test_tills import PIN, a_device, a_shop
from tests.mobile_api.conftest import Citizen as MobileCitizen
from tests.mobile_api.conftest import PhoneBox, sign_in, step_up
from tests.operator_api.conftest import Person, SignedIn

__all__ = ["app", "citizen", "client", "hire", "offered", "phone", "signed_in"]

Asks = Callable[..., Awaitable[None]]
OVER = "merchant.question_over"


@dataclass
class Counter:
    """A shop with two managers, a clerk who stands at a till of it, and an offer of 30 points."""

    manager: Person
    other_manager: Person
    till: Software
    clerk_id: str
    till_id: str
    shop_id: str
    offer_id: str

    async def scanned(self, citizen: Citizen) -> tuple[dict[str, Any], dict[str, Any]]:
        """A redemption of the citizen, and what the till was told of its code."""
        held = await citizen.post("/redemptions", {"offer_id": self.offer_id})
        assert held.status_code == 201, held.text
        told = await self.till.post("/scans", {"code": held.json()["code"]})
        assert told.status_code == 200, told.text
        return held.json(), told.json()

    def agreed(self, manager: Person | None = None) -> dict[str, str]:
        """A manager's word for the till to bring; of each manager one in thirty seconds."""
        manager = manager or self.manager
        return {"Manager-Login": manager.hired.login, **word(manager)}


@pytest.fixture
async def counter(signed_in: SignedIn, offered: Offered, settings: Settings, db: Database) -> Counter:
    code = f"org-{uuid4().hex[:8]}"
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code=code, name_zh="茶馆", name_en="Teahouse", roles=[Role.MERCHANT]
        )
    manager, other = [await signed_in(Role.MERCHANT, organisation=code) for _ in range(2)]
    shop_id = await a_shop(manager)
    clerk = (await manager.post(f"/shops/{shop_id}/clerks", {"label": "01", "pin": PIN})).json()["clerk_id"]
    device = await a_device(manager, shop_id, settings)
    begun = (await device.begin(clerk)).json()
    offer = await offered(manager)
    till = Software(manager, begun["access_token"])
    return Counter(manager, other, till, clerk, device.till_id, shop_id, offer["id"])


async def test_above_the_threshold_the_till_hears_what_the_phone_said(
    counter: Counter, citizen: Citizen, asks: Asks
) -> None:
    await asks(confirm_above_points=30)
    assert (await counter.scanned(citizen))[1]["answer"] == "yes"  # 30 is not above 30
    await asks(confirm_above_points=29)
    held, told = await counter.scanned(citizen)
    assert (held["confirm"], told["answer"], told["reason"], told["points"]) == (
        True,
        "waiting",
        "confirm",
        30,
    )
    scan, mine = f"/scans/{told['scan_id']}", f"/redemptions/{held['redemption_id']}"
    question = (await citizen.get(mine))["question"]
    shown = {name: question[name] for name in ("scan_id", "merchant_name", "shop_id", "points", "until")}
    assert shown == {
        "scan_id": told["scan_id"], "merchant_name": "茶馆", "shop_id": counter.shop_id, "points": 30,
        "until": told["waits_until"],
    }  # fmt: skip
    reply = {"scan_id": told["scan_id"]}
    wrong = await citizen.post(f"{mine}/confirmation", {"scan_id": str(uuid4())})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "merchant.question_unknown")
    assert (await citizen.get(mine))["state"] == "held"

    looking = asyncio.create_task(counter.till.get(f"{scan}?wait_s=10"))
    await asyncio.sleep(0.1)
    assert not looking.done()
    for _ in range(2):
        yes = await citizen.post(f"{mine}/confirmation", reply)
        assert (yes.status_code, yes.json()["state"], yes.json()["question"]) == (200, "captured", None)
    heard = (await looking).json()
    assert (heard["answer"], heard["receipt"]["till_id"]) == ("yes", counter.till_id)
    assert heard["receipt"]["captured_by"] == counter.clerk_id
    late = await citizen.post(f"{mine}/refusal", reply)
    assert (late.status_code, late.json()["code"], late.json()["how"]) == (410, OVER, "confirmed")
    ended = (await counter.till.post(f"{scan}/cancellation")).json()
    assert ended["answer"] == "yes"  # the customer was faster
    assert await citizen.buyer.purse() == (40, 0)


@pytest.mark.parametrize("what", ["refused", "withdrawn", "timed_out", "cancelled"])
async def test_a_till_that_waits_in_vain_captures_nothing_and_another_code_is_good(
    counter: Counter, citizen: Citizen, asks: Asks, what: str
) -> None:
    await asks(confirm_above_points=0)
    held, told = await counter.scanned(citizen)
    scan, mine = f"/scans/{told['scan_id']}", f"/redemptions/{held['redemption_id']}"
    reply, moment = {"scan_id": told["scan_id"]}, clock.now()
    match what:
        case "refused":
            no = await citizen.post(f"{mine}/refusal", reply)
            assert (no.status_code, no.json()["state"], no.json()["question"]) == (200, "held", None)
        case "withdrawn":
            for _ in range(2):
                gone = (await counter.till.post(f"{scan}/cancellation")).json()
                assert (gone["answer"], gone["reason"]) == ("no", "withdrawn")
        case "timed_out":
            with clock.travel(moment + dt.timedelta(seconds=50)):
                assert (await citizen.post(f"{mine}/codes")).status_code == 201  # it goes on standing
            moment += CONFIRM_WITHIN + dt.timedelta(seconds=1)
        case _:
            assert (await citizen.post(f"{mine}/cancellation")).status_code == 200
    with clock.travel(moment):
        heard = (await counter.till.get(scan)).json()
        assert (heard["answer"], heard["reason"], heard["receipt"]) == ("no", what, None)
        late = await citizen.post(f"{mine}/confirmation", reply)
        how = "ended" if what == "cancelled" else what
        assert (late.status_code, late.json()["code"], late.json()["how"]) == (410, OVER, how)
        if what == "cancelled":
            assert await citizen.buyer.purse() == (100, 0)
            return
        assert await citizen.buyer.purse() == (70, 30)
        used = (await counter.till.post("/scans", {"code": held["code"]})).json()
        assert (used["answer"], used["reason"]) == (
            "no",
            "used",
        )  # whatever comes of a question, its code is used up
        another = (await citizen.post(f"{mine}/codes")).json()
        again = (await counter.till.post("/scans", {"code": another["number"]})).json()
        assert again["answer"] == "waiting"
        yes = await citizen.post(f"{mine}/confirmation", {"scan_id": again["scan_id"]})
        assert yes.json()["state"] == "captured"
    assert await citizen.buyer.purse() == (70, 0)


async def test_nobody_else_answers_or_looks_at_a_question(  # noqa: PLR0917 - fixtures
    counter: Counter, citizen: Citizen, asks: Asks, signed_in: SignedIn, arrive: Arrive, settings: Settings
) -> None:
    await asks(confirm_above_points=0)
    held, told = await counter.scanned(citizen)
    buyer = await arrive()
    async with buyer.db.transaction() as session:
        pair = await tokens.start_session(session, settings, Audience.CITIZEN, subject=buyer.id)
    stranger = Citizen(buyer, citizen.phone, pair.access_token)
    for verb in ("confirmation", "refusal"):
        path = f"/redemptions/{held['redemption_id']}/{verb}"
        refused = await stranger.post(path, {"scan_id": told["scan_id"]})
        assert (refused.status_code, refused.json()["code"]) == (404, "merchant.question_unknown")
    rival = await signed_in(Role.MERCHANT)
    for answer in (
        await rival.get(f"/scans/{told['scan_id']}"),
        await rival.post(f"/scans/{told['scan_id']}/cancellation"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "merchant.question_unknown")
    assert (await counter.till.get(f"/scans/{told['scan_id']}")).json()["answer"] == "waiting"


async def test_parts_tell_who_asked_at_which_till_and_who_agreed_and_come_back_once(
    counter: Counter, citizen: Citizen
) -> None:
    held, _ = await counter.scanned(citizen)
    path = f"/redemptions/{held['redemption_id']}"

    async def part(name: str, points: int, **brought: str) -> httpx.Response:
        body = {"part_id": name, "points": points, "reason": "one was cold"}
        return await counter.till.post(f"{path}/parts", body, **brought)

    # the same part twice at once: two keys, two managers, one refund
    both = await asyncio.gather(
        part("line-1", 10, **counter.agreed()), part("line-1", 10, **counter.agreed(counter.other_manager))
    )
    assert [one.status_code for one in both] == [201, 201], [one.text for one in both]
    assert [one.json()["refunded_points"] for one in both] == [10, 10]
    assert await citizen.buyer.purse() == (80, 0)
    (told,) = both[0].json()["refunds"]
    assert told == both[1].json()["refunds"][0]
    assert told["agreed_by"] in {str(counter.manager.id), str(counter.other_manager.id)}
    assert told["agreed_by_label"] in {counter.manager.hired.login, counter.other_manager.hired.login}
    assert {name: told[name] for name in ("part_id", "points", "by", "by_label", "till_id", "till_label")} == {
        "part_id": "line-1", "points": 10, "by": counter.clerk_id, "by_label": "01", "till_id": counter.till_id,
        "till_label": "till 1",
    }  # fmt: skip

    with clock.travel(clock.now() + dt.timedelta(minutes=1)):
        other_points = await part("line-1", 9, **counter.agreed())
        assert (other_points.status_code, other_points.json()["code"]) == (409, "merchant.part_reused")
        too_much = await part("line-2", 21, **counter.agreed(counter.other_manager))
        assert (too_much.status_code, too_much.json()["left_points"]) == (409, 20)
    with clock.travel(clock.now() + dt.timedelta(minutes=2)):
        rest = await counter.manager.post(f"{path}/refund", {"reason": "all of it"}, **word(counter.manager))
    assert rest.status_code == 200, rest.text
    assert [(one["part_id"], one["points"], one["till_id"]) for one in rest.json()["refunds"]] == [
        ("line-1", 10, counter.till_id), ("rest", 20, None),
    ]  # fmt: skip
    last = rest.json()["refunds"][1]
    assert last["by"] == last["agreed_by"] == str(counter.manager.id)
    assert (await counter.manager.get(path)).json() == rest.json()
    assert (await citizen.get(path))["state"] == "refunded"
    assert await citizen.buyer.purse() == (100, 0)


async def test_voids_give_back_what_one_till_captured_each_with_its_own_result(
    counter: Counter, citizen: Citizen
) -> None:
    since = clock.now()
    held = [(await counter.scanned(citizen))[0]["redemption_id"] for _ in range(3)]
    span = {"since": since.isoformat(), "before": (clock.now() + dt.timedelta(seconds=1)).isoformat()}
    at_till = {"captured": span | {"till_id": counter.till_id}, **WHY}
    dry = (await counter.manager.post("/voids", at_till)).json()
    assert (dry["dry_run"], dry["points"]) == (True, 90)
    assert [one["result"] for one in dry["items"]] == ["would_refund"] * 3
    assert await citizen.buyer.purse() == (10, 0)
    nowhere = {"captured": span | {"till_id": str(uuid4())}, **WHY}
    assert (await counter.manager.post("/voids", nowhere)).json()["items"] == []
    for unclear in ({**at_till, "redemption_ids": held}, dict(WHY)):
        refused = await counter.manager.post("/voids", unclear)
        assert (refused.status_code, refused.json()["code"]) == (422, "merchant.nothing_named")

    named = {"redemption_ids": [held[0], str(ids.uuid7()), held[0]], "dry_run": False, **WHY}
    key, agreed = str(uuid4()), counter.agreed()
    first = await counter.till.post("/voids", named, **agreed, **{"Idempotency-Key": key})
    assert [one["result"] for one in first.json()["items"]] == ["refunded", "merchant.redemption_unknown"]
    again = await counter.till.post("/voids", named, **agreed, **{"Idempotency-Key": key})
    assert (again.json(), again.headers["idempotent-replayed"]) == (
        first.json(),
        "true",
    )  # no other word is needed
    assert await citizen.buyer.purse() == (40, 0)
    done = await counter.manager.post("/voids", at_till | {"dry_run": False}, **word(counter.other_manager))
    assert done.status_code == 403  # a code of somebody else
    done = await counter.manager.post(
        "/voids", at_till | {"dry_run": False}, **counter.agreed(counter.other_manager)
    )
    assert [one["result"] for one in done.json()["items"]] == [
        "merchant.already_refunded", "refunded", "refunded",
    ]  # fmt: skip
    told = (await counter.manager.get(f"/redemptions/{held[1]}")).json()["refunds"]
    assert [(one["part_id"], one["by"], one["agreed_by"]) for one in told] == [
        (None, str(counter.manager.id), str(counter.other_manager.id))
    ]
    assert await citizen.buyer.purse() == (100, 0)


async def test_a_second_till_is_told_when_by_whom_and_where_a_code_was_used(
    counter: Counter, citizen: Citizen, signed_in: SignedIn
) -> None:
    held, first = await counter.scanned(citizen)
    second = (await counter.manager.post("/scans", {"code": held["number"]})).json()
    assert (second["answer"], second["reason"]) == ("no", "used")
    assert second["last_use"] == {
        "at": first["receipt"]["captured_at"], "by": counter.clerk_id, "by_label": "01", "shop_id": counter.shop_id,
        "till_id": counter.till_id, "till_label": "till 1",
    }  # fmt: skip
    rival = (await (await signed_in(Role.MERCHANT)).post("/scans", {"code": held["code"]})).json()
    assert (rival["reason"], rival["last_use"], rival["receipt"], rival["points"]) == (
        "unknown",
        None,
        None,
        None,
    )
    with clock.travel(clock.now() + dt.timedelta(minutes=11)):  # a till's token lasts ten minutes
        later = (await counter.till.post("/scans", {"code": held["code"]})).status_code
    assert later == 401


async def test_scans_that_found_nothing_are_told_to_their_own_merchant_with_their_till(
    counter: Counter, citizen: Citizen, signed_in: SignedIn
) -> None:
    held = (await citizen.post("/redemptions", {"offer_id": counter.offer_id})).json()
    rival = await signed_in(Role.MERCHANT)
    wrong = held["number"][:-1] + str((int(held["number"][-1]) + 1) % 10)
    for code in ("not a code", wrong):
        assert (await counter.till.post("/scans", {"code": code})).json()["reason"] == "unreadable"
    await rival.post("/scans", {"code": held["number"]})
    listed = (await counter.manager.get("/scans/failed")).json()["items"]
    assert [(one["reason"], one["typed"]) for one in listed] == [("unreadable", True), ("unreadable", False)]
    where = {(one["by"], one["shop_id"], one["till_id"]) for one in listed}
    assert where == {(counter.clerk_id, counter.shop_id, counter.till_id)}
    theirs = (await rival.get("/scans/failed")).json()["items"]
    assert [(one["reason"], one["typed"], one["by"], one["till_id"]) for one in theirs] == [
        ("unknown", True, str(rival.id), None)
    ]
    for one in [*listed, *theirs]:
        assert held["number"] not in str(one)

    # a till that types at random is asked to scan, and what it scans is taken
    guesses = [f"{held['number'][0]}{number:014d}" for number in range(10**13, 10**13 + 20)]
    for guess in guesses:
        told = await counter.till.post("/scans", {"code": guess + codes.check_digit(guess)})
        if told.status_code == 429:
            break
        assert told.json()["reason"] == "unknown", guess
    limited = await counter.till.post("/scans", {"code": held["number"]})
    assert (limited.status_code, limited.json()["code"]) == (429, "merchant.too_many_misses")
    assert int(limited.headers["retry-after"]) == 600
    assert (await counter.till.post("/scans", {"code": held["code"]})).json()["answer"] == "yes"


async def test_a_sandbox_key_hears_fixed_answers_to_fixed_codes(counter: Counter, citizen: Citizen) -> None:
    asked = {"label": "trying out", "scopes": ["capture", "read"], "sandbox": True}
    made = await counter.manager.post(f"/shops/{counter.shop_id}/software-keys", asked)
    trying = Software(counter.manager, made.json()["key"])
    held = (await citizen.post("/redemptions", {"offer_id": counter.offer_id})).json()

    async def scanned(code: str) -> tuple[str, str | None]:
        told = (await trying.post("/scans", {"code": code})).json()
        assert told["answer"] == "yes" or told["message"]
        return told["answer"], told["reason"]

    assert await scanned("sandbox-yes") == ("yes", None)
    for reason in REASONS - {"confirm"}:
        assert await scanned(f"sandbox-{reason}") == ("no", reason)
    for code in ("sandbox-nonsense", "sandbox-", "sandbox-confirm", "yes", held["code"], held["number"]):
        assert await scanned(code) == ("no", "unknown"), code
    waiting = (await trying.post("/scans", {"code": "sandbox-waiting"})).json()
    assert (waiting["answer"], waiting["reason"]) == ("waiting", "confirm")
    path = f"/scans/{waiting['scan_id']}"
    assert (await trying.get(path)).json()["answer"] == "yes"
    assert (await trying.post(f"{path}/cancellation")).json()["reason"] == "withdrawn"
    for who, other in ((trying, f"/scans/{uuid4()}"), (counter.till, path)):
        refused = await who.get(other)
        assert (refused.status_code, refused.json()["code"]) == (404, "merchant.question_unknown")
    assert await citizen.buyer.purse() == (70, 30)
    assert (await counter.manager.get("/scans/failed")).json()["items"] == []


async def test_a_large_redemption_takes_a_step_up_of_its_own_purpose_once(
    counter: Counter, db: Database, settings: Settings, asks: Asks
) -> None:
    phones = PhoneBox()
    app = build_mobile(settings, sender=phones)
    wire(app, settings=settings, db=db)
    transport = httpx.ASGITransport(app=app, client=("2001:db8:77::1", 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        citizen = await sign_in(client, phones)
        buyer = Buyer(db, settings.keys, citizen.id)
        await buyer.earn(100)
        body = {"offer_id": counter.offer_id, "drawing": False}
        await asks(step_up_above_points=30)
        assert (await citizen.post("/redemptions", body)).status_code == 201  # 30 is not above 30
        await asks(step_up_above_points=29)

        async def refused() -> None:
            answer = await citizen.post("/redemptions", body)
            assert (answer.status_code, answer.json()["code"]) == (403, "identity.step_up_needed")
            assert answer.json()["purpose"] == "large_redemption"

        await refused()
        later = clock.now()
        for purpose, minutes in (
            ("change_phone", 2),
            ("large_redemption", 4),
        ):  # codes are sent a minute apart
            await refused()
            with clock.travel(later + dt.timedelta(minutes=minutes)):
                await step_up(citizen, phones, purpose)
        with clock.travel(later + dt.timedelta(minutes=5)):
            await _once_of_five(citizen, body)
        await refused()
        assert await buyer.purse() == (40, 60)
        with clock.travel(later + dt.timedelta(minutes=6)):
            other = await sign_in(client, phones, citizen.phone)
        with clock.travel(later + dt.timedelta(minutes=8)):
            await step_up(other, phones, "large_redemption")
            await refused()  # what another session showed is not this one's


async def _once_of_five(citizen: MobileCitizen, body: dict[str, object]) -> None:
    keys = [str(uuid4()) for _ in range(5)]
    both = await asyncio.gather(*(citizen.post("/redemptions", body, key=key) for key in keys))
    assert sorted(one.status_code for one in both) == [201, 403, 403, 403, 403]
    made = next(one for one in both if one.status_code == 201)
    again = await citizen.post("/redemptions", body, key=keys[both.index(made)])
    assert (again.content, again.headers["idempotent-replayed"]) == (made.content, "true")


# --- vouchers


async def test_a_voucher_bought_on_the_phone_is_used_at_a_till_of_its_shop_and_at_no_other(
    counter: Counter, citizen: Citizen, offered: Offered
) -> None:
    manager, till = counter.manager, counter.till
    other_shop = await a_shop(manager)
    about = {"gives": "voucher", "items": None, "face_fen": 1_000, "minimum_fen": 3_000, "valid_days": 30}
    here, elsewhere = [
        await offered(manager, **about, shops=[shop]) for shop in (counter.shop_id, other_shop)
    ]
    seen = await citizen.get(f"/offers/{here['id']}")
    assert (seen["gives"], seen["face_fen"], seen["minimum_fen"], seen["valid_days"]) == (
        "voucher",
        1_000,
        3_000,
        30,
    )

    key = str(uuid4())
    bought = await citizen.post("/redemptions", {"offer_id": here["id"]}, key=key)
    assert bought.status_code == 201, bought.text
    again = await citizen.post("/redemptions", {"offer_id": here["id"]}, key=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (bought.json(), "true")
    at = f"/redemptions/{bought.json()['redemption_id']}"
    mine = await citizen.get(f"{at}/voucher")
    assert (mine["state"], mine["points"], mine["qr_svg"][:4]) == ("good", 30, "<svg")
    assert [one["code"] for one in (await citizen.get("/vouchers?good=true"))["items"]] == [mine["code"]]
    assert await citizen.buyer.purse() == (70, 0)
    held = await citizen.get(at)
    assert (held["gives"], held["state"]) == ("voucher", "captured")

    foreign = (await citizen.post("/redemptions", {"offer_id": elsewhere["id"]})).json()["redemption_id"]
    code = (await citizen.get(f"/redemptions/{foreign}/voucher"))["code"]
    said = (await till.post("/vouchers/uses", {"code": code, "purchase_fen": 5_000})).json()
    assert (said["answer"], said["reason"]) == ("no", "not_at_this_shop")
    assert "门店" in said["message"]

    shown = {"code": mine["code"], "purchase_fen": 5_000}
    look = (await till.post("/vouchers/looks", shown)).json()
    assert (look["answer"], look["face_fen"], look["minimum_fen"]) == ("yes", 1_000, 3_000)
    key = str(uuid4())
    used = [await till.post("/vouchers/uses", shown, **{"Idempotency-Key": key}) for _ in range(2)]
    assert [one.json()["answer"] for one in used] == ["yes", "yes"]
    assert "idempotent-replayed" in used[1].headers
    assert mine["code"] not in used[0].text
    late = (await till.post("/vouchers/uses", shown)).json()
    assert (late["answer"], late["reason"]) == ("no", "used")
    assert (late["last_use"]["by"], late["last_use"]["till_label"]) == (counter.clerk_id, "till 1")

    refused = await manager.post(f"{at}/refund", WHY, **word(manager))
    assert (refused.status_code, refused.json()["code"]) == (409, "merchant.voucher_used")
    mine = await citizen.get(f"{at}/voucher")
    assert (mine["state"], mine["code"], mine["qr_svg"]) == ("used", None, None)
    (taken,) = (await till.get("/vouchers/uses")).json()["items"]
    assert (taken["redemption_id"], taken["purchase_fen"]) == (bought.json()["redemption_id"], 5_000)
    counted = (await manager.get(f"/offers/{here['id']}/vouchers")).json()
    assert counted == {"given": 1, "good": 0, "used": 1, "over": 0, "refunded": 0}
    missed = (await till.get("/scans/failed")).json()["items"]
    assert [one["reason"] for one in missed] == ["voucher_used", "voucher_not_at_this_shop"]


@pytest.mark.parametrize(
    "said",
    [
        {"gives": "voucher", "face_fen": 1_000},
        {"gives": "voucher", "valid_days": 30},
        {"gives": "goods", "face_fen": 1_000, "valid_days": 30},
        {"gives": "goods", "minimum_fen": 3_000},
    ],
)
async def test_an_offer_says_all_that_its_vouchers_need_and_nothing_else_does(
    counter: Counter, said: dict[str, object]
) -> None:
    made = await counter.manager.post("/offers", tea(items=None, **said))
    assert made.status_code == 422, made.text


async def test_a_sandbox_key_tries_vouchers_out(counter: Counter) -> None:
    sandbox = await a_key(counter.manager, counter.shop_id, sandbox=True)
    said = [
        (await sandbox.post(path, {"code": f"sandbox-{name}"})).json()["reason"]
        for path in ("/vouchers/looks", "/vouchers/uses")
        for name in ("yes", "used", "over", "nonsense")
    ]
    assert said == [None, "used", "over", "unknown"] * 2
    assert (await sandbox.get("/vouchers/uses")).json()["items"] == []
