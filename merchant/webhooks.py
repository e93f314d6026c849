"""Webhooks of a merchant's own systems: addresses, keys, what was delivered, and doing it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints, model_validator

from backend import webhooks
from backend.kit import i18n, idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from backend.webhooks import Delivery, Endpoint, Form, Secret, State
from merchant.access import MerchantStaff, merchant_of

router = Router(prefix="/webhooks", tags=["webhooks"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
Url = Annotated[str, StringConstraints(min_length=8, max_length=2000)]
Event = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=64)]


class WebhookAsked(Asked):
    """Where to be told, and of what."""

    url: Url = Field(examples=["https://till.example.com/puhui"])
    events: list[Event] = Field(min_length=1, max_length=50, examples=[["redemption.captured"]])


class WebhookMade(WebhookAsked):
    """A new webhook. `v1` signs with a shared secret (HMAC-SHA-256), `v1a` with Ed25519, of which you get the public key."""

    form: Form = Form.HMAC


class SecretTold(Told):
    """What signs, until `ends_at`; `key` is `whsec_…` (told once, when it is made) or `whpk_…` (a public key)."""

    secret_id: UUID
    key: str | None
    made_at: datetime
    ends_at: datetime | None


class WebhookTold(Told):
    """A webhook. `disabled_because`: `by_hand`, `gone` (it answered 410), or `failing` (nothing arrived for five days)."""

    webhook_id: UUID
    url: str
    events: list[str]
    form: Form
    made_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None

    @classmethod
    def of(cls, one: Endpoint) -> WebhookTold:
        return cls(
            webhook_id=one.id,
            url=one.url,
            events=list(one.events),
            form=one.form,
            made_at=one.made_at,
            disabled_at=one.disabled_at,
            disabled_because=one.disabled_because,
        )


class WebhookWithKey(WebhookTold):
    """A new webhook with its first key."""

    secret: SecretTold


class EventTold(Told):
    """An event that can be told."""

    event: str
    about: str


class Rotation(Asked):
    """How long the keys before sign beside the new one; 0 ends them at once."""

    overlap_hours: int = Field(default=24, ge=0, le=168)


class Replay(Asked):
    """What happened in [since, until) is tried again: what was given up, and what arrived too where `delivered`."""

    since: datetime
    until: datetime
    delivered: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Replay:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("times carry their offset")
        if self.until <= self.since:
            raise ValueError("until lies behind since")
        return self


class ReplayTold(Told):
    """How many deliveries are tried again."""

    deliveries: int


class AttemptTold(Told):
    """One try: the status answered, or the fault that left none."""

    number: int
    at: datetime
    took_ms: int
    status: int | None
    fault: str | None


class DeliveryTold(Told):
    """A message on its way to a webhook. `next_at` while it waits."""

    delivery_id: UUID
    message_id: str = Field(description="The `webhook-id` under which it arrives, at every try.")
    event: str
    happened_at: datetime
    state: State
    attempts: int
    next_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, one: Delivery) -> DeliveryTold:
        return cls(**_told(one))


class DeliveryWithAttempts(DeliveryTold):
    """A delivery with what it says and every try."""

    data: dict[str, Any]
    tries: list[AttemptTold]


def _told(one: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": one.id,
        "message_id": f"msg_{one.message_id}",
        "event": one.event,
        "happened_at": one.happened_at,
        "state": one.state,
        "attempts": one.attempts,
        "next_at": one.next_at if one.state is State.WAITING else None,
        "ended_at": one.ended_at,
    }


def _secret(settings: AppSettings, one: Secret, *, form: Form, fresh: bool) -> SecretTold:
    told = fresh or form is Form.ED25519
    return SecretTold(
        secret_id=one.id,
        key=webhooks.told_secret(settings.keys, form=form, secret=one.id) if told else None,
        made_at=one.made_at,
        ends_at=one.ends_at,
    )


@router.get("/events", responses=problems(*_NOT_LET_IN))
async def list_webhook_events(_person: MerchantStaff) -> list[EventTold]:
    """Every event that a webhook can be told of."""
    chinese = i18n.language() == "zh"
    return [
        EventTold(event=one.name, about=one.about_zh if chinese else one.about_en)
        for one in webhooks.event_types()
    ]


@router.get("", responses=problems(*_NOT_LET_IN))
async def list_webhooks(person: MerchantStaff, session: ReadSession) -> list[WebhookTold]:
    """My organisation's webhooks."""
    found = await webhooks.endpoints_of(session, organisation_id=merchant_of(person))
    return [WebhookTold.of(one) for one in found]


