"""What can be refused about showing once more who one is."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class StepUpNeeded(DomainError):
    """Show once more who you are, for this purpose, and then ask again."""

    code = "identity.step_up_needed"
    kind = Kind.FORBIDDEN
    title_zh = "此操作需要再次验证身份，请验证后重试。"
    ours = True  # a purpose is a name of ours

    purpose: str


@dataclass(eq=False)
class DoorMissing(DomainError):
    """This account has no such way to sign in; use another one of its own."""

    code = "identity.door_missing"
    kind = Kind.CONFLICT
    title_zh = "此账户没有绑定该登录方式，请使用其他已绑定的方式。"
