"""What redemptions are told as, and how long things last."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from uuid import UUID

CODE_LIVES = dt.timedelta(seconds=60)
REFRESH_AFTER = dt.timedelta(seconds=45)  # a phone shows another code from then on
STANDS_AT_MOST = dt.timedelta(minutes=10)  # however often the code is renewed
CONFIRM_WITHIN = dt.timedelta(seconds=60)  # a till waits so long for the phone
RETRY_WITHIN = dt.timedelta(
    minutes=10
)  # the same till asks again and hears yes; later it hears when that was
REFUND_WITHIN = dt.timedelta(days=7)  # where the programme says nothing else
MISSES, MISSES_WITHIN = 20, dt.timedelta(minutes=10)  # typed numbers that led nowhere, of one caller
MERCHANT_MISSES = 200  # of all callers of a merchant
MISSES_KEPT = dt.timedelta(days=30)


class State(enum.StrEnum):
    """Where a redemption stands. What has lapsed counts as such before its points are back."""

    HELD = "held"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class At:
    """Where something is done at a merchant: by a clerk, a member of staff or a key (`by`), at a till of a shop or at none."""

    merchant_id: UUID
    by: UUID
    shop_id: UUID | None = None
    till_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class VoucherCode:
    """What is kept of the code of a voucher that a redemption is to give: a keyed digest, and the code sealed."""

    mac: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """A till asks the citizen to confirm, until then."""

    scan_id: UUID
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Redemption:
    """A redemption as its citizen sees it. `stands_until` is told while it is held, `ended_at` afterwards.

    `refunded_points` are those given back so far; `asked_*` the question of a till that waits for its citizen.
    `money_fen` is what the shop asks beside the points, as the offer says for good; told, never moved. `gives` is the offer's: None for
    goods at a till.
    """

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
    refunded_points: int = 0
    confirm: bool = False
    shop_id: UUID | None = None
    asked_id: UUID | None = None
    asked_until: dt.datetime | None = None
    money_fen: int | None = None
    gives: str | None = None

    def state_at(self, moment: dt.datetime) -> State:
        """Held until it stands no longer; then as it ended."""
        if self.refunded_at is not None and self.refunded_points >= self.points:
            return State.REFUNDED
        if self.ended is not None:
            return State(self.ended)
        assert self.stands_until is not None
        return State.HELD if moment < self.stands_until else State.LAPSED

    def question_at(self, moment: dt.datetime) -> Question | None:
        """What a till asks now."""
        if self.ended is not None or self.asked_id is None or self.asked_until is None:
            return None
        return Question(self.asked_id, self.asked_until) if moment < self.asked_until else None


@dataclass(frozen=True, slots=True)
class Issued:
    """A redemption that stands, with a code for the till. The code is told here and nowhere else."""

    redemption_id: UUID
    points: int
    code: str
    number: str
    code_expires_at: dt.datetime
    confirm: bool = False

    @property
    def refresh_after(self) -> dt.datetime:
        """When a phone shows another code; this one stays good for a while."""
        return self.code_expires_at - (CODE_LIVES - REFRESH_AFTER)


@dataclass(frozen=True, slots=True)
class Refunded:
    """Points given back: who asked for it (`by`: staff, a clerk, a key) at which till, and who of the staff agreed.

    `part_id` is None where all was given back at once. The labels are the shop's own names.
    """

    part_id: str | None
    points: int
    at: dt.datetime
    reason: str
    agreed_by: UUID
    agreed_by_label: str | None
    by: UUID | None
    by_label: str | None
    till_id: UUID | None
    till_label: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A captured redemption as its merchant sees it: nothing tells who the citizen is. `refunds` in the order of their times.

    `money_fen` is what the shop asks beside the points; told, never moved.
    """

    redemption_id: UUID
    offer_id: UUID
    programme: str
    title_zh: str
    title_en: str
    points: int
    captured_at: dt.datetime
    captured_by: UUID | None
    shop_id: UUID | None = None
    till_id: UUID | None = None
    refunded_at: dt.datetime | None = None
    refund_reason: str | None = None
    refunded_points: int = 0
    refunds: tuple[Refunded, ...] = ()
    money_fen: int | None = None


class Says(enum.StrEnum):
    """What a till is told: hand over, do not, or wait for the customer."""

    YES = "yes"
    NO = "no"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Use:
    """When and where a code was used before: told to the same merchant only. The labels are the shop's own names."""

    at: dt.datetime
    by: UUID | None
    shop_id: UUID | None
    till_id: UUID | None
    by_label: str | None = None
    till_label: str | None = None


@dataclass(frozen=True, slots=True)
class Scanned:
    """The answer to a scan. `reason` says why not; `receipt` is there with a yes, `scan_id` and `waits_until` while waiting."""

    says: Says
    reason: str | None = None
    receipt: Receipt | None = None
    last_use: Use | None = None
    scan_id: UUID | None = None
    waits_until: dt.datetime | None = None
    points: int | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """A scan that found nothing. No code is kept."""

    id: int
    at: dt.datetime
    reason: str
    typed: bool
    by: UUID
    shop_id: UUID | None
    till_id: UUID | None
