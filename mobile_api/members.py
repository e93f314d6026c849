"""My household or small firm: who may act for it, and acting for it.

Acting begins a session of the group's own: everything else of this document then works for the group as it does for a citizen.
Who acts stays known; when a membership ends, so do these sessions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from backend.identity import devices, members
from backend.identity.members import Group, Member
from backend.identity.people import ParticipantKind
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from mobile_api.caller import Calling
from mobile_api.signing_in import Tokens
from mobile_api.stepping_up import person_of

router = Router(prefix="/members", tags=["members"])

Kind = Literal["household", "firm"]


class NewGroup(Asked):
    """A household or a small firm, and what its members call it."""

    kind: Kind
    name: Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]


class GroupTold(Told):
    """A household or firm that I may act for."""

    id: UUID
    membership_id: UUID
    kind: Kind
    name: str | None
    role: Literal["manager", "member"]
    since: datetime

    @classmethod
    def of(cls, group: Group) -> GroupTold:
        return cls(
            id=group.id,
            membership_id=group.membership_id,
            kind="household" if group.kind is ParticipantKind.HOUSEHOLD else "firm",
            name=group.name,
            role=group.role,
            since=group.since,
        )


class MemberTold(Told):
    """Somebody who may act for it, told to its members."""

    membership_id: UUID
    role: Literal["manager", "member"]
    since: datetime
    phone_masked: str | None
    me: bool

    @classmethod
    def of(cls, member: Member, *, me: UUID) -> MemberTold:
        return cls(
            membership_id=member.membership_id,
            role=member.role,
            since=member.since,
            phone_masked=member.phone_masked,
            me=member.member_id == me,
        )


class Invitation(Told):
    """A code that lets one person in, once."""

    code: str
    expires_at: datetime


class Accept(Asked):
    """The code that a manager gave me."""

    code: Annotated[str, StringConstraints(min_length=16, max_length=64)]


class Acting(Asked):
    """Which household or firm I act for."""

    group_id: UUID


@router.get("/groups", responses=problems(Unauthenticated))
async def list_groups(
    citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> list[GroupTold]:
    """The households and firms that I may act for."""
    found = await members.groups_of(session, settings.keys, member_id=person_of(citizen))
    return [GroupTold.of(one) for one in found]


@router.post("/groups", status_code=201, responses=problems(Unauthenticated, members.TooManyMembers))
async def make_group(
    asked: NewGroup, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> GroupTold:
    """Make a household or a small firm; I am its manager."""
    made = await members.create(
        session, settings.keys, kind=ParticipantKind(asked.kind), name=asked.name, by=person_of(citizen)
    )
    return GroupTold.of(made)


@router.get("/groups/{group_id}/members", responses=problems(Unauthenticated, members.GroupUnknown))
async def list_members(
    group_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> list[MemberTold]:
    """Who may act for it."""
    me = person_of(citizen)
    found = await members.members_of(session, settings.keys, group_id=group_id, asked_by=me)
    return [MemberTold.of(one, me=me) for one in found]


@router.post(
    "/groups/{group_id}/invitations",
    status_code=201,
    responses=problems(Unauthenticated, members.GroupUnknown, members.OnlyManagers),
)
async def invite_member(group_id: UUID, citizen: SignedInCitizen, session: WriteSession) -> Invitation:
    """A code that lets one person in within a day. Managers only."""
    code, until = await members.invite(session, group_id=group_id, by=person_of(citizen))
    return Invitation(code=code, expires_at=until)


@router.post(
    "/accept", responses=problems(Unauthenticated, members.InvitationRefused, members.TooManyMembers)
)
async def accept_invitation(
    given: Accept, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> GroupTold:
    """Come in by an invitation."""
    joined = await members.accept(session, settings.keys, code=given.code, member_id=person_of(citizen))
    return GroupTold.of(joined)


@router.put(
    "/groups/{group_id}/members/{membership_id}/manager",
    status_code=204,
    responses=problems(
        Unauthenticated, members.GroupUnknown, members.MembershipUnknown, members.OnlyManagers
    ),
)
async def make_manager(
    group_id: UUID, membership_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Make a member a manager, too. Managers only; the membership goes on under another id."""
    await members.end(
        session, group_id=group_id, membership_id=membership_id, by=person_of(citizen), promote=True
    )


@router.delete(
    "/groups/{group_id}/members/{membership_id}",
    status_code=204,
    responses=problems(
        Unauthenticated,
        members.GroupUnknown,
        members.MembershipUnknown,
        members.OnlyManagers,
        members.LastManager,
    ),
)
async def end_membership(
    group_id: UUID, membership_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Leave, or as a manager let somebody go: sessions in which they act for it end at once."""
    await members.end(session, group_id=group_id, membership_id=membership_id, by=person_of(citizen))


@router.post("/acting", responses=problems(Unauthenticated, members.GroupUnknown))
async def act_for(
    asked: Acting, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession, caller: Calling
) -> Tokens:
    """Begin a session of a household or firm that I may act for; `participant_id` is the group's."""
    me = person_of(citizen)
    device = None
    if caller.device is not None:
        seen = await devices.seen(session, settings.keys, participant_id=me, secret=caller.device)
        device = (seen.id, seen.digest)
    pair = await members.act_for(session, settings, group_id=asked.group_id, member_id=me, device=device)
    return Tokens.of(pair)
