"""What two people of the authority decide in a compliance market: one proposes, another looks at the same and agrees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import approvals, organisations
from backend.identity.approvals import ActKind
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.kit import idempotency
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Told
from offset_bridge import registry, rules, surrender
from offset_bridge.access import Authority
from offset_bridge.registry.endpoints import NOT_LET_IN
from offset_bridge.registry.schemas import (
    AllocationProposal,
    HeldTold,
    ModeProposal,
    ModeTold,
    ObligationProposal,
    ObligationTold,
    RegistrationProposal,
    RulesProposal,
    RulesTold,
)
from offset_bridge.surrender.schemas import CloseProposal, RecountTold, SurrenderTold

router = Router(prefix="/proposals", tags=["two-person acts"])

_PROPOSING = (*NOT_LET_IN, approvals.ActNeedsRole, registry.MarketUnknown, *idempotency.REFUSALS)


class Done(Told):
    """What an approval made; what the kind of act does not make is null."""

    act: ActTold
    mode: ModeTold | None = None
    obligation: ObligationTold | None = None
    recount: RecountTold | None = None
    rules: RulesTold | None = None
    units: list[HeldTold] | None = None
    surrenders: list[SurrenderTold] | None = None


Approve = Callable[..., Awaitable[dict[str, Any]]]


async def _mode(session: AsyncSession, **decided: Any) -> dict[str, Any]:
    return {"mode": ModeTold.of(await registry.approve_mode(session, **decided))}


async def _obligation(session: AsyncSession, **decided: Any) -> dict[str, Any]:
    fixed, again = await surrender.approve_obligation(session, **decided)
    return {
        "obligation": ObligationTold.of(fixed),
        "recount": RecountTold.of(again) if again is not None else None,
    }


async def _rules(session: AsyncSession, **decided: Any) -> dict[str, Any]:
    return {"rules": RulesTold.of(await registry.approve_rules(session, **decided))}


async def _allocation(session: AsyncSession, **decided: Any) -> dict[str, Any]:
    made = await registry.approve_allocation(session, **decided)
    return {"units": [HeldTold.of(registry.Held(lot, lot.serials)) for lot in made]}


async def _registration(session: AsyncSession, **decided: Any) -> dict[str, Any]:
    lot = await registry.approve_registration(session, **decided)
    return {"units": [HeldTold.of(registry.Held(lot, lot.serials))]}


async def _close(session: AsyncSession, **decided: Any) -> dict[str, Any]:
    _, found = await surrender.approve_close(session, **decided)
    return {"surrenders": [SurrenderTold.of(one) for one in found]}


_APPROVE: Mapping[ActKind, Approve] = {
    registry.MODE: _mode,
    registry.OBLIGATION: _obligation,
    registry.RULES: _rules,
    registry.ALLOCATION: _allocation,
    registry.REGISTRATION: _registration,
    surrender.CLOSE: _close,
}


async def _kind_of(session: AsyncSession, act_id: UUID) -> ActKind:
    for kind in _APPROVE:
        try:
            await approvals.act(session, kind, act_id=act_id)
        except approvals.ActUnknown:
            continue
        return kind
    raise approvals.ActUnknown


@router.get("", responses=problems(*NOT_LET_IN))
async def list_proposals(_person: Authority, session: ReadSession) -> list[ActTold]:
    """Proposals that wait for a second person, oldest first."""
    return [ActTold.of(act) for act in await approvals.open_acts(session, kinds=list(_APPROVE))]


@router.post("/mode", status_code=201, responses=problems(*_PROPOSING, registry.ModeFixed))
async def propose_mode(
    asked: ModeProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for a market's registry to be live or a demonstration; it stays that once units stand in it."""
    act = await registry.propose_mode(session, market=asked.market, mode=asked.mode, proposed_by=person.id)
    return ActTold.of(act)


@router.post(
    "/obligation",
    status_code=201,
    responses=problems(*_PROPOSING, registry.AccountUnknown, registry.AccountNotRegulated),
)
async def propose_obligation(
    asked: ObligationProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for an entity's figures of a year to be fixed, or to be revised where they are."""
    act = await registry.propose_obligation(session, **asked.model_dump(), proposed_by=person.id)
    return ActTold.of(act)


@router.post(
    "/rules",
    status_code=201,
    responses=problems(
        *_PROPOSING,
        rules.EditionUnknown,
        rules.CaseInvalid,
        rules.ParameterUnset,
        registry.PoolsNotAsPublished,
        registry.DatesOutOfOrder,
        registry.YearClosed,
        registry.RulesInUse,
    ),
)
async def propose_rules(
    asked: RulesProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for an edition of the market's pack to hold for a year, with pools, dates and what the pack leaves open."""
    act = await registry.propose_rules(session, **asked.model_dump(), proposed_by=person.id)
    return ActTold.of(act)


@router.post(
    "/allocation",
    status_code=201,
    responses=problems(
        *_PROPOSING, registry.MarketUnopened, registry.AccountUnknown, registry.AccountNotRegulated
    ),
)
async def propose_allocation(
    asked: AllocationProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for a year's allowances to be given to entities."""
    act = await registry.propose_allocation(
        session,
        market=asked.market,
        compliance_year=asked.compliance_year,
        allotments=[registry.Allotment(one.organisation, one.quantity_t) for one in asked.allotments],
        proposed_by=person.id,
    )
    return ActTold.of(act)


@router.post(
    "/registration",
    status_code=201,
    responses=problems(*_PROPOSING, registry.MarketUnopened, registry.AccountUnknown, rules.CaseInvalid),
)
async def propose_registration(
    asked: RegistrationProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for CCER of the national registry to be entered for an organisation, with the facts of its project."""
    act = await registry.propose_registration(
        session,
        market=asked.market,
        organisation=asked.organisation,
        quantity_t=asked.quantity_t,
        facts=asked.facts.model_dump(exclude_defaults=True),
        outer_reference=asked.outer_reference,
        proposed_by=person.id,
    )
    return ActTold.of(act)


@router.post(
    "/close",
    status_code=201,
    responses=problems(*_PROPOSING, registry.RulesNotAdopted, registry.YearClosed, surrender.TooEarlyToClose),
)
async def propose_close(
    asked: CloseProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for a market's year to be closed: what is pledged is then surrendered, and nothing moves back any more."""
    act = await surrender.propose_close(
        session, market=asked.market, compliance_year=asked.compliance_year, proposed_by=person.id
    )
    return ActTold.of(act)


@router.post(
    "/{act_id}/approval",
    responses=problems(
        *NOT_LET_IN,
        *UNDECIDABLE,
        registry.ModeFixed,
        registry.RevisedMeanwhile,
        registry.YearClosed,
        registry.RulesInUse,
        organisations.OrganisationUnknown,
        surrender.TooEarlyToClose,
        *idempotency.REFUSALS,
    ),
)
async def approve_proposal(
    act_id: UUID, shown: Shown, person: Authority, session: WriteSession, _: IdempotencyKey
) -> Done:
    """Agree, as the second person, to exactly what was proposed; it is done at once."""
    kind = await _kind_of(session, act_id)
    done = await _APPROVE[kind](
        session,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return Done(act=ActTold.of(await approvals.act(session, kind, act_id=act_id)), **done)


@router.post("/{act_id}/rejection", responses=problems(*NOT_LET_IN, *UNDECIDABLE))
async def reject_proposal(act_id: UUID, shown: Shown, person: Authority, session: WriteSession) -> ActTold:
    """Turn a proposal down, as the second person."""
    rejected = await approvals.reject(
        session,
        await _kind_of(session, act_id),
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(rejected)
