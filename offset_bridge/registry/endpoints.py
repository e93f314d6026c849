"""Accounts, obligations, rules and holdings over HTTP: all of them for the authority, their own for the others.

Another organisation's account is unknown, not forbidden.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import Role, organisations
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code
from offset_bridge.access import Authority, Party
from offset_bridge.registry import adoption, fixing, holding, opening
from offset_bridge.registry.errors import (
    AccountChoiceNeeded,
    AccountExists,
    AccountNotFitting,
    AccountUnknown,
    MarketUnknown,
    MarketUnopened,
    RegionOutsideMarket,
)
from offset_bridge.registry.model import Account
from offset_bridge.registry.schemas import (
    AccountTold,
    HeldTold,
    Market,
    ModeTold,
    NewAccount,
    ObligationTold,
    RulesTold,
)

router = Router(tags=["registry"])

NOT_LET_IN = (Unauthenticated, Forbidden)
NO_ACCOUNT = (*NOT_LET_IN, AccountUnknown, AccountChoiceNeeded)

InMarket = Annotated[Market | None, Query(description="Needed by whoever has accounts in several markets.")]
OfEntity = Annotated[Code | None, Query(description="Whose account; the authority has to say.")]


async def account_meant(
    session: AsyncSession, person: Principal, *, market: str | None, organisation: str | None
) -> Account:
    """The account that a request is about: anybody's for the authority, one's own for everybody else."""
    if Role.AUTHORITY in person.roles:
        if organisation is None:
            raise AccountChoiceNeeded
        named = await organisations.organisation_by_code(session, code=organisation)
        return await opening.own_account(session, organisation_id=named.id, market=market)
    own = await opening.own_account(session, organisation_id=person.organisation_id, market=market)
    if organisation not in (None, own.organisation):
        raise AccountUnknown
    return own


@router.get("/modes/{market}", responses=problems(*NOT_LET_IN, MarketUnopened))
async def get_mode(market: Market, _person: Party, session: ReadSession) -> ModeTold:
    """Whether a market's registry is live or a demonstration."""
    return ModeTold.of(await opening.mode_of(session, market=market))


@router.post(
    "/accounts",
    status_code=201,
    responses=problems(
        *NOT_LET_IN,
        MarketUnknown,
        organisations.OrganisationUnknown,
        AccountExists,
        AccountNotFitting,
        RegionOutsideMarket,
        *idempotency.REFUSALS,
    ),
)
async def open_account(
    asked: NewAccount, person: Authority, session: WriteSession, _: IdempotencyKey
) -> AccountTold:
    """Give an organisation an account in a market."""
    made = await opening.open_account(
        session,
        market=asked.market,
        organisation=asked.organisation,
        region=asked.region,
        regulated=asked.regulated,
        opened_by=person.id,
    )
    return AccountTold.of(made)


@router.get("/accounts", responses=problems(*NOT_LET_IN, paging.CursorUnusable))
async def list_accounts(person: Party, session: ReadSession, asked: Paging) -> Page[AccountTold]:
    """My organisation's accounts; every account for the authority; by market and organisation."""
    after = asked.after(str, str)
    behind = (after[0], after[1]) if after else None
    if Role.AUTHORITY in person.roles:
        found = await opening.accounts(session, after=behind, limit=asked.fetch)
    else:
        assert person.organisation_id is not None
        own = await opening.accounts_of(session, organisation_id=person.organisation_id)
        found = [one for one in own if behind is None or (one.market, one.organisation) > behind]
    return asked.page(found, position=lambda one: (one.market, one.organisation), show=AccountTold.of)


@router.get("/holdings", responses=problems(*NO_ACCOUNT, organisations.OrganisationUnknown))
async def list_holdings(
    person: Party, session: ReadSession, market: InMarket = None, organisation: OfEntity = None
) -> list[HeldTold]:
    """What lies free in an account, run by run, with what each is."""
    account = await account_meant(session, person, market=market, organisation=organisation)
    return [HeldTold.of(one) for one in await holding.holdings(session, account=account)]


@router.get("/obligations", responses=problems(*NO_ACCOUNT, organisations.OrganisationUnknown))
async def list_obligations(
    person: Party, session: ReadSession, market: InMarket = None, organisation: OfEntity = None
) -> list[ObligationTold]:
    """An account's figures of every year, each revision, oldest first."""
    account = await account_meant(session, person, market=market, organisation=organisation)
    return [ObligationTold.of(one) for one in await fixing.obligations(session, account=account)]


@router.get("/rules", responses=problems(*NOT_LET_IN))
async def list_rules(_person: Party, session: ReadSession, market: InMarket = None) -> list[RulesTold]:
    """Which rules were adopted for which year, by market, year and revision."""
    return [RulesTold.of(one) for one in await adoption.adoptions(session, market=market)]
