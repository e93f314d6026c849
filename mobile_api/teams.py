"""My team in a programme."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend import programmes
from backend.engagement import circle, teams
from backend.engagement.teams import OwnTeam
from backend.identity.guardians import NotAllowedByGuardian
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown

router = Router(prefix="/programmes/{programme}/team", tags=["teams"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff, circle.ProfileMissing, NotAllowedByGuardian)


class MemberTold(Told):
    """A member who agrees to be shown."""

    handle: str
    display_name: str
    since: datetime


class TeamTold(Told):
    """My team. Others see its name and how many members agree to be shown, once `public`."""

    id: UUID
    name: str | None = Field(description="Null once whoever named it left the platform: name it again.")
    code: str
    leader: str | None = Field(description="The leader's handle.")
    members: list[MemberTold]
    public: bool

    @classmethod
    def of(cls, one: OwnTeam) -> TeamTold:
        members = [
            MemberTold(handle=who.shown.handle, display_name=who.shown.display_name, since=who.since)
            for who in one.members
        ]
        return cls(
            id=one.id, name=one.name, code=one.code, leader=one.leader, members=members, public=one.public
        )


class Named(Asked):
    """A team's name, screened like a person's."""

    name: Annotated[str, StringConstraints(max_length=200)]


class Joining(Asked):
    """The code that a member handed to me."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class Successor(Asked):
    """The handle of the member who leads from now on."""

    handle: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]


@router.get("", responses=problems(*_REFUSED, teams.TeamUnknown))
async def get_team(
    programme: Code, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> TeamTold:
    """The team that I am in."""
    running = await programmes.programme_of(session, code=programme)
    return TeamTold.of(
        await teams.own_team(session, settings.keys, programme=running, participant_id=citizen.id)
    )


@router.post("", status_code=201, responses=problems(*_REFUSED, circle.NameRefused, teams.InTeamAlready))
async def found_team(
    programme: Code, asked: Named, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> TeamTold:
    """Found a team and lead it."""
    running = await programmes.programme_of(session, code=programme)
    return TeamTold.of(
        await teams.found(
            session, settings.keys, programme=running, participant_id=citizen.id, name=asked.name
        )
    )


@router.post(
    "/membership",
    status_code=201,
    responses=problems(*_REFUSED, teams.TeamUnknown, teams.InTeamAlready, teams.TeamFull),
)
async def join_team(
    programme: Code, asked: Joining, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> TeamTold:
    """Join the team with this code. What I do counts for it from today on."""
    running = await programmes.programme_of(session, code=programme)
    return TeamTold.of(
        await teams.join(
            session, settings.keys, programme=running, participant_id=citizen.id, code=asked.code
        )
    )


@router.delete(
    "/membership", status_code=204, responses=problems(Unauthenticated, ProgrammeUnknown, teams.TeamUnknown)
)
async def leave_team(programme: Code, citizen: SignedInCitizen, session: WriteSession) -> None:
    """Leave my team. What I did until yesterday goes on counting for it."""
    running = await programmes.programme_of(session, code=programme)
    await teams.leave(session, programme=running, participant_id=citizen.id)


@router.put(
    "/leader",
    status_code=204,
    responses=problems(
        Unauthenticated,
        ProgrammeUnknown,
        FeatureOff,
        teams.TeamUnknown,
        teams.NotLeader,
        circle.PersonUnknown,
    ),
)
async def hand_over_team(
    programme: Code, asked: Successor, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Let another member lead my team."""
    running = await programmes.programme_of(session, code=programme)
    await teams.hand_over(session, programme=running, participant_id=citizen.id, handle=asked.handle)


@router.put(
    "/name",
    status_code=204,
    responses=problems(*_REFUSED, teams.TeamUnknown, teams.NotLeader, circle.NameRefused),
)
async def rename_team(
    programme: Code, asked: Named, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> None:
    """Give the team that I lead another name."""
    running = await programmes.programme_of(session, code=programme)
    await teams.rename(session, settings.keys, programme=running, participant_id=citizen.id, name=asked.name)
