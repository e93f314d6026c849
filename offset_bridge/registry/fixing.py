"""The figures of an entity's year: fixed by two people of the authority, revised by a further row, never changed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.identity import Role, approvals
from offset_bridge.registry import queries
from offset_bridge.registry.errors import AccountNotRegulated, ObligationUnfixed, RevisedMeanwhile
from offset_bridge.registry.model import Account, Obligation
from offset_bridge.registry.opening import account_of

OBLIGATION = approvals.ActKind("compliance.obligation", role=Role.AUTHORITY)

FIGURES = ("issued_t", "initial_t", "confirmed_emissions_t", "obligation_t")


async def propose_obligation(
    session: AsyncSession,
    *,
    market: str,
    organisation: str,
    compliance_year: int,
    issued_t: int,
    initial_t: int,
    confirmed_emissions_t: int,
    obligation_t: int,
    reason: str,
    proposed_by: UUID,
) -> approvals.TwoPersonAct:
    """Ask for an entity's figures of a year to be fixed, or revised where they are. `reason` says why these."""
    account = await account_of(session, market=market, organisation=organisation)
    if not account.regulated:
        raise AccountNotRegulated
    body = {
        "market": market,
        "organisation": organisation,
        "compliance_year": compliance_year,
        "revision": await _next_revision(session, account, compliance_year),
        "issued_t": issued_t,
        "initial_t": initial_t,
        "confirmed_emissions_t": confirmed_emissions_t,
        "obligation_t": obligation_t,
        "reason": reason,
    }
    return await approvals.propose(
        session, OBLIGATION, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def fix_obligation(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Obligation:
    """Agree, as the second person; the figures hold from now on.

    Where the year is closed, what was surrendered has to be counted again: `surrender.approve_obligation` does both.
    """
    act = await approvals.approve(
        session, OBLIGATION, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    await queries.lock_year(session, market=body["market"], year=body["compliance_year"])
    account = await account_of(session, market=body["market"], organisation=body["organisation"])
    if body["revision"] != await _next_revision(session, account, body["compliance_year"]):
        raise RevisedMeanwhile
    await queries.fix(
        session,
        account_id=account.id,
        **{name: body[name] for name in ("compliance_year", "revision", *FIGURES, "reason")},
        act_id=act.id,
        proposed_by=act.proposed_by,
        approved_by=approved_by,
        fixed_at=act.decided_at,
    )
    await log.append(session, kind="obligation.fixed", body={**body, "act": str(act.id)})
    return await obligation_of(session, account=account, compliance_year=body["compliance_year"])


async def _next_revision(session: AsyncSession, account: Account, year: int) -> int:
    return len(await queries.obligations(session, account_id=account.id, year=year)) + 1


async def obligation_of(session: AsyncSession, *, account: Account, compliance_year: int) -> Obligation:
    """The revision that holds, or ObligationUnfixed."""
    found = await obligations(session, account=account, compliance_year=compliance_year)
    if not found:
        raise ObligationUnfixed(compliance_year=compliance_year)
    return found[-1]


async def obligations(
    session: AsyncSession, *, account: Account, compliance_year: int | None = None
) -> list[Obligation]:
    """Every revision of an account's figures, of one year or of all, oldest first."""
    rows = await queries.obligations(session, account_id=account.id, year=compliance_year)
    return [Obligation(**row) for row in rows]


async def obligations_in(session: AsyncSession, *, market: str, compliance_year: int) -> list[Obligation]:
    """The revision that holds for each entity of a market, by organisation."""
    rows = await queries.obligations_in(session, market=market, year=compliance_year)
    return [Obligation(**row) for row in rows]
