"""Webhooks: making, changing and ending them, their keys, and telling them something."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Settings
from backend.webhooks import events, queries, targets
from backend.webhooks.errors import (
    DeliveryUnknown,
    EventUnknown,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookUnknown,
)
from backend.webhooks.model import Attempt, Delivery, Endpoint, Form, Secret, State

MOST = 10  # endpoints of one organisation
OVERLAP_AT_MOST = dt.timedelta(days=7)
KEPT_FOR = dt.timedelta(days=60)  # messages, with their deliveries

Position = tuple[dt.datetime, UUID]


async def tell(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    event: str,
    data: Mapping[str, object],
    event_id: UUID,
    happened_at: dt.datetime | None = None,
) -> int:
    """Tell an organisation's webhooks, once this transaction commits; how many there are to tell.

    `data` is JSON: pseudonyms at most, nothing personal, amounts as integers with their unit in the name. The same
    `event_id` again tells nothing new. From SQL, call `webhook_tell`.
    """
    if event not in {one.name for one in events.event_types()}:
        raise ValueError(f"nobody registered the event {event}")
    given = {
        "id": event_id,
        "organisation": organisation_id,
        "event": event,
        "data": json.dumps(data),
        "at": happened_at or clock.now(),
    }
    return int((await session.execute(queries.TELL, given)).scalar_one())


async def make(
    session: AsyncSession,
    settings: Settings,
    *,
    organisation_id: UUID,
    url: str,
    wanted: Sequence[str],
    form: Form,
    made_by: UUID,
) -> tuple[Endpoint, Secret]:
    """A webhook with its first key. Look the address up before (`reachable`).

    Raises TargetRefused, EventUnknown, TooManyWebhooks.
    """
    targets.judge(settings, url)
    chosen = _known(wanted)
    await take_turns(session, f"webhooks:{organisation_id}")
    if len(await endpoints_of(session, organisation_id=organisation_id)) >= MOST:
        raise TooManyWebhooks(most=MOST)
    endpoint_id, now = ids.uuid7(), clock.now()
    await session.execute(
        queries.ADD,
        {
            "id": endpoint_id,
            "organisation": organisation_id,
            "url": url,
            "events": chosen,
            "form": form,
            "by": made_by,
            "at": now,
        },
    )
    secret = await _add_secret(session, endpoint_id=endpoint_id, made_by=made_by)
    return await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id), secret


async def reachable(settings: Settings, url: str) -> None:
    """Look an address up and judge what it leads to, before any transaction. Raises TargetRefused."""
    host, port = targets.judge(settings, url)
    await targets.addresses(settings, host, port, encrypted=url.startswith("https:"))


def _known(wanted: Sequence[str]) -> list[str]:
    known = [one.name for one in events.event_types()]
    if not wanted or not set(wanted) <= set(known):
        raise EventUnknown(known=tuple(known))
    return sorted(set(wanted))


async def change(
    session: AsyncSession,
    settings: Settings,
    *,
    organisation_id: UUID,
    endpoint_id: UUID,
    url: str,
    wanted: Sequence[str],
) -> Endpoint:
    """Another address or other events, from the next delivery on. Raises WebhookUnknown, TargetRefused, EventUnknown."""
    await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    targets.judge(settings, url)
    await session.execute(queries.CHANGE, {"id": endpoint_id, "url": url, "events": _known(wanted)})
    return await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)


async def disable(session: AsyncSession, *, organisation_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Tell it nothing until it is enabled again; what happens meanwhile is not kept for it. Raises WebhookUnknown."""
    await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    await session.execute(queries.DISABLE, {"id": endpoint_id, "at": clock.now(), "because": "by_hand"})
    return await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)


