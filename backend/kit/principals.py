"""Who calls, for those who do not speak HTTP; `backend.kit.access` lets endpoints ask for one."""

from __future__ import annotations

import dataclasses
import enum
from uuid import UUID


class PrincipalKind(enum.StrEnum):
    """What sort of caller it is; each has tokens of its own audience."""

    CITIZEN = "citizen"
    STAFF = "staff"
    MERCHANT = "merchant"
    PARTNER = "partner"
    SYSTEM = "system"


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: for a citizen the participant, for staff the person together with the organisation acted for."""

    kind: PrincipalKind
    id: UUID
    organisation_id: UUID | None = None
    roles: frozenset[str] = frozenset()
    session_id: UUID | None = None
    actor_id: UUID | None = None  # the citizen who acts, where `id` is a household or a firm
    see_only: bool = False  # may read what is theirs, and change nothing of it

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}"
