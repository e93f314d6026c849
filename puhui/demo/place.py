"""Where the demo happens: a database of its own on the embedded servers, made anew each time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings

DATABASE = "puhui_demo"


@dataclass(eq=False)
class DemoNeedsEmbedded(DomainError):
    """The demo makes and drops a database, so it only runs on the embedded servers: unset the PUHUI_… URLs."""

    code = "puhui.demo_needs_embedded"
    kind = Kind.INVALID
    title_zh = "演示会新建并删除一个数据库，因此只在内嵌服务器上运行：请取消 PUHUI_… 连接地址。"


@dataclass(eq=False)
class DemoRunning(DomainError):
    """Another demo is running in this data folder."""

    code = "puhui.demo_running"
    kind = Kind.CONFLICT
    title_zh = "该数据目录中已有一个演示正在运行。"


@contextmanager
def fresh(settings: Settings) -> Iterator[Settings]:
    """Settings that point at an empty demo database with the newest schema. What the last demo left is dropped.

    The platform's own database in the same data folder is not touched.
    """
    from puhui import embedded, runtime

    if not settings.embedded or settings.database_url is not None:
        raise DemoNeedsEmbedded
    with embedded.servers(settings.data_dir) as running, alone(settings.data_dir / "demo.lock"):
        asyncio.run(make_anew(running.superuser_url, DATABASE))
        named = settings.model_copy(update={"embedded_database": DATABASE})
        ready = runtime.on_embedded(named, running)
        runtime.migrate(ready)
        yield ready


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file, which the kernel frees when this process ends in any way. Raises DemoRunning."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DemoRunning from None
    finally:
        os.close(descriptor)


async def make_anew(superuser_url: str, database: str) -> None:
    """Drop a database, whoever looks at it, and make an empty one with the rights of the platform's own."""
    import asyncpg

    from backend.kit.db import connect_arguments
    from puhui import runtime
    from puhui.embedded import postgres

    async def run(where: str, *statements: str) -> None:
        url = runtime.on_database(superuser_url, where)
        connection = await asyncpg.connect(**connect_arguments(url))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    await run(
        "postgres",
        f"DROP DATABASE IF EXISTS {database} WITH (FORCE)",
        f"CREATE DATABASE {database} OWNER {postgres.OWNER} TEMPLATE template0",
        f"REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {postgres.APPLICATION}",
    )
    await run(
        database,
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"ALTER SCHEMA public OWNER TO {postgres.OWNER}",
        f"GRANT USAGE ON SCHEMA public TO {postgres.APPLICATION}",
    )
