"""Getting a reward for points, and what becomes of it. Locks come in one order: the reward, the person, accounts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.rewards import queries
from backend.engagement.rewards.errors import (
    GiftTooSmall,
    GrantDecided,
    GrantUnknown,
    RewardElsewhere,
    RewardLimitReached,
    RewardSoldOut,
    RewardUnknown,
)
from backend.engagement.rewards.model import AT_ONCE, CAUSES, DIRECT, Cause, Figures, Grant, Left, Outcome
from backend.identity import joining
from backend.kit import clock, ids
from backend.packs.figures import UNKNOWN
from backend.programmes import Registered, features, spending
from backend.programmes.features import Reward

Position = tuple[dt.datetime, UUID]


def reward_of(programme: Registered, *, reward_id: str, kinds: Collection[str]) -> Reward:
    """A reward of the programme's pack that is given here. Raises RewardUnknown, RewardElsewhere."""
    found = next((one for one in programme.pack.features.rewards if one.id == reward_id), None)
    if found is None:
        raise RewardUnknown
    if found.kind not in kinds or (found.merchant is not None and found.kind in DIRECT):
        raise RewardElsewhere(given_as=found.kind, merchant=found.merchant)
    return found


def price_of(programme: Registered, reward: Reward) -> int:
    """The points that a reward costs; ParameterUnknown, naming `reward.<id>.price`, when nobody published it."""
    price = features.known(reward.price, pack=programme.pack.id, parameter=f"reward.{reward.id}.price")
    return math.ceil(price)


def hours_of(programme: Registered, reward: Reward) -> int | None:
    """For how long a prop protects; None for what does not, ParameterUnknown when nobody published it."""
    if reward.protects_hours is None:
        return None
    parameter = f"reward.{reward.id}.protects_hours"
    return int(features.known(reward.protects_hours, pack=programme.pack.id, parameter=parameter))


def is_priced(reward: Reward) -> bool:
    """False when the price is unknown."""
    return reward.price != UNKNOWN


def is_timed(reward: Reward) -> bool:
    """True when it is known for how long a prop protects."""
    return reward.protects_hours not in {None, UNKNOWN}


async def take(
    session: AsyncSession,
    *,
    programme: Registered,
    reward_id: str,
    participant_id: UUID,
    kinds: Collection[str] = DIRECT,
    points: int | None = None,
) -> Grant:
    """Spend points on a reward that the programme gives directly: a numbered grant, within stock and limit.

    `points` is for causes, whose price is the smallest gift; without it, that. Raises RewardUnknown, RewardElsewhere, ParameterUnknown,
    GiftTooSmall, RewardSoldOut, RewardLimitReached, InsufficientBalance.
    """
    reward = reward_of(programme, reward_id=reward_id, kinds=kinds if points is None else CAUSES)
    price = price_of(programme, reward)
    points = price if points is None else points
    if points < price:
        raise GiftTooSmall(at_least_points=price)
    await session.execute(queries.LOCK, {"programme": programme.code, "reward": reward.id})
    standing, own, number = await _standing(session, programme.id, reward.id, participant_id)
    if reward.stock is not None and standing >= reward.stock:
        raise RewardSoldOut
    if reward.most_per_person is not None and own >= reward.most_per_person:
        raise RewardLimitReached(most_per_person=reward.most_per_person)
    given: dict[str, Any] = {"programme": programme.id, "participant": participant_id}
    since = until = None
    hours = hours_of(programme, reward)
    if hours is not None:
        await hold_props(session, programme=programme, participant_id=participant_id)
        already = (await session.execute(queries.PROTECTED_UNTIL, given)).scalar_one()
        since = max(clock.now(), already) if already else clock.now()
        until = since + dt.timedelta(hours=hours)
    grant_id, now = ids.uuid7(), clock.now() if since is None else min(since, clock.now())
    row = {
        "id": grant_id,
        "reward": reward.id,
        "kind": reward.kind,
        "number": number + 1,
        "points": points,
        "protects_from": since,
        "protects_until": until,
        "at": now,
    }
    await session.execute(queries.ADD, given | row)
    if points:
        await spending.spend(
            session,
            participant_id=participant_id,
            programme=programme.code,
            points=points,
            posting_id=grant_id,
            happened_at=now,
        )
    return await grant_of(session, programme=programme, grant_id=grant_id)


async def give_prize(
    session: AsyncSession, *, programme: Registered, reward: str, participant_id: UUID, at: dt.datetime
) -> UUID:
    """Grant what was won, for no points; the id of the grant. Its fulfilment is that of every other reward."""
    await session.execute(queries.LOCK, {"programme": programme.code, "reward": reward})
    _, _, number = await _standing(session, programme.id, reward, participant_id)
    grant_id = ids.uuid7()
    row = {
        "id": grant_id,
        "programme": programme.id,
        "reward": reward,
        "kind": "lottery",
        "participant": participant_id,
        "number": number + 1,
        "points": 0,
        "protects_from": None,
        "protects_until": None,
        "at": at,
    }
    await session.execute(queries.ADD, row)
    return grant_id


