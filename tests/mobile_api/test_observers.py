"""An observer sees everything of a household or firm and changes nothing, whatever the interface comes to have; and who did what is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from backend.identity import means
from backend.kit import clock
from backend.kit.access import Principal, PrincipalKind
from backend.kit.http import _write
from backend.kit.settings import Settings
from merchant.coupons import Given
from merchant.vouchers import State, Voucher
from mobile_api.access import OWN
from mobile_api.coupons import CouponTold
from mobile_api.stepping_up import person_of
from mobile_api.vouchers import VoucherOpened, _shown
from tests.authorisation.plausible import value_of
from tests.mobile_api.conftest import RIGHT, WORDS, Citizen, PhoneBox, sign_in
from tests.mobile_api.test_members import _acting, _household, _let_in

LEAVES = {"sign_out", "end_other_sessions"}  # an observer may go
WITHOUT_A_SESSION = {"redeem"}  # a trigger of the redemption notes who it was


@dataclass(frozen=True)
class Asked:
    """One operation of the document with plausible values everywhere."""

    method: str
    path: str
    name: str
    query: dict[str, Any]
    body: Any


def asked_of(document: dict[str, Any]) -> Iterator[Asked]:
    """Every operation that takes a token."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not operation.get("security"):
                continue
            told = {one["name"]: value_of(one["schema"], schemas) for one in operation.get("parameters", ())}
            kinds = {one["name"]: one["in"] for one in operation.get("parameters", ())}
            required = {one["name"] for one in operation.get("parameters", ()) if one.get("required")}
            filled = path
            for name, value in told.items():
                filled = filled.replace("{" + name + "}", str(value))
            query = {name: told[name] for name in required if kinds[name] == "query"}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = value_of(content["schema"], schemas) if content else None
            yield Asked(method.upper(), filled, operation["operationId"], query, body)


@pytest.fixture
async def seeing(alice: Citizen, bob: Citizen) -> Citizen:
    """Bob, who sees what Alice's household has."""
    group = await _household(alice)
    await _let_in(alice, bob, group, "observer")
    return await _acting(bob, group)


async def _ask(citizen: Citizen, one: Asked) -> httpx.Response:
    headers = {"authorization": f"Bearer {citizen.tokens['access_token']}", "idempotency-key": str(uuid4())}
    more: dict[str, Any] = {} if one.body is None else {"json": one.body}
    return await citizen.client.request(one.method, one.path, headers=headers, params=one.query, **more)


