"""What tasks refuse."""

from __future__ import annotations

from backend.kit.errors import DomainError, Kind


class TaskUnknown(DomainError):
    """The programme has no such task."""

    code = "tasks.not_found"
    kind = Kind.NOT_FOUND
    title_zh = "该计划没有这项任务。"


class TaskNotOpen(DomainError):
    """The task has no period now: its season is over or has not begun."""

    code = "tasks.not_open"
    kind = Kind.CONFLICT
    title_zh = "该任务当前不在开放期内。"
