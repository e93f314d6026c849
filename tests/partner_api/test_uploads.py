"""Files as jobs: sent once, taken in piece by piece, cancelled, resumed, listened to, and gone some time after."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.intake.uploads import files
from backend.intake.uploads import tasks as work
from backend.kit import clock, outbox, tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.kit.tasks import Worker
from partner_api import jobs
from tests.partner_api.bikes import HEADER, Bikes, ride
from tests.partner_api.conftest import Metro, NewPartner


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, so that a file has many."""
    monkeypatch.setattr(work, "CHUNK_ROWS", 10)
    monkeypatch.setattr(work, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(jobs, "LOOK_EVERY_S", 0.02)


@dataclass
class Sender:
    """A partner with a source, and what it does over HTTP."""

    partner: Metro
    client: httpx.AsyncClient
    bikes: Bikes

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"idempotency-key": str(uuid4()), **given.pop("headers", {})}
        return await self.client.request(method, path, auth=self.partner.live, headers=headers, **given)

    async def send(self, content: bytes | str, **declared: str) -> httpx.Response:
        asked = {"source": self.bikes.source, "type": "csv", "name": "rides.csv"} | declared
        body = content.encode() if isinstance(content, str) else content
        return await self.ask(
            "POST",
            "/uploads",
            params=asked,
            content=body,
            headers={"content-type": "application/octet-stream"},
        )

    def rides(self, count: int) -> str:
        """A file of rides of an account that nobody else has."""
        return HEADER + "".join(self.ride(minute) for minute in range(count))

    def ride(self, minute: int, *, metres: int = 10_000) -> str:
        return ride(f"account-{self.partner.code}", minute, metres=metres)

    async def sent(self, content: bytes | str, **declared: str) -> dict[str, Any]:
        answer = await self.send(content, **declared)
        assert answer.status_code in {200, 201}, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def start(self, content: bytes | str, *, dry_run: bool = False, **declared: str) -> dict[str, Any]:
        upload = await self.sent(content, **declared)
        answer = await self.ask("POST", f"/uploads/{upload['id']}/jobs", json={"dry_run": dry_run})
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def job(self, job_id: str) -> dict[str, Any]:
        answer = await self.ask("GET", f"/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture
async def sender(
    db: Database, settings: Settings, client: httpx.AsyncClient, new_partner: NewPartner
) -> Sender:
    partner = await new_partner()
    bikes = Bikes(db, settings, partner=partner.code)
    await bikes.open()
    return Sender(partner, client, bikes)


@pytest.fixture
def worker(db: Database, settings: Settings) -> Worker:
    return Worker(settings=settings, db=db)


async def owed(db: Database) -> list[int]:
    async with db.transaction() as session:
        found = await session.execute(
            text("SELECT id FROM kit_outbox WHERE task = 'intake.upload' AND done_at IS NULL ORDER BY id")
        )
        return list(found.scalars())


async def work_off(worker: Worker, *, most: int = 100) -> int:
    """Do what is owed until nothing is; how many tasks that took."""
    done = 0
    while done < most and (waiting := await owed(worker.db)):
        for promise in waiting:
            await tasks.work(worker, promise)
            done += 1
    return done


async def test_a_file_becomes_acts_by_a_job(sender: Sender, worker: Worker) -> None:
    await sender.bikes.rider(f"account-{sender.partner.code}")
    job = await sender.start(sender.rides(25) + "T,one,never,never,1\n")
    assert (job["state"], job["done"], job["total"], job["received"]) == ("waiting", 0, 27, 0)
    await work_off(worker)
    told = await sender.job(job["id"])
    assert (told["state"], told["done"], told["total"]) == ("finished", 27, 27)
    assert (told["received"], told["accepted"], told["rejected"]) == (26, 25, 1)
    assert told["reduction_g"] > 0
    assert told["points"] > 0


async def test_the_same_file_again_is_the_same_upload_and_its_job_the_same_job(
    sender: Sender, worker: Worker
) -> None:
    content = sender.rides(3)
    first, again = await sender.send(content), await sender.send(content)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    path = f"/uploads/{first.json()['id']}/jobs"
    started = [await sender.ask("POST", path, json={}) for _ in range(2)]
    assert started[0].json()["id"] == started[1].json()["id"]
    await work_off(worker)
    assert (await sender.ask("POST", path, json={})).json()["accepted"] == 3
    told = (await sender.ask("GET", f"/uploads/{first.json()['id']}")).json()
    assert [job["state"] for job in told["jobs"]] == ["finished"]


async def test_a_job_is_cancelled_between_chunks_and_resumed_behind_them(
    sender: Sender, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_CHUNKS", 2)
    job = await sender.start(sender.rides(55))
    [promise] = await owed(worker.db)
    await tasks.work(worker, promise)
    told = await sender.job(job["id"])
    assert told["state"] == "running"
    some = told["accepted"]
    assert 0 < some < 55
    assert told["eta_s"] is not None
    cancelled = await sender.ask("POST", f"/jobs/{job['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert (await sender.ask("POST", f"/jobs/{job['id']}/cancel")).json()["state"] == "cancelled"
    await work_off(worker)
    assert (await sender.job(job["id"]))["accepted"] == some
    resumed = await sender.ask("POST", f"/jobs/{job['id']}/resume")
    assert resumed.json()["state"] == "waiting"
    await work_off(worker)
    told = await sender.job(job["id"])
    assert (told["state"], told["accepted"], told["duplicates"]) == ("finished", 55, 0)
    for verb in ("cancel", "resume"):
        refused = await sender.ask("POST", f"/jobs/{job['id']}/{verb}")
        assert (refused.status_code, refused.json()["code"]) == (409, "intake.upload_job_is")


async def test_a_task_that_is_at_it_stops_behind_its_chunk_when_the_job_is_cancelled(
    sender: Sender, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CHUNK_ROWS", 1)
    job = await sender.start(sender.rides(400))
    [promise] = await owed(worker.db)
    running = asyncio.create_task(tasks.work(worker, promise))
    while not (await sender.job(job["id"]))["accepted"]:  # noqa: ASYNC110 - another process would tell nobody either
        await asyncio.sleep(0.02)
    await sender.ask("POST", f"/jobs/{job['id']}/cancel")
    assert await running == "done"
    stopped = await sender.job(job["id"])
    assert stopped["state"] == "cancelled"
    assert 0 < stopped["accepted"] < 400
    monkeypatch.setattr(work, "CHUNK_ROWS", 100)
    await sender.ask("POST", f"/jobs/{job['id']}/resume")
    await work_off(worker)
    assert (await sender.job(job["id"]))["accepted"] == 400


async def test_a_task_takes_some_chunks_and_promises_the_next(
    sender: Sender, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_CHUNKS", 1)
    job = await sender.start(sender.rides(35))
    assert await work_off(worker) >= 3
    assert (await sender.job(job["id"]))["accepted"] == 35


async def test_a_task_that_took_long_leaves_the_rest_to_the_next(
    sender: Sender, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_SECONDS", 0.0)
    job = await sender.start(sender.rides(35))
    assert await work_off(worker) >= 3
    assert (await sender.job(job["id"]))["accepted"] == 35


async def test_a_job_whose_promise_was_lost_is_found(sender: Sender, worker: Worker) -> None:
    job = await sender.start(sender.rides(5))
    assert await work.sweep(worker.db) == 0
    async with worker.db.transaction() as session:
        for promise in await owed(worker.db):
            await outbox.take(session, promise)
    assert await work.sweep(worker.db) == 1
    assert await work.sweep(worker.db) == 0
    await work_off(worker)
    assert (await sender.job(job["id"]))["state"] == "finished"
    assert await work.sweep(worker.db) == 0


async def test_a_promise_that_is_kept_twice_changes_nothing(sender: Sender, worker: Worker) -> None:
    job = await sender.start(sender.rides(30))
    async with worker.db.transaction() as session:
        outbox.promise(session, "intake.upload", job_id=job["id"])
    both = await asyncio.gather(*(tasks.work(worker, promise) for promise in await owed(worker.db)))
    assert both == ["done", "done"]
    await work_off(worker)
    told = await sender.job(job["id"])
    assert (told["state"], told["received"], told["accepted"]) == ("finished", 30, 30)


async def test_a_file_that_cannot_be_read_fails_with_its_code_and_may_be_resumed(
    sender: Sender, worker: Worker
) -> None:
    job = await sender.start("a,b\n1,2\n")
    await work_off(worker)
    told = await sender.job(job["id"])
    assert (told["state"], told["code"]) == ("failed", "intake.header_mismatch")
    assert (await sender.ask("POST", f"/jobs/{job['id']}/cancel")).status_code == 409
    assert (await sender.ask("POST", f"/jobs/{job['id']}/resume")).json()["state"] == "waiting"
    await work_off(worker)
    assert (await sender.job(job["id"]))["state"] == "failed"


async def test_what_was_not_accepted_is_told_by_line_in_pages_and_as_a_file(
    sender: Sender, worker: Worker
) -> None:
    bad = "".join(f"T{n},one,never,never,1\n" for n in range(7))
    job = await sender.start(HEADER + sender.ride(1) + bad + sender.ride(1, metres=9_999))
    await work_off(worker)
    lines: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await sender.ask(
            "GET",
            f"/jobs/{job['id']}/rejected",
            params={"limit": 3, **cursor},
            headers={"accept-language": "en"},
        )
        rows = page.json()["items"]
        lines += [row["line"] for row in rows]
        assert all(row["code"] and row["message"] for row in rows)
        if page.json()["next_cursor"] is None:
            break
        cursor = {"cursor": page.json()["next_cursor"]}
    assert lines == list(range(3, 11))
    assert rows[-1]["code"] == "conflict"
    file = await sender.ask("GET", f"/jobs/{job['id']}/rejected.csv")
    listed = list(csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert [int(row["line"]) for row in listed] == lines
    assert listed[0]["reason_zh"] == "不是时间"


async def test_a_trial_tells_what_would_be_and_stores_nothing(sender: Sender, worker: Worker) -> None:
    content = sender.rides(25) + sender.ride(3) + "T,one,never,never,1\n"
    trial = await sender.start(content, dry_run=True)
    await work_off(worker)
    told = await sender.job(trial["id"])
    assert (told["state"], told["dry_run"], told["done"]) == ("finished", True, 28)
    assert [told[name] for name in ("received", "accepted", "duplicates", "rejected")] == [27, 25, 1, 1]
    rows = (await sender.ask("GET", f"/jobs/{trial['id']}/rejected")).json()["items"]
    assert [(row["line"], row["field"], row["code"]) for row in rows] == [(28, "started_at", "not_a_time")]
    job = await sender.start(content)
    assert job["id"] != trial["id"]
    while_it_waits = await sender.ask("POST", f"/uploads/{job['upload_id']}/jobs", json={"dry_run": True})
    assert (while_it_waits.status_code, while_it_waits.json()["state"]) == (409, "waiting")
    await work_off(worker)
    assert (await sender.job(job["id"]))["accepted"] == 25
    again = await sender.start(content, dry_run=True)
    await work_off(worker)
    assert (await sender.job(again["id"]))["duplicates"] == 26


# --- events -------------------------------------------------------------------------------------------------------


def told_events(body: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Id, kind and data of each event."""
    found = []
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


async def test_events_follow_a_job_to_its_end_and_no_further(
    sender: Sender, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_CHUNKS", 1)
    job = await sender.start(sender.rides(35))
    listening = asyncio.create_task(sender.ask("GET", f"/jobs/{job['id']}/events"))
    await asyncio.sleep(0.1)
    while waiting := await owed(worker.db):
        await tasks.work(worker, waiting[0])
        await asyncio.sleep(0.06)
    answer = await asyncio.wait_for(listening, 10)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = told_events(answer.text)
    assert [kind for _, kind, _ in events][-1] == "end"
    assert [kind for _, kind, _ in events].count("end") == 1
    done = [data["done"] for _, _, data in events]
    assert done == sorted(done)
    assert len(set(done)) >= 3
    last = events[-1][0]
    again = await sender.ask("GET", f"/jobs/{job['id']}/events", headers={"last-event-id": events[-2][0]})
    assert [kind for _, kind, _ in told_events(again.text)] == ["end"]
    over = await sender.ask("GET", f"/jobs/{job['id']}/events", headers={"last-event-id": last})
    assert (over.status_code, over.content) == (204, b"")


async def test_a_stream_beats_while_nothing_happens_and_ends_by_itself(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BEAT_EVERY_S", 0.05)
    monkeypatch.setattr(jobs, "LONGEST_S", 0.4)
    job = await sender.start(sender.rides(1))
    answer = await sender.ask("GET", f"/jobs/{job['id']}/events")
    assert answer.text.count(": still here") >= 2
    assert [kind for _, kind, _ in told_events(answer.text)] == ["progress"]


# --- refusals -----------------------------------------------------------------------------------------------------


async def test_what_is_anothers_is_not_there(sender: Sender, new_partner: NewPartner, worker: Worker) -> None:
    job = await sender.start(sender.rides(2))
    other = Sender(await new_partner(), sender.client, sender.bikes)
    assert (await other.send(sender.rides(2))).json()["code"] == "intake.source_unknown"
    for method, path in (
        ("GET", f"/uploads/{job['upload_id']}"), ("POST", f"/uploads/{job['upload_id']}/jobs"),
        ("GET", f"/jobs/{job['id']}"), ("GET", f"/jobs/{job['id']}/events"), ("GET", f"/jobs/{job['id']}/rejected"),
        ("GET", f"/jobs/{job['id']}/rejected.csv"), ("POST", f"/jobs/{job['id']}/cancel"),
        ("POST", f"/jobs/{job['id']}/resume"),
    ):  # fmt: skip
        given: dict[str, Any] = {"json": {}} if path.endswith("/jobs") else {}
        assert (await other.ask(method, path, **given)).status_code == 404, path
    assert (await other.ask("GET", "/uploads")).json()["items"] == []
    assert len((await sender.ask("GET", "/uploads")).json()["items"]) == 1
    await work_off(worker)


async def test_a_key_of_the_sandbox_sends_no_file(sender: Sender) -> None:
    pretending = Sender(sender.partner, sender.client, sender.bikes)
    answer = await pretending.client.post(
        "/uploads",
        params={"source": sender.bikes.source, "type": "csv", "name": "a.csv"},
        content=b"x",
        headers={"content-type": "text/csv"},
        auth=sender.partner.sandbox,
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "identity.sandbox_key")


@pytest.mark.parametrize(
    ("declared", "content", "status", "code"),
    [
        ({"type": "xlsx"}, b"x", 422, "intake.upload_type_differs"),
        ({"type": "exe"}, b"x", 422, "kit.request_invalid"),
        ({"name": "../../etc/passwd"}, b"x", 422, "kit.request_invalid"),
        ({"name": ""}, b"x", 422, "kit.request_invalid"),
        ({"name": "x" * 201}, b"x", 422, "kit.request_invalid"),
        ({"source": "nobodys"}, b"x", 404, "intake.source_unknown"),
        ({"extra": "1"}, b"x", 422, "kit.request_invalid"),
    ],
)
async def test_an_upload_that_is_not_as_it_should_be_is_refused(
    sender: Sender, declared: dict[str, str], content: bytes, status: int, code: str
) -> None:
    answer = await sender.send(content, **declared)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def left(settings: Settings) -> set[Path]:
    return set(files.folder_of(settings).iterdir())


async def test_nothing_of_a_file_stays_that_is_empty_too_large_or_not_the_one_that_was_signed(
    sender: Sender, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.intake import uploads

    before = left(settings)
    monkeypatch.setattr(uploads, "MOST_BYTES", 100)
    for size, status in ((100, 201), (101, 413)):
        answer = await sender.send(b"x" * size)
        assert answer.status_code == status, answer.text
    assert len(left(settings) - before) == 1

    async def other_body() -> AsyncIterator[bytes]:
        yield b"another body"

    request = sender.client.build_request(
        "POST",
        "/uploads",
        params={"source": sender.bikes.source, "type": "csv", "name": "a.csv"},
        content=b"the body that was signed",
        headers={"content-type": "text/csv"},
    )
    for signed in sender.partner.live.auth_flow(request):
        signed.stream = httpx.Request("POST", "http://x", content=b"another body of some length").stream
        del signed.headers["content-length"]
        answer = await sender.client.send(signed)
        break
    assert (answer.status_code, answer.json()["code"]) == (400, "identity.digest_differs")
    assert len(left(settings) - before) == 1


async def test_a_body_of_json_is_never_held_whole_beyond_its_limit(sender: Sender) -> None:
    answer = await sender.client.post(
        "/uploads", content=b'"' + b"x" * (17 << 20) + b'"', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


async def test_the_events_of_a_file_count_against_the_day_and_a_trial_against_nothing(
    sender: Sender, db: Database, worker: Worker
) -> None:
    from backend.identity import partners

    async with db.transaction() as session:
        await partners.set_quota(
            session,
            organisation_id=sender.partner.id,
            quota=partners.Quota(events_per_day=10, requests_per_minute=1000),
            reason="a test",
            set_by=sender.partner.first.id,
        )
    upload = await sender.sent(sender.rides(10))  # eleven lines with the header
    refused = await sender.ask("POST", f"/uploads/{upload['id']}/jobs", json={})
    assert (refused.status_code, refused.json()["code"]) == (429, "identity.events_quota_reached")
    job = await sender.start(sender.rides(9))
    assert (await sender.ask("GET", "/me")).json()["events_today"] == 10
    await sender.ask("POST", f"/uploads/{job['upload_id']}/jobs", json={})
    assert (await sender.ask("GET", "/me")).json()["events_today"] == 10
    await work_off(worker)


async def test_files_go_some_time_after_their_jobs_ended_and_their_facts_stay(
    sender: Sender, worker: Worker, settings: Settings
) -> None:
    job = await sender.start(sender.rides(4))
    unasked = await sender.sent(sender.rides(5))
    waiting = await sender.start(sender.rides(6))
    async with worker.db.transaction() as session:
        for promise in await owed(worker.db):
            found = (await outbox.owed(session, promise)) or ("", {})
            if found[1]["job_id"] == waiting["id"]:
                await outbox.take(session, promise)
    await work_off(worker)
    path = files.path_of(settings, UUID(job["upload_id"]), "csv")
    await work.forget(worker.db, settings)
    assert path.exists()
    with clock.travel(clock.now() + work.KEPT_FOR + dt.timedelta(minutes=1)):
        await work.forget(worker.db, settings)
    assert not path.exists()
    assert not files.path_of(settings, UUID(unasked["id"]), "csv").exists()
    assert files.path_of(settings, UUID(waiting["upload_id"]), "csv").exists()
    told = (await sender.ask("GET", f"/uploads/{job['upload_id']}")).json()
    assert told["removed_at"] is not None
    assert told["jobs"][0]["accepted"] == 4
    gone = await sender.ask("POST", f"/uploads/{unasked['id']}/jobs", json={})
    assert (gone.status_code, gone.json()["code"]) == (410, "intake.upload_gone")
    again = await sender.send(sender.rides(5))
    assert (again.status_code, again.json()["id"] != unasked["id"]) == (201, True)
