"""The short way answers as the long one does: the same process twice, once with its handlers and once without any."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from backend.identity import closing, staff, tokens
from backend.identity.tokens import Audience
from backend.kit import http, short
from backend.kit.db import Database
from backend.kit.settings import Settings
from merchant import shops, suspension, tills
from merchant.app import build
from merchant.catalogue import Offer
from merchant.tills.software import Scope
from mobile_api import build as build_mobile
from tests import contracts
from tests.merchant.conftest import Arrive, Buyer, Shop
from tests.merchant.test_tills import PIN, Device
from tests.mobile_api.conftest import PhoneBox

MOBILE, MERCHANT = "/mobile/v1", "/merchant/v1"
HOME, REDEMPTIONS, SCANS = f"{MOBILE}/home", f"{MOBILE}/redemptions", f"{MERCHANT}/scans"
# what must differ between two redemptions, wherever it is told
OF_ITS_OWN = {
    "redemption_id", "code", "number", "refresh_after", "code_expires_at", "qr_svg", "scan_id", "waits_until",
    "captured_at", "at", "trace_id",
}  # fmt: skip


@dataclass
class Ways:
    """One client that goes the short way where there is one, and one that never does."""

    short: httpx.AsyncClient
    long: httpx.AsyncClient
    went: list[bool] = field(default_factory=list)  # of each request that a handler saw: whether it answered

    async def same(self, ask: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> httpx.Response:
        """Ask both, and want one answer: status, headers and body, but for what each redemption has of its own."""
        one, other = await ask(self.short), await ask(self.long)
        assert one.status_code == other.status_code, (one.text, other.text)
        assert _headers(one) == _headers(other), one.text
        assert _body(one) == _body(other)
        return one

    async def same_of(self, method: str, path: str, **sent: Any) -> httpx.Response:
        return await self.same(lambda client: client.request(method, path, **sent))


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.multi_items()
        if name not in {"trace-id", "date", "content-length"}
    }


def _body(answer: httpx.Response) -> object:
    """The body as text, the order of its members and their spelling with it."""
    if not answer.content or "json" not in answer.headers.get("content-type", ""):
        return answer.text

    def own(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in members}) == len(members)
        return {
            name: "its own" if name in OF_ITS_OWN and value is not None else value for name, value in members
        }

    assert b"\n" not in answer.content
    return json.dumps(json.loads(answer.content, object_pairs_hook=own))


@pytest.fixture
async def ways(settings: Settings, db: Database) -> AsyncIterator[Ways]:
    """Both processes with both surfaces mounted, as they run."""
    went: list[bool] = []

    def watched(handler: short.Handler) -> short.Handler:
        async def handle(request: Any, body: bytes) -> Any:
            answer = await handler(request, body)
            went.append(answer is not None)
            return answer

        return handle

    made = []
    for handlers in (True, False):
        app: FastAPI = http.new_app(title="both", openapi_url=None)
        http.mount(app, MOBILE, build_mobile(settings, sender=PhoneBox()))
        http.mount(app, MERCHANT, build(settings))
        http.wire(app, settings=settings, db=db)
        found = app.state.short
        assert set(found) == {("GET", HOME), ("POST", REDEMPTIONS), ("POST", SCANS)}
        app.state.short = {name: watched(one) for name, one in found.items()} if handlers else {}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        made.append(httpx.AsyncClient(transport=transport, base_url="http://puhui.test"))
    async with made[0], made[1]:
        yield Ways(made[0], made[1], went)


@dataclass
class Counter:
    """A shop of a merchant, its staff, and a till at which a clerk stands, with their tokens."""

    shop: Shop
    settings: Settings
    at: UUID
    clerk_id: UUID
    till_id: UUID
    offer: Offer
    staff_token: str
    till_token: str
    session_ids: dict[str, UUID]


async def _counter(shop: Shop, ways: Ways, settings: Settings) -> Counter:
    db = shop.db
    key = Ed25519PrivateKey.generate()
    device = Device(httpx.AsyncClient(), key, settings)
    about = shops.About("一店", "One", "", "天河区", None, {}, {})
    async with db.transaction() as session:
        here = await shops.open_shop(session, merchant_id=shop.id, about=about, made_by=shop.clerk)
        of_it: dict[str, Any] = {"merchant_id": shop.id, "shop_id": here.id, "made_by": shop.clerk}
        clerk = await tills.add_clerk(session, **of_it, label="01", pin=PIN)
        code, _ = await tills.invite_till(session, settings.keys, **of_it, label="till")
    signature = key.sign(b"puhui-till:" + code.encode())
    async with db.transaction() as session:
        till = await tills.enrol(
            session, settings.keys, code=code, public_key=key.public_key().public_bytes_raw(), signature=signature
        )  # fmt: skip
    await device.client.aclose()
    device.till_id = str(till.id)
    body = {"assertion": device.assertion(), "clerk_id": str(clerk.id), "pin": PIN}
    begun = await ways.long.post(f"{MERCHANT}/till-sessions", json=body)
    assert begun.status_code == 201, begun.text
    async with db.transaction() as session:
        pair = await tokens.start_session(session, settings, Audience.STAFF, subject=shop.clerk)
    offer = await shop.offer(price=1)
    return Counter(
        shop, settings, here.id, clerk.id, till.id, offer, pair.access_token, begun.json()["access_token"],
        {"till": UUID(begun.json()["session_id"]), "staff": _session(settings, Audience.STAFF, pair.access_token)},
    )  # fmt: skip


def _session(settings: Settings, audience: Audience, token: str) -> UUID:
    return tokens.verify_access(settings, audience, token).session_id


@pytest.fixture
async def counter(shop: Shop, ways: Ways, settings: Settings) -> Counter:
    return await _counter(shop, ways, settings)


@dataclass
class Somebody:
    """A citizen with points and a token."""

    buyer: Buyer
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@pytest.fixture
async def citizen(arrive: Arrive, settings: Settings, db: Database) -> Somebody:
    buyer = await arrive(5000)
    async with db.transaction() as session:
        pair = await tokens.start_session(session, settings, Audience.CITIZEN, subject=buyer.id)
    return Somebody(buyer, pair.access_token)


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


def _bodies(good: dict[str, Any]) -> list[bytes]:
    """A body that is taken, in several spellings, and many that are not."""
    name = next(iter(good))
    text = _json(good)
    return [
        text, text, text, b" \n" + text + b"\t", _json({name: "x"} | good), b"\xef\xbb\xbf" + text,
        text[:-1] + b', "' + name.encode() + b'": ' + _json(good[name]) + b"}",  # named twice
        b"", b"null", b"[]", b"{}", text[:-1], text + b"x", text.replace(b'"', b"'"), _json([good]), _json({**good, "more": 1}),
        _json({name: None}), _json({name: 1}), _json({name: ""}), _json({name: "x" * 600}), _json({name: "a\u0001b"}),
        b'{"' + name.encode() + b'": "a\x01b"}', b'{"' + name.encode() + b'": NaN}', text.replace(b"{", b'{"x": ' + b"[" * 40),
        b"\xff" + text, text + b" " * (1 << 20), _json({**good, "drawing": "maybe"}),
    ]  # fmt: skip


_TYPES = [
    "application/json", "application/json", "application/json", "application/json; charset=utf-8", "APPLICATION/JSON",
    "application/merge-patch+json", "text/x+json", "application/json/x+json", "application/json, text/plain", "text/plain",
    "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x", "nonsense", ";", "application/;json",
]  # fmt: skip
_KEYS: list[Any] = [..., ..., ..., "", "short", "x" * 256, "with a space in it", "ключключ", None]


def _tokens(good: str, other: str) -> list[str | None]:
    """Values of the header `Authorization`."""
    return [
        f"Bearer {good}", f"Bearer {good}", f"Bearer {good}", f"bearer  {good} ", f"BEARER\t{good}", f"Bearer {other}",
        f"Basic {good}", good, "Bearer", "Bearer ", f"Bearer {good}x", f"Bearer {good[:-8]}", "Bearer " + "a" * 5000,
        f"Bearer {good}, Bearer {good}", None,
    ]  # fmt: skip


def _sent(pick: random.Random, tokens_: list[str | None], types: list[str]) -> list[tuple[bytes, bytes]]:
    """Headers of a request, some of them twice."""
    headers: list[tuple[str, str]] = []
    authorization = pick.choice(tokens_)
    if authorization is not None:
        headers.append(("authorization", authorization))
    headers.append(("content-type", pick.choice(types)))
    key: Any = pick.choice(_KEYS)
    if key is not None:
        headers.append(("idempotency-key", str(uuid4()) if key is ... else key))
    headers.append(("accept-language", pick.choice(["zh", "en", "xx, en;q=0.5", ""])))
    if pick.random() < 0.2:
        name, value = pick.choice(headers)
        headers.append((name, pick.choice([value, "other"])))
    if pick.random() < 0.1:
        headers = [(name, value) for name, value in headers if name != "content-type"]
    return [(name.encode(), value.encode("utf-8")) for name, value in headers]


@dataclass(frozen=True)
class Shape:
    """What a request looks like; each way has a code and a key of its own in it."""

    path: str
    method: str
    asked: str
    headers: list[tuple[bytes, bytes]]
    spelling: int

    async def sent(self, client: httpx.AsyncClient, *, counter: Counter, citizen: Somebody) -> httpx.Response:
        good: dict[str, Any] = {"offer_id": str(counter.offer.id), "drawing": False}
        if self.path == SCANS:
            good = {"code": (await citizen.buyer.redeem(counter.offer)).code}
        headers = [
            (name, str(uuid4()).encode() if name == b"idempotency-key" and len(value) == 36 else value)
            for name, value in self.headers
        ]
        body = _bodies(good)[self.spelling]
        return await client.request(self.method, self.asked, headers=headers, content=body)


def _plain(path: str, token: str, **other: str | None) -> Shape:
    """A request that is in order, but for headers that are given."""
    values = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "idempotency-key": str(uuid4()),
    }
    headers = [
        (name.encode(), value.encode()) for name, value in (values | other).items() if value is not None
    ]
    return Shape(path, "GET" if path == HOME else "POST", path, headers, 0)


def _one_thing_wrong(path: str, token: str, tokens_: list[str | None]) -> Iterator[Shape]:
    """Requests of which one header, or the body, is otherwise."""
    for value in tokens_:
        yield _plain(path, token, authorization=value)
    for media_type in _TYPES:
        yield _plain(path, token, **{"content-type": media_type})
    for key in _KEYS:
        yield _plain(path, token, **{"idempotency-key": str(uuid4()) if key is ... else key})
    for spelling in range(0 if path == HOME else len(_bodies({"offer_id": ""}))):
        yield replace(_plain(path, token), spelling=spelling)


def _shape(pick: random.Random, path: str, tokens_: list[str | None]) -> Shape:
    """Some request, with more than one thing that may be wrong."""
    spelling = pick.randrange(len(_bodies({"offer_id": ""})))
    method = pick.choice(
        ["GET" if path == HOME else "POST"] * 9 + ["PUT", "HEAD", "OPTIONS", "DELETE", "GET"]
    )
    asked = path + pick.choice([""] * 12 + ["/", "?x=1", "?offer_id=1", "%20", "?drawing=true"])
    return Shape(path, method, asked, _sent(pick, tokens_, _TYPES), spelling)


async def test_whatever_a_request_looks_like_both_ways_answer_the_same(
    ways: Ways, counter: Counter, citizen: Somebody
) -> None:
    pick = random.Random(20270628)
    own = {
        HOME: _tokens(citizen.token, counter.staff_token),
        REDEMPTIONS: _tokens(citizen.token, counter.till_token),
        SCANS: _tokens(counter.staff_token, citizen.token) + _tokens(counter.till_token, citizen.token),
    }
    good = {HOME: citizen.token, REDEMPTIONS: citizen.token, SCANS: counter.till_token}
    shapes = [shape for path in own for shape in _one_thing_wrong(path, good[path], own[path])]
    shapes += [_shape(pick, path, own[path]) for path in own for _ in range(40)]
    seen: dict[str, set[int]] = {path: set() for path in own}
    for shape in shapes:
        told = await ways.same(partial(shape.sent, counter=counter, citizen=citizen))
        seen[shape.path].add(told.status_code)
    assert {200, 401, 404, 405} <= seen[HOME], seen
    assert {201, 400, 401, 404, 405, 413, 422} <= seen[REDEMPTIONS], seen
    assert {200, 400, 401, 404, 405, 413, 422} <= seen[SCANS], seen
    assert sum(ways.went) > 25, "the short way was hardly taken"
    assert ways.went.count(False) > 25, "the short way was hardly left"


async def test_what_one_way_kept_under_a_key_the_other_answers_again(
    ways: Ways, counter: Counter, citizen: Somebody
) -> None:
    for first, second in ((ways.short, ways.long), (ways.long, ways.short)):
        headers = citizen.headers | {"idempotency-key": str(uuid4())}
        body = {"offer_id": str(counter.offer.id)}
        made = await first.post(REDEMPTIONS, json=body, headers=headers)
        assert (made.status_code, made.headers.get("idempotent-replayed")) == (201, None), made.text
        for again in (await second.post(REDEMPTIONS, json=body, headers=headers),
                      await first.post(REDEMPTIONS, json=body, headers=headers)):  # fmt: skip
            assert (again.status_code, again.content) == (201, made.content)
            assert again.headers["idempotent-replayed"] == "true"
        reused = await ways.same_of("POST", REDEMPTIONS, json=body | {"drawing": False}, headers=headers)
        assert (reused.status_code, reused.json()["code"]) == (422, "kit.idempotency_key_reused")
    assert sum(ways.went) == 3  # what was refused was left to the long way


async def test_a_code_that_one_way_captured_is_answered_again_by_the_other(
    ways: Ways, counter: Counter, citizen: Somebody
) -> None:
    for first, second in ((ways.short, ways.long), (ways.long, ways.short)):
        code = (await citizen.buyer.redeem(counter.offer)).code
        told = [
            (await way.post(SCANS, json={"code": code}, headers=_as(counter.till_token))).json()
            for way in (first, second, first)
        ]
        assert [(one["answer"], one["repeated"]) for one in told] == [
            ("yes", False),
            ("yes", True),
            ("yes", True),
        ]
        assert told[0]["receipt"] == told[1]["receipt"] == told[2]["receipt"]
        other = await ways.same_of("POST", SCANS, json={"code": code}, headers=_as(counter.staff_token))
        assert (other.json()["reason"], other.json()["last_use"]["by_label"]) == ("used", "01")


def _as(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_what_waits_for_the_phone_waits_on_both_ways(
    ways: Ways, counter: Counter, citizen: Somebody, asks: Callable[..., Awaitable[None]]
) -> None:
    await asks(confirm_above_points=0)

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        code = (await citizen.buyer.redeem(counter.offer)).code
        return await client.post(SCANS, json={"code": code}, headers=_as(counter.till_token))

    told = await ways.same(ask)
    assert (told.json()["answer"], ways.went) == ("waiting", [True])
    await asks(step_up_above_points=0)
    headers = citizen.headers | {"idempotency-key": str(uuid4())}
    refused = await ways.same_of(
        "POST", REDEMPTIONS, json={"offer_id": str(counter.offer.id)}, headers=headers
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.step_up_needed")


# --- what was good a moment ago


@pytest.mark.parametrize(
    "what",
    [
        "signed out", "staff suspended", "shift ended", "till revoked", "clerk suspended", "shop closed", "another pin",
        "shop closed now", "merchant suspended", "shop suspended", "till suspended", "withdrawn key", "key of a sandbox", "key without the scope",
    ],
)  # fmt: skip
async def test_a_till_that_may_no_longer_scan_hears_the_same_both_ways(  # noqa: C901 - one list of ends
    ways: Ways, counter: Counter, citizen: Somebody, what: str, settings: Settings
) -> None:
    shop, token, expected = counter.shop, counter.till_token, (401, "kit.unauthenticated")
    named: dict[str, Any] = {"merchant_id": shop.id}
    operator, _ = await contracts.operators(shop.db, settings.keys)
    code = (await citizen.buyer.redeem(counter.offer)).code
    async with shop.db.transaction() as session:
        match what:
            case "signed out":
                token = counter.staff_token
                await tokens.end_session(session, session_id=counter.session_ids["staff"])
            case "staff suspended":
                token = counter.staff_token
                await staff.set_active(session, staff_id=shop.clerk, active=False)
            case "shift ended":
                await tills.end(session, session_id=counter.session_ids["till"])
            case "till revoked":
                await tills.revoke_till(session, **named, till_id=counter.till_id, revoked_by=shop.clerk)
            case "clerk suspended":
                await tills.let_in(session, **named, clerk_id=counter.clerk_id, active=False)
            case "another pin":
                await tills.set_pin(session, **named, clerk_id=counter.clerk_id, pin="840317")
            case "merchant suspended" | "shop suspended" | "till suspended":
                kind = suspension.Kind(what.split(maxsplit=1)[0])
                subject = {"merchant": shop.id, "shop": counter.at, "till": counter.till_id}[kind.value]
                await suspension.suspend(session, kind=kind, subject_id=subject, reason="a test", by=operator)
                expected = (200, what.replace(" ", "_"))
            case "shop closed" | "shop closed now":
                closed = what == "shop closed"
                days = {} if closed else {str(day): () for day in range(1, 8)}
                about = shops.About("一店", "One", "", "天河区", None, days, {}, closed=closed)
                await shops.change_shop(session, **named, shop_id=counter.at, about=about, said_by=shop.clerk)
                expected = (200, what.replace(" ", "_"))
            case _:
                scopes: list[Scope] = ["read"] if what == "key without the scope" else ["capture"]
                made, token = await tills.make_key(
                    session, settings.keys, **named, shop_id=counter.at, label="own till", scopes=scopes,
                    sandbox=what == "key of a sandbox", made_by=shop.clerk,
                )  # fmt: skip
                if what == "withdrawn key":
                    await tills.revoke_key(session, **named, key_id=made.id, revoked_by=shop.clerk)
                elif what == "key without the scope":
                    expected = (403, "kit.forbidden")
                else:
                    expected = (200, "unknown")
    told = await ways.same_of("POST", SCANS, json={"code": code}, headers=_as(token))
    assert (told.status_code, told.json().get("reason") or told.json()["code"]) == expected, told.text
    assert ways.went == [False]
    assert await citizen.buyer.purse() == (4999, 1)


@pytest.mark.parametrize("what", ["signed out", "signed out everywhere", "account closed"])
async def test_a_citizen_who_left_redeems_nothing_either_way(
    ways: Ways, counter: Counter, citizen: Somebody, what: str, settings: Settings
) -> None:
    async with counter.shop.db.transaction() as session:
        if what == "signed out":
            session_id = _session(settings, Audience.CITIZEN, citizen.token)
            await tokens.end_session(session, session_id=session_id)
        elif what == "signed out everywhere":
            await tokens.end_sessions_of(session, subject=citizen.buyer.id, because="device revoked")
        else:
            await closing.close(session, participant_id=citizen.buyer.id)
    headers = citizen.headers | {"idempotency-key": str(uuid4())}
    told = await ways.same_of("POST", REDEMPTIONS, json={"offer_id": str(counter.offer.id)}, headers=headers)
    assert (told.status_code, ways.went) == (401, [False]), told.text
    await ways.same_of("GET", HOME, headers=citizen.headers)


async def test_whoever_acts_and_may_not_redeem_is_refused_both_ways(
    ways: Ways, counter: Counter, arrive: Arrive, settings: Settings
) -> None:
    """A household's session stands while the account of whoever acts is closed."""
    household, member = await arrive(10), await arrive(0)
    async with counter.shop.db.transaction() as session:
        pair = await tokens.start_session(
            session, settings, Audience.CITIZEN, subject=household.id, actor_id=member.id
        )
    headers = _as(pair.access_token)
    body = {"offer_id": str(counter.offer.id)}
    made = await ways.short.post(REDEMPTIONS, json=body, headers=headers | {"idempotency-key": str(uuid4())})
    assert (made.status_code, ways.went) == (201, [True])
    async with counter.shop.db.transaction() as session:
        await closing.close(session, participant_id=member.id)
        again = await tokens.start_session(
            session, settings, Audience.CITIZEN, subject=household.id, actor_id=member.id
        )
        seeing = await tokens.start_session(
            session,
            settings,
            Audience.CITIZEN,
            subject=household.id,
            actor_id=(await arrive(0)).id,
            see_only=True,
        )
    for token, expected in (
        (again.access_token, (409, "merchant.not_redeemable")),
        (seeing.access_token, (403, "kit.see_only")),
    ):
        headers = _as(token) | {"idempotency-key": str(uuid4())}
        told = await ways.same_of("POST", REDEMPTIONS, json=body, headers=headers)
        assert (told.status_code, told.json()["code"]) == expected
        await ways.same_of("GET", HOME, headers=headers)
