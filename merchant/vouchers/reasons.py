"""Why a till is told no: sentences for a clerk's screen. Those of shops and merchants are the redemptions' own."""

from __future__ import annotations

from backend.kit.errors import Language
from merchant.redemption import reasons

_SENTENCES: dict[str, tuple[str, str]] = {
    "unreadable": ("这不是代金券码。", "This is no voucher's code."),
    "unknown": ("没有这张代金券。", "There is no such voucher here."),
    "used": ("代金券已使用。", "The voucher was used before."),
    "over": ("代金券已过期。", "The voucher's last day has passed."),
    "refunded": ("代金券已退还作废。", "The voucher was given back; take it no more."),
    "purchase_too_small": ("未达到最低消费金额。", "The purchase is smaller than the voucher asks for."),
    "purchase_wanted": ("请输入消费金额：该券有最低消费。", "Say what the purchase comes to: the voucher asks for a smallest one."),
}  # fmt: skip
_OF_SHOPS = frozenset(
    {"not_at_this_shop", "shop_closed", "shop_closed_now", "merchant_suspended", "shop_suspended", "till_suspended"}
)  # fmt: skip
REASONS = frozenset(_SENTENCES) | _OF_SHOPS


def sentence(reason: str, language: Language) -> str:
    """What a clerk reads."""
    if reason not in _SENTENCES:
        return reasons.sentence(reason, language)
    zh, en = _SENTENCES[reason]
    return zh if language == "zh" else en
