"""What can be refused about doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class DoorNotConfigured(DomainError):
    """This deployment does not offer that way to sign in."""

    code = "identity.door_not_configured"
    kind = Kind.NOT_FOUND
    title_zh = "本部署未开通该登录方式。"


@dataclass(eq=False)
class DoorCodeRefused(DomainError):
    """The provider does not take this code: it is wrong, used or too old; get a fresh one and try again."""

    code = "identity.door_code_refused"
    kind = Kind.UNAUTHENTICATED
    title_zh = "登录凭证无效、已使用或已过期，请重新获取后再试。"


@dataclass(eq=False)
class DoorBlocked(DomainError):
    """The provider blocks this account as high-risk; use another way to sign in."""

    code = "identity.door_blocked"
    kind = Kind.FORBIDDEN
    title_zh = "平台方判定该账号存在风险并已拦截，请使用其他登录方式。"


@dataclass(eq=False)
class DoorBusy(DomainError):
    """The provider takes no more requests for this account now; try again in a minute."""

    code = "identity.door_busy"
    kind = Kind.RATE_LIMITED
    title_zh = "平台方限制了请求频率，请一分钟后再试。"
    headers: ClassVar[dict[str, str]] = {"retry-after": "60"}


@dataclass(eq=False)
class DoorUnavailable(DomainError):
    """The provider cannot be reached, or its answer cannot be trusted; try again later or use another way."""

    code = "identity.door_unavailable"
    kind = Kind.UNAVAILABLE
    title_zh = "暂时无法连接平台方或其应答不可信，请稍后再试或使用其他登录方式。"


@dataclass(eq=False)
class DoorTaken(DomainError):
    """It belongs to another account here; if both are yours, ask to join them."""

    code = "identity.door_taken"
    kind = Kind.CONFLICT
    title_zh = "它已属于另一个账户；如两个账户都是您的，可选择合并。"


@dataclass(eq=False)
class DoorUnknown(DomainError):
    """This account has no such door."""

    code = "identity.door_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "此账户没有绑定该登录方式。"


@dataclass(eq=False)
class LastDoor(DomainError):
    """It is the only way into this account; add another one first."""

    code = "identity.last_door"
    kind = Kind.CONFLICT
    title_zh = "这是此账户唯一的登录方式，请先绑定其他方式。"
