"""Batches of events: an answer for each, once however often they are sent, whole or not at all where that is asked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.identity import partners
from backend.kit.db import Database
from backend.kit.settings import Settings
from partner_api import turns
from tests.partner_api.bikes import Bikes, event
from tests.partner_api.conftest import Metro, NewPartner


@dataclass
class Sender:
    """A partner with a source and a rider."""

    partner: Metro
    client: httpx.AsyncClient
    bikes: Bikes

    @property
    def account(self) -> str:
        return f"account-{self.partner.code}"

    def ride(self, minute: int, **facts: Any) -> dict[str, object]:
        return event(self.account, minute) | facts

    async def post(self, path: str, body: bytes | dict[str, Any], **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", "idempotency-key": str(uuid4())} | headers
        return await self.client.post(path, content=content, headers=given, auth=self.partner.live)

    async def send(self, events: list[Any], **asked: Any) -> httpx.Response:
        return await self.post("/batches", {"source": self.bikes.source, "events": events} | asked)

    async def sent(self, events: list[Any], **asked: Any) -> dict[str, Any]:
        answer = await self.send(events, **asked)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def acts(self) -> int:
        async with self.bikes.db.transaction() as session:
            found = await session.execute(
                text(
                    "SELECT count(*) FROM action a JOIN intake_source s ON s.id = a.source_id WHERE s.code = :code"
                ),
                {"code": self.bikes.source},
            )
            return int(found.scalar_one())


@pytest.fixture
async def sender(
    db: Database, settings: Settings, client: httpx.AsyncClient, new_partner: NewPartner
) -> Sender:
    partner = await new_partner()
    bikes = Bikes(db, settings, partner=partner.code)
    await bikes.open()
    one = Sender(partner, client, bikes)
    await bikes.rider(one.account)
    return one


def outcomes(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["outcome"], one["code"]) for one in told["events"]]


async def test_each_event_is_answered_in_its_place(sender: Sender) -> None:
    first = await sender.sent([sender.ride(0)])
    assert (first["accepted"], first["stored"]) == (1, True)
    told = await sender.sent(
        [
            sender.ride(0),
            sender.ride(30),
            sender.ride(60, distance_m="far"),
            "no object",
            sender.ride(0, distance_m=9_999),
            sender.ride(90, started_at=None),
            {},
            sender.ride(120, trip_id={"nested": True}, note=[1, 2]),
        ]
    )
    assert outcomes(told)[:2] == [("duplicate", ""), ("accepted", "")]
    assert [one[0] for one in outcomes(told)[2:7]] == [
        "rejected",
        "rejected",
        "conflict",
        "rejected",
        "rejected",
    ]
    assert [one["index"] for one in told["events"]] == list(range(8))
    assert told["events"][2]["field"] == "distance_m"
    assert told["events"][3]["code"] == "not_an_object"
    assert (
        told["received"]
        == 8
        == sum(told[name] for name in ("accepted", "duplicates", "conflicts", "rejected", "filtered"))
    )
    assert outcomes(told)[7] == ("accepted", "")  # what no rule reads may be anything
    assert told["events"][1]["reduction_g"] * 2 == told["reduction_g"] > 0
    later = await sender.client.get(f"/batches/{told['id']}", auth=sender.partner.live)
    assert later.status_code == 200, later.text
    assert [one["index"] for one in later.json()["events"]] == [
        one["index"] for one in told["events"] if one["outcome"] in {"rejected", "conflict"}
    ]
    assert later.json()["received"] == 8


async def test_messages_are_in_the_language_asked_for(sender: Sender) -> None:
    body = {
        "source": sender.bikes.source,
        "events": [sender.ride(0, distance_m="far"), sender.ride(1, ended_at=None)],
    }
    zh = (await sender.post("/batches", body)).json()["events"][0]["message"]
    en = (await sender.post("/batches", body, **{"accept-language": "en"})).json()["events"][0]["message"]
    assert (zh, en) == ("不是数字", "not a number")


async def test_figures_keep_all_of_their_digits(sender: Sender) -> None:
    other = f"6222021234567890{sender.partner.code[-3:].encode().hex()}"[:19]
    number = int("6" + "".join(c if c.isdigit() else "7" for c in other))
    told = await sender.sent([event(str(number), 5) | {"account_no": number, "distance_m": 10_000}])
    assert outcomes(told) == [("accepted", "")]
    again = await sender.sent([event(str(number), 5)])
    assert outcomes(again) == [("duplicate", "")]
    near = await sender.sent([event(str(number + 1), 5)])
    assert outcomes(near) == [("accepted", "")]


async def test_the_same_batch_ten_times_by_eight_senders_at_once_counts_once(sender: Sender) -> None:
    events = [sender.ride(minute * 25, trip_id=f"many-{minute}") for minute in range(50)]
    waiting = asyncio.Semaphore(8)

    async def once() -> dict[str, Any]:
        async with waiting:
            return await sender.sent(events)

    answers = await asyncio.gather(*(once() for _ in range(10)))
    assert sum(one["accepted"] for one in answers) == 50
    assert sum(one["duplicates"] for one in answers) == 450
    assert await sender.acts() == 50


async def test_a_batch_is_whole_or_nothing_where_that_is_asked(sender: Sender) -> None:
    bad = await sender.send([sender.ride(0), sender.ride(30, distance_m=-1)], atomic=True)
    assert (bad.status_code, bad.json()["code"]) == (422, "partner.batch_has_rejections")
    assert [one["index"] for one in bad.json()["events"]] == [1]
    assert await sender.acts() == 0
    good = await sender.sent([sender.ride(0), sender.ride(0), sender.ride(30)], atomic=True)
    assert (good["accepted"], good["duplicates"], good["stored"]) == (2, 1, True)
    clash = await sender.send([sender.ride(60), sender.ride(30, distance_m=9_999)], atomic=True)
    assert (clash.status_code, clash.json()["code"]) == (409, "partner.batch_has_conflicts")
    assert await sender.acts() == 2
    me = await sender.client.get("/me", auth=sender.partner.live)
    assert me.json()["events_today"] == 3


async def test_an_atomic_batch_that_was_refused_may_be_sent_again_under_its_key(sender: Sender) -> None:
    key = str(uuid4())
    body = {"source": sender.bikes.source, "events": [sender.ride(0, distance_m=-1)], "atomic": True}
    for _ in range(2):
        answer = await sender.post("/batches", body, **{"idempotency-key": key})
        assert answer.status_code == 422
        assert "idempotent-replayed" not in answer.headers


async def test_a_key_answers_the_same_and_counts_once(sender: Sender) -> None:
    key = str(uuid4())
    body = {"source": sender.bikes.source, "events": [sender.ride(0)]}
    first = await sender.post("/batches", body, **{"idempotency-key": key})
    again = await sender.post("/batches", body, **{"idempotency-key": key})
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (await sender.client.get("/me", auth=sender.partner.live)).json()["events_today"] == 1
    assert (await sender.post("/batches", body, **{"idempotency-key": ""})).status_code == 400


async def test_a_dry_run_answers_as_the_batch_would_and_stores_nothing(sender: Sender) -> None:
    events = [sender.ride(0), sender.ride(0), sender.ride(30, distance_m="far")]
    tried = await sender.sent(events, dry_run=True, atomic=True)
    assert (tried["id"], tried["stored"], await sender.acts()) == (None, False, 0)
    done = await sender.sent(events)
    assert outcomes(tried) == outcomes(done)
    assert await sender.acts() == 1
    assert (await sender.client.get("/me", auth=sender.partner.live)).json()["events_today"] == 3


async def test_a_sandbox_answers_alike_and_reaches_no_book(sender: Sender) -> None:
    body = json.dumps({"source": sender.bikes.source, "events": [sender.ride(0)]}).encode()
    for outcome in ("accepted", "duplicate"):
        answer = await sender.client.post(
            "/batches",
            content=body,
            headers={"content-type": "application/json", "idempotency-key": str(uuid4())},
            auth=sender.partner.sandbox,
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["events"][0]["outcome"] == outcome
    assert await sender.acts() == 0


@pytest.mark.parametrize(("count", "status"), [(0, 422), (10_000, 200), (10_001, 422)])
async def test_a_batch_has_at_most_ten_thousand_events(sender: Sender, count: int, status: int) -> None:
    answer = await sender.send([{}] * count, dry_run=True)
    assert answer.status_code == status, answer.text[:500]


async def test_anothers_source_and_batch_are_not_there(sender: Sender, new_partner: NewPartner) -> None:
    told = await sender.sent([sender.ride(0)])
    other = Sender(await new_partner(), sender.client, sender.bikes)
    refused = await other.send([sender.ride(30)])
    assert (refused.status_code, refused.json()["code"]) == (404, "intake.source_unknown")
    assert (await other.client.get(f"/batches/{told['id']}", auth=other.partner.live)).status_code == 404
    assert (await other.client.get("/sources", auth=other.partner.live)).json() == []


async def test_events_beyond_the_day_s_quota_are_refused_whole(sender: Sender, db: Database) -> None:
    async with db.transaction() as session:
        await partners.set_quota(
            session,
            organisation_id=sender.partner.id,
            quota=partners.Quota(events_per_day=3, requests_per_minute=1000),
            reason="a test",
            set_by=sender.partner.first.id,
        )
    await sender.sent([sender.ride(0), sender.ride(30)])
    refused = await sender.send([sender.ride(60), sender.ride(90)])
    assert refused.status_code == 429
    assert await sender.acts() == 2
    await sender.sent([sender.ride(60)])


async def test_who_finds_no_turn_is_asked_to_come_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sender.sent([sender.ride(0)])
    monkeypatch.setattr(turns, "PATIENCE_S", 0.05)
    state = sender.client._transport.app.state  # type: ignore[attr-defined]  # noqa: SLF001 - the app under test
    held = state.batch_turns
    monkeypatch.setattr(state, "batch_turns", asyncio.Semaphore(0))
    refused = await sender.send([sender.ride(30)])
    assert (refused.status_code, refused.json()["code"]) == (503, "partner.batches_busy")
    state.batch_turns = held
    await sender.sent([sender.ride(30)])


async def test_my_sources_say_what_events_are_to_hold(sender: Sender) -> None:
    [source] = (await sender.client.get("/sources", auth=sender.partner.live)).json()
    assert source["code"] == sender.bikes.source
    assert set(source["fields"]) <= set(sender.ride(0))
    [rule] = source["rules"]
    assert ["distance_m"] in [one["fields"] for one in rule["inputs"]]
    assert [one["fields"] for one in rule["inputs"] if one["begins"]] == [["started_at"]]
    told = await sender.sent([{name: sender.ride(0)[name] for name in source["fields"]}])
    assert outcomes(told) == [("accepted", "")]


# --- corrections --------------------------------------------------------------------------------------------------


async def test_an_event_is_corrected_and_withdrawn(sender: Sender) -> None:
    [one, other] = (await sender.sent([sender.ride(0), sender.ride(60)]))["events"]
    body = {
        "source": sender.bikes.source,
        "corrections": [
            {
                "reason": "a wrong odometer",
                "claim_key": one["claim_key"],
                "replacement": sender.ride(0, distance_m=5_000),
            },
            {"reason": "a test ride", "event": sender.ride(60)},
            {"reason": "never sent", "event": sender.ride(500)},
        ],
    }
    answer = await sender.post("/corrections", body)
    assert answer.status_code == 200, answer.text
    told = answer.json()["corrections"]
    assert [row["outcome"] for row in told] == ["corrected", "withdrawn", "refused"]
    assert 0 < told[0]["reduction_g"] < one["reduction_g"]
    assert told[2]["code"] == "event_unknown"
    assert told[2]["message"]
    again = (await sender.post("/corrections", body)).json()["corrections"]
    assert [row["outcome"] for row in again] == ["repeated", "repeated", "refused"]
    assert outcomes(await sender.sent([sender.ride(0), sender.ride(60)])) == [("duplicate", "")] * 2
    assert other["claim_key"] != one["claim_key"]


@pytest.mark.parametrize(
    "correction",
    [
        {"reason": "x"},
        {"reason": "x", "claim_key": str(uuid4()), "event": {}},
        {"reason": "", "claim_key": str(uuid4())},
        {"reason": "x", "event": "text"},
        {"reason": "x", "claim_key": str(uuid4()), "more": 1},
        "text",
    ],
)
async def test_a_correction_names_one_event_and_a_reason(sender: Sender, correction: object) -> None:
    answer = await sender.post("/corrections", {"source": sender.bikes.source, "corrections": [correction]})
    assert answer.status_code == 422
    assert answer.json()["code"] == "kit.request_invalid"


async def test_corrections_of_anothers_events_find_nothing(sender: Sender, new_partner: NewPartner) -> None:
    [mine] = (await sender.sent([sender.ride(0)]))["events"]
    partner = await new_partner()
    bikes = Bikes(sender.bikes.db, sender.bikes.settings, partner=partner.code)
    await bikes.open()
    other = Sender(partner, sender.client, bikes)
    body = {"corrections": [{"reason": "mine now", "claim_key": mine["claim_key"]}]}
    foreign = await other.post("/corrections", body | {"source": sender.bikes.source})
    assert foreign.status_code == 404
    own = await other.post("/corrections", body | {"source": bikes.source})
    assert own.json()["corrections"][0]["code"] == "event_unknown"
    sandboxed = await other.client.post(
        "/corrections",
        content=json.dumps(body | {"source": bikes.source}).encode(),
        headers={"content-type": "application/json", "idempotency-key": str(uuid4())},
        auth=partner.sandbox,
    )
    assert sandboxed.status_code == 403
