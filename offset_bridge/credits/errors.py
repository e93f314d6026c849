"""What holders of credits are refused."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class BookUnknown(DomainError):
    """No credits are issued in a book of this name."""

    code = "credits.book_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有以此为名的减排量编号簿。"


@dataclass(eq=False)
class TransferToOneself(DomainError):
    """Credits pass to another organisation."""

    code = "credits.transfer_to_oneself"
    kind = Kind.INVALID
    title_zh = "减排量须转让给另一机构。"


@dataclass(eq=False)
class TakerCannotHold(DomainError):
    """Only operators of programmes and enterprises hold credits."""

    code = "credits.taker_cannot_hold"
    kind = Kind.CONFLICT
    title_zh = "只有项目运营方和企业可以持有减排量。"
