"""A physical copy of a data folder's database while it runs, and the way back into an empty data folder.

PostgreSQL's own `pg_basebackup` copies the files and streams the log of what is written meanwhile, so that the copy
is of one moment; each file is read again and compared with what PostgreSQL says it sent. A copy of files keeps the transaction numbers that rows note, which
a dump loses. Valkey holds nothing that is not in PostgreSQL and is not copied.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from backend.kit import clock
from backend.kit.keys import KeyFiles, Ring
from puhui.embedded import lifecycle, manifest, postgres
from puhui.embedded.errors import (
    BackupFailed,
    BackupIncomplete,
    FolderNotEmpty,
    RestoredOtherwise,
)
from puhui.embedded.folder import RESTORING, Folder, give, open_folder
from puhui.embedded.manifest import Base, Manifest

COPY = "postgres"  # the folder of the copied files inside a backup


def take(data_dir: Path, target: Path, *, ring: Ring) -> Manifest:
    """Copy the running database of a data folder into the new folder `target`; what is in it.

    Call with the servers running. Other commands go on meanwhile. Raises FolderNotEmpty, BackupFailed.
    """
    folder = Folder(Path(data_dir).expanduser().resolve())
    target = target.expanduser().resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FolderNotEmpty(folder=str(target))
    if target.is_relative_to(folder.root):
        raise FolderNotEmpty(folder=str(folder.root))
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.chmod(0o700)
    try:
        taken_at = clock.now()
        server, databases = postgres.in_own_loop(lambda: _bases(folder))
        _copy_running(folder, target / COPY)
        files, folders = manifest.take(target / COPY)
        _check_sent(target / COPY, files)
        whole = Manifest(taken_at.isoformat(), server, databases, files, folders)
        manifest.write(target, whole, keys=ring.keys())
        _sync(target)
    except BaseException:
        shutil.rmtree(target / COPY, ignore_errors=True)
        raise
    return whole


def restore(source: Path, data_dir: Path, *, ring: Ring, passwords: dict[str, str]) -> Manifest:
    """Fill an empty data folder from a backup, start it once, and see that the signed heads are there.

    A restore that was interrupted is begun again by calling this again; until then no command uses the folder.
    Raises BackupIncomplete, BackupKeysDoNotFit, FolderNotEmpty, RestoredOtherwise.
    """
    source = source.expanduser().resolve()
    whole = manifest.read(source, keys=ring.keys())
    manifest.check_names(source / COPY, whole)
    folder = open_folder(data_dir)
    with lifecycle.locked(folder):
        _begin(folder)
        account = folder.account(program=postgres.program("postgres"))
        draft = folder.root / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        _copy_back(source / COPY, draft, whole)
        for path in (draft, *draft.rglob("*")):
            give(path, uid=account.uid, gid=account.gid)
            path.chmod(0o700 if path.is_dir() else 0o600)
        KeyFiles(folder.root / "keys").write(ring)
        draft.rename(folder.postgres)
        folder.write_private("passwords.json", json.dumps(passwords, indent=1) + "\n")
        _sync(folder.root)
        (folder.root / RESTORING).unlink()
    with lifecycle.servers(folder.root):
        _server, found = postgres.in_own_loop(lambda: _bases(folder, sizes=whole.databases))
    for name, base in whole.databases.items():
        if found.get(name) != base:
            raise RestoredOtherwise(database=name)
    return whole


def _begin(folder: Folder) -> None:
    """Mark the folder as being restored; only an empty one, or one whose restore was interrupted."""
    mark = folder.root / RESTORING
    if not mark.exists():
        if folder.exists or folder.postgres.exists() or (folder.root / "keys").exists():
            raise FolderNotEmpty(folder=str(folder.root))
        folder.write_private(RESTORING, "a restore is going on, or was interrupted\n")
        return
    for left in (folder.postgres, folder.root / "keys"):
        shutil.rmtree(left, ignore_errors=True)
    (folder.root / "passwords.json").unlink(missing_ok=True)


def _copy_back(source: Path, target: Path, whole: Manifest) -> None:
    target.mkdir(mode=0o700)
    for name in whole.folders:
        _inside(target, name).mkdir(mode=0o700)
    for name, (size, digest) in whole.files.items():
        manifest.copy(_inside(source, name), _inside(target, name), size=size, digest=digest)


def _inside(root: Path, name: str) -> Path:
    """A path below `root`: the manifest is ours, yet it decides where files are written."""
    path = root / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BackupIncomplete(folder=str(root), reason="a path leads out of the backup")
    return path


def _copy_running(folder: Folder, target: Path) -> None:
    """Let PostgreSQL copy itself."""
    with _connection_string(folder) as conninfo:
        _run("pg_basebackup", "-d", conninfo, "-D", target, "-F", "p", "-X", "stream", "-c", "fast",
             "--manifest-checksums=SHA256", "--no-password")  # fmt: skip


def _check_sent(copied: Path, files: dict[str, tuple[int, str]]) -> None:
    """Compare what arrived with PostgreSQL's own list, and see that the log of the copy's time can be read.

    This is what `pg_verifybackup` does; the one of the wheel ends with a fault whatever it is asked.
    """
    sent = json.loads((copied / "backup_manifest").read_text("utf-8"))
    for one in sent["Files"]:
        if files.get(one["Path"]) != (one["Size"], one["Checksum"]):
            raise BackupFailed(reason=f"{one.get('Path')} did not arrive as it was sent")
    for wal in sent["WAL-Ranges"]:
        _run("pg_waldump", "-q", "-p", copied / "pg_wal", "-t", str(wal["Timeline"]),
             "-s", wal["Start-LSN"], "-e", wal["End-LSN"])  # fmt: skip


@contextmanager
def _connection_string(folder: Folder) -> Iterator[str]:
    """How the superuser reaches the server; the password goes through a file, not through the process list."""
    password = folder.passwords()[postgres.SUPERUSER]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pgpass") as file:
        Path(file.name).chmod(stat.S_IRUSR | stat.S_IWUSR)
        file.write(f"*:*:*:{postgres.SUPERUSER}:{password}\n")
        file.flush()
        parts = {
            "host": str(folder.sockets), "port": "5432", "user": postgres.SUPERUSER, "passfile": file.name,
        }  # fmt: skip
        yield " ".join(f"{name}='{_escaped(value)}'" for name, value in parts.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _run(name: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [str(postgres.program(name)), *map(str, arguments)],
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise BackupFailed(reason=f"{name}: {lines[-1] if lines else done.returncode}")


async def _bases(folder: Folder, *, sizes: dict[str, Base] | None = None) -> tuple[str, dict[str, Base]]:
    """The server's version and each platform database: its revision and its newest head, or the one of that size."""
    server = await _connect(folder, "postgres")
    try:
        version = str(await server.fetchval("SHOW server_version"))
    finally:
        await server.close()
    found = {}
    for name in postgres.databases(folder):
        found[name] = await _base(
            folder, name, size=sizes[name].head_size if sizes and name in sizes else None
        )
    return version, found


async def _base(folder: Folder, name: str, *, size: int | None) -> Base:
    database = await _connect(folder, name)
    try:
        revision = None
        if await database.fetchval("SELECT to_regclass('alembic_version')") is not None:
            revision = await database.fetchval("SELECT version_num FROM alembic_version")
        if await database.fetchval("SELECT to_regclass('log_tree_head')") is None:
            return Base(revision, 0, None)
        head = await database.fetchrow(
            "SELECT size, note FROM log_tree_head WHERE $1::bigint IS NULL OR size = $1 ORDER BY size DESC LIMIT 1",
            size,
        )
        return Base(revision, 0, None) if head is None else Base(revision, head["size"], head["note"])
    finally:
        await database.close()


async def _connect(folder: Folder, name: str) -> Any:
    return await asyncpg.connect(**postgres.connect_options(folder, role=postgres.SUPERUSER, database=name))


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