async def test_an_observer_reads_whatever_can_be_read(app: FastAPI, seeing: Citizen) -> None:
    wrong, read = [], 0
    for one in asked_of(app.openapi()):
        if one.method != "GET":
            continue
        answer = await _ask(seeing, one)
        read += 1
        if answer.status_code not in {200, 404}:
            wrong.append(f"{one.name} {one.path}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert read > 50


async def test_an_observer_is_refused_whatever_changes_something_with_one_code(
    app: FastAPI, seeing: Citizen
) -> None:
    wrong, tried = [], 0
    for one in asked_of(app.openapi()):
        if one.method == "GET" or one.name in LEAVES:
            continue
        answer = await _ask(seeing, one)
        tried += 1
        if (answer.status_code, answer.json().get("code")) != (403, "kit.see_only"):
            wrong.append(f"{one.name}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert tried > 60


def _depends_on_a_transaction(dependant: Dependant) -> bool:
    return dependant.call is _write or any(_depends_on_a_transaction(one) for one in dependant.dependencies)


def _routes(app: FastAPI) -> list[APIRoute]:
    return [
        context.route for context in iter_route_contexts(app.routes) if isinstance(context.route, APIRoute)
    ]


def test_whatever_changes_something_can_note_who_did_it_and_what_is_ones_own_is_not_noted(
    app: FastAPI,
) -> None:
    changing = [route for route in _routes(app) if not (route.methods or set()) <= {"GET"}]
    without = {
        route.name
        for route in changing
        if not route.path.startswith(OWN) and not _depends_on_a_transaction(route.dependant)
    }
    assert without == WITHOUT_A_SESSION
    own = {
        route.path
        for route in changing
        if "person_of" in route.endpoint.__code__.co_names
        and route.endpoint.__globals__.get("person_of") is person_of
    }
    assert own
    assert {path for path in own if not path.startswith(OWN)} == set()


async def _told(manager: Citizen, group: str) -> list[tuple[str, str, bool]]:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 2}
    while True:
        page = await manager.get(f"/members/groups/{group}/acts", params=asked)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        if page.json()["next_cursor"] is None:
            return [(one["operation"], one["address"], one["me"]) for one in reversed(found)]
        asked["cursor"] = page.json()["next_cursor"]


async def test_managers_are_told_which_member_did_what(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings, alice: Citizen, bob: Citizen
) -> None:
    group, carol = await _household(alice), await sign_in(client, phones)
    membership = await _let_in(alice, bob, group)
    await _let_in(alice, carol, group, "observer")
    his, hers = await _acting(bob, group), await _acting(alice, group)
    named = {"kind": "meter", "operator": "gd-grid", "number": uuid4().hex[:10]}
    code = means.link_code(settings.keys, **named, day=clock.today())
    body, key = named | {"code": code, "consent_sha256": WORDS}, str(uuid4())
    wrong = await his.post("/means", body | {"code": "00000000"})
    assert wrong.status_code == 422  # refused: nothing was done
    linked = await his.post("/means", body, key=key)
    assert linked.status_code == 201, linked.text
    assert (await his.post("/means", body, key=key)).headers["idempotent-replayed"] == "true"  # once
    assert (await hers.put("/right", {"text_sha256": RIGHT})).status_code == 200
    assert (await bob.put("/right", {"text_sha256": RIGHT})).status_code == 200  # his own
    assert (await his.delete(f"/means/{linked.json()['id']}")).status_code == 200
    assert (await his.delete("/right")).status_code == 200
    path = f"/members/groups/{group}"
    told = await _told(alice, group)
    assert told == [
        ("invite_member", f"{path}/invitations", True),
        ("invite_member", f"{path}/invitations", True),
        ("link_means", "/means", False),
        ("assign_right", "/right", True),
        ("unlink_means", f"/means/{linked.json()['id']}", False),
        ("revoke_right", "/right", False),
    ]
    items = (await hers.get(f"{path}/acts")).json()["items"]  # also while she acts
    assert {one["membership_id"] for one in items if not one["me"]} == {membership}
    assert {one["phone_masked"][-4:] for one in items if not one["me"]} == {bob.phone[-4:]}
    assert str(bob.id) not in str(items)
    for one, status in ((bob, 403), (carol, 403), (await sign_in(client, phones), 404)):
        assert (await one.get(f"{path}/acts")).status_code == status


def test_codes_with_which_somebody_could_buy_are_not_shown_to_an_observer() -> None:
    names: Any = {"title_zh": "茶", "title_en": "tea", "merchant_zh": "店", "merchant_en": "shop"}
    ids: Any = {"redemption_id": uuid4(), "offer_id": uuid4()}
    coupon = Given(**ids, **names, given_at=clock.now(), code="TEA-1", valid_until=None, retired=False)
    voucher = Voucher(
        **ids, **names, programme="p", points=1, state=State.GOOD, code="8812345678901234", face_fen=100, minimum_fen=None,
        given_at=clock.now(), valid_until=clock.today(), used_at=None, shop_zh=None, shop_en=None,
    )  # fmt: skip
    for see_only in (False, True):
        who = Principal(kind=PrincipalKind.CITIZEN, id=uuid4(), see_only=see_only)
        assert (CouponTold.of(coupon, see_only=who.see_only).code is None) == see_only
        told = VoucherOpened.of(_shown(voucher, who))
        assert (told.code is None, told.qr_svg is None) == (see_only, see_only)
