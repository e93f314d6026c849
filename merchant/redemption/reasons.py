"""Why a till is told no, or to wait: sentences for a clerk's screen."""

from __future__ import annotations

from backend.kit.errors import Language

_SENTENCES: dict[str, tuple[str, str]] = {
    "unreadable": ("这不是兑换码。", "This is no code of ours."),
    "unknown": ("没有这笔兑换。", "There is no such redemption here."),
    "expired": ("兑换码已过期，请顾客出示新码。", "The code has run out; ask the customer for a new one."),
    "used": ("兑换码已使用。", "The code was used before."),
    "cancelled": ("顾客已取消这笔兑换。", "The customer gave this redemption up."),
    "lapsed": ("这笔兑换已失效，积分已退回。", "The redemption has lapsed; its points are back."),
    "refunded": ("这笔兑换已退还。", "The redemption was refunded."),
    "confirm": ("请顾客在手机上确认。", "The customer is asked to confirm on the phone."),
    "waiting_elsewhere": ("另一收银台正在等待顾客确认。", "Another till is waiting for the customer."),
    "refused": ("顾客在手机上拒绝。", "The customer refused on the phone."),
    "withdrawn": ("收银台已撤回确认请求。", "The till asked no more."),
    "timed_out": ("顾客未及时确认，请出示新码。", "The customer did not confirm in time; ask for a new code."),
    "not_at_this_shop": ("该商品不在此门店兑换。", "This offer is given at other shops of the merchant."),
    "shop_closed": ("该门店已停业。", "This shop is closed."),
    "shop_closed_now": ("该门店此刻不在营业时间内。", "The shop is closed at this hour."),
    "merchant_suspended": ("运营方已暂停该商户的兑换。", "The operator has suspended this merchant."),
    "shop_suspended": ("运营方已暂停该门店的兑换。", "The operator has suspended this shop."),
    "till_suspended": ("运营方已暂停该收银设备。", "The operator has suspended this till."),
    "no_contract": ("商户与计划之间没有生效的合约。", "No contract of the merchant with the programme is in force."),
}  # fmt: skip
REASONS = frozenset(_SENTENCES)
_OTHERWISE = ("不能兑换。", "It cannot be redeemed.")


def sentence(reason: str, language: Language) -> str:
    """What a clerk reads."""
    zh, en = _SENTENCES.get(reason, _OTHERWISE)
    return zh if language == "zh" else en
