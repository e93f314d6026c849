"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com): `v1` by its library, `v1a` on top of it.

A key is derived from the platform's root by its id, so that nothing is stored that signs, and a copy of the database
can forge nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks.webhooks import Webhook

from backend.kit.keys import Keys
from backend.webhooks.model import Form


def body_of(*, event: str, happened_at: dt.datetime, data: dict[str, Any]) -> str:
    """The body of a delivery: the same text at every try."""
    told = {"type": event, "timestamp": happened_at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def headers(
    keys: Keys, *, form: Form, secrets: Sequence[UUID], message_id: UUID, body: str, now: dt.datetime
) -> dict[str, str]:
    """What goes with the body: its id, the time of this try, and a signature by every key that is good now."""
    name, moment = f"msg_{message_id}", now.astimezone(dt.UTC)
    signed = [_signature(keys, form, secret, f"{name}.{int(moment.timestamp())}", body) for secret in secrets]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def _signature(keys: Keys, form: Form, secret: UUID, name: str, body: str) -> str:
    """One signature; `name` is the message's id and the time of the try, with a dot between."""
    if form is Form.HMAC:
        message_id, seconds = name.rsplit(".", 1)
        moment = dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC)
        return Webhook(keys.derive(_label(secret))).sign(message_id, moment, body)
    made = keys.ed25519(_label(secret)).sign(f"{name}.{body}".encode())
    return f"v1a,{base64.b64encode(made).decode()}"


def told_secret(keys: Keys, *, form: Form, secret: UUID) -> str:
    """What the receiver verifies with: `whsec_…` to be kept secret, or `whpk_…`, a public key."""
    if form is Form.HMAC:
        return "whsec_" + base64.b64encode(keys.derive(_label(secret))).decode()
    public = keys.ed25519(_label(secret)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return "whpk_" + base64.b64encode(public).decode()


def _label(secret: UUID) -> str:
    return f"webhook/{secret}"
