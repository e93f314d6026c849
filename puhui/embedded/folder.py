"""One data folder: where its servers keep their files, sockets and passwords.

DATA_DIR/            0700; made by root 0711, so that the servers' account can pass through
  servers.lock       serialises starting and stopping
  users.lock         held shared by every running command
  passwords.json     0600
  sockets-in         names the socket folder when it is not `run`
  postgres/ valkey/ run/ logs/   0700, owned by the servers' account
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from puhui.embedded.errors import DataFolderUnusable
from puhui.embedded.processes import Account, choose_account, owner_of_servers

SOCKET_PATH_BYTES = 103  # Linux allows 107, macOS 103
_LONGEST_SOCKET = ".s.PGSQL.5432"
RESTORING = "restoring"  # there while a restore is under way, or was interrupted
ROLES = ("postgres", "puhui_owner", "puhui_app", "valkey")


@dataclass(frozen=True)
class Folder:
    """The paths of a data folder. Making one touches nothing; `prepare` makes the folders."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def mark(self) -> str:
        """A short name for this data folder alone; PostgreSQL's processes carry it in their titles."""
        return f"puhui-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def sockets(self) -> Path:
        """The folder of both sockets: `run`, or the short one that was recorded for a long path.

        The record names its data folder too: in a copy of the folder it does not count.
        """
        with contextlib.suppress(FileNotFoundError):
            recorded = (self.root / "sockets-in").read_text(encoding="utf-8").splitlines()
            if recorded[1:] == [str(self.root)]:
                return Path(recorded[0])
        return self.root / "run"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / _LONGEST_SOCKET

    @property
    def exists(self) -> bool:
        """True when servers were set up here once."""
        return (self.root / "passwords.json").exists()

    def passwords(self) -> dict[str, str]:
        """The password of each role, by name."""
        found: dict[str, str] = json.loads((self.root / "passwords.json").read_text(encoding="utf-8"))
        return found

    def prepare(self, *, program: Path) -> Account:
        """Make what is missing and answer who runs the servers. Call with `servers.lock` held."""
        if (self.root / RESTORING).exists():
            raise DataFolderUnusable(folder=str(self.root), reason="a restore was interrupted; run it again")
        account = self.account(program=program)
        if not self.exists:
            if (self.postgres / "PG_VERSION").exists():
                raise DataFolderUnusable(folder=str(self.root), reason="passwords.json is missing")
            fresh = {role: secrets.token_hex(24) for role in ROLES}
            self.write_private("passwords.json", json.dumps(fresh, indent=1) + "\n")
        self._prepare_sockets(account)
        self._make(self.valkey, uid=account.uid, gid=account.gid)
        return account

    def account(self, *, program: Path) -> Account:
        """Who runs the servers of this folder, or will."""
        uid, gid = owner_of_servers(existing=self.postgres)
        self._make(self.logs, uid=uid, gid=gid)
        return choose_account(existing=self.postgres, folder=self.logs, program=program)

    def write_private(self, name: str, content: str) -> None:
        """Write a file whole or not at all, readable by the folder's owner only."""
        owner = self.root.stat()
        draft = self.root / f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            give(descriptor, uid=owner.st_uid, gid=owner.st_gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.replace(self.root / name)

    def _make(self, path: Path, *, uid: int, gid: int) -> None:
        """A 0700 folder owned by the servers' account."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise DataFolderUnusable(folder=str(self.root), reason=f"{path.name} is not a folder")
        if found.st_uid != uid:
            if os.geteuid() != 0:
                raise DataFolderUnusable(
                    folder=str(self.root), reason=f"{path.name} belongs to another account"
                )
            give(path, uid=uid, gid=gid)
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)

    def _prepare_sockets(self, account: Account) -> None:
        run = self.root / "run"
        if _short_enough(run):
            (self.root / "sockets-in").unlink(missing_ok=True)
            self._make(run, uid=account.uid, gid=account.gid)
            return
        recorded = self.sockets
        if recorded == run or not _is_private(recorded, account):
            self.write_private("sockets-in", f"{self._make_short(account)}\n{self.root}\n")

    def _make_short(self, account: Account) -> Path:
        """A short private folder under the system's temporary folder, named after this data folder."""
        for place in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - made 0700 and checked
            for name in (f"{self.mark}-{account.uid}", f"{self.mark}-{secrets.token_hex(4)}"):
                candidate = Path(place) / name
                if not _short_enough(candidate):
                    continue
                with contextlib.suppress(OSError):
                    candidate.mkdir(mode=0o700)
                    give(candidate, uid=account.uid, gid=account.gid)
                if _is_private(candidate, account):
                    return candidate
        raise DataFolderUnusable(folder=str(self.root), reason="its path is too long for a unix socket")


def open_folder(data_dir: Path) -> Folder:
    """The data folder at `data_dir`, made when missing."""
    folder = Folder(Path(data_dir).expanduser().resolve())
    try:
        folder.root.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.root.mkdir(mode=0o700)
            folder.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise DataFolderUnusable(
            folder=str(folder.root), reason=error.strerror or "cannot be made"
        ) from error
    if not folder.root.is_dir():
        raise DataFolderUnusable(folder=str(folder.root), reason="not a folder")
    if not os.access(folder.root, os.R_OK | os.W_OK | os.X_OK):
        raise DataFolderUnusable(folder=str(folder.root), reason="not writable")
    return folder


def give(target: int | Path, *, uid: int, gid: int) -> None:
    """Hand a file or folder that we just made to its account; only root can, and only root needs to."""
    if os.geteuid() != 0:
        return
    if isinstance(target, int):
        os.chown(target, uid, gid)
    else:
        os.chown(target, uid, gid, follow_symlinks=False)


def read_plain(path: Path) -> str:
    """The text of a file that the servers' account may write, where root must not be led to another by a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is not a plain file")
        return file.read()


def _short_enough(place: Path) -> bool:
    return len(os.fsencode(place / _LONGEST_SOCKET)) <= SOCKET_PATH_BYTES


def _is_private(place: Path, account: Account) -> bool:
    try:
        found = place.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and stat.S_IMODE(found.st_mode) == 0o700
    )
