"""Redemptions 兑换: points set aside for an offer, a code for the till, and how it ended.

Holds    redemptions, their codes (as keyed digests), what tills asked and citizens answered, how each ended, and refunds,
         whole or in parts; scans that found nothing, for a month.
Promises a redemption ends once: captured by a till, cancelled, or lapsed; however many tills scan a code, it is captured
         once, and the same till hears the same answer again; what is not captured goes back to the exact lots and to the
         stock, and so does what is refunded, each part once and never more than was captured; where the programme asks for it,
         nothing is captured that the phone did not confirm; nothing decisive lies outside PostgreSQL.
Ignores  what a point is worth, and when merchants are paid.
"""

from backend import log, webhooks
from merchant.redemption import leaving  # noqa: F401 - it takes part whenever an account closes
from merchant.redemption.codes import qr_svg
from merchant.redemption.errors import (
    AccountTooNew,
    AlreadyRefunded,
    CodeTaken,
    LimitReached,
    NotAtThisShop,
    NotRedeemable,
    OfferClosed,
    PartReused,
    PartTooLarge,
    QuestionOver,
    QuestionUnknown,
    RedeemingUnknown,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
    ShopClosedNow,
    SoldOut,
    StepUpWanted,
    TooManyMisses,
    VoucherCodeWanted,
    VoucherInParts,
    VoucherUsed,
)
from merchant.redemption.model import (
    CODE_LIVES,
    CONFIRM_WITHIN,
    REFRESH_AFTER,
    REFUND_WITHIN,
    RETRY_WITHIN,
    STANDS_AT_MOST,
    At,
    Issued,
    Miss,
    Question,
    Receipt,
    Redemption,
    Refunded,
    Says,
    Scanned,
    State,
    Use,
    VoucherCode,
)
from merchant.redemption.refunds import Voided, captured_between, refund, refund_part, void
from merchant.redemption.service import (
    answer,
    cancel,
    issued_before,
    lapse,
    lapse_due,
    redeem,
    redeem_hot,
    redeem_once,
    redemption_of,
    redemptions_of,
    remembered,
    renew,
)
from merchant.redemption.tills import (
    capture,
    captures_of,
    forget_misses,
    let_type,
    look_again,
    misses_of,
    note_miss,
    receipt_of,
    scan,
    wait_for,
    withdraw,
)

log.register(
    log.Sealed("redemption", key=("id",)),
    log.Sealed("redemption_code", key=("mac",)),
    log.Sealed("redemption_asked", key=("id",)),
    log.Sealed("redemption_answer", key=("asked_id",)),
    log.Sealed("redemption_end", key=("redemption_id",)),
    log.Sealed("redemption_refund", key=("redemption_id",)),
    log.Sealed("redemption_part", key=("redemption_id", "part_id")),
)
webhooks.register(
    webhooks.EventType(
        "redemption.captured", "兑换已核销", "A redemption was captured: its points are owed to you"
    )
)
webhooks.register(
    webhooks.EventType(
        "redemption.refunded", "兑换已退还（全部或部分）", "A redemption was refunded, whole or in part"
    )
)

__all__ = [
    "CODE_LIVES",
    "CONFIRM_WITHIN",
    "REFRESH_AFTER",
    "REFUND_WITHIN",
    "RETRY_WITHIN",
    "STANDS_AT_MOST",
    "AccountTooNew",
    "AlreadyRefunded",
    "At",
    "CodeTaken",
    "Issued",
    "LimitReached",
    "Miss",
    "NotAtThisShop",
    "NotRedeemable",
    "OfferClosed",
    "PartReused",
    "PartTooLarge",
    "Question",
    "QuestionOver",
    "QuestionUnknown",
    "Receipt",
    "RedeemingUnknown",
    "Redemption",
    "RedemptionEnded",
    "RedemptionExpired",
    "RedemptionNotCaptured",
    "RedemptionUnknown",
    "RefundTooLate",
    "Refunded",
    "Says",
    "Scanned",
    "ShopClosedNow",
    "SoldOut",
    "State",
    "StepUpWanted",
    "TooManyMisses",
    "Use",
    "Voided",
    "VoucherCode",
    "VoucherCodeWanted",
    "VoucherInParts",
    "VoucherUsed",
    "answer",
    "cancel",
    "capture",
    "captured_between",
    "captures_of",
    "forget_misses",
    "issued_before",
    "lapse",
    "lapse_due",
    "let_type",
    "look_again",
    "misses_of",
    "note_miss",
    "qr_svg",
    "receipt_of",
    "redeem",
    "redeem_hot",
    "redeem_once",
    "redemption_of",
    "redemptions_of",
    "refund",
    "refund_part",
    "remembered",
    "renew",
    "scan",
    "void",
    "wait_for",
    "withdraw",
]
