"""The one way commands reach the servers: settings, servers, migrations, connections.

with runtime.platform() as settings:          # embedded servers started or reused, schema up to date
    asyncio.run(work(settings))

async with runtime.database(settings) as db:   # closed at the end
    async with db.transaction() as session: …
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr, ValidationError

from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings

if TYPE_CHECKING:
    from backend.kit.db import Database
    from puhui import embedded

T = TypeVar("T")

STANDARD_DATABASE = "puhui"


@dataclass(eq=False)
class SettingsInvalid(DomainError):
    """The settings in the environment do not fit together; `puhui doctor` says more."""

    code = "puhui.settings_invalid"
    kind = Kind.INVALID
    title_zh = "环境变量中的设置有误；`puhui doctor` 给出详情。"

    reason: str


@dataclass(eq=False)
class OwnerUrlMissing(DomainError):
    """Migrations need the owning role: set PUHUI_OWNER_DATABASE_URL."""

    code = "puhui.owner_url_missing"
    kind = Kind.INVALID
    title_zh = "迁移需要表的所有者角色：请设置 PUHUI_OWNER_DATABASE_URL。"


@dataclass(eq=False)
class DatabaseUrlMissing(DomainError):
    """No database is named: set PUHUI_DATABASE_URL."""

    code = "puhui.database_url_missing"
    kind = Kind.INVALID
    title_zh = "没有指定数据库：请设置 PUHUI_DATABASE_URL。"


@dataclass(eq=False)
class SchemaOutdated(DomainError):
    """The database's schema is not the one this code expects; run `puhui migrate`."""

    code = "puhui.schema_outdated"
    kind = Kind.UNAVAILABLE
    title_zh = "数据库结构与本程序不符；请运行 `puhui migrate`。"

    found: str
    expected: str


@dataclass(eq=False)
class RootKeyChanged(DomainError):
    """This database was begun with another root key: with this one, acts that were claimed could be claimed again. Set PUHUI_ROOT_KEY to the first master key."""

    code = "puhui.root_key_changed"
    kind = Kind.CONFLICT
    title_zh = "该数据库以另一根密钥建立：用现在的密钥，已认领的行为会被再次认领。请将 PUHUI_ROOT_KEY 设为最初的主密钥。"


