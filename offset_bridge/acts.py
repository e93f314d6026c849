"""How proposals that take two people of the authority are shown and decided on the compliance side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from backend.identity import Role, approvals
from backend.identity.approvals import Decision, TwoPersonAct
from backend.kit.access import Principal, requires
from backend.kit.schemas import Asked, Sha256, Told

Authority = Annotated[Principal, requires(Role.AUTHORITY)]
Party = Annotated[Principal, requires(Role.AUTHORITY, Role.ENTERPRISE, Role.OPERATOR)]

UNDECIDABLE = (
    approvals.ActUnknown,
    approvals.ActNeedsRole,
    approvals.ActNeedsSecondPerson,
    approvals.ActDecidedAlready,
    approvals.ActExpired,
    approvals.ActShownDiffers,
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
