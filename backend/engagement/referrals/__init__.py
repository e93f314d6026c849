"""Referrals 邀请: somebody comes with another's code, really takes part, and both are rewarded.

Holds    a code per person and programme, who came with whose, and the rewards that followed.
Promises a code is used once by a newcomer, never by oneself, never back and forth between two, never between people who held
         the same card or account; rewards follow real acts in time, at most so many for one referrer, and are taken back
         when those acts go.
Ignores  who people are: it knows pseudonyms, and what cards they held.
"""

from backend import log
from backend.engagement.referrals.errors import (
    CodeUnknown,
    ReferredAlready,
    ReferredTooLate,
    ReferringRefused,
)
from backend.engagement.referrals.service import (
    Figures,
    Invited,
    Own,
    figures_of,
    follow_touched,
    own,
    redeem,
)

log.register(
    log.Sealed("referral_code", key=("programme_id", "participant_id")),
    log.Sealed("referral", key=("programme_id", "newcomer_id")),
    log.Sealed("referral_rewarded", key=("id",)),
    log.Sealed("referral_undone", key=("rewarded_id",)),
)

__all__ = [
    "CodeUnknown",
    "Figures",
    "Invited",
    "Own",
    "ReferredAlready",
    "ReferredTooLate",
    "ReferringRefused",
    "figures_of",
    "follow_touched",
    "own",
    "redeem",
]
