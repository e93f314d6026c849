"""How commands reach the servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.kit.db import Database, DatabaseUnavailable
from backend.kit.settings import Settings
from puhui import embedded, runtime


def test_a_platform_has_running_servers_and_the_newest_schema(tmp_path: Path) -> None:
    with runtime.platform(Settings(data_dir=tmp_path / "data", embedded=True)) as settings:
        found, expected = runtime.revisions(settings)
        assert found == expected
        assert runtime.database_answers(settings)
        assert runtime.redis_answers(settings)
        child = Settings(
            **{
                name.removeprefix("PUHUI_").lower(): value
                for name, value in runtime.child_environment(settings).items()
                if name in {"PUHUI_DATABASE_URL", "PUHUI_REDIS_URL", "PUHUI_DATA_DIR", "PUHUI_EMBEDDED"}
            }  # type: ignore[arg-type]
        )
        with runtime.servers(child) as same:
            assert same is child, "a part of the platform starts no servers of its own"
        assert child.keys.derive("x") == settings.keys.derive("x")
    assert not embedded.status(tmp_path / "data").postgres


@pytest.mark.parametrize("stopped", ["cleanly", "never started"])
def test_a_database_that_is_not_there_is_unavailable_and_not_a_fault(tmp_path: Path, stopped: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", embedded=True)
    if stopped == "cleanly":
        with runtime.servers(settings) as running:
            settings = running
    else:
        nowhere = f"postgresql+asyncpg://puhui_app@/puhui?host={tmp_path}"
        settings = settings.with_servers(
            database_url=nowhere, owner_database_url=nowhere, redis_url="unix:///x"
        )

    async def ask() -> None:
        async with runtime.database(settings) as db:
            for way in (_by_session, _by_hot_connection):
                with pytest.raises(DatabaseUnavailable):
                    await way(db)

    asyncio.run(ask())
    with pytest.raises(DatabaseUnavailable):
        runtime.revisions(settings)
    assert not runtime.database_answers(settings)


async def _by_session(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(text("SELECT 1"))


async def _by_hot_connection(db: Database) -> None:
    async with db.hot_transaction() as connection:
        await connection.execute("SELECT 1")
