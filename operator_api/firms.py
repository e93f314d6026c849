"""Which firm an account is, checked against the code that its manager said."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from backend.identity import members
from backend.identity.members import firms
from backend.identity.members.firms import FirmClaim
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from operator_api.access import Operator

router = Router(prefix="/firms", tags=["firms"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


class FirmCheck(Asked):
    """What was found, and by what."""

    confirmed: bool
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class FirmClaimTold(Told):
    """A firm's name and code as its manager said them; who that was is not told."""

    claim_id: UUID
    group_id: UUID
    name: str | None
    credit_code: str | None
    claimed_at: datetime
    state: Literal["waiting", "confirmed", "refused"]
    reason: str | None
    checked_at: datetime | None

    @classmethod
    def of(cls, one: FirmClaim) -> FirmClaimTold:
        return cls(
            claim_id=one.id,
            group_id=one.group_id,
            name=one.name,
            credit_code=one.code,
            claimed_at=one.claimed_at,
            state=one.state,
            reason=one.reason,
            checked_at=one.checked_at,
        )


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_firm_claims(
    person: Operator,  # noqa: ARG001 - whoever is an operator may ask
    settings: AppSettings,
    session: ReadSession,
    asked: Paging,
) -> Page[FirmClaimTold]:
    """What waits for a check, the oldest first."""
    after = asked.after(UUID)
    found = await firms.waiting(session, settings.keys, after=after[0] if after else None, limit=asked.fetch)
    return asked.page(found, position=lambda one: (one.id,), show=FirmClaimTold.of)


@router.post(
    "/{claim_id}/check",
    responses=problems(
        *_NOT_LET_IN,
        members.FirmClaimUnknown,
        members.FirmCheckedAlready,
        members.CreditCodeTaken,
        *idempotency.REFUSALS,
    ),
)
async def check_firm(
    claim_id: UUID,
    asked: FirmCheck,
    person: Operator,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> FirmClaimTold:
    """Confirm a firm, which may redeem from then on, or refuse, after which its manager may say another code."""
    found = await firms.check(
        session,
        settings.keys,
        claim_id=claim_id,
        confirmed=asked.confirmed,
        reason=asked.reason,
        by=person.id,
    )
    return FirmClaimTold.of(found)
