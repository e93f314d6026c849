"""Acts of ours that another platform seems to have claimed too, and what a person of the operator decides of each.

How many matches chance alone explains is told with every claim. Nobody is shown whose act it is.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import fingerprints
from backend.intake.fingerprints import ExternalClaim
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programmes_in_sight

router = Router(tags=["external claims"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class ComparisonTold(Told):
    """The comparison that found a claim, in numbers. `by_chance` of the `matched` acts are expected to match by chance."""

    exchange: str
    matched_at: dt.datetime
    bits: int
    acts: int
    probes: int
    theirs: int
    matched: int
    by_chance: float
    false_share: float


class ExternalClaimTold(Told):
    """One act and the platform that claims it too; `outcome` is null until somebody decided. The act stands meanwhile."""

    act_id: UUID
    platform: str
    beside: bool = Field(
        description="True when it was found in a neighbouring time bucket only, within the clocks' tolerance."
    )
    comparison: ComparisonTold
    programme: str
    source: str
    activity: str
    happened_at: dt.datetime
    reduction_g: int
    points: int
    withdrawn: bool
    outcome: Literal["ours", "theirs"] | None
    reason: str
    decided_at: dt.datetime | None

    @classmethod
    def of(cls, one: ExternalClaim) -> ExternalClaimTold:
        rates = one.rates
        return cls(
            act_id=one.claim_key,
            platform=one.platform,
            beside=one.beside,
            comparison=ComparisonTold(
                exchange=one.exchange,
                matched_at=one.matched_at,
                bits=rates.bits,
                acts=rates.acts,
                probes=rates.probes,
                theirs=rates.theirs,
                matched=rates.matched,
                by_chance=rates.by_chance,
                false_share=rates.false_share,
            ),
            programme=one.programme,
            source=one.source,
            activity=one.activity,
            happened_at=one.happened_at,
            reduction_g=one.grams,
            points=one.points,
            withdrawn=one.withdrawn,
            outcome=one.outcome,
            reason=one.reason,
            decided_at=one.decided_at,
        )


class OutcomeAsked(Asked):
    """Whose the act is. An act that is `theirs` is taken back here: points and grams."""

    outcome: Literal["ours", "theirs"]
    reason: Reason


@router.get("/external-claims", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_external_claims(
    *,
    person: OperatorOrAuthority,
    session: ReadSession,
    asked: Paging,
    platform: Annotated[Code | None, Query()] = None,
    decided: Annotated[bool, Query(description="Also those that are decided.")] = False,
) -> Page[ExternalClaimTold]:
    """External claims on acts of the programmes that I may see that wait for a decision, by the acts' days."""
    after = asked.after(UUID, str)
    claims = await fingerprints.list_claims(
        session,
        programmes=await _in_sight(session, person),
        platform=platform,
        decided=decided,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(claims, position=lambda one: one.cursor, show=ExternalClaimTold.of)


@router.post(
    "/external-claims/{act_id}/{platform}/decision",
    responses=problems(
        *_NOT_LET_IN,
        fingerprints.ExternalClaimUnknown,
        fingerprints.ExternalClaimDecided,
        *idempotency.REFUSALS,
    ),
)
async def decide_external_claim(
    *,
    act_id: UUID,
    platform: Code,
    asked: OutcomeAsked,
    person: Operator,
    session: WriteSession,
    _: IdempotencyKey,
) -> ExternalClaimTold:
    """Say whose an act of a programme of mine is, with a reason, once."""
    claim = await fingerprints.claim_of(session, claim_key=act_id, platform=platform)
    if claim.programme not in await _in_sight(session, person):
        raise fingerprints.ExternalClaimUnknown
    decided = await fingerprints.decide(
        session,
        claim_key=act_id,
        platform=platform,
        outcome=asked.outcome,
        staff_id=person.id,
        reason=asked.reason,
    )
    return ExternalClaimTold.of(decided)


async def _in_sight(session: AsyncSession, person: Principal) -> list[str]:
    return [one.code for one in await programmes_in_sight(session, person)]
