"""Showing once more who I am, before what a stolen session must not be able to do.

As in signing in, a refusal that must not undo what it counted is returned as an answer, not raised.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import StringConstraints

from backend.identity import doors, sign_in, step_up
from backend.identity.doors import Provider
from backend.identity.sign_in import Sender
from backend.identity.step_up import Granted, Purpose
from backend.kit import problems as kit_problems
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, Router, WriteSession, database
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from mobile_api.caller import Calling
from mobile_api.signing_in import ProviderCode, exchange_of

router = Router(prefix="/step-up", tags=["step-up"])


class StepUpAsked(Asked):
    """What a code is asked for."""

    purpose: Purpose


class StepUpSent(Told):
    """A code is on its way to the phone of this account; `request_id` is needed to use it."""

    request_id: UUID
    door: Literal["phone"] = "phone"
    expires_at: datetime


class StepUpCode(Asked):
    """The code that arrived."""

    request_id: UUID
    code: Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]


class StepUpDoor(Asked):
    """A fresh code of a door of mine, and what for."""

    purpose: Purpose
    code: ProviderCode


class StepUpGranted(Told):
    """The purpose may be pursued once, in this session, until then."""

    purpose: Purpose
    expires_at: datetime

    @classmethod
    def of(cls, granted: Granted) -> StepUpGranted:
        return cls(purpose=granted.purpose, expires_at=granted.expires_at)


def person_of(citizen: Principal) -> UUID:
    """Whose phone and doors count: of whoever acts, where that is another than the account."""
    return citizen.actor_id or citizen.id


@router.post(
    "/codes",
    status_code=202,
    responses=problems(
        Unauthenticated,
        step_up.DoorMissing,
        sign_in.SignInCodeTooSoon,
        sign_in.TooManySignInCodes,
        sign_in.NoSenderConfigured,
    ),
)
async def request_step_up_code(
    asked: StepUpAsked,
    citizen: SignedInCitizen,
    request: Request,
    settings: AppSettings,
    caller: Calling,
) -> StepUpSent:
    """Send a code to my phone, for one purpose in this session."""
    assert citizen.session_id is not None
    sender: Sender = request.app.state.sender
    async with database(request).transaction() as session:
        code = await step_up.ask(
            session,
            settings.keys,
            session_id=citizen.session_id,
            participant_id=citizen.id,
            person_id=person_of(citizen),
            purpose=asked.purpose,
            address=caller.address,
            device=caller.device,
        )
    await sender.send(phone=code.phone, code=code.code, request_id=code.request_id)
    return StepUpSent(request_id=code.request_id, expires_at=code.expires_at)


@router.post(
    "/grants",
    response_model=StepUpGranted,
    responses=problems(Unauthenticated, sign_in.SignInCodeWrong),
)
async def exchange_step_up_code(
    given: StepUpCode, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> StepUpGranted | Response:
    """Exchange the code; what it was asked for may then be done once within five minutes. Three attempts per code."""
    assert citizen.session_id is not None
    await sign_in.spend_attempt(session, request_id=given.request_id)
    try:
        granted = await step_up.grant(
            session,
            settings.keys,
            request_id=given.request_id,
            session_id=citizen.session_id,
            participant_id=citizen.id,
            person_id=person_of(citizen),
            code=given.code,
        )
    except sign_in.SignInCodeWrong as refused:
        return kit_problems.answer(refused)  # the spent attempt stays spent
    return StepUpGranted.of(granted)


@router.post(
    "/doors/{provider}",
    responses=problems(
        Unauthenticated,
        step_up.DoorMissing,
        doors.DoorNotConfigured,
        doors.DoorCodeRefused,
        doors.DoorBlocked,
        doors.DoorBusy,
        doors.DoorUnavailable,
    ),
)
async def step_up_by_door(
    provider: Provider, given: StepUpDoor, citizen: SignedInCitizen, request: Request, settings: AppSettings
) -> StepUpGranted:
    """Show a fresh code of a door of my own instead; what the purpose names may then be done once within five minutes."""
    assert citizen.session_id is not None
    shown = await exchange_of(request, provider).shown(given.code)
    async with database(request).transaction() as session:
        if await doors.holder_of(session, settings.keys, shown=shown) != person_of(citizen):
            raise step_up.DoorMissing
        granted = await step_up.grant_by_door(
            session,
            session_id=citizen.session_id,
            participant_id=citizen.id,
            purpose=given.purpose,
            door=provider.value,
        )
    return StepUpGranted.of(granted)
