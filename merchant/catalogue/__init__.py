"""Offers 商品: what a merchant gives for points of one programme.

Holds    offers, their terms and shops, their steps from the draft over the operator's review to the shelf, their withdrawals,
         and their stock: a row per restock, and what is left in sixteen piles.
Promises an offer never changes, so a redemption's price is its offer's; nobody redeems what the operator has not published;
         what is left is what was put up less what was redeemed, and never below zero; buyers of one popular offer do not
         wait for each other while there is enough.
Ignores  who redeems, and what a point is worth.
"""

from backend import log
from merchant.catalogue.errors import (
    OfferDaysReversed,
    OfferNeedsMerchant,
    OfferNotShown,
    OfferReviewedByItself,
    OfferShopUnknown,
    OfferStepImpossible,
    OfferUnknown,
    OfferUnlimited,
    OfferWithdrawn,
    PlaceHalfSaid,
)
from merchant.catalogue.model import Offer, Place, Stand, Step, Terms, Wanted
from merchant.catalogue.reviewing import draft_offer, review, step, still_draft, waiting
from merchant.catalogue.service import (
    offer_of,
    offers_of,
    open_offer,
    open_offers,
    restock,
    shops_of,
    withdraw,
)

log.register(
    log.Sealed("offer", key=("id",)),
    log.Sealed("offer_withdrawal", key=("offer_id",)),
    log.Sealed("offer_restock", key=("id",)),
    log.Sealed("offer_step", key=("offer_id", "number")),
    log.Sealed("offer_terms", key=("offer_id",)),
    log.Sealed("offer_shop", key=("offer_id", "shop_id")),
)

__all__ = [
    "Offer",
    "OfferDaysReversed",
    "OfferNeedsMerchant",
    "OfferNotShown",
    "OfferReviewedByItself",
    "OfferShopUnknown",
    "OfferStepImpossible",
    "OfferUnknown",
    "OfferUnlimited",
    "OfferWithdrawn",
    "Place",
    "PlaceHalfSaid",
    "Stand",
    "Step",
    "Terms",
    "Wanted",
    "draft_offer",
    "offer_of",
    "offers_of",
    "open_offer",
    "open_offers",
    "restock",
    "review",
    "shops_of",
    "step",
    "still_draft",
    "waiting",
    "withdraw",
]
