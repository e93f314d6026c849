"""Whether and how I am shown to others in a programme, and my friends there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import Field, StringConstraints

from backend import programmes
from backend.engagement import circle
from backend.identity import consent
from backend.identity.guardians import NotAllowedByGuardian
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Sha256, Told
from backend.programmes import FeatureOff, ProgrammeUnknown

router = Router(prefix="/programmes/{programme}", tags=["circle"])

Handle = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff)


class SaidTold(Told):
    """One thing that I said about being shown. `edition` is that of the text I agreed to."""

    kind: str = Field(description="`shown`, `named` (another name), `hidden`, or `erased`.")
    handle: str
    edition: str | None
    said_at: datetime


class ProfileTold(Told):
    """How others see me: not at all while `shown` is false. The agreement to read is `agreement` among `/agreements`."""

    shown: bool
    handle: str | None
    display_name: str | None
    agreement: str
    history: list[SaidTold]


class ProfileAsked(Asked):
    """Agree to be shown under this name. `text_sha256` names the text that was read."""

    display_name: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="At most 20 printable characters; no six digits, nothing to reach somebody by."
    )
    text_sha256: Sha256


class PersonTold(Told):
    """Somebody who agrees to be shown."""

    handle: str
    display_name: str


class FriendTold(PersonTold):
    """A friend."""

    since: datetime


class InvitationTold(Told):
    """A code for one other person, told once."""

    code: str
    expires_at: datetime


class Acceptance(Asked):
    """The code that somebody handed to me."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]


@router.get("/profile", responses=problems(Unauthenticated, ProgrammeUnknown))
async def get_profile(
    programme: Code, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> ProfileTold:
    """How I am shown here, and everything I ever said about it."""
    running = await programmes.programme_of(session, code=programme)
    seen = await circle.shown(session, settings.keys, programme=running, participants=[citizen.id])
    said = await circle.history(session, programme=running, participant_id=citizen.id)
    mine = seen.get(citizen.id)
    return ProfileTold(
        shown=mine is not None,
        handle=mine.handle if mine else None,
        display_name=mine.display_name if mine else None,
        agreement=circle.AGREEMENT,
        history=[SaidTold.model_validate(one) for one in said],
    )


@router.put(
    "/profile",
    responses=problems(
        *_REFUSED,
        circle.NameRefused,
        circle.OnlyPeople,
        NotAllowedByGuardian,
        consent.AgreementChanged,
        consent.AgreementUnknown,
    ),
)
async def put_profile(
    programme: Code,
    asked: ProfileAsked,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
) -> PersonTold:
    """Agree to be shown, or take another name."""
    running = await programmes.programme_of(session, code=programme)
    mine = await circle.show(
        session,
        settings.keys,
        programme=running,
        participant_id=citizen.id,
        display_name=asked.display_name,
        text_sha256=bytes.fromhex(asked.text_sha256),
    )
    return PersonTold.model_validate(mine)


@router.delete("/profile", status_code=204, responses=problems(Unauthenticated, ProgrammeUnknown))
async def delete_profile(programme: Code, citizen: SignedInCitizen, session: WriteSession) -> None:
    """Be shown no longer, at once and everywhere."""
    running = await programmes.programme_of(session, code=programme)
    await circle.hide(session, programme=running, participant_id=citizen.id)


@router.get("/friends", responses=problems(*_REFUSED))
async def list_friends(
    programme: Code, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> list[FriendTold]:
    """My friends who agree to be shown, while I do."""
    running = await programmes.programme_of(session, code=programme)
    circle.require_social(running)
    found = await circle.friends(session, settings.keys, programme=running, participant_id=citizen.id)
    return [
        FriendTold(handle=one.shown.handle, display_name=one.shown.display_name, since=one.since)
        for one in found
    ]


@router.post(
    "/friends/invitations",
    status_code=201,
    responses=problems(*_REFUSED, circle.ProfileMissing, NotAllowedByGuardian, circle.TooManyInvitations),
)
async def invite_friend(programme: Code, citizen: SignedInCitizen, session: WriteSession) -> InvitationTold:
    """A code that makes whoever accepts it my friend: good once, for seven days."""
    running = await programmes.programme_of(session, code=programme)
    made = await circle.invite(session, programme=running, participant_id=citizen.id)
    return InvitationTold.model_validate(made)


@router.post(
    "/friends",
    status_code=201,
    responses=problems(
        *_REFUSED,
        circle.ProfileMissing,
        NotAllowedByGuardian,
        circle.InvitationUnknown,
        circle.InvitationOwn,
        circle.FriendsAlready,
    ),
)
async def accept_friend(
    programme: Code, asked: Acceptance, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> FriendTold:
    """Become friends with whoever gave me the code."""
    running = await programmes.programme_of(session, code=programme)
    made = await circle.accept(
        session, settings.keys, programme=running, participant_id=citizen.id, code=asked.code
    )
    return FriendTold(handle=made.shown.handle, display_name=made.shown.display_name, since=made.since)


@router.delete(
    "/friends/{handle}",
    status_code=204,
    responses=problems(Unauthenticated, ProgrammeUnknown, circle.PersonUnknown),
)
async def end_friendship(
    programme: Code, handle: Handle, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Be friends no longer; either of the two may end it."""
    running = await programmes.programme_of(session, code=programme)
    await circle.end(session, programme=running, participant_id=citizen.id, handle=handle)
