"""A job as it is told, in an answer and in an event."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from backend.intake.uploads import UploadJob
from backend.kit.schemas import Told


class JobTold(Told):
    """A job as far as it has come: received = accepted + duplicates + conflicts + rejected + filtered.

    `done` and `total` count lines of a text and rows of a table; `total` and `eta_s` are null while they are not known. `code`
    says why a failed one failed. The counts of a trial come when it finished.
    """

    id: UUID
    upload_id: UUID
    source: str
    dry_run: bool
    state: Literal["waiting", "running", "cancelled", "finished", "failed"]
    code: str
    done: int
    total: int | None
    eta_s: int | None
    asked_at: datetime
    state_at: datetime
    received: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    filtered: int
    waiting: int
    reduction_g: int
    points: int

    @classmethod
    def of(cls, job: UploadJob) -> JobTold:
        counts = job.counts
        return cls(
            id=job.id,
            upload_id=job.upload_id,
            source=job.source,
            dry_run=job.dry_run,
            state=job.state.value,
            code=job.code,
            done=job.done,
            total=job.total,
            eta_s=job.eta_s,
            asked_at=job.asked_at,
            state_at=job.state_at,
            received=counts.received,
            accepted=counts.accepted,
            duplicates=counts.duplicates,
            conflicts=counts.conflicts,
            rejected=counts.rejected,
            filtered=counts.filtered,
            waiting=counts.waiting,
            reduction_g=counts.grams,
            points=counts.points,
        )
