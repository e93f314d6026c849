"""What webhooks tell about themselves."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Any
from uuid import UUID


class Form(enum.StrEnum):
    """How deliveries are signed, by the names that Standard Webhooks gives them."""

    HMAC = "v1"
    ED25519 = "v1a"


class State(enum.StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an organisation is told of some events. `disabled_because`: by_hand, gone (it answered 410) or failing."""

    id: UUID
    organisation_id: UUID
    url: str
    events: tuple[str, ...]
    form: Form
    made_at: dt.datetime
    disabled_at: dt.datetime | None
    disabled_because: str | None


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that signs for an endpoint until `ends_at`; None: for as long as nothing replaces it."""

    id: UUID
    endpoint_id: UUID
    made_at: dt.datetime
    ends_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the status that was answered, or the fault that left none."""

    number: int
    at: dt.datetime
    took_ms: int
    status: int | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one endpoint."""

    id: UUID
    message_id: UUID
    endpoint_id: UUID
    event: str
    data: dict[str, Any]
    happened_at: dt.datetime
    state: State
    attempts: int
    next_at: dt.datetime
    ended_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Sending:
    """A delivery that is ours to try now: `attempts` counts this try, `round` the tries since it was last asked for."""

    id: UUID
    endpoint_id: UUID
    url: str
    form: Form
    message_id: UUID
    event: str
    data: dict[str, Any]
    happened_at: dt.datetime
    attempts: int
    round: int
    secrets: tuple[UUID, ...]