@router.post(
    "",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        webhooks.TargetRefused,
        webhooks.EventUnknown,
        webhooks.TooManyWebhooks,
        *idempotency.REFUSALS,
    ),
)
async def make_webhook(
    made: WebhookMade,
    person: MerchantStaff,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> WebhookWithKey:
    """Be told of events at an address. Its key is told here and never again."""
    await webhooks.reachable(settings, made.url)
    endpoint, secret = await webhooks.make(
        session,
        settings,
        organisation_id=merchant_of(person),
        url=made.url,
        wanted=made.events,
        form=made.form,
        made_by=person.id,
    )
    key = _secret(settings, secret, form=made.form, fresh=True)
    return WebhookWithKey(**WebhookTold.of(endpoint).model_dump(), secret=key)


@router.get("/{webhook_id}", responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown))
async def get_webhook(webhook_id: UUID, person: MerchantStaff, session: ReadSession) -> WebhookTold:
    """One webhook of my organisation."""
    found = await webhooks.endpoint_of(session, organisation_id=merchant_of(person), endpoint_id=webhook_id)
    return WebhookTold.of(found)


@router.put(
    "/{webhook_id}",
    responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown, webhooks.TargetRefused, webhooks.EventUnknown),
)
async def change_webhook(
    webhook_id: UUID,
    asked: WebhookAsked,
    person: MerchantStaff,
    settings: AppSettings,
    session: WriteSession,
) -> WebhookTold:
    """Another address, or other events. What waits goes to the new address."""
    await webhooks.reachable(settings, asked.url)
    changed = await webhooks.change(
        session,
        settings,
        organisation_id=merchant_of(person),
        endpoint_id=webhook_id,
        url=asked.url,
        wanted=asked.events,
    )
    return WebhookTold.of(changed)


@router.delete("/{webhook_id}", status_code=204, responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown))
async def remove_webhook(webhook_id: UUID, person: MerchantStaff, session: WriteSession) -> None:
    """End a webhook: its keys sign nothing more, and what waits is given up."""
    await webhooks.remove(session, organisation_id=merchant_of(person), endpoint_id=webhook_id)


@router.post("/{webhook_id}/disabling", responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown))
async def disable_webhook(webhook_id: UUID, person: MerchantStaff, session: WriteSession) -> WebhookTold:
    """Tell it nothing until it is enabled. What happens meanwhile is not kept for it."""
    return WebhookTold.of(
        await webhooks.disable(session, organisation_id=merchant_of(person), endpoint_id=webhook_id)
    )


@router.post("/{webhook_id}/enabling", responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown))
async def enable_webhook(webhook_id: UUID, person: MerchantStaff, session: WriteSession) -> WebhookTold:
    """Tell it again what happens from now on; `replays` brings what was given up."""
    return WebhookTold.of(
        await webhooks.enable(session, organisation_id=merchant_of(person), endpoint_id=webhook_id)
    )


@router.get("/{webhook_id}/secrets", responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown))
async def list_webhook_secrets(
    webhook_id: UUID, person: MerchantStaff, settings: AppSettings, session: ReadSession
) -> list[SecretTold]:
    """The keys that sign now, newest first; public ones are told, shared ones are not."""
    found = await webhooks.endpoint_of(session, organisation_id=merchant_of(person), endpoint_id=webhook_id)
    keys = await webhooks.secrets_of(session, endpoint_id=webhook_id)
    return [_secret(settings, one, form=found.form, fresh=False) for one in keys]


