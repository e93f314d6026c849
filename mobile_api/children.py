"""Accounts of children under fourteen, which their guardian keeps."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field, StrictBool

from backend.identity import closing, consent, guardians, step_up
from backend.identity.consent import Scenario
from backend.identity.guardians import Child, ChildUnknown
from backend.identity.step_up import Purpose
from backend.intake import releasing
from backend.kit import idempotency
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Sha256, Told
from merchant import redemption
from mobile_api.consent import AssignRequest, ConsentSwitch, RightAssigned, RightTakenBack
from mobile_api.privacy import ClosureTold

router = Router(prefix="/children", tags=["children"])


class NewChild(Asked):
    """The words that I agreed to as guardian, and when this ends."""

    ends_on: date = Field(
        description="The first of the month behind the fourteenth birthday; the day of birth itself is never asked."
    )
    text_sha256: Sha256


class Allowance(Asked):
    """Whether I allow it, and the words that I read."""

    allowed: StrictBool
    text_sha256: Sha256


class ChildTold(Told):
    """An account under mine. Beyond earning it may do only what is `allowed`."""

    child_id: UUID
    ends_on: date
    began_at: datetime
    allowed: list[str]

    @classmethod
    def of(cls, child: Child) -> ChildTold:
        return cls(
            child_id=child.child_id,
            ends_on=child.ends_on,
            began_at=child.began_at,
            allowed=list(child.allowed),
        )


@router.get("", responses=problems(Unauthenticated))
async def list_children(citizen: SignedInCitizen, session: ReadSession) -> list[ChildTold]:
    """The accounts that are under mine now."""
    return [ChildTold.of(one) for one in await guardians.children_of(session, guardian_id=citizen.id)]


@router.post(
    "",
    status_code=201,
    responses=problems(Unauthenticated, guardians.EndsWrong, consent.AgreementChanged, *idempotency.REFUSALS),
)
async def add_child(
    asked: NewChild, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession, _: IdempotencyKey
) -> ChildTold:
    """Make an account for my child, to which nobody signs in."""
    made = await guardians.add_child(
        session,
        settings.keys,
        guardian_id=citizen.id,
        ends_on=asked.ends_on,
        text_sha256=bytes.fromhex(asked.text_sha256),
    )
    return ChildTold.of(made)


@router.put(
    "/{child_id}/allowances/{scope}",
    responses=problems(Unauthenticated, ChildUnknown, consent.AgreementChanged),
)
async def allow_child(
    child_id: UUID,
    scope: Literal["social", "lottery", "redeem"],
    asked: Allowance,
    citizen: SignedInCitizen,
    session: WriteSession,
) -> ChildTold:
    """Allow my child something beyond earning, or no longer."""
    said = await guardians.say(
        session,
        guardian_id=citizen.id,
        child_id=child_id,
        scope=scope,
        allowed=asked.allowed,
        text_sha256=bytes.fromhex(asked.text_sha256),
    )
    return ChildTold.of(said)


@router.put(
    "/{child_id}/consents/{scenario}",
    status_code=204,
    responses=problems(Unauthenticated, ChildUnknown, consent.AgreementChanged, consent.ScenarioUnknown),
)
async def set_childs_consent(
    child_id: UUID,
    scenario: Scenario,
    switch: ConsentSwitch,
    citizen: SignedInCitizen,
    session: WriteSession,
) -> None:
    """Give or withdraw consent to one scenario for my child."""
    await guardians.child_of(session, guardian_id=citizen.id, child_id=child_id)
    await consent.say(
        session,
        participant_id=child_id,
        scenario=scenario.value,
        given=switch.given,
        text_sha256=bytes.fromhex(switch.text_sha256),
    )


@router.put(
    "/{child_id}/right",
    responses=problems(Unauthenticated, ChildUnknown, consent.AgreementChanged, consent.AssignedAlready),
)
async def assign_childs_right(
    child_id: UUID, asked: AssignRequest, citizen: SignedInCitizen, session: WriteSession
) -> RightAssigned:
    """Assign the right to claim for my child."""
    await guardians.child_of(session, guardian_id=citizen.id, child_id=child_id)
    assigned = await consent.assign_right(
        session, participant_id=child_id, text_sha256=bytes.fromhex(asked.text_sha256)
    )
    return RightAssigned.of(assigned)


@router.delete(
    "/{child_id}/right", responses=problems(Unauthenticated, ChildUnknown, consent.NothingToRevoke)
)
async def revoke_childs_right(
    child_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> RightTakenBack:
    """Take the right back for my child."""
    await guardians.child_of(session, guardian_id=citizen.id, child_id=child_id)
    return RightTakenBack.model_validate(await releasing.revoke_right(session, participant_id=child_id))


@router.post(
    "/{child_id}/closure",
    responses=problems(
        Unauthenticated,
        ChildUnknown,
        closing.AccountClosed,
        step_up.StepUpNeeded,
        redemption.RedemptionEnded,
        *idempotency.REFUSALS,
    ),
)
async def close_childs_account(
    child_id: UUID, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> ClosureTold:
    """Withdraw what I agreed to and close my child's account; needs a step-up."""
    await guardians.end(session, guardian_id=citizen.id, child_id=child_id)
    assert citizen.session_id is not None
    await step_up.use(
        session, session_id=citizen.session_id, participant_id=citizen.id, purpose=Purpose.CLOSE_ACCOUNT
    )
    return ClosureTold.model_validate(await closing.close(session, participant_id=child_id))
