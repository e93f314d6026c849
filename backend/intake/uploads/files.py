"""Uploaded files on disk: in `uploads` below the data folder, which the web and the worker processes share."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from backend.intake.service import RefusedRow
from backend.intake.uploads.errors import NoRoomForUpload, UploadEmpty, UploadTooLarge
from backend.kit.settings import Settings

MOST_BYTES = 2 << 30
_PIECE = 1 << 20
_UNFINISHED = ".part"
_REFUSED = "refused"
MOST_REFUSALS = 100_000
_UNFINISHED_KEPT_S = 24 * 3600
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_UNSOUND = (
    OSError, ValueError, EOFError, RuntimeError, pa.ArrowException, zipfile.BadZipFile, zlib.error
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came whole: its SHA-256 in hex, its size, and its lines or rows where they are known."""

    path: Path
    sha256: str
    size_bytes: int
    lines: int | None


def folder_of(settings: Settings) -> Path:
    """Where uploads lie; made on first use, for this user only."""
    folder = settings.data_dir / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def path_of(settings: Settings, upload_id: UUID, file_type: str) -> Path:
    return folder_of(settings) / f"{upload_id}.{file_type}"


async def receive(
    settings: Settings, chunks: AsyncIterator[bytes], *, upload_id: UUID, file_type: str, most_bytes: int
) -> Received:
    """Write a body to its file. Nothing of it stays when the iterator or the disk fails, or it is too large or empty.

    Raises UploadTooLarge, UploadEmpty or NoRoomForUpload.
    """
    path = path_of(settings, upload_id, file_type)
    draft = path.with_suffix(path.suffix + _UNFINISHED)
    try:
        size, digest, breaks, last = await _write(draft, chunks, most_bytes)
        lines = breaks + (last != b"\n") if file_type in {"csv", "ndjson"} else None
        if lines is None:
            lines = await asyncio.to_thread(_rows, draft, file_type)
        await asyncio.to_thread(draft.replace, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if error.errno in _NO_ROOM:
            raise NoRoomForUpload from None
        raise
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Received(path, digest, size, lines)


async def _write(draft: Path, chunks: AsyncIterator[bytes], most_bytes: int) -> tuple[int, str, int, bytes]:
    digest = hashlib.sha256()
    size = breaks = 0
    last = b""
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:

        def put(piece: bytes) -> int:
            digest.update(piece)
            file.write(piece)
            return piece.count(b"\n")

        waiting = bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > most_bytes:
                raise UploadTooLarge(limit_bytes=most_bytes)
            waiting += chunk
            last = chunk[-1:] or last
            if len(waiting) >= _PIECE:
                breaks += await asyncio.to_thread(put, bytes(waiting))
                waiting.clear()
        breaks += await asyncio.to_thread(put, bytes(waiting))
        await asyncio.to_thread(_settle, file)
    if not size:
        raise UploadEmpty
    return size, digest.hexdigest(), breaks, last


def _settle(file: object) -> None:
    """What is answered as received survives a power cut."""
    file.flush()  # type: ignore[attr-defined]
    os.fsync(file.fileno())  # type: ignore[attr-defined]


def _rows(path: Path, file_type: str) -> int | None:
    """Rows of a table, near enough for a bar; None where the file cannot say, and the intake will say why."""
    try:
        if file_type == "parquet":
            return int(pq.ParquetFile(path).metadata.num_rows)
        with zipfile.ZipFile(path) as archive:
            sheets = [one for one in archive.infolist() if one.filename.startswith("xl/worksheets/sheet")]
            if len(sheets) != 1 or sheets[0].file_size > MOST_BYTES:
                return None
            with archive.open(sheets[0]) as stream:
                return sum(piece.count(b"</row>") for piece in iter(lambda: stream.read(_PIECE), b""))
    except (
        OSError,
        ValueError,
        pa.ArrowException,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ):
        return None


def remove(settings: Settings, upload_id: UUID, file_type: str) -> None:
    """Remove a file and what its trials told; what is gone already is fine."""
    path_of(settings, upload_id, file_type).unlink(missing_ok=True)
    for path in folder_of(settings).glob(f"{upload_id}.*.{_REFUSED}"):
        path.unlink(missing_ok=True)


class Refusals:
    """The rows that a trial would not accept, by line, the first `MOST_REFUSALS` of them; a stored job has them as rows."""

    def __init__(self, settings: Settings, upload_id: UUID, job_id: UUID) -> None:
        self._path = folder_of(settings) / f"{upload_id}.{job_id}.{_REFUSED}"
        self._kept = 0

    def begin(self) -> None:
        """Forget what an earlier attempt told."""
        self._path.write_bytes(b"")
        self._path.chmod(0o600)

    def add(self, rows: Sequence[RefusedRow]) -> None:
        """The refused rows of one chunk, whose lines all come behind those before."""
        room = MOST_REFUSALS - self._kept
        with self._path.open("a", encoding="utf-8") as file:
            for row in sorted(rows, key=lambda one: one.line)[:room]:
                file.write(json.dumps([row.line, row.field, row.code, row.bound]) + "\n")
        self._kept += min(len(rows), room)

    def read(self, *, after: int, limit: int) -> list[RefusedRow]:
        """Those behind line `after`."""
        found: list[RefusedRow] = []
        if self._path.exists():
            with self._path.open(encoding="utf-8") as file:
                for written in file:
                    row = RefusedRow(*json.loads(written))
                    if row.line > after:
                        found.append(row)
                    if len(found) == limit:
                        break
        return found


def remove_unfinished(settings: Settings) -> int:
    """Remove what senders left in the middle more than a day ago; how many files."""
    old = time.time() - _UNFINISHED_KEPT_S
    removed = 0
    for path in folder_of(settings).glob(f"*{_UNFINISHED}"):
        if path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
