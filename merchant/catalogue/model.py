"""What the catalogue tells."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row


class Stand(enum.StrEnum):
    """Whether an offer can be redeemed on a day."""

    DRAFT = "draft"
    PAUSED = "paused"
    OPEN = "open"
    UPCOMING = "upcoming"
    OVER = "over"
    WITHDRAWN = "withdrawn"


class Step(enum.StrEnum):
    """What was done with an offer."""

    DRAFTED = "drafted"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    SENT_BACK = "sent_back"
    PAUSED = "paused"
    RESUMED = "resumed"


SHOWN = frozenset({Step.PUBLISHED, Step.RESUMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms an offer is given. `seasons`: spans of MM-DD, both included; `shops`: none means all of the merchant's.

    Of an offer that gives vouchers: `face_fen` is what one is worth at the till, `minimum_fen` from what purchase on, and it is good
    for `valid_days` after the day on which it is given.
    """

    category: str | None = None
    money_fen: int | None = None
    period: str | None = None
    per_period: int | None = None
    opening_hours: bool = False
    seasons: Sequence[tuple[str, str]] = ()
    shops: Sequence[UUID] = ()
    terms_zh: str | None = None
    terms_en: str | None = None
    contract_term: str = "standard"
    face_fen: int | None = None
    minimum_fen: int | None = None
    valid_days: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as it stands, after its last step and for the reason given with it.

    Both days are included; `items_left` is None where the offer is not limited. `gives` is `coupon` or `voucher` where a redemption
    draws a code at once, None where goods are handed over at a till.
    """

    id: UUID
    merchant_id: UUID
    merchant: str
    merchant_zh: str
    merchant_en: str
    programme: str
    title_zh: str
    title_en: str
    price_points: int
    gives: str | None
    items_left: int | None
    per_citizen: int | None
    first_day: dt.date
    last_day: dt.date | None
    created_at: dt.datetime
    withdrawn_at: dt.datetime | None
    step: Step
    reason: str | None
    images: tuple[str, ...]
    terms: Terms

    @classmethod
    def of(cls, row: Row[Any]) -> Offer:
        """From a row of the noun's queries, whose terms are one column of JSON."""
        told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns
        step, terms, shops = told.pop("step"), told.pop("terms"), told.pop("shops")
        told["images"] = tuple(told["images"] or ())
        terms = dict(terms or {})
        seasons = tuple((first, last) for first, last in terms.pop("seasons", ()))
        return cls(**told, step=Step(step), terms=Terms(**terms, seasons=seasons, shops=tuple(shops)))

    def stand_on(self, day: dt.date) -> Stand:
        """Open from its first to its last day once it is published, unless it was paused or withdrawn."""
        if self.withdrawn_at is not None:
            return Stand.WITHDRAWN
        if self.step not in SHOWN:
            return Stand.PAUSED if self.step is Step.PAUSED else Stand.DRAFT
        if day < self.first_day:
            return Stand.UPCOMING
        return Stand.OVER if self.last_day is not None and day > self.last_day else Stand.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which offers somebody looks for. `title`: a part of either title, in any case; `up_to_points`: costs no more.

    `near_e2`: latitude and longitude in whole hundredths of a degree, about a kilometre, with shops at most `within_km` away:
    nobody has to say more exactly where they are.
    """

    title: str | None = None
    up_to_points: int | None = None
    category: str | None = None
    district: str | None = None
    shop_id: UUID | None = None
    near_e2: tuple[int, int] | None = None
    within_km: int = 5
    open_now: bool = False


ANYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Place:
    """A shop where an offer is given."""

    id: UUID
    name_zh: str
    name_en: str
    address: str
    district: str
    open_now: bool
