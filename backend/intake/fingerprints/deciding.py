"""External claims: which acts another platform seems to have claimed too, and what a person decides of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import holding
from backend.intake.fingerprints import queries
from backend.intake.fingerprints.errors import ExternalClaimDecided, ExternalClaimUnknown
from backend.intake.fingerprints.rates import Rates
from backend.kit import clock, ids

Outcome = Literal["ours", "theirs"]


@dataclass(frozen=True, slots=True)
class ExternalClaim:
    """One act of ours and the platform that claims it too. `outcome` is None until somebody decided."""

    claim_key: UUID
    platform: str
    exchange: str
    beside: bool
    matched_at: dt.datetime
    rates: Rates
    programme: str
    source: str
    activity: str
    happened_at: dt.datetime
    grams: int
    points: int
    withdrawn: bool
    outcome: Outcome | None
    reason: str
    decided_at: dt.datetime | None

    @property
    def cursor(self) -> tuple[str, str]:
        return str(self.claim_key), self.platform


async def list_claims(
    session: AsyncSession,
    *,
    programmes: Sequence[str],
    platform: str | None = None,
    decided: bool = False,
    limit: int = 50,
    after: tuple[UUID, str] | None = None,
) -> list[ExternalClaim]:
    """External claims on acts of these programmes that wait (or all), in the order of their acts' days."""
    key, name = after or (None, "")
    rows = await session.execute(
        queries.CLAIMS,
        {
            "programmes": list(programmes),
            "platform": platform,
            "decided": decided,
            "after_key": key,
            "after_platform": name,
            "limit": limit,
        },
    )
    return [_claim(row) for row in rows]


async def claim_of(session: AsyncSession, *, claim_key: UUID, platform: str) -> ExternalClaim:
    """One external claim. Raises ExternalClaimUnknown."""
    row = (await session.execute(queries.CLAIM, {"key": claim_key, "platform": platform})).one_or_none()
    if row is None:
        raise ExternalClaimUnknown
    return _claim(row)


async def decide(
    session: AsyncSession, *, claim_key: UUID, platform: str, outcome: Outcome, staff_id: UUID, reason: str
) -> ExternalClaim:
    """Decide whose act it is, once. An act that is theirs is withdrawn here in the same transaction, points and grams too.

    Deciding the same again changes nothing. Raises ExternalClaimUnknown, ExternalClaimDecided.
    """
    claim = await claim_of(session, claim_key=claim_key, platform=platform)
    added = await session.execute(
        queries.ADD_DECISION,
        {
            "id": ids.uuid7(),
            "key": claim_key,
            "platform": platform,
            "outcome": outcome,
            "staff": staff_id,
            "reason": reason,
            "at": clock.now(),
        },
    )
    if added.scalar_one_or_none() is None:
        claim = await claim_of(session, claim_key=claim_key, platform=platform)
        if claim.outcome != outcome:
            raise ExternalClaimDecided
        return claim
    if outcome == "theirs":
        await holding.take_back(session, key=claim_key, staff_id=staff_id, reason=reason)
    return await claim_of(session, claim_key=claim_key, platform=platform)


def _claim(row: Row[Any]) -> ExternalClaim:
    return ExternalClaim(
        claim_key=row.claim_key,
        platform=row.platform,
        exchange=row.exchange,
        beside=row.beside,
        matched_at=row.matched_at,
        rates=Rates(row.bits, row.acts, row.probes, row.theirs, row.matched),
        programme=row.programme,
        source=row.source,
        activity=row.activity,
        happened_at=row.happened_at,
        grams=row.grams,
        points=row.points,
        withdrawn=row.withdrawn,
        outcome=row.outcome,
        reason=row.reason or "",
        decided_at=row.decided_at,
    )
