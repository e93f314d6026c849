"""What vouchers are told as."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from uuid import UUID

from merchant import redemption


class State(enum.StrEnum):
    """What became of a voucher. `over`: its last day has passed and nobody used it."""

    GOOD = "good"
    USED = "used"
    OVER = "over"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher as its citizen sees it: `face_fen` off a purchase of at least `minimum_fen`, up to `valid_until`, included.

    The code is told only while it is good. `shop_*` name where it was used, if that was a shop.
    """

    redemption_id: UUID
    offer_id: UUID
    programme: str
    points: int
    state: State
    code: str | None
    face_fen: int
    minimum_fen: int | None
    given_at: dt.datetime
    valid_until: dt.date
    used_at: dt.datetime | None
    title_zh: str
    title_en: str
    merchant_zh: str
    merchant_en: str
    shop_zh: str | None
    shop_en: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Vouchers of an offer: given in all, and of these good still, used, over unused, and given back."""

    given: int
    good: int
    used: int
    over: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a till is told: yes, or no for a `reason`; and what the voucher is, if it is one of the merchant's."""

    says: redemption.Says
    reason: str | None = None
    redemption_id: UUID | None = None
    offer_id: UUID | None = None
    title_zh: str | None = None
    title_en: str | None = None
    face_fen: int | None = None
    minimum_fen: int | None = None
    valid_until: dt.date | None = None
    last_use: redemption.Use | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A use as the merchant sees it; the labels are the shop's own names."""

    redemption_id: UUID
    offer_id: UUID
    title_zh: str
    title_en: str
    face_fen: int
    purchase_fen: int | None
    used_at: dt.datetime
    by: UUID
    by_label: str | None
    shop_id: UUID | None
    till_id: UUID | None
    till_label: str | None
