"""Households and small firms, and the citizens who may act for them; which firm an account is (`firms`).

Holds    who was let in by whom, and who went, as rows that only come; names, sealed under the group's own key; invitations; which
         member did what (`acted`).
Promises whoever acts for a group is a member at that moment; a group has a manager for as long as it stands; one person is in it once;
         leaving ends the sessions in which they acted.
Ignores  what a group does, earns or holds: it is a participant like any other.
"""

from backend import log
from backend.identity.members import acted, firms
from backend.identity.members.errors import (
    CreditCodeTaken,
    CreditCodeWrong,
    FirmCheckedAlready,
    FirmClaimUnknown,
    FirmClaimWaits,
    GroupUnknown,
    InvitationRefused,
    LastManager,
    MembershipUnknown,
    NotAFirm,
    OnlyManagers,
    TooManyMembers,
)
from backend.identity.members.service import (
    Alone,
    GivenRole,
    Group,
    Member,
    Role,
    accept,
    act_for,
    check_manager,
    create,
    end,
    end_all,
    forget_invitations,
    groups_of,
    invite,
    managed_alone,
    members_of,
    move_all,
)

log.register(
    log.Sealed("membership", key=("id",)),
    log.Sealed("membership_end", key=("membership_id",)),
    log.Sealed("group_act", key=("id",)),
    log.Sealed("firm_claim", key=("id",)),
    log.Sealed("firm_check", key=("claim_id",)),
)

__all__ = [
    "Alone",
    "CreditCodeTaken",
    "CreditCodeWrong",
    "FirmCheckedAlready",
    "FirmClaimUnknown",
    "FirmClaimWaits",
    "GivenRole",
    "Group",
    "GroupUnknown",
    "InvitationRefused",
    "LastManager",
    "Member",
    "MembershipUnknown",
    "NotAFirm",
    "OnlyManagers",
    "Role",
    "TooManyMembers",
    "accept",
    "act_for",
    "acted",
    "check_manager",
    "create",
    "end",
    "end_all",
    "firms",
    "forget_invitations",
    "groups_of",
    "invite",
    "managed_alone",
    "members_of",
    "move_all",
]