@router.post(
    "/{webhook_id}/secrets",
    status_code=201,
    responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown, *idempotency.REFUSALS),
)
async def rotate_webhook_secret(
    webhook_id: UUID,
    asked: Rotation,
    person: MerchantStaff,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> SecretTold:
    """Another key, told once. Until the ones before end, every delivery carries a signature by each."""
    organisation_id = merchant_of(person)
    found = await webhooks.endpoint_of(session, organisation_id=organisation_id, endpoint_id=webhook_id)
    made = await webhooks.rotate(
        session,
        organisation_id=organisation_id,
        endpoint_id=webhook_id,
        overlap=timedelta(hours=asked.overlap_hours),
        made_by=person.id,
    )
    return _secret(settings, made, form=found.form, fresh=True)


@router.post(
    "/{webhook_id}/tests",
    status_code=204,
    responses=problems(
        *_NOT_LET_IN, webhooks.WebhookUnknown, webhooks.WebhookDisabled, *idempotency.REFUSALS
    ),
)
async def send_webhook_test(
    webhook_id: UUID, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> None:
    """Send `webhook.test` to it."""
    await webhooks.send_test(session, organisation_id=merchant_of(person), endpoint_id=webhook_id)


@router.get(
    "/{webhook_id}/deliveries",
    responses=problems(*_NOT_LET_IN, webhooks.WebhookUnknown, paging.CursorUnusable),
)
async def list_deliveries(
    webhook_id: UUID,
    person: MerchantStaff,
    session: ReadSession,
    asked: Paging,
    state: Annotated[State | None, Query(description="Only those that came to this.")] = None,
) -> Page[DeliveryTold]:
    """What a webhook was or is to be told of the last 60 days, newest first."""
    after = asked.after(datetime, UUID)
    rows = await webhooks.deliveries_of(
        session,
        organisation_id=merchant_of(person),
        endpoint_id=webhook_id,
        state=state,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.happened_at, row.id), show=DeliveryTold.of)


@router.post(
    "/{webhook_id}/replays",
    responses=problems(
        *_NOT_LET_IN, webhooks.WebhookUnknown, webhooks.WebhookDisabled, *idempotency.REFUSALS
    ),
)
async def replay_span(
    webhook_id: UUID, asked: Replay, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> ReplayTold:
    """Try again what a span of time held: after an outage, everything that was given up."""
    count = await webhooks.replay_span(
        session,
        organisation_id=merchant_of(person),
        endpoint_id=webhook_id,
        since=asked.since,
        until=asked.until,
        delivered=asked.delivered,
    )
    return ReplayTold(deliveries=count)


@router.get("/deliveries/{delivery_id}", responses=problems(*_NOT_LET_IN, webhooks.DeliveryUnknown))
async def get_delivery(
    delivery_id: UUID, person: MerchantStaff, session: ReadSession
) -> DeliveryWithAttempts:
    """One delivery: what it says, and what came of every try."""
    found, tries = await webhooks.delivery_of(
        session, organisation_id=merchant_of(person), delivery_id=delivery_id
    )
    return DeliveryWithAttempts(
        **_told(found), data=found.data, tries=[AttemptTold.model_validate(one) for one in tries]
    )


@router.post(
    "/deliveries/{delivery_id}/replay",
    responses=problems(
        *_NOT_LET_IN, webhooks.DeliveryUnknown, webhooks.WebhookDisabled, *idempotency.REFUSALS
    ),
)
async def replay_delivery(
    delivery_id: UUID, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> DeliveryTold:
    """Try one delivery again, whatever became of it. It arrives under the id that it had."""
    found = await webhooks.replay(session, organisation_id=merchant_of(person), delivery_id=delivery_id)
    return DeliveryTold.of(found)
