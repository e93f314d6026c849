"""The sandbox: the answers of the real thing, a clock that stands where it is put, and no trace in any book."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from backend import intake
from backend.identity import partners
from backend.identity.partners import Quota
from backend.intake import sandbox
from backend.intake.sandbox.evaluating import evaluate
from backend.intake.screening import ScreenRules
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.partner_api.bikes import Bikes, event
from tests.partner_api.conftest import Metro, NewPartner
from tests.partner_api.signing import Signer

TABLES = (
    "action", "intake_job", "intake_chunk", "intake_held", "intake_rejection", "ledger_transfer", "log_entry",
    "ledger_account", "action_place", "method_ref", "pack_text",
)  # fmt: skip


class Stage:
    """A partner with a source, in its sandbox."""

    def __init__(self, db: Database, settings: Settings, metro: Metro, client: httpx.AsyncClient) -> None:
        self.db, self.settings, self.metro, self.client = db, settings, metro, client
        self.bikes = Bikes(db, settings, metro.code)

    async def send(
        self, *events: dict[str, Any], signer: Signer | None = None, **asked: Any
    ) -> httpx.Response:
        body = {"source": self.bikes.source, "events": list(events)} | asked
        return await self.client.post(
            "/batches",
            json=body,
            headers={"idempotency-key": str(uuid4())},
            auth=signer or self.metro.sandbox,
        )

    async def outcomes(self, *events: dict[str, Any], **asked: Any) -> list[tuple[str, str]]:
        answered = await self.send(*events, **asked)
        assert answered.status_code == 200, answered.text
        return [(one["outcome"], one["code"]) for one in answered.json()["events"]]

    async def take(self, *events: dict[str, Any]) -> intake.Taken:
        return await sandbox.take(
            self.db,
            self.settings,
            organisation_id=self.metro.id,
            source=self.bikes.source,
            rows=events,
            library=self.bikes.library,
        )

    async def rows(self) -> dict[str, int]:
        async with self.db.transaction() as session:
            return {
                name: (await session.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()
                for name in TABLES
            }

    async def put(self, address: str, body: dict[str, Any]) -> httpx.Response:
        return await self.client.put(address, json=body, auth=self.metro.sandbox)


@pytest.fixture
async def stage(
    db: Database, settings: Settings, new_partner: NewPartner, client: httpx.AsyncClient
) -> Stage:
    made = Stage(db, settings, await new_partner(), client)
    await made.bikes.open()
    return made


async def test_a_sandbox_answers_as_the_real_thing_and_writes_nothing(stage: Stage) -> None:
    rides = [event("A1", 0), event("A1", 0), event("A1", 0, metres=9_000), event("A1", 30, metres=-4)]
    before = await stage.rows()
    answered = await stage.send(*rides)
    assert answered.status_code == 200, answered.text
    told = answered.json()
    assert [(one["outcome"], one["code"]) for one in told["events"]] == [
        ("accepted", ""),
        ("duplicate", ""),
        ("conflict", "claim"),
        ("rejected", "below_minimum"),
    ]
    assert told["events"][0]["reduction_g"] == 487
    assert await stage.outcomes(rides[0], rides[2]) == [("duplicate", ""), ("conflict", "claim")]
    assert await stage.rows() == before
    real = (await stage.send(*rides, signer=stage.metro.live)).json()
    shown = ("outcome", "code", "field", "bound", "reduction_g", "points")
    for one, other in zip(told["events"], real["events"], strict=True):
        assert {name: one[name] for name in shown} == {name: other[name] for name in shown}


async def test_nothing_outside_the_sandbox_is_seen_in_it_nor_the_other_way(
    stage: Stage, db: Database, settings: Settings, new_partner: NewPartner, client: httpx.AsyncClient
) -> None:
    ride = event("B1", 5)
    assert (await stage.send(ride, signer=stage.metro.live)).json()["accepted"] == 1
    assert await stage.outcomes(ride) == [("accepted", "")]
    other = Stage(db, settings, await new_partner(), client)
    await other.bikes.open()
    assert await other.outcomes(ride, dry_run=True) == [("accepted", "")]
    assert await other.outcomes(ride) == [("accepted", "")]
    assert (await stage.send(ride, signer=stage.metro.live)).json()["duplicates"] == 1
    foreign = await client.post(
        "/batches",
        json={"source": other.bikes.source, "events": [ride]},
        headers={"idempotency-key": str(uuid4())},
        auth=stage.metro.sandbox,
    )
    assert (foreign.status_code, foreign.json()["code"]) == (404, "intake.source_unknown")


@pytest.mark.parametrize("magic", sandbox.MAGIC)
async def test_documented_texts_force_each_answer(stage: Stage, magic: str) -> None:
    outcome, code = sandbox.MAGIC[magic]
    good, bad = event("C1", 0), event("C1", 60, metres=-1)
    assert await stage.outcomes(good | {"trip_id": f"T1-{magic}"}, bad | {"note": magic}, event("C2", 0)) == [
        (outcome, code),
        (outcome, code),
        ("accepted", ""),
    ]
    assert await stage.outcomes(good) == [("accepted", "")]  # what was forced is not remembered


@pytest.mark.parametrize(
    ("magic", "status", "code"),
    [("sandbox-0429", 429, "sandbox.quota_reached"), ("sandbox-0503", 503, "sandbox.busy")],
)
async def test_a_text_can_refuse_the_whole_batch(stage: Stage, magic: str, status: int, code: str) -> None:
    answered = await stage.send(event("D1"), event("D1", 30) | {"note": magic})
    assert (answered.status_code, answered.json()["code"]) == (status, code)
    assert int(answered.headers["retry-after"]) >= 1
    assert await stage.outcomes(event("D1")) == [("accepted", "")]


async def test_a_magic_text_is_nothing_to_a_real_key(stage: Stage) -> None:
    answered = await stage.send(event("E1") | {"note": "sandbox-0503"}, signer=stage.metro.live)
    assert answered.json()["accepted"] == 1


async def test_an_atomic_batch_and_a_trial_leave_nothing_in_the_sandbox(stage: Stage) -> None:
    whole = await stage.send(event("F1"), event("F1", 30, metres=-1), atomic=True)
    assert (whole.status_code, whole.json()["code"]) == (422, "partner.batch_has_rejections")
    assert await stage.outcomes(event("F1"), dry_run=True) == [("accepted", "")]
    assert await stage.outcomes(event("F1"), event("F1"), atomic=True) == [
        ("accepted", ""),
        ("duplicate", ""),
    ]


async def test_the_clock_stands_where_it_is_put_and_decides_what_is_in_the_future(stage: Stage) -> None:
    ride = event("G1", 8 * 60, day="2026-10-12")
    for at, outcome in (
        ("2026-10-12T07:00:00+08:00", ("rejected", "in_the_future")),
        ("2026-10-12T09:00:00+08:00", ("accepted", "")),
    ):
        put = await stage.put("/sandbox/clock", {"at": at})
        assert put.status_code == 200, put.text
        assert await stage.outcomes(ride) == [outcome]
    ahead = await stage.put("/sandbox/clock", {"at": "2027-06-01T00:00:00+08:00"})
    assert ahead.status_code == 200
    assert await stage.outcomes(event("G1", day="2027-05-31")) == [("accepted", "")]
    shown = await stage.client.get("/sandbox/clock", auth=stage.metro.sandbox)
    assert dt.datetime.fromisoformat(shown.json()["now"]) == dt.datetime(2027, 6, 1, tzinfo=clock.SHANGHAI)
    free = await stage.put("/sandbox/clock", {"at": None})
    assert abs(dt.datetime.fromisoformat(free.json()["now"]) - clock.now()) < dt.timedelta(seconds=10)
    assert await stage.outcomes(event("G1", 30, day="2027-05-31")) == [("rejected", "in_the_future")]


async def test_the_clock_decides_what_is_late_and_early(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the windows that a programme states; the one of these tests states none."""
    rules = ScreenRules(late_days=3, early_s=3600)
    monkeypatch.setattr("backend.intake.sandbox.evaluating.rules_for", lambda *_: rules)
    ride = event("H1", 0, day="2026-10-12")
    for day, code in (("2026-10-15", ""), ("2026-10-16", "late")):
        async with stage.db.transaction() as session:
            [one] = await evaluate(
                session,
                stage.settings.keys,
                source=stage.bikes.source,
                rows=[ride],
                library=stage.bikes.library,
                now=dt.datetime.fromisoformat(f"{day}T12:00:00+08:00"),
            )
        assert (one.answer.outcome, one.answer.code) == ("conflict" if code else "accepted", code)


