"""Collecting 收取: what friends take of somebody's ripe points.

Holds    who took how much of which lot, and what the share was of.
Promises friends of one another who both agree to be shown take no more than the programme's share of a lot, one of them
         no more of it and in a day than the programme lets them, however many come at once; nothing while a prop protects;
         the owner is told what was taken, and by whom as far as that person agrees to be shown.
Ignores  how points wait, ripen, lapse and are collected by their owner (programmes.pending), and who becomes friends.
"""

from backend import log
from backend.engagement.collecting.errors import DayLimitReached, Protected, ShareTaken
from backend.engagement.collecting.model import Garden, Limits, Ripe, Taken
from backend.engagement.collecting.service import garden_of, limits_of, take, taken_of

log.register(log.Sealed("collecting_taken", key=("id",)))

__all__ = [
    "DayLimitReached",
    "Garden",
    "Limits",
    "Protected",
    "Ripe",
    "ShareTaken",
    "Taken",
    "garden_of",
    "limits_of",
    "take",
    "taken_of",
]
