"""What redemptions are told as, and how long things last."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from uuid import UUID

CODE_LIVES = dt.timedelta(seconds=60)
STANDS_AT_MOST = dt.timedelta(minutes=10)  # however often the code is renewed
REFUND_WITHIN = dt.timedelta(days=7)


class State(enum.StrEnum):
    """Where a redemption stands. What has lapsed counts as such before its points are back."""

    HELD = "held"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Redemption:
    """A redemption as its citizen sees it. `stands_until` is told while it is held, `ended_at` afterwards."""

    id: UUID
    offer_id: UUID
    programme: str
    merchant: str
    merchant_zh: str
    merchant_en: str
    title_zh: str
    title_en: str
    points: int
    made_at: dt.datetime
    stands_until: dt.datetime | None
    ended: str | None
    ended_at: dt.datetime | None
    refunded_at: dt.datetime | None

    def state_at(self, moment: dt.datetime) -> State:
        """Held until it stands no longer; then as it ended."""
        if self.refunded_at is not None:
            return State.REFUNDED
        if self.ended is not None:
            return State(self.ended)
        assert self.stands_until is not None
        return State.HELD if moment < self.stands_until else State.LAPSED


@dataclass(frozen=True, slots=True)
class Issued:
    """A redemption that stands, with a code for the till. The code is told here and nowhere else."""

    redemption_id: UUID
    points: int
    code: str
    code_expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """A captured redemption as its merchant sees it: nothing tells who the citizen is."""

    redemption_id: UUID
    offer_id: UUID
    programme: str
    title_zh: str
    title_en: str
    points: int
    captured_at: dt.datetime
    captured_by: UUID
    refunded_at: dt.datetime | None = None
    refund_reason: str | None = None