async def test_screens_of_the_programme_look_at_the_batch(stage: Stage) -> None:
    fast = event("I1", 0, metres=45_000)  # in 20 minutes by bike
    answers = await stage.outcomes(fast, fast, event("I2", 0))
    assert answers[0][0] in {"conflict", "rejected"}
    assert answers[0][1] not in {"", "claim"}
    assert answers[1:] == [("duplicate", ""), ("accepted", "")]


async def test_a_reset_forgets_acts_clock_and_count(stage: Stage) -> None:
    ride = event("J1")
    await stage.outcomes(ride)
    await stage.put("/sandbox/clock", {"at": "2030-01-01T00:00:00Z"})
    me = await stage.client.get("/me", auth=stage.metro.sandbox)
    assert me.json()["events_today"] == 1
    reset = await stage.client.post("/sandbox/reset", auth=stage.metro.sandbox)
    assert reset.status_code == 204
    me = await stage.client.get("/me", auth=stage.metro.sandbox)
    assert me.json()["events_today"] == 0
    assert await stage.outcomes(ride) == [("accepted", "")]


async def test_two_batches_of_one_act_at_once_are_taken_once(stage: Stage) -> None:
    ride = event("K1")
    async with stage.db.transaction() as session:  # the first batch, held open
        await session.execute(
            text("""
                INSERT INTO sandbox_act (organisation_id, claim_key, facts_sha256, taken_at)
                VALUES (:id, :key, sha256(''), now())
            """),
            {"id": stage.metro.id, "key": (await _key(stage, ride))},
        )
        second = asyncio.create_task(stage.take(ride))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert (await second).answers[0].outcome == "conflict"  # the first said something else of it
    taken = await asyncio.gather(*(stage.take(event("K2"), event("K3")) for _ in range(6)))
    assert sorted(one.summary.accepted for one in taken) == [0, 0, 0, 0, 0, 2]


