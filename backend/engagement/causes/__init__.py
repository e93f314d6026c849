"""Causes 公益项目: what a programme handed over for points that people gave to public welfare.

Holds    hand-overs: to whom, when, how much money for how many of the points that were given, under which reference.
Promises no more points are handed over than were given; nothing is changed, and what was told wrongly is taken back by a row beside
         it; everybody can read it.
Ignores  gifts themselves (`rewards`), what a point is worth, and the payment: the operator tells what was done.
"""

from backend import log
from backend.engagement.causes.errors import HandoverCorrected, HandoverTooLarge, HandoverUnknown
from backend.engagement.causes.service import (
    Handed,
    Handover,
    correct,
    hand_over,
    handed,
    handovers_of,
)

log.register(log.Sealed("cause_handover", key=("id",)))

__all__ = [
    "Handed",
    "Handover",
    "HandoverCorrected",
    "HandoverTooLarge",
    "HandoverUnknown",
    "correct",
    "hand_over",
    "handed",
    "handovers_of",
]
