"""What a sandbox refuses because it was asked to."""

from __future__ import annotations

from typing import ClassVar

from backend.kit.errors import DomainError, Kind


class SandboxQuotaReached(DomainError):
    """The sandbox was asked to answer as if today's quota of events were reached."""

    code = "sandbox.quota_reached"
    kind = Kind.RATE_LIMITED
    title_zh = "按沙箱特定值，模拟当日事件限额已满。"
    headers: ClassVar[dict[str, str]] = {"retry-after": "60"}


class SandboxBusy(DomainError):
    """The sandbox was asked to answer as if it could not answer now; send the same again."""

    code = "sandbox.busy"
    kind = Kind.UNAVAILABLE
    title_zh = "按沙箱特定值，模拟服务暂不可用；请原样重发。"
    headers: ClassVar[dict[str, str]] = {"retry-after": "1"}
