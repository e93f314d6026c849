"""Staff sign in with password and one-time code; every surface that staff use includes this router.

A refusal that must not undo what it counted is returned as an answer, not raised: the transaction is then committed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import StringConstraints

from backend.identity import organisations, staff, tokens
from backend.identity.organisations import Role
from backend.identity.tokens import Audience, TokenPair
from backend.kit import problems as kit_problems
from backend.kit.access import SignedInStaff, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told

router = Router(tags=["sign-in"])

Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]
TotpCode = Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]


class SignIn(Asked):
    """Login, password, and the code that the authenticator shows now; each code is good once."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=127)]
    password: Password
    totp: TotpCode


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
    staff_id: UUID

    @classmethod
    def of(cls, pair: TokenPair) -> Tokens:
        return cls(
            access_token=pair.access_token,
            access_expires_at=pair.access_expires_at,
            refresh_token=pair.refresh_token,
            refresh_expires_at=pair.refresh_expires_at,
            staff_id=pair.subject,
        )


class Myself(Told):
    """The member of staff behind the token."""

    staff_id: UUID
    login: str
    organisation_code: str
    organisation_name_zh: str
    organisation_name_en: str
    roles: list[Role]


class PasswordChange(Asked):
    """The password so far, a code from the authenticator, and the password from now on (12 characters or more)."""

    password: Password
    totp: TotpCode
    new_password: Password


@router.post("/sign-in", response_model=Tokens, responses=problems(staff.SignInRefused))
async def sign_in(given: SignIn, settings: AppSettings, session: WriteSession) -> Tokens | Response:
    """Sign in. Five bad attempts lock the login for 15 minutes; a locked login is refused as a wrong password is."""
    await staff.count_sign_in(session, login=given.login)
    try:
        person = await staff.sign_in(
            session, settings.keys, login=given.login, password=given.password, totp=given.totp
        )
    except staff.SignInRefused as refused:
        return kit_problems.answer(refused)  # the attempt stays counted
    return Tokens.of(await tokens.start_session(session, settings, Audience.STAFF, subject=person.id))


@router.post("/sign-in/refresh", response_model=Tokens, responses=problems(tokens.TokenRefused))
async def refresh_tokens(given: Refresh, settings: AppSettings, session: WriteSession) -> Tokens | Response:
    """Exchange a refresh token, good for 30 minutes, for the next pair. Using one twice ends the session."""
    pair = await tokens.refresh(session, settings, Audience.STAFF, refresh_token=given.refresh_token)
    if pair is None:
        return kit_problems.answer(tokens.TokenRefused())  # a revoked session stays revoked
    return Tokens.of(pair)


@router.post("/sign-in/sign-out", status_code=204, responses=problems(Unauthenticated))
async def sign_out(person: SignedInStaff, session: WriteSession) -> None:
    """End this session: both of its tokens are worthless at once."""
    assert person.session_id is not None
    await tokens.end_session(session, session_id=person.session_id)


@router.get("/me", responses=problems(Unauthenticated))
async def get_me(person: SignedInStaff, session: ReadSession) -> Myself:
    """Who I am here, and what I may act as."""
    me = await staff.staff_member(session, staff_id=person.id)
    employer = await organisations.organisation(session, organisation_id=me.organisation_id)
    return Myself(
        staff_id=me.id,
        login=me.login,
        organisation_code=employer.code,
        organisation_name_zh=employer.name_zh,
        organisation_name_en=employer.name_en,
        roles=sorted(me.roles),
    )


@router.put(
    "/me/password",
    status_code=204,
    responses=problems(Unauthenticated, staff.SignInRefused, staff.PasswordWeak),
)
async def change_password(
    given: PasswordChange, person: SignedInStaff, settings: AppSettings, session: WriteSession
) -> Response:
    """Take another password; every other session of mine ends."""
    me = await staff.staff_member(session, staff_id=person.id)
    await staff.count_sign_in(session, login=me.login)
    try:
        await staff.sign_in(session, settings.keys, login=me.login, password=given.password, totp=given.totp)
    except staff.SignInRefused as refused:
        return kit_problems.answer(refused)  # the attempt stays counted
    await staff.change_password(session, staff_id=me.id, password=given.new_password)
    await tokens.end_sessions_of(
        session, subject=me.id, because="the password was changed", but=person.session_id
    )
    return Response(status_code=204)
