"""Accounts of children under fourteen, which their guardian keeps.

Acting begins a session of the child's own account: its first page, history and wallet are read as anybody's, and what the
guardian did not allow is refused there. With fourteen the account is the child's own, by a number that is shown to be theirs.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field, StrictBool, StringConstraints

from backend.engagement import circle
from backend.identity import closing, consent, devices, guardians, people, sign_in, step_up
from backend.identity.consent import Scenario
from backend.identity.guardians import Child, ChildUnknown
from backend.identity.sign_in import Sender, Use
from backend.identity.step_up import Purpose
from backend.intake import releasing
from backend.kit import idempotency
from backend.kit import problems as kit_problems
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database, settings_of
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Sha256, Told
from merchant import redemption
from mobile_api.caller import Calling
from mobile_api.consent import AssignRequest, ConsentSwitch, RightAssigned, RightTakenBack
from mobile_api.privacy import ClosureTold
from mobile_api.signing_in import CodeRequest, CodeSent, Phone, Tokens
from mobile_api.stepping_up import person_of

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
    return [ChildTold.of(one) for one in await guardians.children_of(session, guardian_id=person_of(citizen))]


@router.post(
    "",
    status_code=201,
    responses=problems(
        Unauthenticated,
        guardians.EndsWrong,
        guardians.NoGuardian,
        guardians.TooManyChildren,
        consent.AgreementChanged,
        *idempotency.REFUSALS,
    ),
)
async def add_child(
    asked: NewChild, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession, _: IdempotencyKey
) -> ChildTold:
    """Make an account for my child, to which nobody signs in."""
    made = await guardians.add_child(
        session,
        settings.keys,
        guardian_id=person_of(citizen),
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
        guardian_id=person_of(citizen),
        child_id=child_id,
        scope=scope,
        allowed=asked.allowed,
        text_sha256=bytes.fromhex(asked.text_sha256),
    )
    if scope == "social" and not asked.allowed:
        await circle.hide_everywhere(session, participant_id=child_id)
    return ChildTold.of(said)


@router.post("/{child_id}/acting", responses=problems(Unauthenticated, ChildUnknown))
async def act_for_child(
    child_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession, caller: Calling
) -> Tokens:
    """Begin a session of my child's account, in which I see all that is in it and do what I allowed."""
    me = person_of(citizen)
    device = None
    if caller.device is not None:
        seen = await devices.seen(session, settings.keys, participant_id=me, secret=caller.device)
        device = (seen.id, seen.digest)
    pair = await guardians.act_for(session, settings, guardian_id=me, child_id=child_id, device=device)
    return Tokens.of(pair)


class ChildsPhone(Asked):
    """The code that arrived at my child's own number."""

    request_id: UUID
    phone: Phone
    code: Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]


@router.post(
    "/{child_id}/phone/codes",
    status_code=202,
    responses=problems(
        Unauthenticated,
        ChildUnknown,
        guardians.NotYet,
        people.PhoneInvalid,
        sign_in.SignInCodeTooSoon,
        sign_in.TooManySignInCodes,
        sign_in.NoSenderConfigured,
    ),
)
async def request_childs_phone_code(
    child_id: UUID,
    asked: CodeRequest,
    citizen: SignedInCitizen,
    request: Request,
    caller: Calling,
) -> CodeSent:
    """Send a code to the number by which my child, fourteen now, will sign in."""
    sender: Sender = request.app.state.sender
    async with database(request).transaction() as session:
        await guardians.check_age(session, guardian_id=person_of(citizen), child_id=child_id)
        code = await sign_in.request_code(
            session,
            settings_of(request).keys,
            phone=asked.phone,
            address=caller.address,
            device=caller.device,
            use=Use.NEW_PHONE,
            bound_to=_bound_to(citizen, child_id),
        )
    await sender.send(phone=code.phone, code=code.code, request_id=code.request_id)
    return CodeSent(request_id=code.request_id, expires_at=code.expires_at)


@router.put(
    "/{child_id}/phone",
    status_code=204,
    responses=problems(
        Unauthenticated,
        ChildUnknown,
        guardians.NotYet,
        people.PhoneInvalid,
        people.PhoneTaken,
        sign_in.SignInCodeWrong,
        step_up.StepUpNeeded,
    ),
)
async def hand_over_to_child(
    child_id: UUID, given: ChildsPhone, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> Response:
    """Hand the account over to my child, for good: it signs in by this number, and I am in it no more. Needs a step-up for
    `change_phone`.
    """
    phone, me = people.normal_phone(given.phone), person_of(citizen)
    await guardians.check_age(session, guardian_id=me, child_id=child_id)
    await sign_in.spend_attempt(session, request_id=given.request_id)
    try:
        await sign_in.use_code(
            session,
            settings.keys,
            request_id=given.request_id,
            phone=phone,
            code=given.code,
            use=Use.NEW_PHONE,
            bound_to=_bound_to(citizen, child_id),
        )
    except sign_in.SignInCodeWrong as refused:
        return kit_problems.answer(refused)  # the spent attempt stays spent
    assert citizen.session_id is not None
    await step_up.use(
        session, session_id=citizen.session_id, participant_id=citizen.id, purpose=Purpose.CHANGE_PHONE
    )
    await guardians.hand_over(session, settings.keys, guardian_id=me, child_id=child_id, phone=phone)
    return Response(status_code=204)


def _bound_to(citizen: Principal, child_id: UUID) -> bytes:
    assert citizen.session_id is not None
    return citizen.session_id.bytes + child_id.bytes


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
    await guardians.child_of(session, guardian_id=person_of(citizen), child_id=child_id)
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
    await guardians.child_of(session, guardian_id=person_of(citizen), child_id=child_id)
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
    await guardians.child_of(session, guardian_id=person_of(citizen), child_id=child_id)
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
    await guardians.end(session, guardian_id=person_of(citizen), child_id=child_id)
    assert citizen.session_id is not None
    await step_up.use(
        session, session_id=citizen.session_id, participant_id=citizen.id, purpose=Purpose.CLOSE_ACCOUNT
    )
    return ClosureTold.model_validate(await closing.close(session, participant_id=child_id))
