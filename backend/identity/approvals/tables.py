"""What a two-person act looks like to the rest of the platform; migration 0004 states the rules."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from backend.identity.organisations import Role


class Decision(enum.StrEnum):
    """What the second person said."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ActKind:
    """A kind of act that takes two people: the role that both must have, and how long a proposal stands."""

    name: str
    role: Role
    stands_for: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class TwoPersonAct:
    """A proposal and, once made, the decision about it. `subject_sha256` (32 bytes) is what was shown to both."""

    id: UUID
    kind: str
    subject_sha256: bytes
    body: dict[str, Any]
    proposed_by: UUID
    proposed_at: datetime
    expires_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision: Decision | None
