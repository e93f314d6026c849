"""What the bridge refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class BridgeUnknown(DomainError):
    """There is no such bridge transfer."""

    code = "bridge.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔跨簿划转。"


@dataclass(eq=False)
class BookNotBridged(DomainError):
    """No bridge leads from this book: only the books that credits are issued in have one."""

    code = "bridge.book_not_bridged"
    kind = Kind.INVALID
    title_zh = "该编号簿没有通向履约登记簿的桥；只有签发减排量的编号簿才有。"


@dataclass(eq=False)
class AccountMissing(DomainError):
    """The owner of the credits has no account in this market's registry."""

    code = "bridge.account_missing"
    kind = Kind.CONFLICT
    title_zh = "减排量的所有者在该市场的登记簿中没有账户。"


@dataclass(eq=False)
class NumbersTaken(DomainError):
    """Some of these serial numbers stand in the market's book already."""

    code = "bridge.numbers_taken"
    kind = Kind.CONFLICT
    title_zh = "其中有编号已在该市场的登记簿中。"
