"""How many tonnes of credits an enterprise may use towards a year's obligation, lot by lot, with the reason of each refusal.

Holds    the strict reader of a case (entity, lots in hand, what is used already), the eligibility of one lot, the most
         tonnes under all limits together, and the answer in the shape of `puhui offset evaluate`.
Promises `usable_t` is the greatest number of whole tonnes that keeps the cap, the pools, the open obligation and the
         share at once, never one more; of equally good choices the one with the oldest vintages, then by id, so that
         the same case always has the same answer; exact whole numbers, no float; every rule comes from the pack, with
         its source; what the pack does not know is an error when a lot's tonnes depend on it; input is never echoed.
Ignores  the database, who asks, and whether the lots exist: it is a pure function of the case and the pack.
"""

from backend.packs.market_shape import CAP_BASES
from offset_bridge.rules.case import Case, Entity, Lot
from offset_bridge.rules.errors import (
    CaseInvalid,
    EditionMissing,
    EditionUnknown,
    MarketMissing,
    OffsetError,
    ParameterUnset,
    RulesUnsupported,
    UsedNeedsLots,
)
from offset_bridge.rules.evaluate import Answer, evaluate
from offset_bridge.rules.markets import find_market
from offset_bridge.rules.optimum import Limit, Offer, Share, choose
from offset_bridge.rules.reading import read_case, read_holding
from offset_bridge.rules.rulebook import Pool, pool_of
from offset_bridge.rules.words import Reason, cut_by

__all__ = [
    "CAP_BASES",
    "Answer",
    "Case",
    "CaseInvalid",
    "EditionMissing",
    "EditionUnknown",
    "Entity",
    "Limit",
    "Lot",
    "MarketMissing",
    "Offer",
    "OffsetError",
    "ParameterUnset",
    "Pool",
    "Reason",
    "RulesUnsupported",
    "Share",
    "UsedNeedsLots",
    "choose",
    "cut_by",
    "evaluate",
    "find_market",
    "pool_of",
    "read_case",
    "read_holding",
]
