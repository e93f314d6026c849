"""Starting together, sharing, and stopping when the last user leaves.

Two locks in the data folder say who may do what. `servers.lock` is held for the time of one start, stop or
status. `users.lock` is held shared by every command that uses the servers; the kernel drops it when a command
dies, so a killed command never keeps the servers running for ever: the next one to leave stops them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from puhui.embedded import postgres, valkey
from puhui.embedded.folder import Folder, open_folder


@dataclass(frozen=True)
class Servers:
    """Where the running servers are. Every URL holds a password, so none is shown by `repr`."""

    data_dir: Path
    database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    superuser_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    started: bool = False


@dataclass(frozen=True)
class Status:
    """What the servers of a data folder answer now, and which processes they are."""

    data_dir: Path
    postgres: bool
    valkey: bool
    postgres_pid: int | None
    valkey_pid: int | None
    users: bool  # some command is using them


def ensure_running(data_dir: Path) -> Servers:
    """Start what does not answer, and say where the servers are.

    Without `servers` around it nobody will stop them until a later command leaves. Raises the errors of
    `puhui.embedded.errors`.
    """
    folder = open_folder(data_dir)
    with locked(folder):
        return _ensure(folder)


@contextmanager
def servers(data_dir: Path) -> Iterator[Servers]:
    """Use the servers of a data folder; the last user to leave stops them cleanly."""
    folder = open_folder(data_dir)
    with locked(folder):
        seat = _open_lock(folder, "users.lock")
        fcntl.flock(seat, fcntl.LOCK_SH)
        try:
            running = _ensure(folder)
        except BaseException:
            os.close(seat)
            raise
    try:
        yield running
    finally:
        with locked(folder):
            try:
                fcntl.flock(seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still uses them
            else:
                _stop(folder)
            finally:
                os.close(seat)


@contextmanager
def alone(data_dir: Path) -> Iterator[Servers | None]:
    """Use the servers while nobody else does, and let nobody in meanwhile; None when somebody is there."""
    folder = open_folder(data_dir)
    seat = _open_lock(folder, "users.lock")
    try:
        with locked(folder):
            try:
                fcntl.flock(seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            running = _ensure(folder)
            try:
                yield running
            finally:
                _stop(folder)
    finally:
        os.close(seat)


def databases(data_dir: Path) -> list[str]:
    """The platform's databases on the running servers of a data folder, by name."""
    return postgres.databases(Folder(Path(data_dir).expanduser().resolve()))


def stop(data_dir: Path) -> bool:
    """Stop the servers of a data folder, used or not; True when one was running."""
    folder = Folder(Path(data_dir).expanduser().resolve())
    if not folder.exists:
        return False
    with locked(folder):
        return _stop(folder)


def status(data_dir: Path) -> Status:
    """The truth about a data folder's servers, from a query and a PING; makes and changes nothing."""
    folder = Folder(Path(data_dir).expanduser().resolve())
    if not folder.exists:
        return Status(
            folder.root, postgres=False, valkey=False, postgres_pid=None, valkey_pid=None, users=False
        )
    database, broker = postgres.living(folder), valkey.living(folder)
    return Status(
        data_dir=folder.root,
        postgres=postgres.probe(folder).ready,
        valkey=valkey.probe(folder) == "ready",
        postgres_pid=database.pid if database else None,
        valkey_pid=broker.pid if broker else None,
        users=_used(folder),
    )


def _ensure(folder: Folder) -> Servers:
    started = False
    if not (postgres.probe(folder).ready and valkey.probe(folder) == "ready"):
        account = folder.prepare(program=postgres.program("postgres"))
        new_broker = valkey.ensure(folder, account)
        new_database = postgres.ensure(folder, account)
        started = new_broker or new_database
    return Servers(
        data_dir=folder.root,
        database_url=postgres.url(folder, role=postgres.APPLICATION),
        owner_database_url=postgres.url(folder, role=postgres.OWNER),
        superuser_url=postgres.url(folder, role=postgres.SUPERUSER),
        redis_url=valkey.url(folder),
        started=started,
    )


def _stop(folder: Folder) -> bool:
    running = postgres.living(folder) is not None or valkey.living(folder) is not None
    if running:
        valkey.stop(folder)
        postgres.stop(folder, folder.prepare(program=postgres.program("postgres")))
    return running


def _open_lock(folder: Folder, name: str) -> int:
    """A lock file's descriptor, closed in every program we start, so that no server keeps the lock."""
    path = folder.root / name
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    owner = folder.root.stat()
    if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
        os.chown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Hold `servers.lock`: nobody else starts or stops servers meanwhile."""
    descriptor = _open_lock(folder, "servers.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _used(folder: Folder) -> bool:
    """True when a command holds its seat, or is just taking or leaving it."""
    held: list[int] = []
    try:
        for name in ("servers.lock", "users.lock"):  # the order in which everybody takes them
            held.append(os.open(folder.root / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    finally:
        for descriptor in reversed(held):
            os.close(descriptor)
    return False
