"""What consent and assignment look like to the rest of the platform; migration 0004 states the rules."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


class Scenario(enum.StrEnum):
    """A source of everyday acts; each is consented to on its own."""

    BUS = "bus"
    METRO = "metro"
    BIKE = "bike"
    WALK = "walk"
    CHARGING = "charging"
    ELECTRICITY = "electricity"
    RECYCLING = "recycling"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The right to claim, assigned for the acts of a time; `covers_until` is open while it stands."""

    id: UUID
    agreement_id: str
    edition: str
    text_sha256: bytes
    covers_from: datetime
    covers_until: datetime | None
    recorded_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What a participant last said about one scenario."""

    scenario: str
    given: bool
    agreement_id: str
    edition: str
    text_sha256: bytes
    happened_at: datetime
    id: int = 0
