"""Showing once more who one is, before something that a stolen session must not be able to do.

Holds    who asked for which purpose, and what was granted.
Promises a grant is good for one purpose of one session, for five minutes, once; it is used in the transaction of what it
         was asked for, so that what fails leaves it good.
Ignores  which acts need one: whoever does something asks for it here.
"""

from backend.identity.step_up.errors import DoorMissing, StepUpNeeded
from backend.identity.step_up.service import (
    GRANT_LASTS,
    Granted,
    Purpose,
    ask,
    forget_old,
    grant,
    grant_by_door,
    use,
)

__all__ = [
    "GRANT_LASTS",
    "DoorMissing",
    "Granted",
    "Purpose",
    "StepUpNeeded",
    "ask",
    "forget_old",
    "grant",
    "grant_by_door",
    "use",
]
