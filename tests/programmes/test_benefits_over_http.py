"""Benefits in money over HTTP: what a citizen reads, what two people let go, and what becomes of money whose day is over."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backend.identity import tokens
from backend.identity.tokens import Audience
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from backend.programmes import benefits
from mobile_api import build as build_mobile
from operator_api import build as build_operator
from tests.mobile_api.conftest import PhoneBox
from tests.programmes.seconds import SAMPLE
from tests.programmes.test_benefits import Treasury, ride, treasury, two

__all__ = ["treasury", "two"]


class Asker:
    """Somebody at a surface; every request is signed in for itself."""

    def __init__(
        self, settings: Settings, db: Database, client: httpx.AsyncClient, audience: Audience
    ) -> None:
        self.settings, self.db, self.client, self.audience = settings, db, client, audience

    async def ask(self, who: UUID, method: str, path: str, body: object = None) -> httpx.Response:
        async with self.db.transaction() as session:
            pair = await tokens.start_session(session, self.settings, self.audience, subject=who)
        headers = {"Authorization": f"Bearer {pair.access_token}", "Idempotency-Key": str(uuid4())}
        return await self.client.request(method, path, json=body, headers=headers)

    async def told(self, who: UUID, method: str, path: str, body: object = None) -> Any:
        answer = await self.ask(who, method, path, body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()


@pytest.fixture(scope="module")
async def surfaces(settings: Settings, db: Database) -> AsyncIterator[tuple[Asker, Asker]]:
    """The citizens' and the operator's."""
    async with AsyncExitStack() as stack:
        made = []
        for app, audience in (
            (build_mobile(settings, sender=PhoneBox()), Audience.CITIZEN),
            (build_operator(settings), Audience.STAFF),
        ):
            wire(app, settings=settings, db=db)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://puhui.test")
            made.append(Asker(settings, db, await stack.enter_async_context(client), audience))
        yield made[0], made[1]


async def test_money_is_told_let_go_by_two_people_and_told_as_paid_out(
    treasury: Treasury, surfaces: tuple[Asker, Asker]
) -> None:
    phone, desk = surfaces
    rider, other = await treasury.rider("http-payee"), await treasury.rider("http-none")
    await treasury.give(ride("http-payee", 0), ride("http-payee", 1))
    (mine,) = [one for one in await phone.told(rider, "GET", "/benefits") if one["programme"] == SAMPLE]
    assert (mine["amount_fen"], mine["owed_fen"]) == (38, 0)
    assert sum(lot["amount_fen"] for lot in mine["lots"]) == 38
    assert [one["amount_fen"] for one in await phone.told(other, "GET", "/benefits")] == [0]
    assert (await phone.client.get("/benefits")).status_code == 401

    first, second = treasury.two
    act = await desk.told(first, "POST", f"/programmes/{SAMPLE}/payouts/proposals", {})
    approval = f"/programmes/{SAMPLE}/payouts/proposals/{act['id']}/approval"
    shown = {"subject_sha256": act["subject_sha256"]}
    assert (await desk.ask(first, "POST", approval, shown)).json()[
        "code"
    ] == "identity.act_needs_second_person"
    paid = await desk.told(second, "POST", approval, shown)
    assert (await desk.ask(second, "POST", approval, shown)).status_code == 409
    file = await desk.ask(first, "GET", f"/programmes/{SAMPLE}/payouts/{paid['id']}/file")
    assert [SAMPLE, str(rider), "38"] in list(csv.reader(io.StringIO(file.text)))
    assert paid["id"] in {one["id"] for one in await desk.told(first, "GET", f"/programmes/{SAMPLE}/payouts")}
    (mine,) = [one for one in await phone.told(rider, "GET", "/benefits") if one["programme"] == SAMPLE]
    assert (mine["amount_fen"], mine["lots"]) == (0, [])
    moved = (await phone.told(rider, "GET", f"/benefits/{SAMPLE}/statement"))["items"]
    assert [(one["reason"], one["amount_fen"]) for one in moved] == [
        ("benefit.paid_out", -38), ("benefit.earned", 38),
    ]  # fmt: skip
    await treasury.sound()


async def test_money_whose_last_day_is_over_is_told_as_expired_and_can_not_be_paid_out(
    treasury: Treasury, surfaces: tuple[Asker, Asker]
) -> None:
    phone, desk = surfaces
    rider = await treasury.rider("http-late")
    await treasury.give(ride("http-late", 0))
    (mine,) = await phone.told(rider, "GET", "/benefits")
    (lot,) = mine["lots"]
    last = dt.date.fromisoformat(lot["expires_on"])
    noon = dt.datetime.combine(last, dt.time(12), clock.SHANGHAI)
    with clock.travel(noon):  # its last day is a day on which it is good
        assert await benefits.expire_all(treasury.db) == 0
        assert (await phone.told(rider, "GET", "/benefits"))[0]["amount_fen"] == 19
    with clock.travel(noon + dt.timedelta(days=1)):
        assert await benefits.expire_all(treasury.db) >= 19
        assert await benefits.expire_all(treasury.db) == 0
        (mine,) = await phone.told(rider, "GET", "/benefits")
        assert (mine["amount_fen"], mine["owed_fen"], mine["lots"]) == (0, 0, [])
        newest = (await phone.told(rider, "GET", f"/benefits/{SAMPLE}/statement"))["items"][0]
        assert (newest["reason"], newest["amount_fen"]) == ("benefit.expired", -19)
        assert newest["expires_on"] == lot["expires_on"]
        refused = await desk.ask(treasury.two[0], "POST", f"/programmes/{SAMPLE}/payouts/proposals", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "programmes.nothing_to_pay")
        await treasury.sound()
