"""Cards, bike accounts and meters, and whose they are.

Holds    means by token (a keyed digest of kind, operator and number) and their holdings over time;
         the view `means_holder(token, participant_id, held)` is there for set-based joins.
Promises a means has one holder at any moment; a holding is only ever closed, never rewritten;
         no number is stored or can be tried out without the platform's key.
Ignores  what was done with them.
"""

from backend import log
from backend.identity.means import takeovers
from backend.identity.means.charges import (
    ATTEMPTS_OF_CHARGE,
    MOST_FEN,
    Charge,
    forget_old_charges,
    link_by_charge,
    report,
)
from backend.identity.means.ending import lose, replace
from backend.identity.means.errors import (
    ChargeWrong,
    HeldInTheFuture,
    HoldingUnknown,
    LinkCodeWrong,
    MeansHeld,
    MeansMisnamed,
    TakeoverEnded,
    TakeoverNotYet,
    TakeoverUnknown,
    TakeoverWaits,
    TooManyCharges,
    TooManyLinkAttempts,
    TooOftenTold,
    TripsWrong,
)
from backend.identity.means.numbers import link_code, link_key, means_token, means_tokens
from backend.identity.means.service import (
    ATTEMPTS_OF_TRIPS,
    LinkedList,
    close_all,
    close_holding,
    count_link_attempt,
    count_trips_told,
    forget_old_attempts,
    holder_at,
    holdings_of,
    link,
    link_by_trips,
    link_list,
    link_with_code,
)
from backend.identity.means.tables import Holding, Listed, MeansKind, Proof

log.register(log.Sealed("means", key=("id",)), log.Sealed("means_holding", key=("id",), leave_out=("held",)))
log.register(log.Sealed("means_ended", key=("holding_id",)))
log.register(
    log.Sealed("means_takeover", key=("id",)), log.Sealed("means_takeover_step", key=("takeover_id", "step"))
)

__all__ = [
    "ATTEMPTS_OF_CHARGE",
    "ATTEMPTS_OF_TRIPS",
    "MOST_FEN",
    "Charge",
    "ChargeWrong",
    "HeldInTheFuture",
    "Holding",
    "HoldingUnknown",
    "LinkCodeWrong",
    "LinkedList",
    "Listed",
    "MeansHeld",
    "MeansKind",
    "MeansMisnamed",
    "Proof",
    "TakeoverEnded",
    "TakeoverNotYet",
    "TakeoverUnknown",
    "TakeoverWaits",
    "TooManyCharges",
    "TooManyLinkAttempts",
    "TooOftenTold",
    "TripsWrong",
    "close_all",
    "close_holding",
    "count_link_attempt",
    "count_trips_told",
    "forget_old_attempts",
    "forget_old_charges",
    "holder_at",
    "holdings_of",
    "link",
    "link_by_charge",
    "link_by_trips",
    "link_code",
    "link_key",
    "link_list",
    "link_with_code",
    "lose",
    "means_token",
    "means_tokens",
    "replace",
    "report",
    "takeovers",
]
