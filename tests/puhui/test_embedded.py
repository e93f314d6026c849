"""The embedded servers, with real processes that are really killed. Each test has data folders of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis
from kombu.connection import Connection

from backend.kit.db import connect_arguments
from backend.kit.tasks import broker_url
from puhui import embedded
from puhui.embedded import launcher, postgres, processes, valkey
from puhui.embedded.folder import SOCKET_PATH_BYTES, Folder

PROJECT = Path(__file__).parents[2]
HOLDER = """
import sys, pathlib
from puhui import embedded
with embedded.servers(pathlib.Path(sys.argv[1])) as servers:
    print("started" if servers.started else "reused", flush=True)
    sys.stdin.read()
"""
TEMPORARY = Path("/tmp")  # noqa: S108 - the one folder that every account may enter
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that several tests share, so that it is initialised once."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    yield data_dir
    embedded.stop(data_dir)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A data folder of the test's own."""
    yield tmp_path / "data"
    embedded.stop(tmp_path / "data")


def copy_with_owner(source: str, target: str) -> None:
    shutil.copy2(source, target)
    found = Path(source).stat()
    os.chown(target, found.st_uid, found.st_gid)


def hold(data_dir: Path) -> subprocess.Popen[str]:
    """Another command that uses the servers until its standard input is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def said(command: subprocess.Popen[str]) -> str:
    assert command.stdout is not None
    return command.stdout.readline().strip()


def ask(url: str, statement: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(**connect_arguments(url))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_servers_start_are_shared_and_stop_with_their_last_user(folder: Path) -> None:
    with embedded.servers(folder) as first:
        with embedded.servers(folder) as second:
            assert not second.started
            assert second == first or second.database_url == first.database_url
        assert embedded.status(folder).postgres
        assert embedded.status(folder).valkey
        assert embedded.status(folder).users
        assert ask(first.database_url, "SELECT current_user") == "puhui_app"
        assert ask(first.owner_database_url, "SELECT current_user") == "puhui_owner"
        assert ask(first.superuser_url, "SELECT current_user") == "postgres"
        assert redis.Redis.from_url(first.redis_url).ping()
    after = embedded.status(folder)
    assert (after.postgres, after.valkey, after.users) == (False, False, False)
    assert (after.postgres_pid, after.valkey_pid) == (None, None)


def test_the_server_is_the_version_we_promise_and_keeps_what_it_commits(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        url = servers.database_url
        assert str(ask(url, "SHOW server_version")).startswith("18.")
        for name, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "jit": "off",
        }.items():
            assert ask(url, f"SHOW {name}") == value, name
        broker = redis.Redis.from_url(servers.redis_url, decode_responses=True)
        assert broker.config_get("appendonly") == {"appendonly": "yes"}
        assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert broker.config_get("port") == {"port": "0"}


def test_the_application_role_may_neither_create_nor_log_in_without_its_password(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            ask(servers.database_url, "CREATE TABLE mine ()")
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(servers.database_url.replace("puhui_app:", "puhui_app:x"), "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(servers.redis_url.split("?")[0] + "?password=x").ping()


def test_nothing_secret_is_shown_or_readable_by_others(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        secrets = Folder(servers.data_dir).passwords().values()
        assert not any(secret in repr(servers) for secret in secrets)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                assert not any(secret in " ".join(process.cmdline()) for secret in secrets)
    assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600
    for name in ("postgres", "valkey", "logs", "run"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700
    text = "".join(path.read_text(errors="replace") for path in (folder / "logs").iterdir())
    assert not any(secret in text for secret in secrets)


def test_celery_reaches_the_broker_by_its_own_spelling_of_the_url(folder: Path) -> None:
    with (
        embedded.servers(folder) as servers,
        Connection(broker_url(servers.redis_url)) as connection,  # type: ignore[no-untyped-call]
    ):
        queue = connection.SimpleQueue("embedded-test")
        queue.put({"hello": "碳"})
        assert queue.get(timeout=5).payload == {"hello": "碳"}
        queue.clear()
    assert broker_url("redis://host:1/2") == "redis://host:1/2"


def test_servers_outlive_a_killed_command_and_stop_with_the_next_one(folder: Path) -> None:
    command = hold(folder)
    assert said(command) == "started"
    command.kill()
    command.wait()
    left = embedded.status(folder)
    assert (left.postgres, left.valkey, left.users) == (True, True, False)
    with embedded.servers(folder) as servers:
        assert not servers.started
        assert embedded.status(folder).postgres_pid == left.postgres_pid
    assert not embedded.status(folder).postgres


def test_the_first_to_leave_does_not_stop_the_servers_of_the_second(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        other = hold(folder)
        assert said(other) == "reused"
        url = servers.database_url
    assert ask(url, "SELECT 1") == 1
    other.communicate("")
    assert embedded.status(folder).postgres_pid is None


def test_commands_that_start_together_on_an_empty_folder_share_one_pair_of_servers(fresh: Path) -> None:
    commands = [hold(fresh) for _ in range(3)]
    assert sorted(said(command) for command in commands) == ["reused", "reused", "started"]
    for command in commands:
        command.communicate("")
        assert command.returncode == 0
    assert embedded.status(fresh).postgres_pid is None


def test_a_start_killed_at_any_moment_leaves_a_folder_that_starts(fresh: Path) -> None:
    for moment_s in (0.5, 0.9, 1.3, 1.8):
        command = hold(fresh)
        time.sleep(moment_s)
        command.kill()
        command.wait()
    with embedded.servers(fresh) as servers:
        assert ask(servers.owner_database_url, "SELECT 1") == 1


def test_nothing_committed_is_lost_when_the_postmaster_is_killed_while_writing(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        ask(servers.owner_database_url, "DROP TABLE IF EXISTS kept")
        ask(servers.owner_database_url, "CREATE TABLE kept (n int PRIMARY KEY, filler text)")
        killed_pid = embedded.status(folder).postgres_pid
        assert killed_pid is not None
        acknowledged = asyncio.run(_write_until_killed(servers.owner_database_url, killed_pid))
        assert len(acknowledged) > 200
        orphans = postgres.running(Folder(folder.resolve()))
        assert orphans, "a busy backend should have outlived its postmaster, or this test proves little"
        assert not embedded.status(folder).postgres

        again = embedded.ensure_running(folder)

        assert again.started
        assert embedded.status(folder).postgres_pid != killed_pid
        assert processes.wait_gone(orphans, timeout_s=0) == []
        found = ask(again.owner_database_url, "SELECT array_agg(n) FROM kept")
        assert isinstance(found, list)
        assert acknowledged <= set(found)


async def _write_until_killed(url: str, postmaster: int) -> set[int]:
    """Numbers whose commit was acknowledged; the postmaster is killed in the middle."""
    acknowledged: set[int] = set()

    async def write(start: int) -> None:
        connection = await asyncpg.connect(**connect_arguments(url))
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            for n in range(start, start + 1_000_000):
                await connection.execute("INSERT INTO kept VALUES ($1, repeat('x', 500))", n)
                acknowledged.add(n)

    async def busy() -> None:
        # Counts in a loop that never looks whether the postmaster lives.
        connection = await asyncpg.connect(**connect_arguments(url))
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.fetchval("SELECT count(*) FROM generate_series(1, 9000000000) AS g WHERE g < 0")

    tasks = [asyncio.create_task(write(1_000_000 * k)) for k in range(4)]
    tasks.append(asyncio.create_task(busy()))
    await asyncio.sleep(2)
    os.kill(postmaster, signal.SIGKILL)
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return acknowledged


def test_valkey_keeps_its_data_when_it_is_killed(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        broker = redis.Redis.from_url(servers.redis_url, decode_responses=True)
        broker.rpush("work", *range(1000))
        pid = embedded.status(folder).valkey_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        processes.wait_gone([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout_s=5)
        assert not embedded.status(folder).valkey
        again = embedded.ensure_running(folder)
        broker = redis.Redis.from_url(again.redis_url, decode_responses=True)
        assert broker.lrange("work", 0, -1) == [str(n) for n in range(1000)]
        broker.delete("work")


def test_a_broker_file_that_cannot_be_read_is_put_aside_and_never_stops_the_platform(folder: Path) -> None:
    with embedded.servers(folder) as servers:
        redis.Redis.from_url(servers.redis_url).set("bell", "rung")
    for part in (folder / "valkey" / "appendonlydir").glob("*.incr.aof"):
        part.write_bytes(b"not a command at all\r\n" + part.read_bytes())
    with embedded.servers(folder) as servers:
        assert redis.Redis.from_url(servers.redis_url).get("bell") is None
        assert list((folder / "valkey").glob("appendonlydir.unreadable-*")), "kept for who wants to look"


def test_lost_passwords_are_said_and_not_invented_again(fresh: Path) -> None:
    with embedded.servers(fresh):
        pass
    kept = (fresh / "passwords.json").rename(fresh / "elsewhere.json")
    with pytest.raises(embedded.DataFolderUnusable, match=r"passwords\.json"):
        embedded.ensure_running(fresh)
    kept.write_text(kept.read_text().replace('"puhui_owner": "', '"puhui_owner": "00'))
    kept.rename(fresh / "passwords.json")
    with embedded.servers(fresh) as servers:  # a role's password that differs is set again by the superuser
        assert ask(servers.owner_database_url, "SELECT 1") == 1


@as_root
def test_root_is_not_led_astray_by_links_that_the_servers_account_made(fresh: Path, tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("root-only")
    secret.chmod(0o600)
    with embedded.servers(fresh):
        pass
    for link in (fresh / "logs" / "valkey.log", fresh / "postgres" / "postgresql.conf"):
        kept = link.with_suffix(".kept")
        link.rename(kept)
        link.symlink_to(secret)
        with pytest.raises(OSError, match="symbolic links"), embedded.servers(fresh):
            pass
        link.unlink()
        kept.rename(link)
    assert secret.read_text() == "root-only"
    assert secret.stat().st_uid == 0


def test_a_stopped_process_is_not_called_alive(folder: Path) -> None:
    with embedded.servers(folder):
        running = embedded.status(folder)
        assert running.postgres_pid is not None
        assert running.valkey_pid is not None
        for pid in (running.postgres_pid, running.valkey_pid):
            os.kill(pid, signal.SIGSTOP)
        try:
            place = Folder(folder.resolve())
            assert not postgres.probe(place, timeout_s=1).ready
            assert valkey.probe(place, timeout_s=1) == "silent"
        finally:
            for pid in (running.postgres_pid, running.valkey_pid):
                os.kill(pid, signal.SIGCONT)
        assert embedded.status(folder).postgres
        assert embedded.status(folder).valkey


def test_a_pid_file_that_names_a_stranger_is_not_believed(folder: Path) -> None:
    with embedded.servers(folder):
        pass
    owner = (folder / "postgres").stat().st_uid
    stranger = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    try:
        pid_file = folder / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{folder / 'postgres'}\n0\n5432\n\n\n")
        if os.geteuid() == 0:
            os.chown(pid_file, owner, -1)
        assert embedded.status(folder).postgres_pid is None
        with embedded.servers(folder) as servers:
            assert servers.started
            assert ask(servers.database_url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_two_data_folders_never_meet(folder: Path, fresh: Path) -> None:
    with embedded.servers(folder) as one:
        with embedded.servers(fresh) as two:
            redis.Redis.from_url(one.redis_url).set("mine", "one")
            assert redis.Redis.from_url(two.redis_url).get("mine") is None
            assert one.database_url != two.database_url
            pid = embedded.status(fresh).postgres_pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert ask(one.database_url, "SELECT 1") == 1
            embedded.ensure_running(fresh)
        assert not embedded.status(fresh).postgres
        assert embedded.status(folder).postgres
        assert redis.Redis.from_url(one.redis_url).get("mine") == b"one"


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(tmp_path: Path) -> None:
    data_dir = tmp_path / ("深" * 20) / ("n" * 60) / "it's"
    with embedded.servers(data_dir) as servers:
        sockets = Folder(servers.data_dir).sockets
        assert not sockets.is_relative_to(servers.data_dir)
        assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert ask(servers.database_url, "SELECT 1") == 1
        # The folder is swept away, as a cleaner of temporary files does: found out, and put right.
        shutil.rmtree(sockets)
        assert not embedded.status(data_dir).postgres
        again = embedded.ensure_running(data_dir)
        assert ask(again.database_url, "SELECT 1") == 1
        # A copy of the folder is a folder of its own, although its passwords are the same.
        copy = data_dir.with_name("copy")
        shutil.copytree(
            data_dir, copy, copy_function=copy_with_owner, ignore=shutil.ignore_patterns("*.sock")
        )
        assert not embedded.status(copy).postgres
        assert Folder(copy).sockets != sockets
    shutil.rmtree(sockets)


def test_no_permission_outside_the_data_folder_changes(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "private").mkdir(mode=0o700)
    data_dir = tmp_path / "private" / "data"
    watched = [*data_dir.parents, *postgres.programs().parents, Path.home(), TEMPORARY]
    watched += list(postgres.programs().iterdir()) + list(valkey.program().parents)

    def modes() -> dict[Path, tuple[int, int, int]]:
        return {
            path: (found.st_mode, found.st_uid, found.st_gid) for path in watched if (found := path.stat())
        }

    before = modes()
    with embedded.servers(data_dir) as servers:
        assert ask(servers.database_url, "SELECT 1") == 1
    assert modes() == before


@as_root
def test_root_hands_its_servers_to_another_account_with_no_more_rights_than_needed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = TEMPORARY / f"puhui-open-{os.getpid()}"  # where every account can enter
    base.mkdir(mode=0o755)
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    try:
        with embedded.servers(base / "data") as servers:
            open_rights = _rights_of(servers.data_dir)
        with embedded.servers(closed / "data") as servers:
            closed_rights = _rights_of(servers.data_dir)
    finally:
        shutil.rmtree(base)
    assert open_rights[0] != 0
    programs_open = all(path.stat().st_mode & 0o001 for path in postgres.programs().parents)
    if programs_open:
        assert open_rights[1] == 0
    assert closed_rights[0] != 0
    assert closed_rights[1] in {1 << bit for bit in launcher.CAPABILITIES.values()}


def _rights_of(data_dir: Path) -> tuple[int, int]:
    """Uid and effective capabilities of the postmaster."""
    pid = embedded.status(data_dir).postgres_pid
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return int(facts["Uid"].split()[1]), int(facts["CapEff"], 16)


IN_A_CONTAINER = """
import ctypes, os, sys
keep = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}  # what container engines leave to root
for bit in set(range(41)) - keep:
    ctypes.CDLL(None).prctl(24, bit, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
"""
LIFE_IN_A_CONTAINER = """
import os, pathlib, signal, sys, time
from puhui import embedded
from puhui.embedded import postgres
from puhui.embedded.folder import Folder
data_dir = pathlib.Path(sys.argv[1])
with embedded.servers(data_dir):
    first = embedded.status(data_dir)
    assert first.postgres and first.valkey and first.postgres_pid and first.valkey_pid, first
    os.kill(first.postgres_pid, signal.SIGKILL)
    os.kill(first.valkey_pid, signal.SIGKILL)
    time.sleep(0.5)
    embedded.ensure_running(data_dir)
    second = embedded.status(data_dir)
    assert second.postgres and second.valkey and second.postgres_pid != first.postgres_pid, second
    assert len(postgres.running(Folder(data_dir.resolve()))) > 3
assert embedded.status(data_dir).postgres_pid is None
"""


@as_root
def test_root_in_a_container_still_tells_its_servers_from_others(fresh: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CONTAINER, LIFE_IN_A_CONTAINER, str(fresh)],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    after = embedded.status(fresh)
    assert (after.postgres_pid, after.valkey_pid) == (None, None)


@as_root
def test_an_ordinary_user_needs_nothing_special() -> None:
    """The other tests run as root here; this one is everybody else, in a folder of their own."""
    base = TEMPORARY / f"puhui-user-{os.getpid()}"
    base.mkdir(mode=0o700)
    uid = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid and entry.pw_name != "nobody")
    os.chown(base, uid, uid)
    code = (
        "import json, os, pathlib, sys\n"
        "from puhui import embedded\n"
        "with embedded.servers(pathlib.Path(sys.argv[1])) as servers:\n"
        "    now = embedded.status(servers.data_dir)\n"
        "    print(json.dumps([os.geteuid(), now.postgres, now.valkey]))\n"
    )
    try:
        for interpreter, capability in _interpreters():
            done = subprocess.run(
                [
                    sys.executable, "-I", "-S", launcher.__file__, str(uid), str(uid), capability, str(base),
                    interpreter, "-c", code, str(base / "data"),
                ],
                env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": "/usr/bin:/bin", "HOME": str(base)},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode != launcher.CANNOT_ENTER and "ModuleNotFoundError" not in done.stderr:
                break
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [uid, True, True]
        assert all(path.lstat().st_uid == uid for path in base.rglob("*"))
        # Root may use the folder afterwards, and leaves everything to its owner.
        with embedded.servers(base / "data") as servers:
            assert ask(servers.database_url, "SELECT 1") == 1
            assert _rights_of(servers.data_dir)[0] == uid
        assert all(path.lstat().st_uid == uid for path in base.rglob("*"))
    finally:
        embedded.stop(base / "data")
        shutil.rmtree(base)


def _interpreters() -> Iterator[tuple[str, str]]:
    """This interpreter, or one like it that another account can reach; at last this one with help."""
    yield sys.executable, "none"
    same = f"/usr/bin/python3.{sys.version_info.minor}"
    if Path(same).exists():
        yield same, "none"
    yield sys.executable, "dac_read_search"
