"""Coupon codes 券码: codes that a merchant brings in, one of which a redemption draws.

Holds    imports of codes, the codes (sealed, with a keyed digest), which redemption has which, and which are left.
Promises codes come in all or none, and each once for its merchant; a redemption draws exactly one code and a code goes to one
         redemption for ever, refunded or not; nobody reads a code before it is given.
Ignores  what a code is good for, and whether it was used.
"""

from backend import log
from merchant.coupons.errors import (
    CouponsCsvUnreadable,
    CouponsUnsound,
    CouponUnknown,
    OfferGivesNoCoupons,
    TooManyCoupons,
)
from merchant.coupons.reading import MOST_AT_ONCE, Line, of_csv
from merchant.coupons.service import Counts, Given, bring_in, counts, coupon_of, coupons_of, retired

log.register(
    log.Sealed("coupon_import", key=("id",)),
    log.Sealed("coupon_code", key=("id",)),
    log.Sealed("coupon_given", key=("redemption_id",)),
)

__all__ = [
    "MOST_AT_ONCE",
    "Counts",
    "CouponUnknown",
    "CouponsCsvUnreadable",
    "CouponsUnsound",
    "Given",
    "Line",
    "OfferGivesNoCoupons",
    "TooManyCoupons",
    "bring_in",
    "counts",
    "coupon_of",
    "coupons_of",
    "of_csv",
    "retired",
]
