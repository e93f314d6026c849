"""The market: agreed sales 协议转让, units against money.

Holds    offers of one seller to one buyer and how each ended; what is set aside and what is paid is the ledger's.
Promises units and money change hands in one posting or not at all; an offer ends once, and one that is not accepted
         gives its units back; nobody trades with himself.
Ignores  prices: what two parties agree on is theirs. How money comes in and goes out is `offset_bridge.cash`'s.
"""

from backend import log
from offset_bridge.market.errors import (
    BookNotTraded,
    ExpiryUnusable,
    PartyHasNoAccount,
    SaleEnded,
    SaleExpired,
    SaleUnknown,
    SelfTrade,
)
from offset_bridge.market.money import Balance, balances, statement
from offset_bridge.market.service import (
    Outcome,
    Sale,
    accept,
    decline,
    expire,
    expire_all,
    offer,
    sale_of,
    sales_of,
    withdraw,
)

log.register(log.Sealed("sale", key=("id",)), log.Sealed("sale_end", key=("sale_id",)))

__all__ = [
    "Balance",
    "BookNotTraded",
    "ExpiryUnusable",
    "Outcome",
    "PartyHasNoAccount",
    "Sale",
    "SaleEnded",
    "SaleExpired",
    "SaleUnknown",
    "SelfTrade",
    "accept",
    "balances",
    "decline",
    "expire",
    "expire_all",
    "offer",
    "sale_of",
    "sales_of",
    "statement",
    "withdraw",
]
