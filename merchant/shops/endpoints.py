"""A merchant's own shops."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from merchant.access import MerchantStaff, merchant_of
from merchant.shops import service
from merchant.shops.errors import ShopHoursUnsound, ShopUnknown
from merchant.shops.service import About, Shop

router = Router(prefix="/shops", tags=["shops"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
Name = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
Minute = Annotated[int, Field(ge=0, le=24 * 60)]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Weekday = Annotated[str, StringConstraints(pattern="^[1-7]$")]


class Span(Asked):
    """Open from this minute of the day up to, but not including, that one; a span ends by midnight."""

    from_minute: Minute = Field(examples=[540])
    until_minute: Minute = Field(examples=[1260])


class Place(Asked):
    """Where it is, in degrees; two decimals are kept, about a kilometre."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)


class ShopSaid(Asked):
    """What is said of a shop. `hours` by weekday, `1` being Monday, `except_days` by date; days not named are closed."""

    name_zh: Name
    name_en: Name
    address: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
    district: Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
    place: Place | None = None
    hours: dict[Weekday, Annotated[list[Span], Field(max_length=6)]]
    except_days: dict[Day, Annotated[list[Span], Field(max_length=6)]] = Field(default={}, max_length=400)
    closed: bool = False

    def about(self) -> About:
        return About(
            name_zh=self.name_zh,
            name_en=self.name_en,
            address=self.address,
            district=self.district,
            place=None
            if self.place is None
            else (round(self.place.latitude, 2), round(self.place.longitude, 2)),
            hours={day: _spans(spans) for day, spans in self.hours.items()},
            except_days={day: _spans(spans) for day, spans in self.except_days.items()},
            closed=self.closed,
        )


def _spans(spans: list[Span]) -> tuple[tuple[int, int], ...]:
    return tuple((one.from_minute, one.until_minute) for one in spans)


class ShopTold(Told):
    """A shop as it stands; `edition` counts what was said of it."""

    shop_id: UUID
    edition: int
    name_zh: str
    name_en: str
    address: str
    district: str
    place: Place | None
    hours: dict[str, list[Span]]
    except_days: dict[str, list[Span]]
    closed: bool
    made_at: datetime

    @classmethod
    def of(cls, one: Shop) -> ShopTold:
        about = one.about
        return cls(
            shop_id=one.id,
            edition=one.edition,
            name_zh=about.name_zh,
            name_en=about.name_en,
            address=about.address,
            district=about.district,
            place=about.place and Place(latitude=about.place[0], longitude=about.place[1]),
            hours={day: _told(spans) for day, spans in about.hours.items()},
            except_days={day: _told(spans) for day, spans in about.except_days.items()},
            closed=about.closed,
            made_at=one.made_at,
        )


def _told(spans: service.Spans) -> list[Span]:
    return [Span(from_minute=start, until_minute=end) for start, end in spans]


@router.get("", responses=problems(*_NOT_LET_IN))
async def list_shops(person: MerchantStaff, session: ReadSession) -> list[ShopTold]:
    """My organisation's shops, closed ones too."""
    return [ShopTold.of(one) for one in await service.shops_of(session, merchant_id=merchant_of(person))]


@router.post("", status_code=201, responses=problems(*_NOT_LET_IN, ShopHoursUnsound, *idempotency.REFUSALS))
async def open_shop(
    said: ShopSaid, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> ShopTold:
    """A new shop."""
    made = await service.open_shop(
        session, merchant_id=merchant_of(person), about=said.about(), made_by=person.id
    )
    return ShopTold.of(made)


@router.get("/{shop_id}", responses=problems(*_NOT_LET_IN, ShopUnknown))
async def get_shop(shop_id: UUID, person: MerchantStaff, session: ReadSession) -> ShopTold:
    """One shop of my organisation."""
    return ShopTold.of(await service.shop_of(session, merchant_id=merchant_of(person), shop_id=shop_id))


@router.put("/{shop_id}", responses=problems(*_NOT_LET_IN, ShopUnknown, ShopHoursUnsound))
async def change_shop(
    shop_id: UUID, said: ShopSaid, person: MerchantStaff, session: WriteSession
) -> ShopTold:
    """Say what holds of a shop from now on; `closed` lets its tills take nothing more."""
    changed = await service.change_shop(
        session, merchant_id=merchant_of(person), shop_id=shop_id, about=said.about(), said_by=person.id
    )
    return ShopTold.of(changed)