async def enable(session: AsyncSession, *, organisation_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Tell it again what happens from now on. Raises WebhookUnknown."""
    await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    await session.execute(queries.ENABLE, {"id": endpoint_id})
    return await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)


async def remove(session: AsyncSession, *, organisation_id: UUID, endpoint_id: UUID) -> None:
    """End a webhook; nothing waits for it any more. Raises WebhookUnknown."""
    await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    now = clock.now()
    await session.execute(queries.REMOVE, {"id": endpoint_id, "at": now})
    await session.execute(queries.GIVE_UP_WAITING, {"id": endpoint_id, "at": now})
    await session.execute(queries.END_SECRETS, {"endpoint": endpoint_id, "ends_at": now})


async def rotate(
    session: AsyncSession, *, organisation_id: UUID, endpoint_id: UUID, overlap: dt.timedelta, made_by: UUID
) -> Secret:
    """Another key; the ones before sign beside it for `overlap` (seven days at most). Raises WebhookUnknown."""
    await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    ends_at = clock.now() + min(overlap, OVERLAP_AT_MOST)
    await session.execute(queries.END_SECRETS, {"endpoint": endpoint_id, "ends_at": ends_at})
    return await _add_secret(session, endpoint_id=endpoint_id, made_by=made_by)


async def _add_secret(session: AsyncSession, *, endpoint_id: UUID, made_by: UUID) -> Secret:
    secret = Secret(ids.uuid7(), endpoint_id, clock.now(), None)
    given = {"id": secret.id, "endpoint": endpoint_id, "by": made_by, "at": secret.made_at}
    await session.execute(queries.ADD_SECRET, given)
    return secret


async def secrets_of(session: AsyncSession, *, endpoint_id: UUID) -> list[Secret]:
    """The keys that sign now, the newest first."""
    rows = await session.execute(queries.SECRETS, {"endpoint": endpoint_id, "at": clock.now()})
    return [Secret(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def endpoint_of(session: AsyncSession, *, organisation_id: UUID, endpoint_id: UUID) -> Endpoint:
    """One webhook; another organisation's is unknown. Raises WebhookUnknown."""
    found = await session.execute(queries.ONE, {"organisation": organisation_id, "id": endpoint_id})
    row = found.one_or_none()
    if row is None:
        raise WebhookUnknown
    return _endpoint(dict(row._mapping))  # noqa: SLF001


async def endpoints_of(session: AsyncSession, *, organisation_id: UUID) -> list[Endpoint]:
    """An organisation's webhooks, oldest first."""
    rows = await session.execute(queries.ENDPOINTS, {"organisation": organisation_id})
    return [_endpoint(dict(row._mapping)) for row in rows]  # noqa: SLF001


def _endpoint(row: dict[str, object]) -> Endpoint:
    return Endpoint(**{**row, "events": tuple(row["events"]), "form": Form(row["form"])})  # type: ignore[arg-type]


async def deliveries_of(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    endpoint_id: UUID,
    state: State | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Delivery]:
    """What one webhook was or is to be told, newest first. Raises WebhookUnknown."""
    await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    at, delivery_id = after or (None, None)
    given = {
        "organisation": organisation_id,
        "endpoint": endpoint_id,
        "state": state,
        "limit": limit,
        "after_at": at,
        "after_id": delivery_id,
    }
    return [_delivery(dict(row._mapping)) for row in await session.execute(queries.DELIVERIES, given)]  # noqa: SLF001


async def delivery_of(
    session: AsyncSession, *, organisation_id: UUID, delivery_id: UUID
) -> tuple[Delivery, list[Attempt]]:
    """One delivery with its tries. Raises DeliveryUnknown."""
    found = await session.execute(queries.DELIVERY, {"organisation": organisation_id, "id": delivery_id})
    row = found.one_or_none()
    if row is None:
        raise DeliveryUnknown
    tries = await session.execute(queries.ATTEMPTS, {"id": delivery_id})
    return _delivery(dict(row._mapping)), [Attempt(**one._mapping) for one in tries]  # noqa: SLF001


def _delivery(row: dict[str, object]) -> Delivery:
    return Delivery(**{**row, "state": State(row["state"])})  # type: ignore[arg-type]


async def replay(session: AsyncSession, *, organisation_id: UUID, delivery_id: UUID) -> Delivery:
    """Try one delivery again from the start, whatever became of it; its message keeps its id.

    Raises DeliveryUnknown, WebhookDisabled.
    """
    delivery, _ = await delivery_of(session, organisation_id=organisation_id, delivery_id=delivery_id)
    await _enabled(session, organisation_id, delivery.endpoint_id)
    await session.execute(queries.REPLAY, {"id": delivery_id, "now": clock.now()})
    return (await delivery_of(session, organisation_id=organisation_id, delivery_id=delivery_id))[0]


async def replay_span(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    endpoint_id: UUID,
    since: dt.datetime,
    until: dt.datetime,
    delivered: bool,
) -> int:
    """Try again what was given up of [since, until), and what arrived too where `delivered`; how many.

    Raises WebhookUnknown, WebhookDisabled.
    """
    await _enabled(session, organisation_id, endpoint_id)
    given = {
        "endpoint": endpoint_id,
        "since": since,
        "until": until,
        "delivered": delivered,
        "now": clock.now(),
    }
    return (await session.execute(queries.REPLAY_SPAN, given)).rowcount  # type: ignore[attr-defined,no-any-return]


async def send_test(session: AsyncSession, *, organisation_id: UUID, endpoint_id: UUID) -> None:
    """Tell one webhook `webhook.test`, whether it asked for it or not. Raises WebhookUnknown, WebhookDisabled."""
    await _enabled(session, organisation_id, endpoint_id)
    message_id, now = ids.uuid7(), clock.now()
    given = {
        "id": message_id,
        "organisation": organisation_id,
        "event": events.TEST,
        "data": json.dumps({"webhook_id": str(endpoint_id)}),
        "at": now,
        "endpoint": endpoint_id,
    }
    await session.execute(queries.ADD_MESSAGE, given)
    await session.execute(queries.ADD_DELIVERY, given)


async def _enabled(session: AsyncSession, organisation_id: UUID, endpoint_id: UUID) -> None:
    found = await endpoint_of(session, organisation_id=organisation_id, endpoint_id=endpoint_id)
    if found.disabled_at is not None:
        raise WebhookDisabled


async def forget_old(session: AsyncSession) -> int:
    """Remove messages of two months ago with their deliveries; how many messages."""
    removed = await session.execute(queries.FORGET, {"before": clock.now() - KEPT_FOR})
    return removed.rowcount  # type: ignore[attr-defined,no-any-return]
