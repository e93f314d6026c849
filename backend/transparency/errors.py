"""Why a public question has no answer."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class SerialUnknown(DomainError):
    """The log tells of no unit with this serial number."""

    code = "transparency.serial_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "日志中没有该编号的减排量或配额。"


@dataclass(eq=False)
class BatchUnknown(DomainError):
    """The log tells of no such batch."""

    code = "transparency.batch_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "日志中没有这一批次。"


@dataclass(eq=False)
class EntryUnknown(DomainError):
    """The log has no such entry."""

    code = "transparency.entry_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "日志中没有这一条目。"


@dataclass(eq=False)
class NothingSigned(DomainError):
    """No head of the log was signed yet."""

    code = "transparency.nothing_signed"
    kind = Kind.NOT_FOUND
    title_zh = "日志尚无已签署的树头。"


class ReceiptCheck(enum.StrEnum):
    """What of a receipt can fail; all but the last are the checks of `puhui verify`."""

    HEAD_GENUINE = "head.genuine"
    ENTRY_INCLUDED = "entry.included"
    ENTRY_READABLE = "entry.readable"
    ENTRY_KIND = "entry.kind"
    ENTRY_SUMS = "entry.sums"
    ENTRY_RUNS = "entry.runs"
    SERIAL_ISSUED = "serial.issued"
    TREE_OPENS = "tree.opens"
    TREE_COVERS = "tree.covers"
    CARRY_AGREES = "carry.agrees"
    CARRY_NAMES = "carry.names"
    CARRY_SERIES = "carry.series"
    CARRY_WANTED = "carry.wanted"
    ACT_DIGEST = "act.digest"
    ACT_GRAMS = "act.grams"
    ENTRY_LOGGED = "entry.logged"  # the entry is, byte for byte, the one in this log


@dataclass(eq=False)
class ReceiptNotGenuine(DomainError):
    """The receipt does not prove what it says: the check that is named failed."""

    code = "transparency.receipt_not_genuine"
    kind = Kind.INVALID
    title_zh = "该收据不能证明其所述内容：所列检查未通过。"

    check: ReceiptCheck


class NotAReceipt(DomainError):
    """This is the proof of something else; acts are asked for by their receipt."""

    code = "transparency.not_a_receipt"
    kind = Kind.INVALID
    title_zh = "这不是行为收据，而是其他证明；查询行为须凭其收据。"
