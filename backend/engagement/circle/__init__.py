"""Circle 圈子: who agrees to be shown to others in a programme, under which name, and who are friends.

Holds    what people said about being shown, the name sealed under their own key; invitations, friendships and their ends.
Promises nobody is shown who does not agree now: hiding, and the erasing of a person, count from the same transaction on;
         others see a name and a random handle, never a participant's id, and another handle after each return;
         an invitation makes one friendship, and friends are friends while both agree.
Ignores  what people did; what is shown beside the name is the business of boards, teams and the feed.
"""

from backend import log
from backend.engagement.circle.errors import (
    FriendsAlready,
    InvitationOwn,
    InvitationUnknown,
    NameRefused,
    OnlyPeople,
    PersonUnknown,
    ProfileMissing,
    TooManyInvitations,
)
from backend.engagement.circle.friends import accept, are_friends, end, friends, friends_of, invite, new_code
from backend.engagement.circle.model import Friend, Invitation, Said, Shown
from backend.engagement.circle.names import LONGEST, screened
from backend.engagement.circle.service import (
    AGREEMENT,
    PURPOSE,
    handles,
    hide,
    hide_everywhere,
    history,
    lock,
    person_of,
    require_shown,
    require_social,
    show,
    shown,
)

log.register(
    log.Sealed("circle_event", key=("id",)),
    log.Sealed("circle_invitation", key=("id",)),
    log.Sealed("circle_friendship", key=("id",)),
    log.Sealed("circle_friendship_end", key=("friendship_id",)),
)

__all__ = [
    "AGREEMENT",
    "LONGEST",
    "PURPOSE",
    "Friend",
    "FriendsAlready",
    "Invitation",
    "InvitationOwn",
    "InvitationUnknown",
    "NameRefused",
    "OnlyPeople",
    "PersonUnknown",
    "ProfileMissing",
    "Said",
    "Shown",
    "TooManyInvitations",
    "accept",
    "are_friends",
    "end",
    "friends",
    "friends_of",
    "handles",
    "hide",
    "hide_everywhere",
    "history",
    "invite",
    "lock",
    "new_code",
    "person_of",
    "require_shown",
    "require_social",
    "screened",
    "show",
    "shown",
]
