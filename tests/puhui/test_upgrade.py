"""The drill: a city's books as the released version 0.1.0 left them (revision 0008), brought to the newest schema.

`data/released_0008.sql.gz` is a dump of a small city, filled by that version's own verbs under a key made for it.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from backend import log, transparency
from backend.identity import people
from backend.kit import migrate
from backend.kit.db import connect_arguments
from backend.kit.settings import Settings
from puhui import embedded, runtime
from puhui.audit import audit
from puhui.embedded import postgres
from tests.audit.conftest import BIKES, City, Connection, bike_file, connect, said
from tests.conftest import settings_for

DUMP = Path(__file__).parent / "data" / "released_0008.sql.gz"
KEY = base64.b64encode(b"the key of the released example.").decode()
PHONE = "13800008008"
KEPT_IN_STEP = {"alembic_version", "ledger_kind", "ledger_rule"}  # with the program's own files


@dataclass
class Released:
    """A database as the released version left it."""

    settings: Settings
    superuser: Connection

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
        return {**clean, **runtime.child_environment(self.settings), "PUHUI_MASTER_KEY": KEY}

    def migrate(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "puhui", "migrate"],
            env=self.environment(), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    async def revision(self) -> str:
        return str(await self.superuser.fetchval("SELECT version_num FROM alembic_version"))

    async def columns(self) -> dict[str, list[str]]:
        """Every table with its columns, in order."""
        rows = await self.superuser.fetch("""
            SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
            GROUP BY 1 ORDER BY 1
        """)
        return {row[0]: row[1] for row in rows if row[0] not in KEPT_IN_STEP}

    async def digests(self, columns: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
        """How many rows each table has, and a digest over these columns of all of them."""
        found = {}
        for table, names in columns.items():
            (row,) = await self.superuser.fetch(f"""
                SELECT count(*), md5(coalesce(string_agg(t.row, ',' ORDER BY t.row), ''))
                FROM (SELECT ROW({", ".join(names)})::text AS row FROM {table}) AS t
            """)
            found[table] = (row[0], row[1])
        return found


@pytest.fixture
async def released(servers: embedded.Servers) -> AsyncIterator[Released]:
    name = f"released_{os.getpid()}_{time.monotonic_ns()}"
    server = await connect(servers, "postgres")
    await server.execute(f'CREATE DATABASE "{name}" OWNER puhui_owner')
    url = make_url(servers.superuser_url).set(database=name).render_as_string(hide_password=False)
    where = connect_arguments(url)
    loaded = await asyncio.to_thread(
        subprocess.run,
        [str(postgres.program("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", where["host"],
         "-U", where["user"], "-d", name],
        input=gzip.decompress(DUMP.read_bytes()).decode(), env={"PGPASSWORD": where["password"], "LC_ALL": "C"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    superuser = await connect(servers, name)
    # A dump does not bring the server's transaction counter along: here it is simply counted on.
    await superuser.execute("""
        DO $$ DECLARE newest xid8 := (SELECT max(to_xid) FROM log_seal);
        BEGIN WHILE pg_current_xact_id() <= newest LOOP COMMIT; END LOOP; END $$
    """)
    settings = settings_for(servers, name).model_copy(
        update={"master_key": SecretStr(KEY), "log_origin": "released.example/log"}
    )
    yield Released(settings, superuser)
    await superuser.close()
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


async def test_the_released_books_are_whole_after_the_upgrade_and_go_on(
    released: Released, tmp_path: Path
) -> None:
    assert await released.revision() == "0008_intake"
    columns = await released.columns()
    before = await released.digests(columns)
    assert before["action"][0] > 20
    assert before["log_tree_head"][0] > 0

    refused = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "puhui", "run", "relay"],
        env={**released.environment(), "PUHUI_EMBEDDED": "false"}, capture_output=True, text=True,
    )  # fmt: skip
    assert "puhui.schema_outdated" in refused.stderr  # new code on the old schema does not begin

    done = await asyncio.to_thread(released.migrate)
    assert done.returncode == 0, done.stderr
    assert await released.revision() == migrate.newest_revision()
    assert await released.digests(columns) == before

    again = await asyncio.to_thread(released.migrate)
    assert again.returncode == 0, again.stderr
    assert await released.digests(columns) == before

    settings = released.settings
    async with runtime.database(settings) as db:
        await log.seal_and_publish(db, settings=settings)
        await transparency.catch_up(db)
        assert said(await audit(db, settings)) == []
        async with db.transaction() as session:
            citizen = await people.citizen_with_phone(session, settings.keys, phone=PHONE)
            assert await people.phone_of(session, settings.keys, participant_id=citizen) == "+86" + PHONE
        city = City(db, settings, tmp_path)
        taken = await city.take_in(BIKES, "bike-share-distance", bike_file())
        assert (taken.accepted, taken.duplicates) == (0, 16)
        await city.seal()
        assert said(await audit(db, settings)) == []


async def test_an_upgrade_that_is_killed_leaves_the_old_schema_whole(released: Released) -> None:
    columns = await released.columns()
    before = await released.digests(columns)
    tables = await released.superuser.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY 1")
    held = released.superuser.transaction()
    await held.start()
    # the last of the new revisions waits for this name; everything before it is done by then, and not committed
    await released.superuser.execute("CREATE TABLE audit_run (id uuid)")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "puhui", "migrate", env=released.environment(), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not await released.superuser.fetchval(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
    ):
        assert time.monotonic() < deadline
        assert child.returncode is None
        await asyncio.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    await held.rollback()
    for _ in range(100):  # the server notices that its client is gone
        if not await released.superuser.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ):
            break
        await asyncio.sleep(0.1)
    assert await released.revision() == "0008_intake"
    assert (
        await released.superuser.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY 1")
        == tables
    )
    assert await released.digests(columns) == before
    done = await asyncio.to_thread(released.migrate)
    assert done.returncode == 0, done.stderr
    assert await released.revision() == migrate.newest_revision()
    assert await released.digests(columns) == before
