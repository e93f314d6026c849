"""Households and small firms, and the citizens who may act for them.

Holds    who was let in by whom, and who went, as rows that only come; names, sealed under the group's own key; invitations.
Promises whoever acts for a group is a member at that moment; a group always has a manager; one person is in it once;
         leaving ends the sessions in which they acted.
Ignores  what a group does, earns or holds: it is a participant like any other.
"""

from backend import log
from backend.identity.members.errors import (
    GroupUnknown,
    InvitationRefused,
    LastManager,
    MembershipUnknown,
    OnlyManagers,
    TooManyMembers,
)
from backend.identity.members.service import (
    Group,
    Member,
    accept,
    act_for,
    check_manager,
    create,
    end,
    end_all,
    forget_invitations,
    groups_of,
    invite,
    members_of,
    move_all,
)

log.register(
    log.Sealed("membership", key=("id",)),
    log.Sealed("membership_end", key=("membership_id",)),
)

__all__ = [
    "Group",
    "GroupUnknown",
    "InvitationRefused",
    "LastManager",
    "Member",
    "MembershipUnknown",
    "OnlyManagers",
    "TooManyMembers",
    "accept",
    "act_for",
    "check_manager",
    "create",
    "end",
    "end_all",
    "forget_invitations",
    "groups_of",
    "invite",
    "members_of",
    "move_all",
]