async def _standing(
    session: AsyncSession, programme_id: int, reward: str, participant_id: UUID
) -> tuple[int, int, int]:
    given = {"programme": programme_id, "rewards": [reward], "participant": participant_id}
    row = (await session.execute(queries.STANDING, given)).one_or_none()
    return (0, 0, 0) if row is None else (row.standing, row.own, row.number)


async def left_of(
    session: AsyncSession, *, programme: Registered, rewards: Iterable[Reward], participant_id: UUID
) -> dict[str, Left]:
    """Of each reward how much is left, and how many this participant holds."""
    wanted = {one.id: one for one in rewards}
    given = {"programme": programme.id, "rewards": list(wanted), "participant": participant_id}
    found = {row.reward: row for row in await session.execute(queries.STANDING, given)}
    return {
        one.id: Left(
            left=None
            if one.stock is None
            else max(0, one.stock - (found[one.id].standing if one.id in found else 0)),
            own=found[one.id].own if one.id in found else 0,
        )
        for one in wanted.values()
    }


async def decide(
    session: AsyncSession,
    *,
    programme: Registered,
    grant_id: UUID,
    outcome: Outcome,
    words: str,
    decided_by: UUID,
    kinds: Collection[str] = DIRECT | {"lottery"},
) -> Grant:
    """Note that a grant was delivered, or refuse it: then its points go back to the exact lots. Once.

    A prize that was won is not refused. Raises GrantUnknown, GrantDecided.
    """
    found = await grant_of(session, programme=programme, grant_id=grant_id)
    if found.kind not in kinds:
        raise GrantUnknown
    if found.kind in AT_ONCE or (found.kind == "lottery" and outcome == "refused"):
        raise GrantDecided
    now = clock.now()
    given = {"id": grant_id, "outcome": outcome, "words": words, "by": decided_by, "at": now}
    if (await session.execute(queries.DECIDE, given)).first() is None:
        raise GrantDecided
    if outcome == "refused" and found.points:
        await spending.give_back(
            session, spent=grant_id, posting_id=ids.derive(grant_id, "back"), happened_at=now
        )
    return await grant_of(session, programme=programme, grant_id=grant_id)


async def hold_props(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> None:
    """Keep a participant's props as they are until the transaction ends: whoever takes one waits, and is waited for."""
    await session.execute(
        queries.LOCK_PERSON, {"programme": programme.code, "participant": str(participant_id)}
    )


async def protected(session: AsyncSession, programme: Registered, participant: UUID, at: dt.datetime) -> bool:
    """True when a prop of the participant's keeps others from collecting at this moment."""
    given = {"programme": programme.id, "participant": participant, "at": at}
    return bool((await session.execute(queries.PROTECTED, given)).scalar_one())


async def grant_of(
    session: AsyncSession, *, programme: Registered, grant_id: UUID, participant_id: UUID | None = None
) -> Grant:
    """One grant of the programme; another participant's is unknown. Raises GrantUnknown."""
    row = (await session.execute(queries.ONE, {"programme": programme.id, "id": grant_id})).one_or_none()
    if row is None or participant_id not in {None, row.participant_id}:
        raise GrantUnknown
    return Grant(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def grants_of(
    session: AsyncSession,
    *,
    programme: Registered,
    participant_id: UUID,
    kinds: Collection[str] | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Grant]:
    """What a participant got, and accounts that ended in theirs, the newest first."""
    given = {
        "programme": programme.id,
        "people": [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)],
        "kinds": None if kinds is None else list(kinds),
        **_page(limit, after),
    }
    return [Grant(**row._mapping) for row in await session.execute(queries.OF_CITIZEN, given)]  # noqa: SLF001


async def grants(
    session: AsyncSession,
    *,
    programme: Registered,
    kinds: Collection[str] = DIRECT | {"lottery"},
    reward: str | None = None,
    waiting: bool = False,
    limit: int = 50,
    after: Position | None = None,
) -> list[Grant]:
    """What a programme gave, the newest first; `waiting`: only what somebody still has to fulfil."""
    given = {
        "programme": programme.id,
        "kinds": list(kinds),
        "reward": reward,
        "waiting": waiting,
        "at_once": list(AT_ONCE),
        **_page(limit, after),
    }
    return [Grant(**row._mapping) for row in await session.execute(queries.OF_PROGRAMME, given)]  # noqa: SLF001


async def causes(session: AsyncSession, *, programme: Registered) -> list[Cause]:
    """What people gave to public welfare, summed by cause."""
    rows = await session.execute(queries.CAUSES, {"programme": programme.id})
    return [Cause(**row._mapping) for row in rows]  # noqa: SLF001


async def figures_of(session: AsyncSession, *, programme: Registered) -> list[Figures]:
    """What came of each reward that somebody took or won, by id."""
    rows = await session.execute(queries.FIGURES, {"programme": programme.id})
    return [Figures(**row._mapping) for row in rows]  # noqa: SLF001


def _page(limit: int, after: Position | None) -> dict[str, object]:
    at, grant_id = after or (None, None)
    return {"limit": limit, "before": at, "before_id": grant_id}
