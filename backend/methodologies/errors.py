"""What quantification refuses as a whole; the faults of a single row are reason codes, not errors."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ActivityUnknown(DomainError):
    """The methodology has no such activity."""

    code = "methodologies.activity_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "方法学中没有这种行为。"

    methodology: str
    activity: str


@dataclass(eq=False)
class InputRefused(DomainError):
    """An input of the action is missing or outside the methodology's bounds."""

    code = "methodologies.input_refused"
    kind = Kind.INVALID
    title_zh = "行为的某项输入缺失，或超出方法学的范围。"

    field: str
    reason: str
