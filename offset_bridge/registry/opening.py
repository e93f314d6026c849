"""Whether a market's registry is real, and who has an account in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log, packs
from backend.identity import Role, approvals, organisations
from backend.kit import clock, ids
from backend.packs.regions import covers
from offset_bridge.registry import queries
from offset_bridge.registry.errors import (
    AccountChoiceNeeded,
    AccountExists,
    AccountNotFitting,
    AccountUnknown,
    DemoUnitsRefused,
    MarketUnopened,
    ModeFixed,
    RegionOutsideMarket,
    RevisedMeanwhile,
)
from offset_bridge.registry.library import shipped_pack
from offset_bridge.registry.model import Account, Mode, ModeSet

MODE = approvals.ActKind("compliance.mode", role=Role.AUTHORITY)

_HOLDERS = frozenset({Role.ENTERPRISE, Role.OPERATOR})
_SUPERVISORS = frozenset({Role.AUTHORITY, Role.VERIFICATION_BODY})


async def propose_mode(
    session: AsyncSession, *, market: str, mode: Mode, proposed_by: UUID
) -> approvals.TwoPersonAct:
    """Ask for a market's registry to be live or a demonstration. Refuses MarketUnknown, ModeFixed once units stand in it."""
    await shipped_pack(market)
    revision = await _next_revision(session, market)
    return await _propose(
        session, proposed_by=proposed_by, body={"market": market, "revision": revision, "mode": mode.value}
    )


async def approve_mode(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> ModeSet:
    """Agree, as the second person; the registry is what was proposed from now on."""
    act = await approvals.approve(
        session, MODE, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    await queries.lock_market(session, market=body["market"])
    if body["revision"] != await _next_revision(session, body["market"]):
        raise RevisedMeanwhile
    await queries.set_mode(
        session,
        market=body["market"],
        revision=body["revision"],
        mode=body["mode"],
        act_id=act.id,
        proposed_by=act.proposed_by,
        approved_by=approved_by,
        set_at=act.decided_at,
    )
    await log.append(session, kind="registry.mode_set", body={**body, "act": str(act.id)})
    return await mode_of(session, market=body["market"])


async def _next_revision(session: AsyncSession, market: str) -> int:
    if await queries.has_units(session, market=market):
        raise ModeFixed
    row = await queries.mode(session, market=market)
    return 1 if row is None else row["revision"] + 1


async def _propose(
    session: AsyncSession, *, proposed_by: UUID, body: dict[str, Any]
) -> approvals.TwoPersonAct:
    return await approvals.propose(
        session, MODE, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def mode_of(session: AsyncSession, *, market: str) -> ModeSet:
    """What a market's registry is, or MarketUnopened while nobody has said it."""
    row = await queries.mode(session, market=market)
    if row is None:
        raise MarketUnopened
    return ModeSet(**{**row, "mode": Mode(row["mode"])})


async def open_account(
    session: AsyncSession, *, market: str, organisation: str, region: str, regulated: bool, opened_by: UUID
) -> Account:
    """Give an organisation (by code) an account in a market: that of an entity (`regulated`) or of a mere holder.

    Refuses MarketUnknown, OrganisationUnknown, AccountNotFitting, RegionOutsideMarket for an entity, AccountExists.
    """
    own = await organisations.organisation_by_code(session, code=organisation)
    if regulated and Role.ENTERPRISE not in own.roles:
        raise AccountNotFitting
    if not own.roles & _HOLDERS or own.roles & _SUPERVISORS:
        raise AccountNotFitting
    pack = packs.market_of(await shipped_pack(market))
    if regulated and not covers(pack.jurisdiction, region, excludes=pack.excludes_jurisdictions):
        raise RegionOutsideMarket
    if await queries.account_of(session, market=market, organisation=organisation) is not None:
        raise AccountExists
    await queries.open_account(
        session,
        id=ids.uuid7(),
        market=market,
        organisation_id=own.id,
        organisation=own.code,
        region=region,
        regulated=regulated,
        opened_by=opened_by,
        opened_at=clock.now(),
    )
    stated = {"market": market, "organisation": own.code, "region": region, "regulated": regulated}
    await log.append(session, kind="registry.account_opened", body=stated)
    return await account_of(session, market=market, organisation=organisation)


async def account_of(session: AsyncSession, *, market: str, organisation: str) -> Account:
    """The account of an organisation (by code) in a market, or AccountUnknown."""
    return _account(await queries.account_of(session, market=market, organisation=organisation))


async def account_by_id(session: AsyncSession, *, account_id: UUID) -> Account:
    """The account with this id, or AccountUnknown."""
    return _account(await queries.account(session, account_id))


async def own_account(
    session: AsyncSession, *, organisation_id: UUID | None, market: str | None = None
) -> Account:
    """The account that an organisation's staff mean: the one in `market`, or the only one there is."""
    found = await accounts_of(session, organisation_id=organisation_id) if organisation_id else []
    meant = [one for one in found if market is None or one.market == market]
    if len(meant) > 1:
        raise AccountChoiceNeeded
    if not meant:
        raise AccountUnknown
    return meant[0]


async def accounts_of(session: AsyncSession, *, organisation_id: UUID) -> list[Account]:
    """The accounts of one organisation, by market."""
    return [_account(row) for row in await queries.accounts_of(session, organisation_id)]


async def accounts_in(session: AsyncSession, *, market: str) -> list[Account]:
    """Every account in a market, by organisation."""
    return [_account(row) for row in await queries.accounts_in(session, market)]


async def accounts(
    session: AsyncSession, *, after: tuple[str, str] | None = None, limit: int = 100
) -> list[Account]:
    """Accounts by market and organisation; at most `limit` behind `after`."""
    return [_account(row) for row in await queries.accounts(session, after=after, limit=limit)]


async def check_acceptance(session: AsyncSession, *, market: str, organisation: str, demo: bool) -> Account:
    """The account that may take units of a book that is, or is not, one of a demonstration.

    The market stays what it is until this transaction ends. Refuses MarketUnopened, AccountUnknown, DemoUnitsRefused.
    """
    await queries.share_market(session, market=market)
    mode = await mode_of(session, market=market)
    account = await account_of(session, market=market, organisation=organisation)
    if demo and mode.mode is Mode.LIVE:
        raise DemoUnitsRefused
    return account


def _account(row: RowMapping | None) -> Account:
    if row is None:
        raise AccountUnknown
    return Account(**row)