async def _key(stage: Stage, ride: dict[str, Any]) -> object:
    async with stage.db.transaction() as session:
        [one] = await evaluate(
            session, stage.settings.keys, source=stage.bikes.source, rows=[ride],
            library=stage.bikes.library, now=clock.now(),
        )  # fmt: skip
    return one.answer.claim_key


async def test_a_sandbox_has_the_quota_of_its_partner_counted_apart(stage: Stage) -> None:
    async with stage.db.transaction() as session:
        await partners.set_quota(
            session,
            organisation_id=stage.metro.id,
            quota=Quota(events_per_day=2, requests_per_minute=600),
            reason="small",
            set_by=stage.metro.first.id,
        )
    assert (await stage.send(event("L1"), event("L2"), event("L3"))).status_code == 429
    assert (await stage.send(event("L1"), event("L2"))).status_code == 200
    assert (await stage.send(event("L3"))).json()["code"] == "identity.events_quota_reached"
    assert (await stage.send(event("L1"), signer=stage.metro.live)).status_code == 200


async def test_the_clock_is_for_keys_of_the_sandbox_only(stage: Stage) -> None:
    for asking in (
        stage.client.get("/sandbox/clock", auth=stage.metro.live),
        stage.client.put("/sandbox/clock", json={"at": None}, auth=stage.metro.live),
        stage.client.post("/sandbox/reset", auth=stage.metro.live),
    ):
        answered = await asking
        assert (answered.status_code, answered.json()["code"]) == (403, "identity.not_sandbox_key")


async def test_what_a_sandbox_took_is_forgotten_after_a_month(stage: Stage) -> None:
    await stage.outcomes(event("M1"))
    for days, forgotten in ((29, False), (31, True)):
        with clock.travel(clock.now() + dt.timedelta(days=days)):
            async with stage.db.transaction() as session:
                await sandbox.forget_old(session)
                left = await session.execute(
                    text("SELECT count(*) FROM sandbox_act WHERE organisation_id = :id"),
                    {"id": stage.metro.id},
                )
                assert (left.scalar_one() == 0) is forgotten
