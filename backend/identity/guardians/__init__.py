"""A child's account under a guardian's, until the child is fourteen.

Holds    whose account is under whose, the words that the guardian agreed to, what the guardian allows beyond earning, and
         how it ended.
Promises a child has no way in of their own while it lasts, and the guardian acts in it; a child is in no team, circle or feed and no lottery, and spends
         nothing, unless the guardian said so; the day of birth is not kept: it ends on the first of the month after.
Ignores  what a child earns: that is like anybody's.

The SQL function `guardian_allows(participant, scope)` is what verbs ask; it is true of everybody who is no child.
"""

from backend import log
from backend.identity.guardians.errors import (
    ChildUnknown,
    EndsWrong,
    NoGuardian,
    NotAllowedByGuardian,
    NotYet,
    TooManyChildren,
)
from backend.identity.guardians.service import (
    GUARDIAN,
    Child,
    Scope,
    act_for,
    add_child,
    allows,
    check_age,
    child_of,
    children_of,
    end,
    hand_over,
    keeps,
    require,
    say,
)

log.register(
    log.Sealed("guardianship", key=("child_id",)),
    log.Sealed("guardianship_ended", key=("child_id",)),
    log.Sealed("guardian_word", key=("id",)),
)

__all__ = [
    "GUARDIAN",
    "Child",
    "ChildUnknown",
    "EndsWrong",
    "NoGuardian",
    "NotAllowedByGuardian",
    "NotYet",
    "Scope",
    "TooManyChildren",
    "act_for",
    "add_child",
    "allows",
    "check_age",
    "child_of",
    "children_of",
    "end",
    "hand_over",
    "keeps",
    "require",
    "say",
]
