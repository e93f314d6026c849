"""A risk rule holds an act, a person refuses it, its citizen appeals to the last second and hears the answer: all over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import httpx
import pytest

import operator_api
from backend.identity import organisations
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from tests.identity.conftest import Hire, hire
from tests.intake.holding.conftest import Town, filed, ride
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in
from tests.mobile_api.test_appeals import town
from tests.operator_api.conftest import Person
from tests.operator_api.conftest import sign_in as staff_sign_in

__all__ = ["filed", "hire", "town"]

pytestmark = pytest.mark.usefixtures("filed")


@pytest.fixture
async def staff_client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = operator_api.build(settings)
    wire(app, settings=settings, db=db)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


async def _at_work(town: Town, client: httpx.AsyncClient, hire: Hire) -> Person:
    async with town.db.transaction() as session:
        await organisations.create_organisation(
            session, code="gd-operator", name_zh="机构", name_en="Operator", roles=[Role.OPERATOR]
        )
    hired = await hire(Role.OPERATOR, organisation="gd-operator")
    answered = await staff_sign_in(client, hired)
    assert answered.status_code == 200, answered.text
    return Person(hired, answered.json(), client)


async def _asked(who: Citizen, path: str, language: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {who.tokens['access_token']}", "Accept-Language": language}
    return await who.client.post(path, json={"words": "顺风"}, headers=headers)


async def test_a_citizen_appeals_against_a_risk_rule_until_the_end_of_the_last_day_and_hears_the_answer(
    *,
    town: Town,
    client: httpx.AsyncClient,
    staff_client: httpx.AsyncClient,
    phones: PhoneBox,
    hire: Hire,
) -> None:
    who = await sign_in(client, phones)
    async with town.db.transaction() as session:
        await town.link(session, who.id, "risk")
    await town.ingest([ride("risk", metres=60_000)])
    (row,) = (await who.get("/held-acts")).json()["items"]
    assert (row["code"], row["state"], row["appeal_until"]) == ("cycling-too-fast", "waiting", None)
    en = await who.client.get(
        "/held-acts",
        headers={"Authorization": f"Bearer {who.tokens['access_token']}", "Accept-Language": "en"},
    )
    assert "45" in row["why"]
    assert en.json()["items"][0]["why"] != row["why"]  # each in its language
    assert en.json()["items"][0]["why"].isascii()

    place = f"{row['job_id']}/{row['line']}"
    operator = await _at_work(town, staff_client, hire)
    refused = await operator.post(
        f"/held/{place}/decision", {"outcome": "refused", "reason": "没有人骑得这么快"}
    )
    assert refused.status_code == 200, refused.text
    (row,) = (await who.get("/held-acts")).json()["items"]
    assert (row["state"], row["reason"]) == ("refused", "没有人骑得这么快")
    until = dt.date.fromisoformat(row["appeal_until"])
    assert until == clock.day_of(dt.datetime.fromisoformat(row["decided_at"])) + dt.timedelta(days=30)

    over = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), SHANGHAI)
    path = f"/held-acts/{place}/appeal"
    with clock.travel(over - dt.timedelta(minutes=3)):
        last = await sign_in(client, phones, who.phone)
    with clock.travel(over):
        for language, words in (("zh-CN", "申诉期限已过"), ("en", "time for an appeal is over")):
            answer = await _asked(last, path, language)
            told = answer.json()
            assert (answer.status_code, told["code"]) == (409, "intake.appeal_too_late")
            assert words in told["title"]
            assert told["until"] == str(until)
    with clock.travel(over - dt.timedelta(seconds=1)):
        appealed = (await _asked(last, path, "zh-CN")).json()
        assert (appealed["state"], appealed["due_on"]) == ("open", str(until + dt.timedelta(days=15)))
        assert (await last.get("/held-acts")).json()["items"][0]["appeal"] == "open"

    listed = (await operator.get("/appeals")).json()["items"]
    (mine,) = [one for one in listed if one["id"] == appealed["id"]]
    assert (mine["words"], mine["code"]) == ("顺风", "cycling-too-fast")
    assert str(who.id) not in str(mine)
    answered = await operator.post(
        f"/appeals/{mine['id']}/answer", {"outcome": "upheld", "reason": "下坡，有同行者作证"}
    )
    assert answered.status_code == 200, answered.text
    items = (await who.get("/inbox")).json()["items"]
    assert {one["kind"] for one in items} == {"act.held", "act.refused", "appeal.upheld"}
    (heard,) = [one for one in items if one["kind"] == "appeal.upheld"]
    assert "下坡，有同行者作证" in heard["text"]
    (act,) = (await who.get("/acts")).json()["items"]
    assert act["reduction_g"] == row["reduction_g"]
    assert (await who.get("/appeals")).json()["items"][0]["state"] == "upheld"
