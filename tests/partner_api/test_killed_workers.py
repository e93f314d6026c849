"""A worker is killed at twenty random moments of a job, and the broker forgets everything: the totals are those of one clean run."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import pytest
import redis.asyncio
from sqlalchemy import text

from backend import intake
from backend.intake import uploads
from backend.intake.uploads import tasks as work
from backend.kit import outbox, tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui import runtime
from puhui.audit import audit
from tests.kit.test_outbox import let_pass
from tests.partner_api.bikes import HEADER, Bikes, ride
from tests.partner_api.conftest import NewPartner

SEED = 20261122
KILLS = 20
ROWS = 1500
RIDERS = 12
BROKER_DATABASE = 6  # of the test servers' Valkey, so that emptying it disturbs no other test

# Does what it is told of by outbox id, each time in a process of its own: the very function that Celery calls.
HOST = """
    import os, sys

    from backend.intake.uploads import tasks as work
    from backend.kit import tasks
    from puhui import runtime

    work.CHUNK_ROWS, work.MOST_CHUNKS = 20, 6
    work._library()
    app = tasks.make_app(runtime.load_settings())
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(0 if app.tasks["intake.upload"](int(line)) in {"done", "nothing"} else 3)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)
"""

# A whole Celery worker, whose chunks are small.
WORKER = """
    from backend.intake.uploads import tasks as work
    from backend.kit import logging, tasks
    from puhui import runtime

    work.CHUNK_ROWS, work.MOST_CHUNKS = 40, 3
    logging.configure()
    app = tasks.make_app(runtime.load_settings())
"""


@dataclass
class Sent:
    """A partner's file, kept and not yet taken in."""

    bikes: Bikes
    sender: uploads.Sender
    upload: uploads.Upload
    riders: list[UUID]

    async def start(self) -> UUID:
        async with self.bikes.db.transaction() as session:
            job_id = uploads.new_id()
            await uploads.start(
                session,
                self.sender,
                self.upload,
                job_id=job_id,
                dry_run=False,
                events=self.upload.lines or 0,
            )
            return job_id

    async def job(self, job_id: UUID) -> uploads.UploadJob:
        async with self.bikes.db.transaction() as session:
            return await uploads.job_of(session, self.sender, job_id)

    async def totals(self, job_id: UUID) -> dict[str, Any]:
        """Everything that is to be the same in every run: counts, acts, grams, and the points of each rider."""
        job = await self.job(job_id)
        async with self.bikes.db.transaction() as session:
            stored = await session.execute(
                text("""
                    SELECT count(*), sum(a.grams)::bigint, sum(a.points)::bigint, count(DISTINCT a.line), max(a.line)
                    FROM action a JOIN intake_source s ON s.id = a.source_id WHERE s.code = :code
                """),
                {"code": self.bikes.source},
            )
            acts = tuple(stored.one())
        return {
            "counts": job.counts,
            "acts": acts,
            "points": [await self.bikes.points(who) for who in self.riders],
            "refused": [row.line for row in await self._refused(job)],
        }

    async def _refused(self, job: uploads.UploadJob) -> list[Any]:
        async with self.bikes.db.transaction() as session:
            return await uploads.rejected(session, self.bikes.settings, job, after=0, limit=10_000)


def rows(name: str) -> str:
    """Rides, some of them twice and some with a fault, of accounts that no other file names."""
    dice = random.Random(SEED)
    lines = []
    for number in range(ROWS):
        account = f"{name}-{number % RIDERS}"
        minute = 40 * (number // RIDERS)
        good = ride(account, minute, metres=1_000 + dice.randrange(4_000), day="2026-10-01")
        lines.append(good if dice.random() > 0.03 else good.replace("2026-", "never-", 1))
        if dice.random() < 0.03:
            lines.append(good)
    return HEADER + "".join(lines)


async def send(db: Database, settings: Settings, new_partner: NewPartner, name: str) -> Sent:
    partner = await new_partner()
    bikes = Bikes(db, settings, partner=partner.code)
    await bikes.open()
    riders = [await bikes.rider(f"{name}-{number}") for number in range(RIDERS)]
    sender = uploads.Sender(organisation_id=partner.id, key_id=partner.live.key_id)
    content = rows(name).encode()

    async def body() -> AsyncIterator[bytes]:
        yield content

    upload_id = uploads.new_id()
    received = await uploads.receive(
        settings, body(), upload_id=upload_id, file_type="csv", most_bytes=1 << 30
    )
    async with db.transaction() as session:
        upload = await uploads.record(
            session,
            sender,
            upload_id=upload_id,
            source=await intake.source_of(session, bikes.source),
            file_name="rides.csv",
            file_type="csv",
            received=received,
        )
    return Sent(bikes, sender, upload, riders)


async def owed(db: Database) -> list[int]:
    async with db.transaction() as session:
        found = await session.execute(
            text("SELECT id FROM kit_outbox WHERE task = 'intake.upload' AND done_at IS NULL ORDER BY id")
        )
        return list(found.scalars())


class Host:
    """A process that does tasks in children, one at a time."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.environment = runtime.child_environment(settings) | {
            "PYTHONPATH": str(Path(__file__).parents[2])
        }
        self.log = (folder / "host.log").open("ab")

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOST)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self._line() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    async def do(self, promise: int, *, kill_after: float | None = None) -> bool:
        """Do one task; True when it was killed in the middle."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{promise}\n")
        self.process.stdin.flush()
        child = int(await asyncio.to_thread(self._line))
        ended = asyncio.create_task(asyncio.to_thread(self._line))
        if kill_after is not None:
            await asyncio.wait({ended}, timeout=kill_after)
            if not ended.done():
                os.kill(child, signal.SIGKILL)
        status = int(await ended)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
        return os.WIFSIGNALED(status)


