"""What webhooks refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class WebhookUnknown(DomainError):
    """There is no such webhook here."""

    code = "webhooks.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个回调地址。"


@dataclass(eq=False)
class DeliveryUnknown(DomainError):
    """There is no such delivery here."""

    code = "webhooks.delivery_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这次推送。"


@dataclass(eq=False)
class TargetRefused(DomainError):
    """The address cannot be told anything: it must be https, without a user name, and lead to public networks only."""

    reason: str

    code = "webhooks.target_refused"
    kind = Kind.INVALID
    title_zh = "不能向该地址推送：须为 https，不带用户名，且只指向公网。"


@dataclass(eq=False)
class EventUnknown(DomainError):
    """There is no event of this name to be told of."""

    known: tuple[str, ...]

    code = "webhooks.event_unknown"
    kind = Kind.INVALID
    title_zh = "没有这种事件可以订阅。"


@dataclass(eq=False)
class TooManyWebhooks(DomainError):
    """An organisation has so many webhooks at most; remove one first."""

    most: int

    code = "webhooks.too_many"
    kind = Kind.CONFLICT
    title_zh = "回调地址已达上限，请先删除一个。"


@dataclass(eq=False)
class WebhookDisabled(DomainError):
    """The webhook is disabled; enable it first."""

    code = "webhooks.disabled"
    kind = Kind.CONFLICT
    title_zh = "该回调地址已停用，请先启用。"
