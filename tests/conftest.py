"""What every test stands on: the real servers of the project, and a database of its own per module.

Every process that runs tests starts a PostgreSQL and a Valkey of its own: sealing waits for the oldest transaction of its
whole server. The newest schema is built once in each by the real migrations; each module gets a copy of it, made by
PostgreSQL and dropped afterwards.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from backend.kit.db import Database, connect_arguments
from backend.kit.ids import uuid7
from backend.kit.settings import Settings
from puhui import embedded, runtime

TEMPLATE = "puhui_template"
LONG = (  # files that take about two minutes or more, the longest first
    "properties/test_whole_path.py",
    "audit/test_tampering.py",
    "puhui/test_demo.py",
    "audit/test_invariants.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, so that no process is left with one when the others are done."""
    places = {Path(__file__).parent / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of this process's servers: pytest gives each process a folder of its own."""
    return tmp_path_factory.getbasetemp() / "puhui-data"


@pytest.fixture(scope="session")
def servers(data_dir: Path) -> Iterator[embedded.Servers]:
    """The running servers, with the template database migrated."""
    with embedded.servers(data_dir) as running:
        asyncio.run(_build_template(running))
        yield running


@pytest.fixture(scope="session")
def sample_data() -> Path | None:
    """The folder of real trips, where this machine has it."""
    folder = Path(os.environ.get("PUHUI_SAMPLE_DATA") or Path(__file__).parents[2] / "shared" / "data")
    return folder if folder.is_dir() else None


@pytest.fixture(scope="module")
def settings(servers: embedded.Servers, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings that point at a database of the module's own."""
    stem = re.sub(r"[^a-z0-9_]", "_", Path(request.node.name).stem.lower())[:30]
    name = f"{stem}_{uuid7().hex[-12:]}"
    asyncio.run(_as_superuser(servers, f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} OWNER puhui_owner'))
    yield settings_for(servers, name)
    asyncio.run(_as_superuser(servers, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(scope="module")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The application's way into the module's database."""
    async with runtime.database(settings) as database:
        yield database


@pytest.fixture(scope="module")
async def superuser(
    servers: embedded.Servers, settings: Settings
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A superuser's connection to the module's database: the hand that tampers."""
    assert settings.database_url is not None
    name = make_url(settings.database_url.get_secret_value()).database
    connection = await asyncpg.connect(**connect_arguments(_on(servers.superuser_url, name)))
    yield connection
    await connection.close()


def settings_for(servers: embedded.Servers, database: str) -> Settings:
    """Settings of the embedded mode that point at one database of the running servers."""
    return Settings(data_dir=servers.data_dir, embedded=True).model_copy(
        update={
            "database_url": SecretStr(_on(servers.database_url, database)),
            "owner_database_url": SecretStr(_on(servers.owner_database_url, database)),
            "redis_url": SecretStr(servers.redis_url),
            "rate_limit_factor": 1000,  # one address makes all requests of a test
        }
    )


def _on(url: str, database: str | None) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def _as_superuser(servers: embedded.Servers, statement: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(_on(servers.superuser_url, "postgres")))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _build_template(servers: embedded.Servers) -> None:
    connection = await asyncpg.connect(**connect_arguments(_on(servers.superuser_url, "postgres")))
    try:
        await connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER puhui_owner")
    finally:
        await connection.close()
    await asyncio.to_thread(runtime.migrate, settings_for(servers, TEMPLATE))
