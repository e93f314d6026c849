"""Which act stands for a claim, and under which key the next one may stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import claims
from backend.intake.holding import queries
from backend.intake.holding.errors import ClaimStands
from backend.intake.holding.model import Stored
from backend.kit.settings import Keys


async def lock(session: AsyncSession, claim_keys: Collection[UUID]) -> None:
    """Wait until nobody else decides about the claims that these keys are of, until this transaction ends."""
    rows = await session.execute(queries.ROOTS, {"keys": list(claim_keys)})
    await session.execute(queries.LOCK_CLAIMS, {"roots": sorted({row.root for row in rows})})


async def stored(session: AsyncSession, keys: Sequence[UUID]) -> dict[UUID, Stored]:
    """The acts with these keys, withdrawn ones among them."""
    rows = await session.execute(queries.STORED, {"keys": list(keys)})
    return {row.claim_key: of(row) for row in rows}


async def family(session: AsyncSession, claim: UUID) -> list[Stored]:
    """Every act that ever stood for a claim."""
    rows = await session.execute(queries.FAMILY, {"roots": [claim]})
    return [of(row) for row in rows]


async def stands_for(session: AsyncSession, claim: UUID) -> Stored | None:
    """The act that stands for a claim now; None when nobody claimed it, or what did was withdrawn."""
    return next((act for act in await family(session, claim) if not act.withdrawn), None)


async def last_of_chain(session: AsyncSession, key: UUID) -> Stored | None:
    """The act that stands where the one with this key once stood; None when there never was one."""
    last: UUID = (await session.execute(queries.LAST_OF_CHAIN, {"key": key})).scalar_one()
    return (await stored(session, [last])).get(last)


async def next_key(
    session: AsyncSession, keys: Keys, *, claim: UUID, giving_way: Collection[UUID]
) -> tuple[UUID, int]:
    """The key under which the next act for a claim stands, and the number of its revision (0: the claim itself).

    Raises ClaimStands when an act that is not `giving_way` stands for it.
    """
    known = await family(session, claim)
    if any(not act.withdrawn and act.claim_key not in giving_way for act in known):
        raise ClaimStands
    if not known:
        return claim, 0
    number = int((await session.execute(queries.LAST_REVISION, {"root": claim})).scalar_one()) + 1
    return claims.revision_key(keys, claim, number), number


def of(row: Any) -> Stored:
    """An act as the queries read it."""
    return Stored(**{name: getattr(row, name) for name in Stored.__slots__})
