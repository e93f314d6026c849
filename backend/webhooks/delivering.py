"""Delivering: whoever takes a delivery tries it once, notes what came of it, and says when it is tried again.

A delivery is leased, not locked, while it is tried: a worker that dies loses two minutes. So a message arrives at least
once; its id is the same at every try.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import httpcore

from backend.kit import clock, logging
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.webhooks import queries, signing, targets
from backend.webhooks.errors import TargetRefused
from backend.webhooks.model import Form, Sending

LEASE = dt.timedelta(minutes=2)
TRIED_WITHIN_S = 15
REDIRECTS = 2
EACH, MOST = 10, 100  # deliveries of one endpoint, and of all, at a time
AT_ONCE = 20
WORKS_FOR_S = 30
FAILING_AFTER = dt.timedelta(days=5)
_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
WAITS = tuple(
    dt.timedelta(seconds=each) for each in _SECONDS
)  # between the tries of a round: three days in all
LONGEST_WAIT = dt.timedelta(days=1)

_log = logging.get("puhui.webhooks")


@dataclass(frozen=True, slots=True)
class Result:
    """What a try came to. `status` is what was answered, `fault` why nothing was, `wait_s` what the receiver asked for."""

    status: int | None = None
    fault: str | None = None
    wait_s: int = 0

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def wait_after(
    tries: int, *, asked_s: int = 0, chance: Callable[[float, float], float] = random.uniform
) -> dt.timedelta | None:
    """How long to wait after so many tries, a fifth more or less; None: no more. What the receiver asks for is kept to, up
    to a day.
    """
    if tries > len(WAITS):
        return None
    planned = WAITS[tries - 1] * chance(0.8, 1.2)
    return max(planned, min(dt.timedelta(seconds=asked_s), LONGEST_WAIT))


async def deliver_due(db: Database, settings: Settings) -> int:
    """Try what is due, some at a time, for most of a minute at most; how many tries were made."""
    tried, until = 0, time.monotonic() + WORKS_FOR_S
    while True:
        sendings = await _claim(db)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(sending: Sending, gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                await _try(db, settings, sending)

        await asyncio.gather(*(one(sending) for sending in sendings))
        tried += len(sendings)
        if len(sendings) < EACH or time.monotonic() > until:
            return tried


async def _claim(db: Database) -> list[Sending]:
    now = clock.now()
    given = {"now": now, "lease": now + LEASE, "each": EACH, "most": MOST}
    async with db.transaction() as session:
        rows = await session.execute(queries.CLAIM, given)
        return [
            Sending(**{**row._mapping, "form": Form(row.form), "secrets": tuple(row.secrets)})  # noqa: SLF001
            for row in rows
        ]


async def _try(db: Database, settings: Settings, sending: Sending) -> None:
    began, at = time.monotonic(), clock.now()
    try:
        async with asyncio.timeout(TRIED_WITHIN_S):
            result = await _post(settings, sending, now=at)
    except TargetRefused as refused:
        result = Result(fault=f"refused:{refused.reason}")
    except TimeoutError:
        result = Result(fault="timeout")
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
        result = Result(fault=type(error).__name__)
    took_ms = int((time.monotonic() - began) * 1_000)
    async with db.transaction() as session:
        noted = {"delivery": sending.id, "number": sending.attempts, "at": at, "took_ms": took_ms}
        await session.execute(queries.NOTE, {**noted, "status": result.status, "fault": result.fault})
        mine = {"id": sending.id, "attempts": sending.attempts}
        now = clock.now()
        if result.arrived:
            await session.execute(queries.END, {**mine, "state": "delivered", "at": now})
            return
        if result.status == 410:  # the receiver says that it is gone for good
            await session.execute(queries.DISABLE, {"id": sending.endpoint_id, "at": now, "because": "gone"})
            await session.execute(queries.GIVE_UP_WAITING, {"id": sending.endpoint_id, "at": now})
            return
        wait = wait_after(sending.round, asked_s=result.wait_s)
        if wait is not None:
            await session.execute(queries.AGAIN, {**mine, "next_at": now + wait})
            return
        await session.execute(queries.END, {**mine, "state": "given_up", "at": now})
        since = {"endpoint": sending.endpoint_id, "since": now - FAILING_AFTER}
        if not (await session.execute(queries.DELIVERED_SINCE, since)).scalar_one():
            await session.execute(
                queries.DISABLE, {"id": sending.endpoint_id, "at": now, "because": "failing"}
            )
            _log.warning("webhook disabled", webhook_id=str(sending.endpoint_id), because="failing")


async def _post(settings: Settings, sending: Sending, *, now: dt.datetime) -> Result:
    body = signing.body_of(event=sending.event, happened_at=sending.happened_at, data=sending.data)
    signed = signing.headers(
        settings.keys,
        form=sending.form,
        secrets=sending.secrets,
        message_id=sending.message_id,
        body=body,
        now=now,
    )
    sent = {**signed, "content-type": "application/json", "user-agent": "puhui-webhooks/1"}
    url = sending.url
    for _ in range(REDIRECTS + 1):
        host, port = targets.judge(settings, url)  # at every hop: a redirect is another address
        sent["host"] = _authority(host, port, encrypted=url.startswith("https:"))
        status, location, wait_s = await _once(settings, url, sent, body.encode())
        if status not in {307, 308} or location is None:
            return Result(status=status, wait_s=wait_s)
        if url.startswith("https:") and not urljoin(url, location).startswith("https:"):
            raise TargetRefused(reason="not_https")
        url = urljoin(url, location)
    return Result(fault="redirects")


async def _once(
    settings: Settings, url: str, sent: dict[str, str], body: bytes
) -> tuple[int, str | None, int]:
    backend = targets.GuardedBackend(settings, encrypted=url.startswith("https:"))
    timeouts = {"connect": 5.0, "write": 5.0, "read": 10.0, "pool": 1.0}
    async with (
        httpcore.AsyncConnectionPool(network_backend=backend, max_connections=1) as pool,
        pool.stream(
            "POST", url, headers=list(sent.items()), content=body, extensions={"timeout": timeouts}
        ) as response,  # the answer's body is not read: whatever it holds, it is not ours to keep
    ):
        said = {name.lower(): value for name, value in response.headers}
        location = said.get(b"location")
        return response.status, location.decode("latin-1") if location else None, _asked_s(said)


def _authority(host: str, port: int, *, encrypted: bool) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port == (443 if encrypted else 80) else f"{shown}:{port}"


def _asked_s(said: dict[bytes, bytes]) -> int:
    """Seconds that the receiver asks us to wait (`Retry-After`), 0 when it does not."""
    value = said.get(b"retry-after", b"").decode("latin-1").strip()
    if value.isdigit():
        return min(int(value[:9]), int(LONGEST_WAIT.total_seconds()))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0, int((moment - clock.now()).total_seconds()))
