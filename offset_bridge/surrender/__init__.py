"""Surrender: units pledged for a year, decided by the adopted rules, surrendered when the year is closed.

Holds    pledges with the decision behind each, releases, closings, surrenders with what an entity is short of, recounts
         after a late revision, and credits cancelled of one's own will.
Promises pledges of a market's year are decided one after the other, so that no cap, shared pool or obligation is ever
         passed; each tonne that is refused has its reason with its source; a decision can be made again from what is
         kept of it; until the close a pledge may be taken back as a whole, afterwards nothing moves;
         never more is surrendered than is owed.
Ignores  where units came from, and what a shortfall costs.
"""

from backend import log
from offset_bridge.surrender.cancelling import cancel, cancellations
from offset_bridge.surrender.closing import (
    CLOSE,
    approve_close,
    closes,
    propose_close,
    surrendered_code,
    surrenders,
)
from offset_bridge.surrender.errors import (
    OnlyCreditsCancelled,
    PledgeReleasedAlready,
    PledgeUnknown,
    ReleaseBreaksRules,
    TooEarlyToClose,
    UnitsNotHeld,
)
from offset_bridge.surrender.model import (
    AskedLot,
    Cancelled,
    Close,
    Decision,
    Pledge,
    PledgeAnswer,
    PledgeLine,
    Recount,
    Surrendered,
)
from offset_bridge.surrender.pledging import (
    evaluate,
    pledge,
    pledge_of,
    pledged_code,
    pledges,
    release,
)
from offset_bridge.surrender.recounting import approve_obligation

KINDS = (CLOSE,)

log.register(
    log.Sealed("unit_pledge", key=("id",)),
    log.Sealed("unit_pledge_lot", key=("pledge_id", "line")),
    log.Sealed("unit_release", key=("pledge_id",)),
    log.Sealed("compliance_close", key=("market", "compliance_year")),
    log.Sealed("unit_surrender", key=("account_id", "compliance_year")),
    log.Sealed("unit_surrender_lot", key=("account_id", "compliance_year", "line")),
    log.Sealed("surrender_recount", key=("account_id", "compliance_year", "obligation_revision")),
    log.Sealed("unit_cancellation", key=("id",)),
)

__all__ = [
    "CLOSE",
    "KINDS",
    "AskedLot",
    "Cancelled",
    "Close",
    "Decision",
    "OnlyCreditsCancelled",
    "Pledge",
    "PledgeAnswer",
    "PledgeLine",
    "PledgeReleasedAlready",
    "PledgeUnknown",
    "Recount",
    "ReleaseBreaksRules",
    "Surrendered",
    "TooEarlyToClose",
    "UnitsNotHeld",
    "approve_close",
    "approve_obligation",
    "cancel",
    "cancellations",
    "closes",
    "evaluate",
    "pledge",
    "pledge_of",
    "pledged_code",
    "pledges",
    "propose_close",
    "release",
    "surrendered_code",
    "surrenders",
]
