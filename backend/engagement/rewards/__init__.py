"""Rewards 奖励: what a programme itself gives for points, and how it was fulfilled.

Holds    grants (goods, vouchers, privileges, public services and welfare, props, trees, prizes), numbered by reward, and
         what became of each.
Promises stock and limit per person hold however many ask at once; a grant's points leave the lots that lapse first, and
         a refused one gives them back to the exact lots, once; a price that nobody published is never guessed.
Ignores  what merchants give (merchant.catalogue), how a tree is planted, and who wins.
"""

from backend import log
from backend.engagement.rewards.errors import (
    GiftTooSmall,
    GrantDecided,
    GrantUnknown,
    RewardElsewhere,
    RewardLimitReached,
    RewardSoldOut,
    RewardUnknown,
)
from backend.engagement.rewards.model import AT_ONCE, CAUSES, DIRECT, TREES, Cause, Figures, Grant, Left
from backend.engagement.rewards.service import (
    causes,
    decide,
    figures_of,
    give_prize,
    grant_of,
    grants,
    grants_of,
    hold_props,
    hours_of,
    is_priced,
    is_timed,
    left_of,
    price_of,
    protected,
    reward_of,
    take,
)

log.register(
    log.Sealed("reward_grant", key=("id",)),
    log.Sealed("reward_outcome", key=("grant_id",)),
)

__all__ = [
    "AT_ONCE",
    "CAUSES",
    "DIRECT",
    "TREES",
    "Cause",
    "Figures",
    "GiftTooSmall",
    "Grant",
    "GrantDecided",
    "GrantUnknown",
    "Left",
    "RewardElsewhere",
    "RewardLimitReached",
    "RewardSoldOut",
    "RewardUnknown",
    "causes",
    "decide",
    "figures_of",
    "give_prize",
    "grant_of",
    "grants",
    "grants_of",
    "hold_props",
    "hours_of",
    "is_priced",
    "is_timed",
    "left_of",
    "price_of",
    "protected",
    "reward_of",
    "take",
]