def load_settings() -> Settings:
    """The settings from the environment. Raises SettingsInvalid, which never quotes a value."""
    try:
        return Settings()
    except ValidationError as error:
        reasons = [
            ".".join(str(part) for part in fault["loc"]) + ": " + fault["msg"]
            if fault["loc"]
            else fault["msg"]
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise SettingsInvalid(reason="; ".join(reasons)) from None


@contextmanager
def servers(settings: Settings | None = None) -> Iterator[Settings]:
    """Settings with running servers behind them; the schema is left as it is."""
    settings = settings or load_settings()
    if not settings.embedded or settings.database_url is not None:
        yield settings  # given servers, or a child of a command that started the embedded ones
        return
    from puhui import embedded

    with embedded.servers(settings.data_dir) as running:
        yield on_embedded(settings, running)


@contextmanager
def servers_if_running(settings: Settings) -> Iterator[Settings | None]:
    """The same, but starts nothing: None when the embedded servers do not run."""
    if settings.embedded and settings.database_url is None:
        from puhui import embedded

        now = embedded.status(settings.data_dir)
        if not (now.postgres and now.valkey):
            yield None
            return
    with servers(settings) as ready:
        yield ready


def on_embedded(settings: Settings, running: embedded.Servers) -> Settings:
    """These settings, pointed at their database of the embedded servers.

    Another database than the usual one has a log of another name and a broker database of its own, so that neither
    its signed heads nor its tasks can be taken for the platform's.
    """
    name = settings.embedded_database
    if name == STANDARD_DATABASE:
        origin, redis_url = settings.log_origin, running.redis_url
    else:
        origin = f"{settings.log_origin}/{name}"
        redis_url = running.redis_url.replace("&db=0", "&db=1")
    return settings.with_servers(
        database_url=on_database(running.database_url, name),
        owner_database_url=on_database(running.owner_database_url, name),
        redis_url=redis_url,
    ).model_copy(update={"log_origin": origin})


def on_database(url: str, name: str) -> str:
    """The same server and role, another database."""
    from sqlalchemy.engine import make_url

    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def platform(settings: Settings | None = None) -> Iterator[Settings]:
    """Settings with running servers and the newest schema behind them.

    The embedded database is migrated when needed. A given one is migrated only by `puhui migrate`: several
    machines may share it. Raises SchemaOutdated there.
    """
    with servers(settings) as ready:
        if ready.embedded:
            migrate(ready)
        else:
            require_schema(ready)
        require_root(ready)
        yield ready


async def migrate_async(settings: Settings) -> bool:
    """Bring the schema to the newest revision; True when something was applied."""
    if settings.owner_database_url is None:
        raise OwnerUrlMissing
    from backend.kit import migrate as migrations
    from backend.ledger import chart

    return await migrations.upgrade(settings, after=(chart.sync,))


def migrate(settings: Settings) -> bool:
    """The same, for callers without an event loop."""
    return run(migrate_async(settings))


def revisions(settings: Settings) -> tuple[str | None, str | None]:
    """The revision that the database stands at, and the one this code expects."""
    from backend.kit import migrate as migrations
    from backend.kit.db import DatabaseUnavailable, connect_arguments, errors_from_database

    async def stands_at() -> str | None:
        import asyncpg

        url = settings.owner_database_url or settings.database_url
        if url is None:
            return None
        with errors_from_database():
            try:
                connection = await asyncpg.connect(**connect_arguments(url.get_secret_value()))
            except OSError as error:  # a socket or host that is not there
                raise DatabaseUnavailable from error
            try:
                if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
                    return None
                found = await connection.fetchval("SELECT version_num FROM alembic_version")
                return None if found is None else str(found)
            finally:
                await connection.close()

    return run(stands_at()), migrations.newest_revision()


def require_schema(settings: Settings) -> None:
    """Raise SchemaOutdated unless the database stands at the newest revision."""
    found, expected = revisions(settings)
    if found != expected:
        raise SchemaOutdated(found=found or "empty", expected=expected or "none")


def require_root(settings: Settings) -> None:
    """Raise RootKeyChanged when the log's first key, which comes from the root, is not of these settings' root."""
    from backend.kit.db import DatabaseUnavailable, connect_arguments, errors_from_database

    async def first_keys() -> list[bytes]:
        import asyncpg

        assert settings.database_url is not None
        with errors_from_database():
            try:
                connection = await asyncpg.connect(
                    **connect_arguments(settings.database_url.get_secret_value())
                )
            except OSError as error:
                raise DatabaseUnavailable from error
            try:
                return [
                    row[0]
                    for row in await connection.fetch("SELECT public_key FROM log_key WHERE generation = 1")
                ]
            finally:
                await connection.close()

    own = settings.keys.ed25519("log/1").public_key().public_bytes_raw()
    if any(key != own for key in run(first_keys())):
        raise RootKeyChanged


def database_answers(settings: Settings) -> bool:
    """True when the database answers a query within five seconds."""
    from backend.kit.db import connect_arguments

    async def ask() -> bool:
        import asyncpg

        url = settings.database_url
        try:
            async with asyncio.timeout(5):
                connection = await asyncpg.connect(**connect_arguments(url.get_secret_value() if url else ""))
                try:
                    return bool(await connection.fetchval("SELECT 1") == 1)
                finally:
                    await connection.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, ValueError):
            return False

    from sqlalchemy.exc import SQLAlchemyError

    return run(ask())


def redis_answers(settings: Settings) -> bool:
    """True when Redis answers PING within five seconds."""
    import redis

    url = settings.redis_url
    try:
        client = redis.Redis.from_url(url.get_secret_value() if url else "", socket_timeout=5)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (redis.RedisError, OSError, ValueError):
        return False


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The application's connections, closed at the end, with everybody who must hear what happens over them."""
    import backend.certification  # noqa: F401 - answers for the grams of withdrawn acts that are in a batch
    from backend.kit.db import Database

    db = Database(settings)
    try:
        yield db
    finally:
        await db.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine on a fresh event loop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child process that shares this command's servers.

    It holds passwords, as every process environment with a URL does; only the same account can read it.
    """
    given: dict[str, SecretStr | None] = {
        "PUHUI_DATABASE_URL": settings.database_url,
        "PUHUI_OWNER_DATABASE_URL": settings.owner_database_url,
        "PUHUI_REDIS_URL": settings.redis_url,
    }
    urls = {name: secret.get_secret_value() for name, secret in given.items() if secret is not None}
    return {
        **os.environ,
        **urls,
        "PUHUI_DATA_DIR": str(settings.data_dir),
        "PUHUI_LOG_ORIGIN": settings.log_origin,
        "PUHUI_EMBEDDED": "true" if settings.embedded else "false",
    }
