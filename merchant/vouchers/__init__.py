"""Vouchers 代金券: worth money at a merchant's tills, given for points at once, used once.

Holds    vouchers (their codes sealed, with a keyed digest), and which were used when, by whom and at which till.
Promises a voucher's worth and last day are what its offer said when it was given; it is used once, at a till of its merchant where the
         offer is given, and never both used and given back; nobody but its citizen reads its code.
Ignores  what the purchase was, and what the merchant is owed: that was fixed when the points were captured.
"""

from backend import log, webhooks
from merchant.vouchers import leaving  # noqa: F401 - it takes part whenever an account closes
from merchant.vouchers.codes import drawn, new_code
from merchant.vouchers.errors import OfferGivesNoVouchers, VoucherUnknown
from merchant.vouchers.model import Answer, Counts, State, Use, Voucher
from merchant.vouchers.reminding import remind_all
from merchant.vouchers.service import counts, voucher_of, vouchers_of
from merchant.vouchers.till import look, use, uses_of

log.register(
    log.Sealed("voucher", key=("redemption_id",)),
    log.Sealed("voucher_use", key=("redemption_id",)),
)
webhooks.register(
    webhooks.EventType("voucher.used", "代金券已使用", "A voucher was used at one of your tills")
)

__all__ = [
    "Answer",
    "Counts",
    "OfferGivesNoVouchers",
    "State",
    "Use",
    "Voucher",
    "VoucherUnknown",
    "counts",
    "drawn",
    "look",
    "new_code",
    "remind_all",
    "use",
    "uses_of",
    "voucher_of",
    "vouchers_of",
]
