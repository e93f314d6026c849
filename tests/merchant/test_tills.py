"""Shops, clerks and tills over HTTP: a device that proves itself, a PIN that cannot be guessed, keys that are told once."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from backend.identity import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant import shops
from merchant.app import build
from merchant.tills import PinWeak
from merchant.tills.service import check_pin
from tests.identity.conftest import hire
from tests.operator_api.conftest import Person, SignedIn, signed_in

__all__ = ["hire", "signed_in"]

PIN = "592781"
ALL_DAY = {
    str(day): [{"from_minute": 0, "until_minute": 1440}] for day in range(1, 8)
}  # tests run at any hour


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database) -> FastAPI:
    app = build(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


def said(**other: object) -> dict[str, object]:
    return {
        "name_zh": "茶馆一店",
        "name_en": "Teahouse One",
        "address": "中山路 1 号",
        "district": "天河区",
        "place": {"latitude": 23.1291, "longitude": 113.2644},
        "hours": ALL_DAY,
        **other,
    }


@dataclass
class Device:
    """A device with a key of its own, and the till that it became."""

    client: httpx.AsyncClient
    key: Ed25519PrivateKey
    settings: Settings
    till_id: str = ""

    def enrolment(self, code: str) -> dict[str, str]:
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        signature = self.key.sign(b"puhui-till:" + code.encode())
        return {
            "code": code,
            "public_key": base64.b64encode(public).decode(),
            "signature": base64.b64encode(signature).decode(),
        }

    def assertion(self, key: Ed25519PrivateKey | None = None, **other: Any) -> str:
        now = int(clock.now().timestamp())
        typ = other.pop("typ", "puhui-till-assertion+jwt")
        claims = {
            "iss": self.till_id,
            "aud": self.settings.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": uuid4().hex,
        } | other
        return jwt.encode(claims, key or self.key, algorithm="EdDSA", headers={"typ": typ})

    async def begin(self, clerk_id: str, pin: str = PIN, assertion: str | None = None) -> httpx.Response:
        body = {"assertion": assertion or self.assertion(), "clerk_id": clerk_id, "pin": pin}
        return await self.client.post("/till-sessions", json=body)


@dataclass
class Counter:
    """A shop with a manager, a clerk and a till."""

    manager: Person
    shop_id: str
    clerk_id: str
    device: Device


async def a_shop(manager: Person) -> str:
    made = await manager.post("/shops", said())
    assert made.status_code == 201, made.text
    return str(made.json()["shop_id"])


async def a_device(manager: Person, shop_id: str, settings: Settings) -> Device:
    device = Device(manager.client, Ed25519PrivateKey.generate(), settings)
    invited = await manager.post(f"/shops/{shop_id}/till-enrolments", {"label": "till 1"})
    enrolled = await manager.client.post("/tills", json=device.enrolment(invited.json()["code"]))
    assert enrolled.status_code == 201, enrolled.text
    device.till_id = enrolled.json()["till_id"]
    return device


@pytest.fixture
async def counter(signed_in: SignedIn, settings: Settings) -> Counter:
    manager = await signed_in(Role.MERCHANT)
    shop_id = await a_shop(manager)
    clerk = await manager.post(f"/shops/{shop_id}/clerks", {"label": "01", "pin": PIN})
    assert clerk.status_code == 201, clerk.text
    return Counter(manager, shop_id, clerk.json()["clerk_id"], await a_device(manager, shop_id, settings))


async def test_a_shop_is_told_in_editions_and_is_nobody_elses(signed_in: SignedIn) -> None:
    manager, stranger = await signed_in(Role.MERCHANT), await signed_in(Role.MERCHANT)
    shop_id = await a_shop(manager)
    told = (await manager.get(f"/shops/{shop_id}")).json()
    assert (told["edition"], told["place"]) == (1, {"latitude": 23.13, "longitude": 113.26})
    again = await manager.put(f"/shops/{shop_id}", said())
    assert again.json()["edition"] == 1  # nothing else was said
    changed = await manager.put(f"/shops/{shop_id}", said(closed=True))
    assert (changed.json()["edition"], changed.json()["closed"]) == (2, True)
    assert (await stranger.get(f"/shops/{shop_id}")).status_code == 404
    assert (await stranger.put(f"/shops/{shop_id}", said())).status_code == 404
    assert shop_id not in [one["shop_id"] for one in (await stranger.get("/shops")).json()]


@pytest.mark.parametrize(
    "other",
    [
        {"hours": {"1": [{"from_minute": 600, "until_minute": 600}]}},
        {
            "hours": {
                "2": [{"from_minute": 0, "until_minute": 700}, {"from_minute": 600, "until_minute": 800}]
            }
        },
        {"hours": {}, "except_days": {"2026-13-01": []}},
    ],
)
async def test_hours_that_make_no_sense_are_refused(signed_in: SignedIn, other: dict[str, object]) -> None:
    manager = await signed_in(Role.MERCHANT)
    refused = await manager.post("/shops", said(**other))
    assert (refused.status_code, refused.json()["code"]) == (422, "merchant.shop_hours_unsound")


async def test_a_shop_is_open_by_its_hours_to_the_minute(signed_in: SignedIn, db: Database) -> None:
    manager = await signed_in(Role.MERCHANT)
    holiday = {"2026-10-01": [], "2026-10-04": [{"from_minute": 600, "until_minute": 601}]}
    hours = {"4": [{"from_minute": 540, "until_minute": 720}]}
    made = await manager.post("/shops", said(hours=hours, except_days=holiday))
    shop_id = UUID(made.json()["shop_id"])

    async def open_at(*moment: int) -> bool:
        async with db.transaction() as session:
            at = dt.datetime(*moment, tzinfo=clock.SHANGHAI)  # type: ignore[misc,arg-type]
            return await shops.is_open(session, shop_id=shop_id, at=at)

    assert not await open_at(2026, 10, 8, 8, 59, 59)  # a Thursday
    assert await open_at(2026, 10, 8, 9, 0)
    assert await open_at(2026, 10, 8, 11, 59, 59)
    assert not await open_at(2026, 10, 8, 12, 0)
    assert not await open_at(2026, 10, 9, 10, 0)  # no hours on Fridays
    assert not await open_at(2026, 10, 1, 10, 0)  # a Thursday, and a holiday
    assert await open_at(2026, 10, 4, 10, 0)  # a Sunday, for one minute
    assert not await open_at(2026, 10, 4, 10, 1)
    assert (await manager.put(f"/shops/{shop_id}", said(hours=hours, closed=True))).status_code == 200
    assert not await open_at(2026, 10, 8, 10, 0)


async def test_a_clerk_stands_at_a_till_until_the_till_is_revoked(counter: Counter) -> None:
    begun = await counter.device.begin(counter.clerk_id)
    assert begun.status_code == 201, begun.text
    headers = {"authorization": f"Bearer {begun.json()['access_token']}"}
    client = counter.manager.client
    me = (await client.get("/till-sessions/me", headers=headers)).json()
    assert me == {
        "by_id": counter.clerk_id,
        "shop_id": counter.shop_id,
        "till_id": counter.device.till_id,
        "sandbox": False,
    }
    assert (await client.get("/shops", headers=headers)).status_code == 401  # staff only
    body = {"assertion": counter.device.assertion(), "session_id": begun.json()["session_id"]}
    on = await client.post("/till-sessions/renewal", json=body)
    assert on.status_code == 200
    assert on.json()["ends_at"] == begun.json()["ends_at"]  # the shift does not grow

    revoked = await counter.manager.post(f"/tills/{counter.device.till_id}/revocation")
    assert revoked.json()["revoked_at"] is not None
    assert (await client.get("/till-sessions/me", headers=headers)).status_code == 401
    assert (await counter.device.begin(counter.clerk_id)).status_code == 401


async def test_a_suspended_clerk_and_one_who_left_are_out_at_once(counter: Counter) -> None:
    client = counter.manager.client
    tokens = [(await counter.device.begin(counter.clerk_id)).json()["access_token"] for _ in range(2)]
    first, second = ({"authorization": f"Bearer {one}"} for one in tokens)
    assert (await client.post("/till-sessions/end", headers=first)).status_code == 204
    assert (await client.get("/till-sessions/me", headers=first)).status_code == 401
    assert (await client.get("/till-sessions/me", headers=second)).status_code == 200
    await counter.manager.post(f"/clerks/{counter.clerk_id}/suspension")
    assert (await client.get("/till-sessions/me", headers=second)).status_code == 401
    assert (await counter.device.begin(counter.clerk_id)).status_code == 401
    await counter.manager.post(f"/clerks/{counter.clerk_id}/reinstatement")
    assert (await counter.device.begin(counter.clerk_id)).status_code == 201


async def test_five_wrong_pins_lock_and_another_pin_unlocks(counter: Counter) -> None:
    for _ in range(5):
        assert (await counter.device.begin(counter.clerk_id, pin="111112")).status_code == 401
    assert (await counter.device.begin(counter.clerk_id)).status_code == 401  # right, and locked
    with clock.travel(clock.now() + dt.timedelta(minutes=16)):
        assert (await counter.device.begin(counter.clerk_id)).status_code == 201
    for _ in range(5):
        await counter.device.begin(counter.clerk_id, pin="111112")
    await counter.manager.put(f"/clerks/{counter.clerk_id}/pin", {"pin": "840317"})
    assert (await counter.device.begin(counter.clerk_id, pin="840317")).status_code == 201


async def test_another_pin_and_a_suspension_end_the_shifts_begun_before(counter: Counter) -> None:
    client, path = counter.manager.client, f"/clerks/{counter.clerk_id}"
    begun = (await counter.device.begin(counter.clerk_id)).json()
    headers = {"authorization": f"Bearer {begun['access_token']}"}
    await counter.manager.put(f"{path}/pin", {"pin": "840317"})
    assert (await client.get("/till-sessions/me", headers=headers)).status_code == 401
    renewal = {"assertion": counter.device.assertion(), "session_id": begun["session_id"]}
    assert (await client.post("/till-sessions/renewal", json=renewal)).status_code == 401

    begun = (await counter.device.begin(counter.clerk_id, pin="840317")).json()
    headers = {"authorization": f"Bearer {begun['access_token']}"}
    await counter.manager.post(f"{path}/suspension")
    await counter.manager.post(f"{path}/reinstatement")
    assert (await client.get("/till-sessions/me", headers=headers)).status_code == 401


async def test_parallel_guesses_are_all_counted(counter: Counter) -> None:
    guesses = (counter.device.begin(counter.clerk_id, pin=f"11111{n}") for n in range(2, 8))
    assert {one.status_code for one in await asyncio.gather(*guesses)} == {401}
    assert (await counter.device.begin(counter.clerk_id)).status_code == 401


async def test_a_pin_that_everybody_tries_first_is_refused(counter: Counter) -> None:
    refused = await counter.manager.put(f"/clerks/{counter.clerk_id}/pin", {"pin": "121212"})
    assert (refused.status_code, refused.json()["code"]) == (422, "merchant.pin_weak")
    assert refused.json()["why"] == "repeated"


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("000000", "alike"), ("123456", "run"), ("890123", "run"), ("654321", "run"), ("210987", "run"),
        ("121212", "repeated"), ("123123", "repeated"), ("909090", "repeated"), ("112233", "pairs"), ("771199", "pairs"),
        ("12345", "digits"), ("12345６", "digits"),
        ("121213", None), ("123457", None), ("112234", None), ("592781", None), ("135790", None),
    ],
)  # fmt: skip
def test_why_a_pin_is_weak(pin: str, why: str | None) -> None:
    if why is None:
        check_pin(pin)
        return
    with pytest.raises(PinWeak) as weak:
        check_pin(pin)
    assert weak.value.why == why


async def test_nobody_locks_a_clerk_out_without_a_till_of_the_shop(
    counter: Counter, settings: Settings
) -> None:
    forged = Device(counter.device.client, Ed25519PrivateKey.generate(), settings, counter.device.till_id)
    elsewhere = await a_device(counter.manager, await a_shop(counter.manager), settings)
    for device in (forged, elsewhere):
        for _ in range(6):
            assert (await device.begin(counter.clerk_id, pin="840318")).status_code == 401
    listed = (await counter.manager.get(f"/shops/{counter.shop_id}/clerks")).json()
    assert listed[0]["locked_until"] is None
    spent = counter.device.assertion()
    assert (await counter.device.begin(counter.clerk_id, pin="840318", assertion=spent)).status_code == 401
    assert (await counter.device.begin(counter.clerk_id, assertion=spent)).status_code == 401
    assert (await counter.device.begin(counter.clerk_id)).status_code == 201


async def test_an_assertion_is_good_once_and_only_as_its_till_signed_it(counter: Counter) -> None:
    device, now = counter.device, int(clock.now().timestamp())
    good = device.assertion()
    assert (await device.begin(counter.clerk_id, assertion=good)).status_code == 201
    forged = [
        good,  # again
        device.assertion(Ed25519PrivateKey.generate()),
        device.assertion(aud="elsewhere"),
        device.assertion(aud=[device.settings.issuer]),
        device.assertion(iss=str(uuid4())),
        device.assertion(iss="../till"),
        device.assertion(iat=now - 300, exp=now - 240),
        device.assertion(exp=now + 3600),
        device.assertion(iat=now + 300, exp=now + 320),
        device.assertion(typ="JWT"),
        device.assertion(jti=""),
        device.assertion(exp=None),
        jwt.encode({"iss": device.till_id}, "", algorithm="none"),
        jwt.encode(
            {
                "iss": device.till_id,
                "aud": device.settings.issuer,
                "iat": now,
                "exp": now + 60,
                "jti": "a" * 20,
            },
            device.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
            algorithm="HS256",
            headers={"typ": "puhui-till-assertion+jwt"},
        ),
        "not.a.token.at.all.but.long",
    ]
    for assertion in forged:
        refused = await device.begin(counter.clerk_id, assertion=assertion)
        assert (refused.status_code, refused.json()["code"]) == (401, "merchant.till_refused"), assertion


async def test_an_enrolment_code_makes_one_till_of_the_device_that_signs_it(
    signed_in: SignedIn, settings: Settings
) -> None:
    manager = await signed_in(Role.MERCHANT)
    shop_id = await a_shop(manager)
    invited = (await manager.post(f"/shops/{shop_id}/till-enrolments", {"label": "till 1"})).json()
    one, other = (Device(manager.client, Ed25519PrivateKey.generate(), settings) for _ in range(2))
    stolen = one.enrolment(invited["code"]) | {"signature": other.enrolment(invited["code"])["signature"]}
    assert (await manager.client.post("/tills", json=stolen)).status_code == 401
    both = await asyncio.gather(
        *(manager.client.post("/tills", json=device.enrolment(invited["code"])) for device in (one, other))
    )
    assert sorted(answer.status_code for answer in both) == [201, 401]
    late = (await manager.post(f"/shops/{shop_id}/till-enrolments", {"label": "till 2"})).json()
    third = Device(manager.client, Ed25519PrivateKey.generate(), settings)
    with clock.travel(clock.now() + dt.timedelta(minutes=16)):
        assert (await manager.client.post("/tills", json=third.enrolment(late["code"]))).status_code == 401
    assert len((await manager.get("/tills")).json()) == 1


async def test_a_clerk_of_another_shop_cannot_begin_here(counter: Counter, settings: Settings) -> None:
    elsewhere = await a_device(counter.manager, await a_shop(counter.manager), settings)
    assert (await elsewhere.begin(counter.clerk_id)).status_code == 401
    assert (await elsewhere.begin(str(uuid4()))).status_code == 401


async def test_a_software_key_is_told_once_and_refused_once_revoked(
    counter: Counter, signed_in: SignedIn
) -> None:
    asked = {"label": "own till", "scopes": ["capture", "read"], "sandbox": True}
    made = await counter.manager.post(f"/shops/{counter.shop_id}/software-keys", asked)
    assert made.status_code == 201
    key = made.json()["key"]
    assert key.startswith("phk_test_")
    headers, client = {"authorization": f"Bearer {key}"}, counter.manager.client
    me = (await client.get("/till-sessions/me", headers=headers)).json()
    assert (me["sandbox"], me["shop_id"], me["till_id"]) == (True, counter.shop_id, None)
    as_live = {"authorization": f"Bearer {key.replace('phk_test_', 'phk_live_')}"}
    assert (await client.get("/till-sessions/me", headers=as_live)).status_code == 401
    listed = (await counter.manager.get("/software-keys")).json()
    assert "key" not in listed[0]
    assert listed[0]["last_used_on"] is not None
    stranger = await signed_in(Role.MERCHANT)
    path = f"/software-keys/{made.json()['key_id']}/revocation"
    assert (await stranger.post(path)).status_code == 404
    assert (await counter.manager.post(path)).status_code == 200
    assert (await client.get("/till-sessions/me", headers=headers)).status_code == 401


async def test_a_key_without_the_scope_may_not_scan(counter: Counter) -> None:
    asked = {"label": "reader", "scopes": ["read"]}
    made = await counter.manager.post(f"/shops/{counter.shop_id}/software-keys", asked)
    headers = {"authorization": f"Bearer {made.json()['key']}"}
    assert (await counter.manager.client.get("/till-sessions/me", headers=headers)).status_code == 403


async def test_a_sandbox_key_reads_nothing_real(counter: Counter) -> None:
    client = counter.manager.client
    missed = await counter.manager.post("/scans", {"code": "no code of ours"})
    assert missed.json()["answer"] == "no"
    assert len((await counter.manager.get("/scans/failed")).json()["items"]) == 1
    asked = {"label": "trying out", "scopes": ["read"], "sandbox": True}
    made = await counter.manager.post(f"/shops/{counter.shop_id}/software-keys", asked)
    headers = {"authorization": f"Bearer {made.json()['key']}"}
    assert (await client.get("/scans/failed", headers=headers)).json()["items"] == []
    told = (await client.get("/redemptions", headers=headers)).json()["items"]
    assert {one["programme"] for one in told} == {"sandbox"}
