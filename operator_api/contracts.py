"""Contracts with merchants, proposed by one person of the operator and agreed to by another."""

from __future__ import annotations

from uuid import UUID

from backend.identity import approvals, organisations
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.identity.organisations import OrganisationUnknown
from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Code
from backend.programmes import ProgrammeUnknown
from merchant import contracts
from merchant.contracts.schemas import ContractAsked, EditionTold
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes", tags=["contracts"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)


@router.post(
    "/{code}/contracts/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        OrganisationUnknown,
        contracts.ContractInvalid,
        approvals.ActNeedsRole,
        *idempotency.REFUSALS,
    ),
)
async def propose_contract(
    code: Code,
    asked: ContractAsked,
    person: Operator,
    session: WriteSession,
    settings: AppSettings,
    _: IdempotencyKey,
) -> ActTold:
    """Ask for an edition of the contract with a merchant; a second person has to agree to the very words."""
    programme = await programme_in_sight(session, person, code)
    merchant = await organisations.organisation_by_code(session, code=asked.merchant)
    said = asked.model_dump()
    act = await contracts.propose(
        session,
        settings.keys,
        proposed_by=person.id,
        merchant_id=merchant.id,
        programme=programme.code,
        fen_per_point=asked.fen_per_point,
        terms=said["terms"],
        fees=said["fees"],
        period=asked.period,
        valid_from=asked.valid_from,
        valid_until=asked.valid_until,
        account=None if asked.account is None else contracts.Account(**asked.account.model_dump()),
    )
    return ActTold.of(act)


@router.post(
    "/{code}/contracts/proposals/{act_id}/approval",
    responses=problems(*_NOT_LET_IN, *UNDECIDABLE, contracts.ContractInvalid),
)
async def approve_contract(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> EditionTold:
    """Agree, as the second person; captures of its days are worth what it says."""
    programme = await programme_in_sight(session, person, code)
    done = await contracts.approve(
        session,
        programme=programme.code,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return EditionTold.of(done)


@router.post("/{code}/contracts/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_contract(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn an edition down, as the second person."""
    programme = await programme_in_sight(session, person, code)
    act = await contracts.reject(
        session,
        programme=programme.code,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.get("/{code}/contracts", responses=problems(*_NOT_LET_IN))
async def list_programme_contracts(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[EditionTold]:
    """The programme's contracts, all editions, by merchant, the last one first."""
    programme = await programme_in_sight(session, person, code)
    found = await contracts.editions_of_programme(session, programme=programme.code)
    return [EditionTold.of(one) for one in found]
