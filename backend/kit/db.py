"""The database: one transaction per request or task, and the two ways into it.

`transaction()` gives a SQLAlchemy session; nearly everything uses it. `hot_transaction()` gives a plain asyncpg
connection from a pool of its own, for the few named hot verbs; the two are never mixed in one request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings


@dataclass(eq=False)
class DatabaseUnavailable(DomainError):
    """The database cannot be reached now; try again."""

    code = "kit.database_unavailable"
    kind = Kind.UNAVAILABLE
    title_zh = "暂时无法连接数据库，请稍后重试。"


@dataclass(eq=False)
class TransactionCollided(DomainError):
    """Another transaction was in the way; the same request may be sent again."""

    code = "kit.transaction_collided"
    kind = Kind.UNAVAILABLE
    title_zh = "与另一事务冲突，可以原样重发请求。"


@dataclass(eq=False)
class ValueNotStorable(DomainError):
    """A value cannot be stored: it is too large or holds characters that text may not hold."""

    code = "kit.value_not_storable"
    kind = Kind.INVALID
    title_zh = "有一个值无法保存：过大，或含有文本不允许的字符。"


@dataclass(eq=False)
class RecordImmutable(DomainError):
    """The record is kept as it is; a correction is a further record."""

    code = "kit.record_immutable"
    kind = Kind.CONFLICT
    title_zh = "该记录不可更改；更正须另记一条。"


Factory = Callable[[dict[str, Any]], DomainError]
_by_sqlstate: dict[str, Factory] = {
    "PK001": lambda _: RecordImmutable(),
    "40P01": lambda _: TransactionCollided(),
    "40001": lambda _: TransactionCollided(),
    "55P03": lambda _: TransactionCollided(),
    "22000": lambda _: ValueNotStorable(),  # also what the driver says of a value that it cannot encode
    "22003": lambda _: ValueNotStorable(),
    "22008": lambda _: ValueNotStorable(),
    "22021": lambda _: ValueNotStorable(),
    "22P05": lambda _: ValueNotStorable(),
    "57P01": lambda _: DatabaseUnavailable(),
    "57P03": lambda _: DatabaseUnavailable(),
    "53300": lambda _: DatabaseUnavailable(),
}


_by_constraint: dict[str, Callable[[], DomainError]] = {}


def name_constraint(constraint: str, factory: Callable[[], DomainError]) -> None:
    """Let the violation of a noun's own constraint become that noun's refusal."""
    _by_constraint[constraint] = factory


def name_sqlstate(sqlstate: str, factory: Factory) -> None:
    """Let a noun's own SQLSTATE, with its JSON detail, become that noun's refusal."""
    _by_sqlstate[sqlstate] = factory


@contextmanager
def errors_from_database() -> Iterator[None]:
    """Turn the driver's errors, wrapped or raw, into refusals where we have a name for them."""
    try:
        yield
    except (DBAPIError, InterfaceError) as error:
        named = _named(getattr(error, "orig", None) or error)
        if named is None:
            raise
        raise named from error
    except NoConnectionFree as error:
        raise DatabaseUnavailable from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        named = _named(error)
        if named is None:
            raise
        raise named from error


def _named(error: BaseException) -> DomainError | None:
    state = getattr(error, "sqlstate", None)
    cause = error.__cause__
    if isinstance(state, str) and state in _by_sqlstate:
        detail = getattr(error, "detail", None) or getattr(cause, "detail", None)
        return _by_sqlstate[state](_facts(detail))
    constraint = getattr(error, "constraint_name", None) or getattr(cause, "constraint_name", None)
    if constraint in _by_constraint:
        return _by_constraint[constraint]()
    if any(
        isinstance(link, asyncpg.InterfaceError) and isinstance(link, ValueError) for link in (error, cause)
    ):
        return ValueNotStorable()  # refused by the driver before it was sent: out of range, or no valid text
    if isinstance(error, ConnectionError | TimeoutError) or isinstance(cause, ConnectionError):
        return DatabaseUnavailable()
    # The socket of a stopped server; a file that is missing carries its name.
    no_socket = isinstance(error, FileNotFoundError) and error.filename is None
    if no_socket or isinstance(error, asyncpg.InterfaceError | asyncpg.PostgresConnectionError):
        return DatabaseUnavailable()
    return None


