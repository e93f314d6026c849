"""Programs run as the account that owns their files, and processes recognised by where they work.

A process belongs to a data folder when it runs the server's program and works inside that folder: a pid read
from a file is never enough, it may have been given to a stranger since.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import psutil

from puhui.embedded import launcher
from puhui.embedded.errors import NoAccountForServers

_LAUNCHER = Path(launcher.__file__)
_spawned: list[
    subprocess.Popen[bytes]
] = []  # asked now and then, so that an ended one does not stay a zombie
_PASSED_ON = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Account:
    """Who runs the servers of one data folder, and with what help."""

    uid: int
    gid: int
    capability: str = "none"

    @cached_property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def is_another(self) -> bool:
        """True when we are root and hand the servers to this account."""
        return os.geteuid() == 0 and self.uid != 0

    def command(self, arguments: Sequence[str | Path], *, folder: Path) -> list[str]:
        """The command line that runs a program as this account, inside `folder`."""
        plain = [str(argument) for argument in arguments]
        if not self.is_another:
            return plain
        launch = [sys.executable, "-I", "-S", str(_LAUNCHER), str(self.uid), str(self.gid), self.capability]
        return [*launch, str(folder), *plain]

    def run(
        self, arguments: Sequence[str | Path], *, folder: Path, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a short program to its end; output goes through files, so a daemon it leaves cannot hold us."""
        import tempfile

        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                self.command(arguments, folder=folder),
                cwd=None if self.is_another else folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                umask=0o077,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(arguments, done.returncode, output.read(), "")

    def spawn(
        self, arguments: Sequence[str | Path], *, folder: Path, log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a server that outlives us, in a session of its own so that no Ctrl-C reaches it."""
        child = subprocess.Popen(
            self.command(arguments, folder=folder),
            cwd=None if self.is_another else folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
        _spawned.append(child)
        return child


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours leaks in: a stray PGDATA or PGPORT would redirect the server."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}


def choose_account(*, existing: Path, folder: Path, program: Path) -> Account:
    """The account for the servers below `folder`: ours, or as root the one that owns their data already.

    `folder` must be owned by that account when we are root; see `owner_of_servers`.
    Raises NoAccountForServers when no account can run `program` there.
    """
    uid, gid = owner_of_servers(existing=existing)
    plain = Account(uid, gid)
    if not plain.is_another:
        return plain
    reason = ""
    for capability in ("none", *launcher.CAPABILITIES):
        account = Account(uid, gid, capability)
        tried = account.run([program, "--version"], folder=folder)
        if tried.returncode == 0:
            return account
        # Why the plain way failed is what its reader can change; the help failed after that.
        reason = reason or (tried.stdout.strip() or f"exit {tried.returncode}").splitlines()[-1]
    raise NoAccountForServers(account=plain.name, reason=reason)


def owner_of_servers(*, existing: Path) -> tuple[int, int]:
    """Uid and gid for the servers: ours; as root the owner of `existing` or of its folder, else `nobody`."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for place in (existing, existing.parent):
        with contextlib.suppress(FileNotFoundError):
            found = place.stat()
            if found.st_uid != 0:
                return found.st_uid, found.st_gid
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise NoAccountForServers(account="nobody", reason="no such account") from error
    return nobody.pw_uid, nobody.pw_gid


def working_in(folder: Path, *, program: str, marks: Sequence[str]) -> list[psutil.Process]:
    """Every process of `program` that works in `folder` itself, oldest first.

    Root in a container may not look where another account's process works (it lacks CAP_SYS_PTRACE); there the
    process is known by its account and by one of the `marks` in its command line, each unique to the folder.
    """
    wanted = str(folder.resolve())
    owner = folder.stat().st_uid if folder.exists() else -1
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            works = _works_in(process, wanted, program=program)
            if works is None:
                works = process.uids().effective == owner and _is_marked(
                    process, program=program, marks=marks
                )
            if works:
                found.append(process)
    return sorted(found, key=lambda process: (process.create_time(), process.pid))


def may_work_in(pid: int, folder: Path, *, program: str) -> bool:
    """True unless it is certain that this pid is nobody, or a stranger."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if not _runs(process) or process.name() != program:
            return False
        return _works_in(process, str(folder.resolve()), program=program) is not False
    return False


def _works_in(process: psutil.Process, wanted: str, *, program: str) -> bool | None:
    """Whether it runs the program in that folder; None when we may not look."""
    try:
        return bool(process.cwd() == wanted and Path(process.exe()).name == program)
    except psutil.AccessDenied:
        return None


def _is_marked(process: psutil.Process, *, program: str, marks: Sequence[str]) -> bool:
    if process.name() != program:
        return False
    said = " ".join(process.cmdline()) + " "
    return any(mark in said for mark in marks)


def end(processes: Iterable[psutil.Process], *, signals: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn and wait that many seconds, until all are gone; False when some are not."""
    left = list(processes)
    for number, patience_s in signals:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        left = wait_gone(left, timeout_s=patience_s)
        if not left:
            return True
    return not left


def wait_gone(processes: Iterable[psutil.Process], *, timeout_s: float) -> list[psutil.Process]:
    """Wait for processes to end by themselves; returns those that did not."""
    deadline = time.monotonic() + timeout_s
    left = [process for process in processes if _runs(process)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [process for process in left if _runs(process)]
    return left


def _runs(process: psutil.Process) -> bool:
    """False for a zombie too: it ended, and only its parent, maybe another command, has not looked yet."""
    for child in list(_spawned):
        if child.poll() is not None:
            _spawned.remove(child)
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
