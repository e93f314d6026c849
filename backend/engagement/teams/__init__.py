"""Teams 队伍: people of one programme who count together.

Holds    teams with their codes, and what happened in each: founded, joined, left, led by another, named.
Promises a person is in one team of a programme at a time; others see a team only while enough members agree to be
         shown; what a member did counts from the day of joining to the day before leaving.
Ignores  what members did (acted_day) and how teams are ranked (boards).
"""

from backend import log
from backend.engagement.teams.errors import InTeamAlready, NotLeader, TeamFull, TeamUnknown
from backend.engagement.teams.model import Member, OwnTeam, TeamShown
from backend.engagement.teams.service import (
    MOST_MEMBERS,
    found,
    hand_over,
    join,
    leave,
    own_team,
    rename,
    shown,
    team_of,
)

log.register(log.Sealed("team", key=("id",)), log.Sealed("team_event", key=("team_id", "seq")))

__all__ = [
    "MOST_MEMBERS",
    "InTeamAlready",
    "Member",
    "NotLeader",
    "OwnTeam",
    "TeamFull",
    "TeamShown",
    "TeamUnknown",
    "found",
    "hand_over",
    "join",
    "leave",
    "own_team",
    "rename",
    "shown",
    "team_of",
]
