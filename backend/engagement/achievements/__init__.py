"""Achievements 成就: badges for what somebody did in all.

Holds    nothing: a badge and the day it was reached on follow from days of standing acts.
Promises a badge goes when the acts go, and comes on the day that completed it, also when that is learned late.
Ignores  points: a badge gives none.
"""

from backend.engagement.achievements.service import AchievementUnknown, Badge, badges_of, held

__all__ = ["AchievementUnknown", "Badge", "badges_of", "held"]
