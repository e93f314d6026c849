"""What is refused of teams."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class TeamUnknown(DomainError):
    """There is no such team here, or you are in none."""

    code = "teams.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个队伍，或您不在任何队伍中。"


@dataclass(eq=False)
class InTeamAlready(DomainError):
    """You are in a team already; leave it first."""

    code = "teams.in_team_already"
    kind = Kind.CONFLICT
    title_zh = "您已在一个队伍中，请先退出。"


@dataclass(eq=False)
class TeamFull(DomainError):
    """The team has as many members as it may have."""

    code = "teams.full"
    kind = Kind.CONFLICT
    title_zh = "该队伍人数已满。"

    most: int


@dataclass(eq=False)
class NotLeader(DomainError):
    """Only whoever leads the team does this."""

    code = "teams.not_leader"
    kind = Kind.CONFLICT
    title_zh = "只有队长可以这样做。"
