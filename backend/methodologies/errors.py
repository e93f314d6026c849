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


@dataclass(eq=False)
class MethodUnknown(DomainError):
    """There is no such recorded method."""

    code = "methodologies.method_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这条方法记录。"

    id: int


@dataclass(eq=False)
class EngineDiffers(DomainError):
    """This was computed by another version of the engine and cannot be repeated by this one."""

    code = "methodologies.engine_differs"
    kind = Kind.CONFLICT
    title_zh = "该结果由另一版本的计算引擎得出，当前版本无法复算。"

    recorded: str
    present: str


@dataclass(eq=False)
class FilingEndsBeforeItBegins(DomainError):
    """A filing's last day lies before its first."""

    code = "methodologies.filing_ends_before_it_begins"
    kind = Kind.INVALID
    title_zh = "备案的截止日早于起始日。"


@dataclass(eq=False)
class OverrideNeedsRole(DomainError):
    """Only staff of an operator or of the authority may override for a demonstration."""

    code = "methodologies.override_needs_role"
    kind = Kind.FORBIDDEN
    title_zh = "只有运营方或主管部门的人员可以设置演示许可。"
