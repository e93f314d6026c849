"""Webhooks over HTTP: made, changed, rotated, tried, replayed, and nobody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from backend import webhooks
from backend.identity import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant.app import build
from tests.identity.conftest import hire
from tests.operator_api.conftest import Person, SignedIn, signed_in

__all__ = ["hire", "signed_in"]

URL = "https://1.1.1.1/puhui"
EVENT = "webhook.test"


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


async def made(person: Person, form: str = "v1") -> dict[str, object]:
    answer = await person.post("/webhooks", {"url": URL, "events": [EVENT], "form": form})
    assert answer.status_code == 201, answer.text
    told: dict[str, object] = answer.json()
    return told


async def test_a_shared_key_is_told_once_and_a_public_one_always(signed_in: SignedIn) -> None:
    person = await signed_in(Role.MERCHANT)
    shared, public = await made(person), await made(person, "v1a")
    assert shared["secret"]["key"].startswith("whsec_")  # type: ignore[index]
    keys = (await person.get(f"/webhooks/{shared['webhook_id']}/secrets")).json()
    assert [one["key"] for one in keys] == [None]
    keys = (await person.get(f"/webhooks/{public['webhook_id']}/secrets")).json()
    assert [one["key"] for one in keys] == [public["secret"]["key"]]  # type: ignore[index]
    newer = await person.post(f"/webhooks/{shared['webhook_id']}/secrets", {"overlap_hours": 1})
    assert newer.status_code == 201
    assert newer.json()["key"] != shared["secret"]["key"]  # type: ignore[index]
    assert len((await person.get(f"/webhooks/{shared['webhook_id']}/secrets")).json()) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "https://localhost/", "events": [EVENT]}, 422, "webhooks.target_refused"),
        ({"url": "https://192.168.0.1/", "events": [EVENT]}, 422, "webhooks.target_refused"),
        ({"url": URL, "events": ["no.such"]}, 422, "webhooks.event_unknown"),
        ({"url": URL, "events": []}, 422, "kit.validation"),
    ],
)
async def test_what_cannot_be_told_is_refused(
    signed_in: SignedIn, body: dict[str, object], status: int, code: str
) -> None:
    person = await signed_in(Role.MERCHANT)
    answer = await person.post("/webhooks", body)
    assert answer.status_code == status
    if code != "kit.validation":
        assert answer.json()["code"] == code


async def test_ten_webhooks_are_the_most(signed_in: SignedIn) -> None:
    person = await signed_in(Role.MERCHANT)
    for _ in range(10):
        await made(person)
    answer = await person.post("/webhooks", {"url": URL, "events": [EVENT]})
    assert (answer.status_code, answer.json()["most"]) == (409, 10)


async def test_a_test_is_a_delivery_that_can_be_looked_at_and_replayed(
    signed_in: SignedIn, db: Database, settings: Settings
) -> None:
    person, stranger = await signed_in(Role.MERCHANT), await signed_in(Role.MERCHANT)
    told = await made(person)
    path = f"/webhooks/{told['webhook_id']}"
    assert (await person.post(f"{path}/tests")).status_code == 204
    assert (await stranger.post(f"{path}/tests")).status_code == 404
    [delivery] = (await person.get(f"{path}/deliveries")).json()["items"]
    assert (delivery["event"], delivery["state"], delivery["attempts"]) == (EVENT, "waiting", 0)
    assert (await stranger.get(f"{path}/deliveries")).status_code == 404
    one = f"/webhooks/deliveries/{delivery['delivery_id']}"
    assert (await person.get(one)).json()["data"] == {"webhook_id": told["webhook_id"]}
    assert (await stranger.get(one)).status_code == 404
    assert (await stranger.post(f"{one}/replay")).status_code == 404
    assert (await person.post(f"{one}/replay")).status_code == 200
    span = {
        "since": (clock.now() - dt.timedelta(hours=1)).isoformat(),
        "until": (clock.now() + dt.timedelta(hours=1)).isoformat(),
    }
    assert (await person.post(f"{path}/replays", span)).json() == {"deliveries": 0}
    assert (await person.post(f"{path}/disabling")).json()["disabled_because"] == "by_hand"
    assert (await person.post(f"{path}/tests")).status_code == 409
    assert (await person.post(f"{path}/enabling")).json()["disabled_because"] is None
    changed = await person.put(path, {"url": URL + "/2", "events": [EVENT]})
    assert (changed.status_code, changed.json()["url"]) == (200, URL + "/2")
    gone = await person.client.delete(path, headers=person.headers())  # and what waits goes with it
    assert gone.status_code == 204
    assert (await person.get(path)).status_code == 404
    assert await webhooks.deliver_due(db, settings) == 0
    assert (await person.get(f"/webhooks/{uuid4()}")).status_code == 404
