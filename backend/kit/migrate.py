"""Bring the owner's database to the newest revision; safe to run again and from several places at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from backend.kit.settings import Settings

_LOCK = 7_318_001  # any constant: the advisory lock of migrations


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str | None:
    """The revision that this code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head()


After = Callable[[Connection], None]


async def upgrade(settings: Settings, *, after: Sequence[After] = ()) -> bool:
    """Apply what is missing, as the owner; True when a revision was applied.

    `after` holds what nouns keep in step with their data files; each runs every time, in the same transaction.
    """
    if settings.owner_database_url is None:
        raise ValueError("PUHUI_OWNER_DATABASE_URL is not set; migrations need the owner's role")
    url = make_url(settings.owner_database_url.get_secret_value()).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            return bool(await connection.run_sync(_upgrade, after))
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, after: Sequence[After]) -> bool:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    outdated = current_revision(connection) != newest_revision()
    if outdated:
        command.upgrade(_config(connection), "head")
        connection.execute(text("GRANT SELECT ON alembic_version TO puhui_app"))  # it may ask where it stands
    for step in after:
        step(connection)
    return bool(outdated)


def current_revision(connection: Connection) -> Any:
    """The revision that the database stands at, or None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()
