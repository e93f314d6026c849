"""What a revision of an entity's figures after the close makes of its surrender: nothing comes back, it is counted again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.packs import Market
from offset_bridge import registry
from offset_bridge.registry import Account, Adoption, Obligation
from offset_bridge.surrender import queries
from offset_bridge.surrender.closing import surrenders
from offset_bridge.surrender.deciding import case_of, judge
from offset_bridge.surrender.model import Recount, Surrendered


async def approve_obligation(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> tuple[Obligation, Recount | None]:
    """Fix an entity's figures as the second person; where its year is closed already, count its surrender again."""
    fixed = await registry.fix_obligation(
        session, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    account = await registry.account_by_id(session, account_id=fixed.account_id)
    found = await surrenders(session, accounts=[account], compliance_year=fixed.compliance_year)
    if not found:
        return fixed, None
    adoption = await registry.rules_of(session, market=account.market, compliance_year=fixed.compliance_year)
    market = await registry.stored_market(session, sha256=adoption.pack_sha256)
    again = recount(market, adoption, account, found[0], fixed)
    await queries.recount(
        session,
        account_id=account.id,
        compliance_year=fixed.compliance_year,
        **{name: getattr(again, name) for name in Recount.__dataclass_fields__},
    )
    await log.append(session, kind="surrender.recounted", body=recount_stated(account, fixed, again))
    return fixed, again


def recount(
    market: Market, adoption: Adoption, account: Account, stands: Surrendered, fixed: Obligation
) -> Recount:
    """Offsets beyond the new cap count no longer and stay surrendered; a cap that rose leaves a claim, nothing more."""
    case = case_of(account, adoption, fixed, used=(), holdings=(), pools={})
    cap = judge(case, market, edition=adoption.edition).cap_t
    counted = min(stands.offset_t, cap or 0)
    covered = counted + stands.allowance_t
    return Recount(
        obligation_revision=fixed.revision,
        obligation_t=fixed.obligation_t,
        cap_t=cap,
        counted_offset_t=counted,
        excess_t=stands.offset_t - counted,
        claim_t=max(0, (cap or 0) - (stands.cap_t or 0)),
        overpaid_t=max(0, covered - fixed.obligation_t),
        shortfall_t=max(0, fixed.obligation_t - covered),
        counted_at=fixed.fixed_at,
    )


def recount_stated(account: Account, fixed: Obligation, again: Recount) -> dict[str, Any]:
    """A recount as it stands in the log."""
    return {
        "market": account.market,
        "compliance_year": fixed.compliance_year,
        "entity": account.organisation,
        "act": str(fixed.act_id),
        **{name: getattr(again, name) for name in Recount.__dataclass_fields__ if name != "counted_at"},
    }
