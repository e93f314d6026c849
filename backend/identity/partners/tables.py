"""What the rest of the platform sees of partners' keys and quotas; migration 0017 states the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.kit.principals import Principal


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """A registered public key (32 bytes). It is good from `valid_from` until `ends_at`, whatever ends it."""

    id: UUID
    organisation_id: UUID
    sandbox: bool
    public_key: bytes
    valid_from: datetime
    valid_until: datetime
    replaces: UUID | None
    act_id: UUID
    ends_at: datetime
    revoked_at: datetime | None

    def live(self, at: datetime) -> bool:
        """Whether a signature by it is taken at this moment."""
        return self.valid_from <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Quota:
    """How many events a partner may send on one day, and how many requests in one minute."""

    events_per_day: int
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class QuotaSet:
    """A quota that staff of an operator or the authority set."""

    quota: Quota
    reason: str
    set_by: UUID
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """Events that a partner sent on one day, of as many as it may."""

    events: int
    quota: Quota

    @property
    def left(self) -> int:
        """Events that may still be sent on that day."""
        return max(0, self.quota.events_per_day - self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingPartner(Principal):
    """A partner whose signed request was taken. With a key of its sandbox it acts in that, and in nothing else."""

    organisation: str  # its code
    key_id: UUID
    sandbox: bool
    usage: Usage

    def __str__(self) -> str:
        """Whose keys of idempotency these are: those of the sandbox are apart."""
        return f"{self.kind.value}{'-sandbox' if self.sandbox else ''}:{self.id}"
