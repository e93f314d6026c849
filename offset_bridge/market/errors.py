"""What the market refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class SaleUnknown(DomainError):
    """There is no such sale."""

    code = "market.sale_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔协议转让。"


@dataclass(eq=False)
class SaleEnded(DomainError):
    """The offer has ended and cannot be accepted, declined or withdrawn any more."""

    code = "market.sale_ended"
    kind = Kind.CONFLICT
    title_zh = "该要约已了结，不能再接受、拒绝或撤回。"

    outcome: str


@dataclass(eq=False)
class SaleExpired(DomainError):
    """The offer's time is over; its units go back to the seller."""

    code = "market.sale_expired"
    kind = Kind.GONE
    title_zh = "该要约已过期，单位将退回卖方。"


@dataclass(eq=False)
class ExpiryUnusable(DomainError):
    """An offer ends in the future, at most 31 days from now."""

    code = "market.expiry_unusable"
    kind = Kind.INVALID
    title_zh = "要约的截止时间须在将来，且不超过 31 天。"


@dataclass(eq=False)
class SelfTrade(DomainError):
    """Seller and buyer are the same organisation."""

    code = "market.self_trade"
    kind = Kind.INVALID
    title_zh = "买卖双方不能是同一机构。"


@dataclass(eq=False)
class PartyHasNoAccount(DomainError):
    """The buyer has no open account in this market's registry."""

    code = "market.party_has_no_account"
    kind = Kind.CONFLICT
    title_zh = "买方在该市场的登记簿中没有有效账户。"


@dataclass(eq=False)
class BookNotTraded(DomainError):
    """This book belongs to no market in which you have an account."""

    code = "market.book_not_traded"
    kind = Kind.NOT_FOUND
    title_zh = "该编号簿不属于您有账户的市场。"
