"""Offers 商品: what a merchant gives for points of one programme.

Holds    offers, their withdrawals, and their stock: a row per restock, and what is left in sixteen piles.
Promises an offer never changes, so a redemption's price is its offer's; what is left is what was put up less what was
         redeemed, and never below zero; buyers of one popular offer do not wait for each other while there is enough.
Ignores  who redeems, and what a point is worth.
"""

from backend import log
from merchant.catalogue.errors import (
    OfferDaysReversed,
    OfferNeedsMerchant,
    OfferUnknown,
    OfferUnlimited,
    OfferWithdrawn,
)
from merchant.catalogue.model import Offer, Stand
from merchant.catalogue.service import (
    create_offer,
    offer_of,
    offers_of,
    open_offer,
    open_offers,
    restock,
    withdraw,
)

log.register(
    log.Sealed("offer", key=("id",)),
    log.Sealed("offer_withdrawal", key=("offer_id",)),
    log.Sealed("offer_restock", key=("id",)),
)

__all__ = [
    "Offer",
    "OfferDaysReversed",
    "OfferNeedsMerchant",
    "OfferUnknown",
    "OfferUnlimited",
    "OfferWithdrawn",
    "Stand",
    "create_offer",
    "offer_of",
    "offers_of",
    "open_offer",
    "open_offers",
    "restock",
    "withdraw",
]