def _facts(detail: object) -> dict[str, Any]:
    try:
        facts = json.loads(detail) if isinstance(detail, str) else {}
    except ValueError:
        facts = {}
    return facts if isinstance(facts, dict) else {}


POOL_PATIENCE_S = 10  # for a connection to become free; then the answer is "try again"


class _Session(AsyncSession):
    """A session that only `transaction()` ends."""

    async def commit(self) -> None:
        raise RuntimeError("a service never commits: its caller's transaction does")


class Database:
    """The application's connections. Make one per process and event loop; close it at the end."""

    def __init__(self, settings: Settings) -> None:
        if settings.database_url is None:
            raise DatabaseUnavailable
        self._settings = settings
        self._url = make_url(settings.database_url.get_secret_value()).set(drivername="postgresql+asyncpg")
        cache: dict[str, Any] = {} if settings.statement_cache else {"prepared_statement_cache_size": 0}
        self.engine: AsyncEngine = create_async_engine(
            self._url,
            pool_size=settings.pool_size,
            max_overflow=settings.pool_size,
            pool_timeout=POOL_PATIENCE_S,
            hide_parameters=True,  # an error's text would quote what people sent
            connect_args=cache,
        )
        self._hot_pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends well, and gone when it does not.

        No constraint of ours is deferrable (a test looks), so nothing is left to fire at the commit; what a database
        adds there still fails the block, for COMMIT is part of it.
        """
        with errors_from_database():
            session = _Session(self.engine, expire_on_commit=False)
            try:
                yield session
                await session.run_sync(Session.commit)
            finally:
                if session.in_transaction():
                    await session.close()  # rolls back
                else:
                    session.sync_session.close()  # the connection is back already, so nothing waits

    @asynccontextmanager
    async def hot_transaction(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """The same promise on a plain asyncpg connection."""
        with errors_from_database():
            pool = self._hot_pool or await self._open_hot_pool()
            async with pool.acquire(timeout=POOL_PATIENCE_S) as connection, connection.transaction():
                yield cast("asyncpg.Connection[asyncpg.Record]", connection)

    @asynccontextmanager
    async def hot_statement(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A hot connection for a verb that is one statement, and so its own transaction, for one round trip.

        A second statement in the block would be a second transaction: then take `hot_transaction()`.
        """
        with errors_from_database():
            pool = self._hot_pool or await self._open_hot_pool()
            async with pool.acquire(timeout=POOL_PATIENCE_S) as connection:
                yield cast("asyncpg.Connection[asyncpg.Record]", connection)

    async def _open_hot_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._hot_pool is None:
                self._hot_pool = await asyncpg.create_pool(
                    **connect_arguments(self._url.render_as_string(hide_password=False)),
                    min_size=0,
                    max_size=self._settings.hot_pool_size,
                    reset=_leave_as_is,
                    statement_cache_size=100 if self._settings.statement_cache else 0,
                )
            return self._hot_pool

    async def close(self) -> None:
        if self._hot_pool is not None:
            await self._hot_pool.close()
        await self.engine.dispose()


async def _leave_as_is(_connection: object) -> None:
    """A hot connection returns with its transaction ended and nothing else to reset; asyncpg would ask the server."""


def connect_arguments(url: str) -> dict[str, Any]:
    """What `asyncpg.connect` needs to reach a SQLAlchemy URL, unix sockets included."""
    parsed = make_url(url)
    host = parsed.query.get("host") or parsed.host
    given = {
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
        "host": host,
        "port": parsed.port,
    }
    return {name: value for name, value in given.items() if value is not None}


async def raw_connection(session: AsyncSession) -> asyncpg.Connection[asyncpg.Record]:
    """The asyncpg connection under a session, inside the session's own transaction.

    A statement is executed first: until then no BEGIN was sent and the work would survive a rollback.
    """
    connection = await session.connection()
    await connection.execute(text("SELECT 1"))
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)


async def copy_csv(session: AsyncSession, *, table: str, columns: Sequence[str], source: Any) -> None:
    """COPY CSV bytes (an async iterator or a file object) into `table`, inside the session's transaction."""
    connection = await raw_connection(session)
    await connection.copy_to_table(table, source=source, columns=list(columns), format="csv")
