"""Signing in with a code sent to the phone, staying signed in, signing out.

A refusal that must not undo what it counted (an attempt, a revoked session) is returned as an answer, not raised:
the transaction is then committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import devices, doors, people, sign_in, tokens
from backend.identity.doors import Exchange, Provider
from backend.identity.sign_in import Sender
from backend.identity.tokens import Audience, TokenPair
from backend.kit import problems as kit_problems
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, Router, WriteSession, database
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from backend.kit.settings import Settings
from mobile_api import account_told
from mobile_api.caller import Caller, Calling

router = Router(prefix="/sign-in", tags=["sign-in"])

DeviceName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60, strip_whitespace=True),
    Field(description="What to call this device in my list of devices; kept where `Puhui-Device` is sent."),
]
Phone = Annotated[str, StringConstraints(min_length=5, max_length=32)]


class CodeRequest(Asked):
    """The phone that a code is to be sent to."""

    phone: Phone = Field(examples=["13800000000", "+85251234567"])


class CodeSent(Told):
    """A code is on its way; `request_id` is needed to use it."""

    request_id: UUID
    expires_at: datetime


class CodeExchange(Asked):
    """The code that arrived, for the request and the phone it was made for."""

    request_id: UUID
    phone: Phone
    code: Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]
    device_name: DeviceName | None = None


ProviderCode = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern="^[!-~]+$")]


class DoorCode(Asked):
    """What the provider's app gave: good once, for a few minutes."""

    code: ProviderCode
    device_name: DeviceName | None = None


class Refresh(Asked):
    """The refresh token of the last pair."""

    refresh_token: Annotated[str, StringConstraints(min_length=20, max_length=128)]


class Tokens(Told):
    """A pair of tokens: the access token for requests, the refresh token, good once, for the next pair."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of the scheme
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    participant_id: UUID

    @classmethod
    def of(cls, pair: TokenPair) -> Tokens:
        return cls(
            access_token=pair.access_token,
            access_expires_at=pair.access_expires_at,
            refresh_token=pair.refresh_token,
            refresh_expires_at=pair.refresh_expires_at,
            participant_id=pair.subject,
        )


@router.post(
    "/codes",
    status_code=202,
    responses=problems(
        people.PhoneInvalid,
        sign_in.SignInCodeTooSoon,
        sign_in.TooManySignInCodes,
        sign_in.NoSenderConfigured,
    ),
)
async def request_sign_in_code(
    asked: CodeRequest, request: Request, settings: AppSettings, caller: Calling
) -> CodeSent:
    """Send a six-digit code to a phone: a minute apart, eight a day. The answer tells nobody whether the phone is known."""
    sender: Sender = request.app.state.sender
    async with database(request).transaction() as session:
        code = await sign_in.request_code(
            session, settings.keys, phone=asked.phone, address=caller.address, device=caller.device
        )
    await sender.send(phone=code.phone, code=code.code, request_id=code.request_id)
    return CodeSent(request_id=code.request_id, expires_at=code.expires_at)


@router.post(
    "/tokens", response_model=Tokens, responses=problems(people.PhoneInvalid, sign_in.SignInCodeWrong)
)
async def exchange_sign_in_code(
    given: CodeExchange, settings: AppSettings, session: WriteSession, caller: Calling
) -> Tokens | Response:
    """Exchange the code for tokens; the first time, this makes the participant. Three attempts per code."""
    phone = people.normal_phone(given.phone)
    await sign_in.spend_attempt(session, request_id=given.request_id)
    try:
        participant_id = await sign_in.exchange_code(
            session, settings.keys, request_id=given.request_id, phone=phone, code=given.code
        )
    except sign_in.SignInCodeWrong as refused:
        return kit_problems.answer(refused)  # the spent attempt stays spent
    pair = await begin_session(session, settings, participant_id, caller, device_name=given.device_name)
    return Tokens.of(pair)


async def begin_session(
    session: AsyncSession,
    settings: Settings,
    participant_id: UUID,
    caller: Caller,
    *,
    device_name: str | None = None,
) -> TokenPair:
    """The session of somebody who has just shown who they are, bound to their device where the client has one."""
    device = None
    if caller.device is not None:
        seen = await devices.seen(
            session, settings.keys, participant_id=participant_id, secret=caller.device, name=device_name
        )
        device = (seen.id, seen.digest)
        if seen.added:
            await account_told.tell(
                session, account_told.NEW_DEVICE, participant_id=participant_id, refers_to=seen.id
            )
    return await tokens.start_session(
        session, settings, Audience.CITIZEN, subject=participant_id, device=device
    )


@router.post(
    "/doors/{provider}",
    responses=problems(
        doors.DoorNotConfigured,
        doors.DoorCodeRefused,
        doors.DoorBlocked,
        doors.DoorBusy,
        doors.DoorUnavailable,
    ),
)
async def sign_in_by_door(
    provider: Provider, given: DoorCode, request: Request, settings: AppSettings, caller: Calling
) -> Tokens:
    """Sign in with a fresh code of WeChat (`wx.login`) or Alipay (`my.getAuthCode`); the first time makes the participant."""
    shown = await exchange_of(request, provider).shown(
        given.code
    )  # before any transaction: it may take seconds
    async with database(request).transaction() as session:
        participant_id = await doors.enter(session, settings.keys, shown=shown)
        pair = await begin_session(session, settings, participant_id, caller, device_name=given.device_name)
    return Tokens.of(pair)


def exchange_of(request: Request, provider: Provider) -> Exchange:
    """How this provider's codes are exchanged here. Raises DoorNotConfigured."""
    exchanges: Mapping[Provider, Exchange] = request.app.state.exchanges
    if provider not in exchanges:
        raise doors.DoorNotConfigured
    return exchanges[provider]


@router.post("/refresh", response_model=Tokens, responses=problems(tokens.TokenRefused))
async def refresh_tokens(
    given: Refresh, settings: AppSettings, session: WriteSession, caller: Calling
) -> Tokens | Response:
    """Exchange a refresh token for the next pair. Using one twice ends the session, whoever used it.

    A session that began with `Puhui-Device` needs the same one here; without it, or with another, the session ends. Such a
    session may ask once more within 30 s, with the same token, where the answer was lost.
    """
    pair = await tokens.refresh(
        session,
        settings,
        Audience.CITIZEN,
        refresh_token=given.refresh_token,
        shown=devices.shown(settings.keys, caller.device),
    )
    if pair is None:
        return kit_problems.answer(tokens.TokenRefused())  # a revoked session stays revoked
    return Tokens.of(pair)


@router.post("/sign-out", status_code=204, responses=problems(Unauthenticated))
async def sign_out(citizen: SignedInCitizen, session: WriteSession) -> None:
    """End this session: its refresh token is worthless at once, its access token changes nothing any more."""
    assert citizen.session_id is not None
    await tokens.end_session(session, session_id=citizen.session_id)
