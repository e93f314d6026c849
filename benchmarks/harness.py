"""Rounds that alternate between us and the reference, and the figures that come of them."""

from __future__ import annotations

import json
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from backend.kit.db import connect_arguments
from backend.kit.ids import uuid7
from backend.kit.settings import Settings
from puhui import embedded, runtime


@dataclass(slots=True)
class Round:
    """One round: our rate and the reference's, in units per second."""

    rate: float
    reference_rate: float

    @property
    def ratio(self) -> float:
        return self.rate / self.reference_rate


@dataclass(slots=True)
class Report:
    """The rounds of one benchmark; the ratio told is the median of the rounds' ratios."""

    name: str
    unit: str
    reference: str
    rounds: list[Round] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    rows_before: int = 0
    notes: dict[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        ratios = sorted(round_.ratio for round_ in self.rounds)
        return {
            "name": self.name,
            "unit": self.unit,
            "rate": round(statistics.median(round_.rate for round_ in self.rounds), 1),
            "reference": self.reference,
            "reference_rate": round(statistics.median(round_.reference_rate for round_ in self.rounds), 1),
            "ratio": round(statistics.median(ratios), 3),
            "ratio_min": round(ratios[0], 3),
            "ratio_max": round(ratios[-1], 3),
            "rounds": len(ratios),
            "p50_ms": _percentile(self.latencies_ms, 50),
            "p99_ms": _percentile(self.latencies_ms, 99),
            "rows_before": self.rows_before,
            **self.notes,
        }

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), ensure_ascii=False)


def _percentile(values: list[float], percent: int) -> float | None:
    if len(values) < 2:
        return None
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 3)


@dataclass(frozen=True, slots=True)
class Bench:
    """A database of the benchmark's own on the embedded server, dropped at the end."""

    settings: Settings
    superuser_url: str = field(repr=False)


@asynccontextmanager
async def scratch(servers: embedded.Servers, settings: Settings) -> AsyncIterator[Bench]:
    """A migrated database that nobody else uses."""
    name = f"puhui_bench_{uuid7().hex[-12:]}"
    await _command(servers.superuser_url, f"CREATE DATABASE {name} OWNER puhui_owner")
    try:
        here = settings.model_copy(
            update={
                "database_url": SecretStr(_on(servers.database_url, name)),
                "owner_database_url": SecretStr(_on(servers.owner_database_url, name)),
                "redis_url": SecretStr(servers.redis_url),
            }
        )
        await runtime.migrate_async(here)
        yield Bench(here, _on(servers.superuser_url, name))
    finally:
        await _command(servers.superuser_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@asynccontextmanager
async def superuser(bench: Bench) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A superuser's connection to the benchmark's database, for set-up and references."""
    connection = await asyncpg.connect(**connect_arguments(bench.superuser_url))
    try:
        yield connection
    finally:
        await connection.close()


def _on(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def _command(url: str, statement: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(_on(url, "postgres")))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
