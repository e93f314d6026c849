"""My ways in: my phone and how I change it, further doors, and two accounts of mine that become one.

Adding a way in, and joining, need a fresh step-up of this session and a code of what is added: both ends are shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import doors, joining, people, sign_in, step_up, tokens
from backend.identity.doors import Provider
from backend.identity.sign_in import Sender, Use
from backend.identity.step_up import Purpose
from backend.kit import problems as kit_problems
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database, settings_of
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from backend.kit.settings import Settings
from backend.programmes.errors import RedemptionsOpen
from backend.programmes.joined import join_accounts
from mobile_api import account_told
from mobile_api.caller import Caller, Calling
from mobile_api.signing_in import (
    CodeRequest,
    CodeSent,
    Phone,
    ProviderCode,
    Tokens,
    begin_session,
    exchange_of,
)
from mobile_api.stepping_up import person_of

router = Router(prefix="/me", tags=["me"])

Join = Annotated[
    bool,
    Field(
        description="What to do where it belongs to another account: with `true` the two become one, if both are mine. It "
        "cannot be undone. The step-up is then for `join` instead of `change_phone`."
    ),
]


class DoorTold(Told):
    """An account of a provider that opens mine."""

    id: UUID
    provider: Provider
    opened_at: datetime


class DoorsTold(Told):
    """How I can come in."""

    phone_masked: str | None
    doors: list[DoorTold]


class NewPhone(Asked):
    """The code that arrived at the new number."""

    request_id: UUID
    phone: Phone
    code: Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]
    join: Join = False


class NewDoor(Asked):
    """A fresh code of the provider's app."""

    code: ProviderCode
    join: Join = False


class Added(Told):
    """What came of it. Where two accounts became one, `tokens` begin a session of the one that stands."""

    participant_id: UUID = Field(description="The account that stands.")
    ended_id: UUID | None = Field(description="The account that ended in it; null where none did.")
    points: int = Field(description="Points that passed over, those that wait to be collected included.")
    owed_points: int = Field(description="Points owed that passed over.")
    benefit_fen: int = Field(description="Money that passed over, less what is owed of it.")
    tokens: Tokens | None

    @classmethod
    def alone(cls, participant_id: UUID) -> Added:
        return cls(
            participant_id=participant_id, ended_id=None, points=0, owed_points=0, benefit_fen=0, tokens=None
        )


_JOINING = (joining.NotToBeJoined, RedemptionsOpen, step_up.StepUpNeeded)
_PROVIDERS = (
    doors.DoorNotConfigured,
    doors.DoorCodeRefused,
    doors.DoorBlocked,
    doors.DoorBusy,
    doors.DoorUnavailable,
)


@router.get("/doors", responses=problems(Unauthenticated))
async def list_doors(citizen: SignedInCitizen, settings: AppSettings, session: ReadSession) -> DoorsTold:
    """My ways in: my phone, and my accounts of providers."""
    whose = person_of(citizen)
    phone = await people.phone_of(session, settings.keys, participant_id=whose)
    return DoorsTold(
        phone_masked=people.masked(phone) if phone else None,
        doors=[
            DoorTold(id=one.id, provider=one.provider, opened_at=one.opened_at)
            for one in await doors.doors_of(session, participant_id=whose)
        ],
    )


@router.post(
    "/phone/codes",
    status_code=202,
    responses=problems(
        Unauthenticated,
        people.PhoneInvalid,
        sign_in.SignInCodeTooSoon,
        sign_in.TooManySignInCodes,
        sign_in.NoSenderConfigured,
    ),
)
async def request_new_phone_code(
    asked: CodeRequest, citizen: SignedInCitizen, request: Request, settings: AppSettings, caller: Calling
) -> CodeSent:
    """Send a code to the number that I want to be mine from now on."""
    sender: Sender = request.app.state.sender
    async with database(request).transaction() as session:
        code = await sign_in.request_code(
            session,
            settings.keys,
            phone=asked.phone,
            address=caller.address,
            device=caller.device,
            use=Use.NEW_PHONE,
            bound_to=_session(citizen).bytes,
        )
    await sender.send(phone=code.phone, code=code.code, request_id=code.request_id)
    return CodeSent(request_id=code.request_id, expires_at=code.expires_at)


