"""The ledger's refusals, and the SQLSTATEs and constraints by which the database states them."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_constraint, name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class InsufficientBalance(DomainError):
    """The paying account holds less than the posting needs."""

    code = "ledger.insufficient_balance"
    kind = Kind.CONFLICT
    title_zh = "余额不足。"

    short_by: int


@dataclass(eq=False)
class TransferNotAllowed(DomainError):
    """The chart of accounts does not allow this transfer."""

    code = "ledger.transfer_not_allowed"
    kind = Kind.INVALID
    title_zh = "会计科目表不允许这笔划转。"

    fault: str
    line: int | None = None


@dataclass(eq=False)
class PostingIdReused(DomainError):
    """This posting id was used before for something else."""

    code = "ledger.posting_id_reused"
    kind = Kind.CONFLICT
    title_zh = "该记账编号已用于另一笔记账。"

    posting_id: str


@dataclass(eq=False)
class AlreadyResolved(DomainError):
    """The posting was reversed or captured before; each happens at most once."""

    code = "ledger.already_resolved"
    kind = Kind.CONFLICT
    title_zh = "该笔记账已冲正或已扣款，不能重复处理。"

    resolution: str


@dataclass(eq=False)
class PostingUnknown(DomainError):
    """There is no such posting."""

    code = "ledger.posting_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔记账。"


@dataclass(eq=False)
class SerialsNotHeld(DomainError):
    """The paying account does not hold these serial numbers."""

    code = "ledger.serials_not_held"
    kind = Kind.CONFLICT
    title_zh = "付出账户并不持有这些编号。"

    book: str
    low: int
    high: int


@dataclass(eq=False)
class SerialsTaken(DomainError):
    """Some of these serial numbers exist already."""

    code = "ledger.serials_taken"
    kind = Kind.CONFLICT
    title_zh = "其中有编号已被使用。"


@dataclass(eq=False)
class BookDiffers(DomainError):
    """This book of serial numbers is known with another unit or mode."""

    code = "ledger.book_differs"
    kind = Kind.CONFLICT
    title_zh = "该编号簿已以其他单位或模式开立。"


name_sqlstate("PL001", lambda facts: InsufficientBalance(short_by=int(facts.get("short_by", 0))))
name_sqlstate(
    "PL002", lambda facts: TransferNotAllowed(fault=str(facts.get("fault")), line=facts.get("line"))
)
name_sqlstate("PL003", lambda facts: PostingIdReused(posting_id=str(facts.get("posting_id"))))
name_sqlstate("PL005", lambda facts: AlreadyResolved(resolution=str(facts.get("resolution"))))
name_sqlstate("PL006", lambda _: PostingUnknown())
name_constraint("ledger_resolution_once", lambda: AlreadyResolved(resolution="resolved"))
name_sqlstate(
    "PL007",
    lambda facts: SerialsNotHeld(
        book=str(facts.get("book")), low=int(facts.get("low", 0)), high=int(facts.get("high", 0))
    ),
)
name_sqlstate("PL008", lambda _: SerialsTaken())
name_sqlstate("PL009", lambda _: BookDiffers())
name_constraint("serial_block_one_holder", SerialsTaken)
