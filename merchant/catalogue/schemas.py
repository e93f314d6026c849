"""What staff of a merchant ask and are told about offers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit import clock
from backend.kit.schemas import Asked, Code, Told
from merchant.catalogue.model import Offer, Stand

Title = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Items = Annotated[int, Field(strict=True, ge=1, le=100_000_000)]


class OfferMade(Asked):
    """What is offered for points. `items` null: as often as asked for. Both days are included; no last day: until withdrawn."""

    programme: Code
    title_zh: Title
    title_en: Title
    price_points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
    items: Items | None = None
    first_day: date | None = None
    last_day: date | None = None
    per_citizen: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None


class Restocking(Asked):
    """Items to add to those that are left."""

    items: Items


class OfferTold(Told):
    """An offer of mine. `items_left` is null where it is not limited."""

    id: UUID
    programme: str
    title_zh: str
    title_en: str
    price_points: int
    items_left: int | None
    per_citizen: int | None
    first_day: date
    last_day: date | None
    created_at: datetime
    withdrawn_at: datetime | None
    stand: Stand

    @classmethod
    def of(cls, offer: Offer) -> OfferTold:
        return cls(
            id=offer.id,
            programme=offer.programme,
            title_zh=offer.title_zh,
            title_en=offer.title_en,
            price_points=offer.price_points,
            items_left=offer.items_left,
            per_citizen=offer.per_citizen,
            first_day=offer.first_day,
            last_day=offer.last_day,
            created_at=offer.created_at,
            withdrawn_at=offer.withdrawn_at,
            stand=offer.stand_on(clock.today()),
        )
