"""What a backup must hold: every file with its size and SHA-256, under a key that the backup does not hold.

Only whoever has the platform's keys can write a manifest, so a backup that was torn, lost a file, gained one or was
changed by a stranger together with its manifest is refused before a byte of it is used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backend.kit.keys import Keys
from puhui.embedded.errors import BackupIncomplete, BackupKeysDoNotFit

FORMAT = "puhui-backup/1"
NAME = "manifest.json"
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Base:
    """One database of the backup: its schema's revision, and its last signed head before the copy began."""

    revision: str | None
    head_size: int
    head_note: str | None


@dataclass(frozen=True)
class Manifest:
    """What was backed up, when, and each file's size and digest by its path below `postgres/`."""

    taken_at: str
    server: str  # the version of PostgreSQL, whose files only the same major version reads
    databases: dict[str, Base]
    files: dict[str, tuple[int, str]]
    folders: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(size for size, _ in self.files.values())


def write(folder: Path, manifest: Manifest, *, keys: Keys) -> None:
    """Put the manifest into the backup, last of all: a backup without one is not a backup."""
    body = _canonical(manifest)
    text = json.dumps({"format": FORMAT, "mac": _mac(keys, body), "backup": json.loads(body)}, indent=1)
    draft = folder / f".{NAME}.new"
    with draft.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / NAME)


def read(folder: Path, *, keys: Keys) -> Manifest:
    """The manifest of a backup. Raises BackupIncomplete and BackupKeysDoNotFit."""
    try:
        found: dict[str, Any] = json.loads((folder / NAME).read_text("utf-8"))
        given = found["backup"]
        manifest = Manifest(
            taken_at=given["taken_at"],
            server=given["server"],
            databases={name: Base(**base) for name, base in given["databases"].items()},
            files={path: (int(size), str(digest)) for path, (size, digest) in given["files"].items()},
            folders=list(given["folders"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupIncomplete(folder=str(folder), reason="it has no readable manifest") from error
    if found.get("format") != FORMAT or not hmac.compare_digest(
        str(found.get("mac")), _mac(keys, _canonical(manifest))
    ):
        raise BackupKeysDoNotFit(folder=str(folder))
    return manifest


def take(root: Path) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """Each file below `root` with its size and digest, and each folder."""
    files, folders = {}, []
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise BackupIncomplete(folder=str(root), reason=f"{name} is neither a file nor a folder")
        if path.is_dir():
            folders.append(name)
        else:
            with path.open("rb") as file:
                files[name] = (path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
    return files, folders


def copy(source: Path, target: Path, *, size: int, digest: str) -> None:
    """Copy a file and judge what was copied, not what may be there a moment later. Raises BackupIncomplete."""
    seen, length = hashlib.sha256(), 0
    try:
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise BackupIncomplete(folder=str(source), reason="a file is missing") from error
    with os.fdopen(reading, "rb") as whole, target.open("xb") as copied:
        while piece := whole.read(_PIECE):
            seen.update(piece)
            length += len(piece)
            copied.write(piece)
        copied.flush()
        os.fsync(copied.fileno())
    if (length, seen.hexdigest()) != (size, digest):
        raise BackupIncomplete(folder=str(source), reason="a file is not what was backed up")


def check_names(root: Path, manifest: Manifest) -> None:
    """Every file is there with its size, and no other. Raises BackupIncomplete."""
    found = {path.relative_to(root).as_posix(): path.lstat() for path in _walk(root)}
    for name in sorted(set(found) ^ {*manifest.files, *manifest.folders}):
        raise BackupIncomplete(folder=str(root), reason=f"{name} is missing or was added")
    for name, (size, _) in manifest.files.items():
        if found[name].st_size != size:
            raise BackupIncomplete(folder=str(root), reason=f"{name} is not as long as it was")


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted([*folders, *files]):
            yield Path(folder) / name


def _canonical(manifest: Manifest) -> bytes:
    return json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _mac(keys: Keys, body: bytes) -> str:
    return hmac.new(keys.derive("backup"), body, hashlib.sha256).hexdigest()
