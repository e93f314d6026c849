"""How proposals that take two people are shown and decided over HTTP, on every surface that has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from backend.identity.approvals import errors
from backend.identity.approvals.tables import Decision, TwoPersonAct
from backend.kit.schemas import Asked, Sha256, Told

UNDECIDABLE = (
    errors.ActUnknown,
    errors.ActNeedsRole,
    errors.ActNeedsSecondPerson,
    errors.ActDecidedAlready,
    errors.ActExpired,
    errors.ActShownDiffers,
)


class ActTold(Told):
    """A proposal and, once made, its decision. `subject_sha256` is the fingerprint of `body` that is to be approved."""

    id: UUID
    kind: str
    subject_sha256: Sha256
    body: dict[str, Any]
    proposed_by: UUID
    proposed_at: datetime
    expires_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision: Decision | None

    @classmethod
    def of(cls, act: TwoPersonAct) -> ActTold:
        shown = {name: getattr(act, name) for name in cls.model_fields if name != "subject_sha256"}
        return cls(subject_sha256=act.subject_sha256.hex(), **shown)


class Shown(Asked):
    """The fingerprint of what was shown to the person who decides."""

    subject_sha256: Sha256
