"""Teams: founded, joined by code, left, handed over. Every step is an event; who belongs follows from the events."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.engagement import circle
from backend.engagement.teams import queries
from backend.engagement.teams.errors import InTeamAlready, NotLeader, TeamFull, TeamUnknown
from backend.engagement.teams.model import Member, OwnTeam, TeamShown
from backend.identity import people
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.programmes import Registered

MOST_MEMBERS = 200  # so that a team's page and its names stay one answer; no source limits it


async def found(
    session: AsyncSession, keys: Keys, *, programme: Registered, participant_id: UUID, name: str
) -> OwnTeam:
    """A new team led by its founder. The name is screened and sealed like a person's.

    Raises FeatureOff, ProfileMissing, NameRefused, InTeamAlready.
    """
    programmes.require(programme, "teams")
    kept = circle.screened(name)
    await circle.require_shown(session, programme=programme, participant_id=participant_id)
    if await team_of(session, programme=programme, participant_id=participant_id) is not None:
        raise InTeamAlready
    team, now = ids.uuid7(), clock.now()
    await session.execute(
        queries.ADD, {"id": team, "programme": programme.id, "code": circle.new_code(), "at": now}
    )
    sealed = await people.seal_words(session, keys, participant_id=participant_id, words=kept)
    await _say(session, team, "founded", participant_id, sealed)
    return await own_team(session, keys, programme=programme, participant_id=participant_id)


async def join(
    session: AsyncSession, keys: Keys, *, programme: Registered, participant_id: UUID, code: str
) -> OwnTeam:
    """Become a member by the team's code; what I do counts for the team from today on.

    Raises FeatureOff, ProfileMissing, InTeamAlready, TeamFull, and TeamUnknown also for a team that nobody is in.
    """
    programmes.require(programme, "teams")
    await circle.require_shown(session, programme=programme, participant_id=participant_id)
    if await team_of(session, programme=programme, participant_id=participant_id) is not None:
        raise InTeamAlready
    asked = {"programme": programme.id, "code": code.strip().upper()}
    team: UUID | None = (await session.execute(queries.BY_CODE, asked)).scalar_one_or_none()
    if team is None:
        raise TeamUnknown
    await take_turns(session, f"team:{team}")
    members = (await _members(session, programme, [team])).get(team, [])
    if not members:
        raise TeamUnknown
    if len(members) >= MOST_MEMBERS:
        raise TeamFull(most=MOST_MEMBERS)
    await _say(session, team, "joined", participant_id)
    return await own_team(session, keys, programme=programme, participant_id=participant_id)


async def leave(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> None:
    """Be a member no longer; what was done until yesterday goes on counting for the team. Raises TeamUnknown."""
    await circle.lock(session, programme=programme, participant_id=participant_id)
    team = await team_of(session, programme=programme, participant_id=participant_id)
    if team is None:
        raise TeamUnknown
    await take_turns(session, f"team:{team}")
    await _say(session, team, "left", participant_id)


async def hand_over(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, handle: str
) -> None:
    """Let another member lead. Raises FeatureOff, TeamUnknown, NotLeader, PersonUnknown."""
    programmes.require(programme, "teams")
    team = await _led_by(session, programme, participant_id)
    other = await circle.person_of(session, programme=programme, handle=handle)
    if other not in (await _members(session, programme, [team]))[team]:
        raise circle.PersonUnknown
    await _say(session, team, "led", other)


async def rename(
    session: AsyncSession, keys: Keys, *, programme: Registered, participant_id: UUID, name: str
) -> None:
    """Give the team that one leads another name. Raises FeatureOff, NameRefused, ProfileMissing, TeamUnknown, NotLeader."""
    programmes.require(programme, "teams")
    kept = circle.screened(name)
    await circle.require_shown(session, programme=programme, participant_id=participant_id)
    team = await _led_by(session, programme, participant_id)
    sealed = await people.seal_words(session, keys, participant_id=participant_id, words=kept)
    await _say(session, team, "named", participant_id, sealed)


async def team_of(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> UUID | None:
    """The team that a person is in now."""
    asked = {"programme": programme.id, "participant": participant_id}
    team: UUID | None = (await session.execute(queries.OF, asked)).scalar_one_or_none()
    return team


async def own_team(
    session: AsyncSession, keys: Keys, *, programme: Registered, participant_id: UUID
) -> OwnTeam:
    """My team with its members who agree to be shown. Raises FeatureOff, ProfileMissing, TeamUnknown."""
    programmes.require(programme, "teams")
    agreeing = await circle.handles(session, programme=programme, participants=[participant_id])
    if participant_id not in agreeing:
        raise circle.ProfileMissing
    team = await team_of(session, programme=programme, participant_id=participant_id)
    if team is None:
        raise TeamUnknown
    since = {
        row.participant_id: row.since
        for row in await session.execute(queries.MEMBERS, {"programme": programme.id, "teams": [team]})
    }
    seen = await circle.shown(session, keys, programme=programme, participants=list(since))
    members = tuple(Member(who, seen[who], since[who]) for who in since if who in seen)
    leader = await _leader(session, team, [one.participant_id for one in members])
    return OwnTeam(
        id=team,
        name=(await _names(session, keys, [team])).get(team),
        code=(await session.execute(queries.CODE, {"team": team})).scalar_one(),
        leader=seen[leader].handle if leader else None,
        members=members,
        public=len(members) >= programme.pack.features.smallest_group,
    )


async def shown(
    session: AsyncSession, keys: Keys, *, programme: Registered, teams: Sequence[UUID]
) -> dict[UUID, TeamShown]:
    """The teams that others may see: those with at least `smallest_group` members who agree now."""
    members = await _members(session, programme, teams)
    everybody = [who for of_team in members.values() for who in of_team]
    agreeing = await circle.handles(session, programme=programme, participants=everybody)
    counts = {team: sum(who in agreeing for who in of_team) for team, of_team in members.items()}
    public = [team for team, n in counts.items() if n >= programme.pack.features.smallest_group]
    names = await _names(session, keys, public)
    return {team: TeamShown(team, names.get(team), counts[team]) for team in public}


async def _members(
    session: AsyncSession, programme: Registered, teams: Sequence[UUID]
) -> dict[UUID, list[UUID]]:
    """Everybody in these teams now, the longest member first, whether they agree to be shown or not."""
    found: dict[UUID, list[UUID]] = {}
    asked = {"programme": programme.id, "teams": list(teams)}
    for row in await session.execute(queries.MEMBERS, asked):
        found.setdefault(row.team_id, []).append(row.participant_id)
    return found


async def _leader(session: AsyncSession, team: UUID, agreeing: Sequence[UUID]) -> UUID | None:
    """Whoever founded it or took over last, while that person is there and shown; else the longest member."""
    led = (await session.execute(queries.LED, {"team": team})).scalar_one_or_none()
    return led if led in agreeing else next(iter(agreeing), None)


async def _led_by(session: AsyncSession, programme: Registered, participant_id: UUID) -> UUID:
    team = await team_of(session, programme=programme, participant_id=participant_id)
    if team is None:
        raise TeamUnknown
    await take_turns(session, f"team:{team}")
    members = (await _members(session, programme, [team])).get(team, [])
    agreeing = await circle.handles(session, programme=programme, participants=members)
    if await _leader(session, team, [who for who in members if who in agreeing]) != participant_id:
        raise NotLeader
    return team


async def _names(session: AsyncSession, keys: Keys, teams: Sequence[UUID]) -> dict[UUID, str | None]:
    rows = (await session.execute(queries.NAMES, {"teams": list(teams)})).all()
    words = await people.read_many(
        session, keys, sealed=[(row.participant_id, bytes(row.name_sealed)) for row in rows]
    )
    return {row.team_id: name for row, name in zip(rows, words, strict=True)}


async def _say(
    session: AsyncSession, team: UUID, kind: str, participant_id: UUID, name: bytes | None = None
) -> None:
    said = {"team": team, "kind": kind, "participant": participant_id, "name": name, "at": clock.now()}
    await session.execute(queries.SAY, said)