async def to_the_end(db: Database, sent: Sent, job_id: UUID, host: Host, dice: random.Random | None) -> int:
    """Let a job be done, killing its worker `KILLS` times where there are dice; how often it was killed."""
    killed = 0
    while not (job := await sent.job(job_id)).ended:
        waiting = await owed(db)
        if not waiting:
            await work.sweep(db)  # what nobody owes any more is found
            continue
        delay = None
        if (
            dice is not None and killed < KILLS
        ):  # where the job is ahead of the hand that kills, that is quicker
            ahead = job.done * KILLS > (job.total or 0) * killed
            delay = dice.uniform(0.01, 0.1) if ahead else dice.uniform(0.05, 0.6)
        killed += await host.do(dice.choice(waiting) if dice else waiting[0], kill_after=delay)
    return killed


_clean: dict[str, dict[str, Any]] = {}


async def totals_of_a_clean_run(
    db: Database, settings: Settings, new_partner: NewPartner, host: Host
) -> dict[str, Any]:
    """What a run comes to that nobody disturbs; made once."""
    if not _clean:
        sent = await send(db, settings, new_partner, "clean")
        job = await sent.start()
        assert await to_the_end(db, sent, job, host, None) == 0
        _clean["totals"] = await sent.totals(job)
    return _clean["totals"]


@pytest.mark.timeout(240)
async def test_a_worker_killed_at_twenty_moments_counts_what_a_clean_run_counts(
    db: Database, settings: Settings, new_partner: NewPartner, tmp_path: Path
) -> None:
    disturbed = await send(db, settings, new_partner, "killed")
    with Host(settings, tmp_path) as host:
        expected = await totals_of_a_clean_run(db, settings, new_partner, host)
        job = await disturbed.start()
        killed = await to_the_end(db, disturbed, job, host, random.Random(SEED))
    assert killed == KILLS, "the job ended before it was killed often enough"
    assert expected["counts"].accepted > 0.9 * ROWS * 0.9
    assert expected["counts"].duplicates > 0
    assert expected["counts"].rejected > 0
    assert await disturbed.totals(job) == expected
    report = await audit(db, settings)
    violations = [str(one) for result in report.results for one in result.checked.violations]
    assert report.passed, violations


@contextmanager
def celery(settings: Settings, folder: Path) -> Iterator[Path]:
    """A real Celery worker; the file that it logs to."""
    (folder / "uploading_worker.py").write_text(textwrap.dedent(WORKER), "utf-8")
    log = folder / "worker.log"
    path = os.pathsep.join((str(folder), str(Path(__file__).parents[2])))
    command = [
        sys.executable,
        "-m",
        "celery",
        "--app",
        "uploading_worker:app",
        "worker",
        "--concurrency",
        "2",
    ]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            env=runtime.child_environment(settings) | {"PYTHONPATH": path},
            stdout=out,
            stderr=out,
        )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.timeout(240)
async def test_a_broker_that_forgets_everything_in_the_middle_delays_a_job_and_changes_nothing(
    db: Database, settings: Settings, new_partner: NewPartner, tmp_path: Path
) -> None:
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value().replace("&db=0", f"&db={BROKER_DATABASE}")
    given = {
        name: getattr(settings, name).get_secret_value() for name in ("database_url", "owner_database_url")
    }
    own = settings.with_servers(**given, redis_url=url)
    broker = redis.asyncio.Redis.from_url(tasks.client_url(url))
    await broker.flushdb()
    ring = tasks.bell(tasks.make_app(own))
    disturbed = await send(db, settings, new_partner, "flushed")
    with Host(settings, tmp_path) as host:
        expected = await totals_of_a_clean_run(db, settings, new_partner, host)
    second = await disturbed.start()
    flushed = 0
    with celery(own, tmp_path) as log:
        for _ in range(900):
            job = await disturbed.job(second)
            if job.ended:
                break
            await outbox.relay_once(db, ring)
            if flushed < 3 and job.done > flushed * 400:
                await broker.flushdb()  # what was rung is forgotten, what the workers keep there is, too
                flushed += 1
                await let_pass(db, outbox.TERM)
            await asyncio.sleep(0.1)
            await let_pass(db, outbox.TERM / 20)
        else:
            raise AssertionError(log.read_text("utf-8"))
    await broker.flushdb()
    await broker.aclose()
    assert flushed == 3
    assert await disturbed.totals(second) == expected
    report = await audit(db, settings)
    violations = [str(one) for result in report.results for one in result.checked.violations]
    assert report.passed, violations
