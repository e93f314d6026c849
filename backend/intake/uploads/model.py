"""Uploads and their jobs as callers see them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


class State(enum.StrEnum):
    """Where a job is. A cancelled or failed one may be resumed as long as its file is kept."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    FAILED = "failed"


OPEN = frozenset({State.WAITING, State.RUNNING})
FOLLOWS: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset({State.CANCELLED, State.FINISHED, State.FAILED}),
    State.CANCELLED: frozenset(
        {State.WAITING, State.FINISHED}
    ),  # where the last chunk was quicker than the word
    State.FAILED: frozenset({State.WAITING}),
    State.FINISHED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a partner sent. `lines` is None where they are not known before it is read."""

    id: UUID
    source: str
    file_name: str
    file_type: str
    sha256: str
    size_bytes: int
    lines: int | None
    received_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """received = accepted + duplicates + conflicts + rejected + filtered."""

    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    filtered: int = 0
    waiting: int = 0
    grams: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class UploadJob:
    """A job as far as it has come. `done` and `total` count lines of a text and rows of a table.

    `step` and `chunk` grow with everything that happens; `code` says why a failed one failed.
    """

    id: UUID
    upload_id: UUID
    source: str
    file_name: str
    dry_run: bool
    state: State
    code: str
    step: int
    chunk: int
    done: int
    total: int | None
    eta_s: int | None
    asked_at: datetime
    state_at: datetime
    intake_job: UUID | None
    counts: Counts = field(default_factory=Counts)

    @property
    def ended(self) -> bool:
        return self.state not in OPEN
