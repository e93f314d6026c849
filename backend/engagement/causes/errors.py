"""What is refused of hand-overs."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class HandoverTooLarge(DomainError):
    """More points than were given to the cause and not handed over yet."""

    code = "causes.handover_too_large"
    kind = Kind.CONFLICT
    title_zh = "超过该公益项目已受赠且尚未移交的积分。"

    left_points: int


@dataclass(eq=False)
class HandoverUnknown(DomainError):
    """There is no such hand-over here."""

    code = "causes.handover_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔移交记录。"


@dataclass(eq=False)
class HandoverCorrected(DomainError):
    """The hand-over was taken back before, or is itself what takes one back."""

    code = "causes.handover_corrected"
    kind = Kind.CONFLICT
    title_zh = "该笔移交记录已更正，或其本身即为更正。"
