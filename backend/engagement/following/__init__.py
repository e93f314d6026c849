"""Following 跟进: what acts amount to, by person and day, and whoever acts on it.

Holds    `acted_day`, made of standing acts alone; the cursor up to which acts were read; the followers that are told.
Promises every act, claim and withdrawal is followed exactly once, late ones too, and in one transaction with all that
         follows from it; a crash leaves it to the next run; the table can be made again at any time and is the same.
Ignores  what tasks, campaigns, boards or referrals make of it: they register as followers.
"""

from backend.engagement.following.model import ActedDay, Followed, Touched
from backend.engagement.following.queries import STANDING_ACTS
from backend.engagement.following.service import acted, follow, look_again, rebuild, register_follower

__all__ = [
    "STANDING_ACTS",
    "ActedDay",
    "Followed",
    "Touched",
    "acted",
    "follow",
    "look_again",
    "rebuild",
    "register_follower",
]
