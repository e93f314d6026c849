"""Ordering a tree, handing orders over, reporting what was planted. Locks: the reward, the partner, then accounts."""

from __future__ import annotations

import datetime as dt
import secrets
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import rewards
from backend.engagement.planting import queries
from backend.engagement.planting.errors import (
    NoCertificate,
    NotHandedOver,
    NothingToHandOver,
    OrderUnknown,
    ReferenceTaken,
    ReportUnfit,
)
from backend.engagement.planting.model import Batch, Certificate, Order
from backend.engagement.rewards import TREES, GrantDecided
from backend.kit import clock, ids
from backend.programmes import Registered, programme_of
from backend.programmes.features import Name

Position = tuple[dt.datetime, UUID]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that looks like something else
AT_ONCE = 1_000  # orders handed over together


def new_number() -> str:
    """A certificate's number: 60 random bits, so that nobody finds another's by counting."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


async def order(
    session: AsyncSession, *, programme: Registered, reward_id: str, participant_id: UUID
) -> Order:
    """Spend points on a tree to plant, or to adopt. Where no partner plants it, it grows on the screen only, from now on.

    Raises what `rewards.take` raises.
    """
    grant = await rewards.take(
        session, programme=programme, reward_id=reward_id, participant_id=participant_id, kinds=TREES
    )
    reward = rewards.reward_of(programme, reward_id=reward_id, kinds=TREES)
    if reward.partner is None:
        row = {
            "grant": grant.id,
            "certificate": new_number(),
            "kind": grant.kind,
            "planted_on": clock.day_of(grant.granted_at),
            "at": grant.granted_at,
        }
        nobody = dict.fromkeys(("partner", "reference", "place", "stands_until", "by"))
        await session.execute(queries.ADD_TREE, row | nobody)
    return await order_of(session, programme=programme, order_id=grant.id)


async def hand_over(
    session: AsyncSession, *, programme: Registered, partner: str, made_by: UUID, at_most: int = AT_ONCE
) -> Batch:
    """Hand the orders that wait for a partner over to it, the oldest first, each once. Raises NothingToHandOver."""
    await session.execute(queries.LOCK, {"name": f"batch/{programme.code}/{partner}"})
    batch_id = ids.uuid7()
    given = {"id": batch_id, "programme": programme.id, "partner": partner, "by": made_by, "at": clock.now()}
    await session.execute(queries.ADD_BATCH, given)
    wanted = {
        "batch": batch_id,
        "programme": programme.id,
        "rewards": [
            one.id for one in programme.pack.features.rewards if one.kind in TREES and one.partner == partner
        ],
        "at_most": at_most,
    }
    await session.execute(queries.HAND_OVER, wanted)
    (made,) = await batches(session, programme=programme, batch_id=batch_id)
    if not made.orders:
        raise NothingToHandOver
    return made


async def planted(
    session: AsyncSession,
    *,
    programme: Registered,
    order_id: UUID,
    reference: str,
    place: str,
    planted_on: dt.date,
    stands_until: dt.date | None,
    reported_by: UUID,
    partner: str | None = None,
) -> Order:
    """Report that the tree of an order is planted, or found for adoption until a day: its certificate has a number now.

    `partner` limits it to that partner's orders. `reference` is the partner's own name for the tree: of a planted tree it
    stands for one order for good, of an adopted one for one at a time.
    Raises OrderUnknown, NotHandedOver, ReportUnfit, ReferenceTaken.
    """
    found = await _handed_over(session, programme, order_id, partner)
    today, ordered = clock.today(), clock.day_of(found.ordered_at)
    if found.kind == "planting":
        fit = stands_until is None and ordered <= planted_on <= today
    else:
        fit = stands_until is not None and ordered <= planted_on <= stands_until and today <= stands_until
    if not fit:
        raise ReportUnfit
    await session.execute(queries.LOCK, {"name": f"tree/{found.partner}/{reference}"})
    asked = {
        "partner": found.partner,
        "reference": reference,
        "kind": found.kind,
        "since": planted_on,
        "until": stands_until,
    }
    if (await session.execute(queries.REFERENCE_TAKEN, asked)).scalar_one():
        raise ReferenceTaken
    await _decide(session, programme, found, outcome="delivered", words="", by=reported_by)
    row = {
        "grant": found.id,
        "certificate": new_number(),
        "kind": found.kind,
        "partner": found.partner,
        "reference": reference,
        "place": place,
        "planted_on": planted_on,
        "stands_until": stands_until,
        "by": reported_by,
        "at": clock.now(),
    }
    await session.execute(queries.ADD_TREE, row)
    return await order_of(session, programme=programme, order_id=order_id)


async def failed(
    session: AsyncSession,
    *,
    programme: Registered,
    order_id: UUID,
    reason: str,
    reported_by: UUID,
    partner: str | None = None,
) -> Order:
    """Report that no tree will stand for an order: its points go back to the exact lots.

    Raises OrderUnknown, NotHandedOver.
    """
    found = await _handed_over(session, programme, order_id, partner)
    await _decide(session, programme, found, outcome="refused", words=reason, by=reported_by)
    return await order_of(session, programme=programme, order_id=order_id)


async def _handed_over(
    session: AsyncSession, programme: Registered, order_id: UUID, partner: str | None
) -> Order:
    found = await order_of(session, programme=programme, order_id=order_id)
    if partner not in {None, found.partner}:
        raise OrderUnknown
    if found.state != "handed_over":
        raise NotHandedOver
    return found


async def _decide(
    session: AsyncSession, programme: Registered, found: Order, *, outcome: str, words: str, by: UUID
) -> None:
    try:
        await rewards.decide(
            session,
            programme=programme,
            grant_id=found.id,
            outcome="delivered" if outcome == "delivered" else "refused",
            words=words,
            decided_by=by,
            kinds=TREES,
        )
    except GrantDecided:
        raise NotHandedOver from None


async def order_of(
    session: AsyncSession, *, programme: Registered, order_id: UUID, participant_id: UUID | None = None
) -> Order:
    """One order; another participant's is unknown. Raises OrderUnknown."""
    row = (await session.execute(queries.ONE, {"id": order_id, "programme": programme.id})).one_or_none()
    if row is None or participant_id not in {None, row.participant_id}:
        raise OrderUnknown
    return Order(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def orders_of(
    session: AsyncSession,
    *,
    programme: Registered,
    participant_id: UUID,
    limit: int = 50,
    after: Position | None = None,
) -> list[Order]:
    """A participant's trees, the newest first."""
    given = {"programme": programme.id, "participant": participant_id, **_page(limit, after)}
    return [Order(**row._mapping) for row in await session.execute(queries.OF_CITIZEN, given)]  # noqa: SLF001


async def orders(
    session: AsyncSession,
    *,
    programme: Registered,
    partner: str | None = None,
    batch_id: UUID | None = None,
    open_only: bool = False,
    limit: int = 50,
    after: Position | None = None,
) -> list[Order]:
    """A programme's orders, the newest first; of one partner those that were handed over to it."""
    given = {
        "programme": programme.id,
        "partner": partner,
        "batch": batch_id,
        "open": open_only,
        **_page(limit, after),
    }
    return [Order(**row._mapping) for row in await session.execute(queries.OF_PROGRAMME, given)]  # noqa: SLF001


async def batches(
    session: AsyncSession,
    *,
    programme: Registered,
    partner: str | None = None,
    batch_id: UUID | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Batch]:
    """What was handed over, the newest first."""
    given = {"programme": programme.code, "partner": partner, "id": batch_id, **_page(limit, after)}
    return [Batch(**row._mapping) for row in await session.execute(queries.BATCHES, given)]  # noqa: SLF001


async def certificate(session: AsyncSession, *, number: str) -> Certificate:
    """What a certificate's number stands for: a tree, and nobody's name. Raises NoCertificate."""
    row = (await session.execute(queries.CERTIFIED, {"number": number.upper()})).one_or_none()
    if row is None:
        raise NoCertificate
    programme = await programme_of(session, code=row.programme, at=row.granted_at)
    reward = next((one for one in programme.pack.features.rewards if one.id == row.reward), None)
    return Certificate(
        number=row.number,
        programme=row.programme,
        programme_title=Name(programme.pack.title_zh, programme.pack.title_en),
        kind=row.kind,
        real=row.real,
        title=Name(row.reward, row.reward) if reward is None else reward.title,
        species=None if reward is None else reward.species,
        partner=row.partner,
        reference=row.reference,
        place=row.place,
        planted_on=row.planted_on,
        stands_until=row.stands_until,
        points=row.points,
    )


def _page(limit: int, after: Position | None) -> dict[str, object]:
    at, order_id = after or (None, None)
    return {"limit": limit, "before": at, "before_id": order_id}