@router.put(
    "/phone",
    response_model=Added,
    responses=problems(
        Unauthenticated, people.PhoneInvalid, people.PhoneTaken, sign_in.SignInCodeWrong, *_JOINING
    ),
)
async def set_phone(
    given: NewPhone, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession, caller: Calling
) -> Added | Response:
    """Give my account this number; the one before is nobody's then, and my other sessions end. Needs a step-up."""
    phone, whose = people.normal_phone(given.phone), person_of(citizen)
    await sign_in.spend_attempt(session, request_id=given.request_id)
    try:
        await sign_in.use_code(
            session,
            settings.keys,
            request_id=given.request_id,
            phone=phone,
            code=given.code,
            use=Use.NEW_PHONE,
            bound_to=_session(citizen).bytes,
        )
    except sign_in.SignInCodeWrong as refused:
        return kit_problems.answer(refused)  # the spent attempt stays spent
    holder = await people.holder_of_phone(session, settings.keys, phone=phone)
    if given.join and holder not in {None, whose}:
        assert holder is not None
        return await _join(session, settings, citizen, caller, other=holder, shown="phone")
    await _stepped_up(session, citizen, Purpose.CHANGE_PHONE)
    await people.set_phone(session, settings.keys, participant_id=whose, phone=phone)
    await tokens.end_sessions_of(session, subject=whose, because="the phone changed", but=citizen.session_id)
    await account_told.tell(session, account_told.PHONE_CHANGED, participant_id=whose)
    return Added.alone(whose)


@router.post(
    "/doors/{provider}", responses=problems(Unauthenticated, doors.DoorTaken, *_PROVIDERS, *_JOINING)
)
async def add_door(
    provider: Provider, given: NewDoor, citizen: SignedInCitizen, request: Request, caller: Calling
) -> Added:
    """Let an account of WeChat or Alipay open mine, too. Needs a step-up for `join`."""
    whose, settings = person_of(citizen), settings_of(request)
    shown = await exchange_of(request, provider).shown(given.code)  # before any transaction
    async with database(request).transaction() as session:
        holder = await doors.holder_of(session, settings.keys, shown=shown)
        if given.join and holder not in {None, whose}:
            assert holder is not None
            return await _join(session, settings, citizen, caller, other=holder, shown=provider.value)
        await _stepped_up(session, citizen, Purpose.JOIN)
        await doors.open_door(session, settings.keys, participant_id=whose, shown=shown)
        await account_told.tell(
            session, account_told.DOOR_OPENED, participant_id=whose, provider=provider.value
        )
    return Added.alone(whose)


@router.delete(
    "/doors/{door_id}",
    status_code=204,
    responses=problems(Unauthenticated, doors.DoorUnknown, doors.LastDoor),
)
async def close_door(
    door_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> None:
    """Close a door of mine for good; the last way in stays."""
    await doors.close(session, settings.keys, participant_id=person_of(citizen), door_id=door_id)


async def _join(
    session: AsyncSession, settings: Settings, citizen: Principal, caller: Caller, *, other: UUID, shown: str
) -> Added:
    await _stepped_up(session, citizen, Purpose.JOIN)
    ended, stands = await joining.which_ends(session, settings.keys, mine=person_of(citizen), other=other)
    moved = await join_accounts(session, settings.keys, joined=ended, into=stands, shown=shown)
    await account_told.tell(
        session, account_told.JOINED, participant_id=stands, refers_to=ended, points=moved.points
    )
    pair = await begin_session(session, settings, stands, caller)
    return Added(
        participant_id=stands,
        ended_id=ended,
        points=moved.points,
        owed_points=moved.owed,
        benefit_fen=moved.benefit_fen,
        tokens=Tokens.of(pair),
    )


async def _stepped_up(session: AsyncSession, citizen: Principal, purpose: Purpose) -> None:
    await step_up.use(session, session_id=_session(citizen), participant_id=citizen.id, purpose=purpose)


def _session(citizen: Principal) -> UUID:
    assert citizen.session_id is not None
    return citizen.session_id
