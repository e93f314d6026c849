"""My household or small firm: who may act for it, and acting for it.

Acting begins a session of the group's own: everything else of this document then works for the group as it does for a citizen.
Who acts stays known; when a membership ends, so do these sessions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import devices, members
from backend.identity.members import Group, Member, firms
from backend.identity.members.acted import Acted
from backend.identity.members.firms import FirmClaim
from backend.identity.people import ParticipantKind
from backend.kit import paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
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
    role: members.Role
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
    role: members.Role
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


class InvitationAsked(Asked):
    """What whoever comes in by it may do: a member acts for the group, an observer sees everything and changes nothing."""

    role: members.GivenRole = "member"


class Invitation(Told):
    """A code that lets one person in, once."""

    code: str
    expires_at: datetime


class Accept(Asked):
    """The code that a manager gave me."""

    code: Annotated[str, StringConstraints(min_length=16, max_length=64)]


class FirmCode(Asked):
    """The firm's unified social credit code 统一社会信用代码."""

    credit_code: Annotated[str, StringConstraints(pattern="^[0-9A-Z]{18}$")]


class FirmTold(Told):
    """The code that a manager said, and what a person of the operator found."""

    credit_code: str | None
    claimed_at: datetime
    state: Literal["waiting", "confirmed", "refused"]
    reason: str | None
    checked_at: datetime | None

    @classmethod
    def of(cls, one: FirmClaim) -> FirmTold:
        return cls(
            credit_code=one.code,
            claimed_at=one.claimed_at,
            state=one.state,
            reason=one.reason,
            checked_at=one.checked_at,
        )


class ActedTold(Told):
    """What a member changed: the operation of this document and its address. `membership_id` says who it was."""

    acted_at: datetime
    operation: str
    address: str
    membership_id: UUID | None
    phone_masked: str | None
    me: bool

    @classmethod
    def of(cls, one: Acted, *, me: UUID) -> ActedTold:
        return cls(
            acted_at=one.acted_at,
            operation=one.operation,
            address=one.address,
            membership_id=one.membership_id,
            phone_masked=one.phone_masked,
            me=one.actor_id == me,
        )


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


@router.get(
    "/groups/{group_id}/acts",
    responses=problems(Unauthenticated, members.GroupUnknown, members.OnlyManagers, paging.CursorUnusable),
)
async def list_group_acts(
    group_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[ActedTold]:
    """Which member did what for it, the latest first: everything that changed something. Managers only."""
    me, before = person_of(citizen), asked.after(datetime, UUID)
    found = await members.acted.acts_of(
        session,
        settings.keys,
        group_id=group_id,
        asked_by=me,
        limit=asked.fetch,
        before=(before[0], before[1]) if before else None,
    )
    return asked.page(
        found, position=lambda one: (one.acted_at, one.id), show=lambda one: ActedTold.of(one, me=me)
    )


@router.post(
    "/groups/{group_id}/invitations",
    status_code=201,
    responses=problems(Unauthenticated, members.GroupUnknown, members.OnlyManagers),
)
async def invite_member(
    group_id: UUID, citizen: SignedInCitizen, session: WriteSession, asked: InvitationAsked | None = None
) -> Invitation:
    """A code that lets one person in within a day, as a member or as an observer. Managers only."""
    role = "member" if asked is None else asked.role
    me = person_of(citizen)
    code, until = await members.invite(session, group_id=group_id, by=me, role=role)
    await _note(session, group_id, me, "invite_member", "invitations")
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


@router.get("/groups/{group_id}/firm-code", responses=problems(Unauthenticated, members.GroupUnknown))
async def list_firm_codes(
    group_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> list[FirmTold]:
    """What was said of which firm this is, and what was found."""
    found = await firms.told_to(session, settings.keys, group_id=group_id, asked_by=person_of(citizen))
    return [FirmTold.of(one) for one in found]


@router.post(
    "/groups/{group_id}/firm-code",
    status_code=201,
    responses=problems(
        Unauthenticated,
        members.GroupUnknown,
        members.OnlyManagers,
        members.NotAFirm,
        members.CreditCodeWrong,
        members.FirmCheckedAlready,
        members.FirmClaimWaits,
    ),
)
async def say_firm_code(
    group_id: UUID, asked: FirmCode, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> FirmTold:
    """Say which firm this is. Managers only; a firm redeems once a person of the operator confirmed it."""
    me = person_of(citizen)
    said = await firms.claim(session, settings.keys, group_id=group_id, code=asked.credit_code, by=me)
    await _note(session, group_id, me, "say_firm_code", "firm-code")
    return FirmTold.of(said)


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
    me = person_of(citizen)
    await members.end(session, group_id=group_id, membership_id=membership_id, by=me, promote=True)
    await _note(session, group_id, me, "make_manager", f"members/{membership_id}/manager")


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
    me = person_of(citizen)
    await members.end(session, group_id=group_id, membership_id=membership_id, by=me)
    await _note(session, group_id, me, "end_membership", f"members/{membership_id}")


@router.post("/acting", responses=problems(Unauthenticated, members.GroupUnknown))
async def act_for(
    asked: Acting, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession, caller: Calling
) -> Tokens:
    """Begin a session of a household or firm that I am in; `participant_id` is the group's. An observer's changes nothing."""
    me = person_of(citizen)
    device = None
    if caller.device is not None:
        seen = await devices.seen(session, settings.keys, participant_id=me, secret=caller.device)
        device = (seen.id, seen.digest)
    pair = await members.act_for(session, settings, group_id=asked.group_id, member_id=me, device=device)
    return Tokens.of(pair)


async def _note(session: AsyncSession, group_id: UUID, actor_id: UUID, operation: str, rest: str) -> None:
    await members.acted.note(
        session,
        group_id=group_id,
        actor_id=actor_id,
        operation=operation,
        address=f"/members/groups/{group_id}/{rest}",
    )
