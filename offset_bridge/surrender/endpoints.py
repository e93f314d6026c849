"""Evaluations, pledges, surrenders and cancellations over HTTP. Only an account's own organisation pledges and cancels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import Role, organisations
from backend.kit import idempotency, paging
from backend.kit.access import Principal
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from offset_bridge import registry, rules
from offset_bridge.access import Party
from offset_bridge.holders import Holder
from offset_bridge.registry import Account
from offset_bridge.registry.endpoints import NO_ACCOUNT, NOT_LET_IN, InMarket, OfEntity, account_meant
from offset_bridge.surrender import cancelling, closing, pledging
from offset_bridge.surrender.errors import (
    OnlyCreditsCancelled,
    PledgeReleasedAlready,
    PledgeUnknown,
    ReleaseBreaksRules,
    UnitsNotHeld,
)
from offset_bridge.surrender.model import AskedLot
from offset_bridge.surrender.schemas import (
    Cancellation,
    CancelledTold,
    EvaluationTold,
    NewPledge,
    PledgeAnswerTold,
    PledgeTold,
    SurrenderTold,
)
from offset_bridge.units import NumbersUnclear

router = Router(tags=["surrender"])

ComplianceYear = Annotated[int, Query(ge=2000, le=2200)]
_RULES = (
    registry.RulesNotAdopted,
    registry.ObligationUnfixed,
    rules.ParameterUnset,
    rules.RulesUnsupported,
    rules.CaseInvalid,
)


async def _own(session: AsyncSession, person: Principal, market: str | None = None) -> Account:
    return await registry.own_account(session, organisation_id=person.organisation_id, market=market)


async def _in_sight(session: AsyncSession, person: Principal) -> Sequence[Account] | None:
    """None for the authority, which sees every account."""
    if Role.AUTHORITY in person.roles:
        return None
    assert person.organisation_id is not None
    return await registry.accounts_of(session, organisation_id=person.organisation_id)


@router.get("/offsets", responses=problems(*NO_ACCOUNT, *_RULES, organisations.OrganisationUnknown))
async def evaluate_offsets(
    compliance_year: ComplianceYear,
    person: Party,
    session: ReadSession,
    market: InMarket = None,
    organisation: OfEntity = None,
) -> EvaluationTold:
    """How many tonnes of the credits in an account may still be used for a year, lot by lot with the reasons."""
    account = await account_meant(session, person, market=market, organisation=organisation)
    found = await pledging.evaluate(session, account=account, compliance_year=compliance_year)
    return EvaluationTold.of(found)


@router.post(
    "/pledges",
    status_code=201,
    responses=problems(
        *NO_ACCOUNT,
        *_RULES,
        NumbersUnclear,
        UnitsNotHeld,
        registry.YearClosed,
        ledger.SerialsNotHeld,
        *idempotency.REFUSALS,
    ),
)
async def pledge_units(
    asked: NewPledge, person: Holder, session: WriteSession, response: Response, _: IdempotencyKey
) -> PledgeAnswerTold:
    """Set units of my organisation aside for a year's surrender. 201 when something was pledged, else 200 with the reasons."""
    account = await _own(session, person, asked.market)
    found = await pledging.pledge(
        session,
        account=account,
        compliance_year=asked.compliance_year,
        asked=asked.asked(),
        accept_partial=asked.accept_partial,
        pledged_by=person.id,
    )
    if found.pledge_id is None:
        response.status_code = 200
    return PledgeAnswerTold.of(found)


@router.get("/pledges", responses=problems(*NOT_LET_IN, paging.CursorUnusable))
async def list_pledges(person: Party, session: ReadSession, asked: Paging) -> Page[PledgeTold]:
    """My organisation's pledges, or all for the authority; newest first."""
    after = asked.after(datetime, UUID)
    found = await pledging.pledges(
        session,
        accounts=await _in_sight(session, person),
        before=(after[0], after[1]) if after else None,
        limit=asked.fetch,
    )
    return asked.page(found, position=lambda one: (one.pledged_at, one.id), show=PledgeTold.of)


@router.get("/pledges/{pledge_id}", responses=problems(*NOT_LET_IN, PledgeUnknown))
async def get_pledge(pledge_id: UUID, person: Party, session: ReadSession) -> PledgeTold:
    """One pledge of my organisation, or of any for the authority."""
    seen = await _in_sight(session, person)
    found = await pledging.pledge_of(session, account=None, pledge_id=pledge_id)
    if seen is not None and found.account_id not in {one.id for one in seen}:
        raise PledgeUnknown
    return PledgeTold.of(found)


@router.post(
    "/pledges/{pledge_id}/release",
    responses=problems(
        *NOT_LET_IN,
        PledgeUnknown,
        PledgeReleasedAlready,
        ReleaseBreaksRules,
        registry.YearClosed,
        *idempotency.REFUSALS,
    ),
)
async def release_pledge(
    pledge_id: UUID, person: Holder, session: WriteSession, _: IdempotencyKey
) -> PledgeTold:
    """Take one of my organisation's pledges back as a whole, before the year is closed."""
    found = await pledging.pledge_of(session, account=None, pledge_id=pledge_id)
    own = {one.id: one for one in await _in_sight(session, person) or ()}
    if found.account_id not in own:
        raise PledgeUnknown
    released = await pledging.release(
        session, account=own[found.account_id], pledge_id=pledge_id, released_by=person.id
    )
    return PledgeTold.of(released)


@router.get("/surrenders", responses=problems(*NOT_LET_IN))
async def list_surrenders(
    person: Party,
    session: ReadSession,
    compliance_year: Annotated[int | None, Query(ge=2000, le=2200)] = None,
) -> list[SurrenderTold]:
    """What my organisation surrendered, or everybody for the authority, by market, year and organisation."""
    found = await closing.surrenders(
        session, accounts=await _in_sight(session, person), compliance_year=compliance_year
    )
    return [SurrenderTold.of(one) for one in found]


@router.post(
    "/cancellations",
    status_code=201,
    responses=problems(
        *NO_ACCOUNT,
        NumbersUnclear,
        UnitsNotHeld,
        OnlyCreditsCancelled,
        ledger.SerialsNotHeld,
        *idempotency.REFUSALS,
    ),
)
async def cancel_units(
    asked: Cancellation, person: Holder, session: WriteSession, _: IdempotencyKey
) -> CancelledTold:
    """Give credits of my organisation up for good, for a purpose that becomes public."""
    quantity_t, serials = asked.chosen()
    made = await cancelling.cancel(
        session,
        account=await _own(session, person, asked.market),
        asked=AskedLot(asked.book, quantity_t=quantity_t if serials is None else None, serials=serials or ()),
        purpose=asked.purpose,
        cancelled_by=person.id,
    )
    return CancelledTold.of(made)


@router.get("/cancellations", responses=problems(*NOT_LET_IN, paging.CursorUnusable))
async def list_cancellations(person: Party, session: ReadSession, asked: Paging) -> Page[CancelledTold]:
    """What my organisation gave up, or everybody for the authority; newest first."""
    after = asked.after(datetime, UUID)
    found = await cancelling.cancellations(
        session,
        accounts=await _in_sight(session, person),
        before=(after[0], after[1]) if after else None,
        limit=asked.fetch,
    )
    return asked.page(found, position=lambda one: (one.cancelled_at, one.id), show=CancelledTold.of)
