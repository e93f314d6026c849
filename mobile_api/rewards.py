"""What a programme itself gives for my points, and what I got."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from backend import ledger, packs, programmes
from backend.engagement import rewards
from backend.engagement.rewards import Grant, Left
from backend.identity.proving import NotRedeemable
from backend.kit import i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.programmes import ProgrammeUnknown, Registered
from backend.programmes.features import Name, Reward
from merchant import catalogue
from merchant.catalogue import Offer

router = Router(prefix="/programmes/{programme}", tags=["rewards"])

_REFUSED = (Unauthenticated, ProgrammeUnknown)
_OFFERS_SHOWN = 200


def spoken(name: Name) -> str:
    """The name in the caller's language."""
    return name.zh if i18n.language() == "zh" else name.en


class RewardTold(Told):
    """Something that points are spent on. `price_points` is null where nobody published a price: then it cannot be had yet.

    Where a `merchant` gives it, it is redeemed there: `offers` are its offers for points of this programme.
    """

    id: str
    kind: str
    title: str
    price_points: int | None
    left: int | None = Field(description="Null where it is not limited.")
    most_per_person: int | None
    mine: int
    merchant: str | None
    offers: list[UUID]
    partner: str | None
    real: bool | None = Field(
        description="Of trees: true where a partner really plants; else it grows on screen only."
    )
    protects_hours: int | None

    @classmethod
    def of(cls, programme: Registered, one: Reward, left: Left, offers: list[Offer]) -> RewardTold:
        merchants = {item.id: item.code for item in programme.pack.features.merchants}
        code = merchants.get(one.merchant or "") or one.merchant
        return cls(
            id=one.id,
            kind=one.kind,
            title=spoken(one.title),
            price_points=rewards.price_of(programme, one) if rewards.is_priced(one) else None,
            left=left.left,
            most_per_person=one.most_per_person,
            mine=left.own,
            merchant=one.merchant,
            offers=[offer.id for offer in offers if code is not None and offer.merchant == code],
            partner=one.partner,
            real=one.partner is not None if one.kind in rewards.TREES else None,
            protects_hours=rewards.hours_of(programme, one) if rewards.is_timed(one) else None,
        )


class GrantTold(Told):
    """Something that I got for points. `words` are the operator's: where to fetch it, or why I do not get it."""

    id: UUID
    programme: str
    reward: str
    kind: str
    number: int = Field(description="Which one of this reward it is, counted from 1.")
    points: int
    state: str = Field(description="`waiting`, `delivered`, or `refused`: then its points went back.")
    words: str
    protects_from: datetime | None
    protects_until: datetime | None
    granted_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, one: Grant) -> GrantTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


@router.get("/rewards", responses=problems(*_REFUSED))
async def list_rewards(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> list[RewardTold]:
    """Everything that points of this programme are spent on: here, at merchants, on trees, lotteries and events."""
    running = await programmes.programme_of(session, code=programme)
    every = running.pack.features.rewards
    left = await rewards.left_of(session, programme=running, rewards=every, participant_id=citizen.id)
    offers = await catalogue.open_offers(session, programme=programme, limit=_OFFERS_SHOWN, after=None)
    return [RewardTold.of(running, one, left[one.id], offers) for one in every]


@router.post(
    "/rewards/{reward}",
    status_code=201,
    responses=problems(
        *_REFUSED,
        rewards.RewardUnknown,
        rewards.RewardElsewhere,
        rewards.RewardSoldOut,
        rewards.RewardLimitReached,
        packs.ParameterUnknown,
        ledger.InsufficientBalance,
        NotRedeemable,
        *idempotency.REFUSALS,
    ),
)
async def take_reward(
    programme: Code, reward: Code, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> GrantTold:
    """Spend my points on a reward that the programme gives itself."""
    running = await programmes.programme_of(session, code=programme)
    made = await rewards.take(session, programme=running, reward_id=reward, participant_id=citizen.id)
    return GrantTold.of(made)


@router.get("/grants", responses=problems(*_REFUSED, paging.CursorUnusable))
async def list_grants(
    programme: Code, citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[GrantTold]:
    """What I got for points of this programme, trees and prizes too, the newest first."""
    running = await programmes.programme_of(session, code=programme)
    after = asked.after(datetime, UUID)
    rows = await rewards.grants_of(
        session,
        programme=running,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.granted_at, row.id), show=GrantTold.of)
