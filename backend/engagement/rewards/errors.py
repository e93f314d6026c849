"""What is refused of rewards."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class RewardUnknown(DomainError):
    """The programme has no such reward."""

    code = "rewards.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "该计划没有这项奖励。"


@dataclass(eq=False)
class RewardElsewhere(DomainError):
    """This reward is not given here: a merchant gives it, or it has an address of its own (lotteries, trees, events)."""

    code = "rewards.elsewhere"
    kind = Kind.CONFLICT
    title_zh = "该奖励不在此处领取:由商户提供,或为抽奖、植树、认养、活动。"

    given_as: str
    merchant: str | None


@dataclass(eq=False)
class RewardSoldOut(DomainError):
    """There is nothing left of this reward."""

    code = "rewards.sold_out"
    kind = Kind.CONFLICT
    title_zh = "该奖励已领完。"


@dataclass(eq=False)
class RewardLimitReached(DomainError):
    """One person gets this reward only so often."""

    code = "rewards.limit_reached"
    kind = Kind.CONFLICT
    title_zh = "已达到每人可领取的次数。"

    most_per_person: int


@dataclass(eq=False)
class GiftTooSmall(DomainError):
    """A gift to this cause has so many points at least."""

    code = "rewards.gift_too_small"
    kind = Kind.CONFLICT
    title_zh = "低于该公益项目的最低捐赠积分。"

    at_least_points: int


@dataclass(eq=False)
class GrantUnknown(DomainError):
    """There is no such grant here."""

    code = "rewards.grant_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔奖励领取记录。"


@dataclass(eq=False)
class GrantDecided(DomainError):
    """It was decided already what became of this grant, or nothing of it is to be decided."""

    code = "rewards.grant_decided"
    kind = Kind.CONFLICT
    title_zh = "该笔奖励已处理,或无须处理。"
