"""What a suspension refuses, and what stands suspended."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_constraint, name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class MerchantSuspended(DomainError):
    """The operator has suspended this merchant: nothing is redeemed here for now."""

    code = "merchant.merchant_suspended"
    kind = Kind.CONFLICT
    title_zh = "运营方已暂停该商户的兑换。"


@dataclass(eq=False)
class ShopSuspended(DomainError):
    """The operator has suspended this shop: nothing is redeemed here for now."""

    code = "merchant.shop_suspended"
    kind = Kind.CONFLICT
    title_zh = "运营方已暂停该门店的兑换。"


@dataclass(eq=False)
class TillSuspended(DomainError):
    """The operator has suspended this till: it captures nothing for now."""

    code = "merchant.till_suspended"
    kind = Kind.CONFLICT
    title_zh = "运营方已暂停该收银设备。"


@dataclass(eq=False)
class SuspensionSubjectUnknown(DomainError):
    """There is no such merchant, shop or till."""

    code = "merchant.suspension_subject_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个商户、门店或收银设备。"


@dataclass(eq=False)
class SuspendedAlready(DomainError):
    """It stands suspended already."""

    code = "merchant.suspended_already"
    kind = Kind.CONFLICT
    title_zh = "已处于暂停状态。"


@dataclass(eq=False)
class NotSuspended(DomainError):
    """It does not stand suspended."""

    code = "merchant.not_suspended"
    kind = Kind.CONFLICT
    title_zh = "并未处于暂停状态。"


@dataclass(eq=False)
class ResumedByTheSame(DomainError):
    """Whoever suspended does not let it go on: another person decides that."""

    code = "merchant.resumed_by_the_same"
    kind = Kind.FORBIDDEN
    title_zh = "恢复须由实施暂停者以外的另一人决定。"


@dataclass(eq=False)
class SuspensionOfOneself(DomainError):
    """Nobody suspends their own organisation or lets it go on."""

    code = "merchant.suspension_of_oneself"
    kind = Kind.FORBIDDEN
    title_zh = "不能暂停或恢复自己所属的机构。"


name_sqlstate("PM051", lambda _: MerchantSuspended())
name_sqlstate("PM052", lambda _: ShopSuspended())
name_sqlstate("PM053", lambda _: TillSuspended())
name_constraint("suspension_pkey", SuspendedAlready)
