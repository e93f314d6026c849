"""Prometheus metrics: requests by route template, the outbox, and gauges that a job recorded in the database.

With several web processes set `PROMETHEUS_MULTIPROC_DIR` to an empty folder before they start; then whichever is
asked answers for all of them. Without it, each process counts for itself.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client import Gauge as AnyGauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

registry = CollectorRegistry()
Gauge = partial(AnyGauge, multiprocess_mode="mostrecent")

_requests = Counter(
    "puhui_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
)
_seconds = Histogram(
    "puhui_http_request_seconds",
    "Time to the last byte of the answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)
_outbox_waiting = Gauge("puhui_outbox_waiting", "Promised work that was not yet relayed.", registry=registry)
_outbox_unanswered = Gauge(
    "puhui_outbox_unanswered", "Work that was relayed and is not yet done.", registry=registry
)
_outbox_oldest = Gauge(
    "puhui_outbox_oldest_seconds", "Age of the oldest promise that is not yet done.", registry=registry
)
_recorded = Gauge("puhui_recorded", "Latest value that a job recorded.", ["name"], registry=registry)
_recorded_at = Gauge(
    "puhui_recorded_timestamp_seconds", "When a job recorded it (Unix time).", ["name"], registry=registry
)


def observe_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is a template, never an address with values in it."""
    answered, took = _children(method if method in METHODS else "OTHER", route, status)
    answered.inc()
    took.observe(seconds)


@lru_cache(maxsize=4096)  # above what routes and statuses there are
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(method, route, str(status)), _seconds.labels(method, route)


async def record(session: AsyncSession, name: str, value: float) -> None:
    """Keep a job's figure (`audit_violations`, …) where every process's `/metrics` can read it."""
    await session.execute(
        text("""
            INSERT INTO kit_gauge (name, value) VALUES (:name, :value)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value, measured_at = now()
        """),
        {"name": name, "value": value},
    )


async def collect(session: AsyncSession) -> bytes:
    """The page that Prometheus scrapes."""
    depth = await session.execute(
        text("""
            SELECT count(*) FILTER (WHERE relayed_at IS NULL),
                   count(*) FILTER (WHERE relayed_at IS NOT NULL),
                   coalesce(extract(epoch FROM clock_timestamp() - min(promised_at)), 0)
            FROM kit_outbox WHERE done_at IS NULL
        """)
    )
    waiting, unanswered, oldest = depth.one()
    _outbox_waiting.set(waiting)
    _outbox_unanswered.set(unanswered)
    _outbox_oldest.set(float(oldest))
    gauges = await session.execute(text("SELECT name, value, extract(epoch FROM measured_at) FROM kit_gauge"))
    for name, value, at in gauges:
        _recorded.labels(name).set(value)
        _recorded_at.labels(name).set(float(at))
    return page()


def page() -> bytes:
    """The figures as they stand, in Prometheus' text format."""
    return generate_latest(_of_all_processes() if "PROMETHEUS_MULTIPROC_DIR" in os.environ else registry)


def _of_all_processes() -> CollectorRegistry:
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
