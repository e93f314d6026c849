"""Give codes, let newcomers name who brought them, and reward both once the newcomer really takes part."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import following
from backend.engagement.following import Touched
from backend.engagement.referrals import queries
from backend.engagement.referrals.errors import (
    CodeUnknown,
    ReferredAlready,
    ReferredTooLate,
    ReferringRefused,
)
from backend.kit import clock, ids
from backend.packs import ParameterUnknown
from backend.programmes import Registered, awards, budgets, expires_on, require
from backend.programmes.features import Referral, known

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who came with my code: since when, and what it gave me. Who it is, is not told."""

    redeemed_at: dt.datetime
    rewarded_at: dt.datetime | None
    points: int


@dataclass(frozen=True, slots=True)
class Own:
    """My code and what came of it; `came_with_one`: I came with somebody's code myself."""

    code: str
    came_with_one: bool
    invited: tuple[Invited, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """How many came with a code, how many of them were rewarded and still are, how often that was undone, points given."""

    referred: int
    rewarded: int
    undone: int
    points: int


@dataclass(frozen=True, slots=True)
class _Terms:
    referral: Referral
    to_referrer: int
    to_referred: int


def _terms(programme: Registered) -> _Terms:
    """Raises FeatureOff, ParameterUnknown."""
    require(programme, "referral")
    pack, referral = programme.pack, programme.pack.features.referral
    assert referral is not None  # a pack that switches it on has it
    return _Terms(
        referral,
        math.floor(known(referral.to_referrer, pack=pack.id, parameter="referral.to_referrer")),
        math.floor(known(referral.to_referred, pack=pack.id, parameter="referral.to_referred")),
    )


async def own(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> Own:
    """My code in this programme, made when first asked for. Raises FeatureOff, ParameterUnknown."""
    _terms(programme)
    asked = {"programme": programme.id, "participant": participant_id}
    code = (await session.execute(queries.CODE_OF, asked)).scalar_one_or_none()
    while code is None:  # a code that somebody else has is not added
        made = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        await session.execute(queries.ADD_CODE, {**asked, "code": made, "at": clock.now()})
        code = (await session.execute(queries.CODE_OF, asked)).scalar_one_or_none()
    invited = (await session.execute(queries.INVITED, asked)).all()
    came = bool((await session.execute(queries.CAME_WITH, asked)).scalar_one())
    return Own(code, came, tuple(Invited(*row) for row in invited))


async def redeem(session: AsyncSession, *, programme: Registered, participant_id: UUID, code: str) -> None:
    """Say with whose code I came: once, while what the programme asks for can still be done.

    Raises FeatureOff, ParameterUnknown, CodeUnknown, ReferredAlready, ReferredTooLate, ReferringRefused.
    """
    terms, now = _terms(programme), clock.now()
    await session.execute(queries.LOCK, {"programme": programme.id})  # two cannot name each other at once
    row = (
        await session.execute(
            queries.REFERRER,
            {"programme": programme.id, "newcomer": participant_id, "code": code.strip().upper()},
        )
    ).one_or_none()
    if row is None:
        raise CodeUnknown
    if row.already:
        raise ReferredAlready
    joined_on = clock.day_of(row.joined_at)
    if clock.day_of(now) >= joined_on + dt.timedelta(days=terms.referral.within_days):
        raise ReferredTooLate
    if row.participant_id == participant_id or row.back or row.shared or row.kind != "citizen":
        raise ReferringRefused
    await session.execute(
        queries.ADD,
        {
            "programme": programme.id,
            "newcomer": participant_id,
            "referrer": row.participant_id,
            "joined_on": joined_on,
            "at": now,
        },
    )
    await following.look_again(
        session, programme=programme, participant_id=participant_id, day=clock.day_of(now)
    )


async def follow_touched(session: AsyncSession, touched: Touched) -> None:
    """Take rewards back whose acts went, then reward newcomers who did what is asked for, and who brought them."""
    programme = touched.programme
    if programme.pack.money:
        return
    await _undo(session, programme)
    if not programme.pack.features.on("referral"):
        return
    try:
        budgets.limit_of(programme.pack)
        terms = _terms(programme)
    except ParameterUnknown:
        return
    await _reward(session, programme, terms)


async def _undo(session: AsyncSession, programme: Registered) -> None:
    rows = (await session.execute(queries.UNDO, {"programme": programme.id})).all()
    if not rows:
        return
    now = clock.now()
    given = await session.execute(queries.GIVEN, {"causes": [cause_of(row.id) for row in rows]})
    by_posting = {row.posting_id: row for row in given}
    for row in rows:
        for part in ("referrer", "referred"):
            award = by_posting.get(award_id(row.id, part))
            if award is not None:
                await awards.take_back(
                    session,
                    programme=programme.code,
                    participant_id=award.participant_id,
                    cause=cause_of(row.id),
                    points=award.points,
                    posting_id=taken_id(row.id, part),
                    happened_at=now,
                )
    await session.execute(queries.ADD_UNDONE, {"ids": [row.id for row in rows], "at": now})


async def _reward(session: AsyncSession, programme: Registered, terms: _Terms) -> None:
    now, referral = clock.now(), terms.referral
    rows = (
        await session.execute(
            queries.REWARD,
            {"programme": programme.id, "needed": referral.after_acts, "days": referral.within_days},
        )
    ).all()
    due = expires_on(programme.pack, clock.day_of(now))
    rewarded: dict[UUID, int] = {}
    notes: list[dict[str, Any]] = []
    given: list[awards.Award] = []
    for row in rows:
        before = row.before + rewarded.get(row.referrer_id, 0)
        counts = before < referral.most
        rewarded[row.referrer_id] = rewarded.get(row.referrer_id, 0) + int(counts)
        parts = {
            "referrer": (row.referrer_id, terms.to_referrer if counts else 0),
            "referred": (row.newcomer_id, terms.to_referred),
        }
        given += [
            awards.Award(award_id(row.id, part), who, points, due, now, cause_of(row.id))
            for part, (who, points) in parts.items()
            if points
        ]
        notes.append(
            {
                "id": row.id,
                "programme": programme.id,
                "newcomer": row.newcomer_id,
                "number": row.number,
                "last": row.last,
                "needed": referral.after_acts,
                "to_referrer": parts["referrer"][1],
                "to_referred": terms.to_referred,
                "counts": counts,
                "active_from": programme.active_from,
                "at": now,
            }
        )
    if given:
        await awards.award(session, programme=programme.code, awards=given)
    if notes:
        await session.execute(queries.ADD_REWARDED, notes)


def award_id(rewarded_id: UUID, part: str) -> UUID:
    """The posting of what the `referrer` or the `referred` got."""
    return ids.derive(rewarded_id, part)


def taken_id(rewarded_id: UUID, part: str) -> UUID:
    """The posting that takes it back."""
    return ids.derive(rewarded_id, part, "undone")


def cause_of(rewarded_id: UUID) -> str:
    """What an award for a referral says it is for."""
    return f"referral:{rewarded_id}"


async def figures_of(session: AsyncSession, *, programme: Registered) -> Figures:
    """What came of a programme's referrals."""
    return Figures(*(await session.execute(queries.FIGURES, {"programme": programme.id})).one())
