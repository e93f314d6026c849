"""Webhooks: telling organisations' own systems what happened, as Standard Webhooks.

Holds    endpoints with the events they asked for, names of their keys, messages, deliveries and what came of each try.
Promises what is told commits with what happened; a message arrives at least once, under one id, signed anew at every
         try; nothing but public networks is ever connected to, whatever a name or a redirect says; 410 ends it.
Ignores  what the events mean: whoever makes one registers its type and tells it.
"""

from backend.webhooks.delivering import deliver_due
from backend.webhooks.errors import (
    DeliveryUnknown,
    EventUnknown,
    TargetRefused,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookUnknown,
)
from backend.webhooks.events import EventType, event_types, register
from backend.webhooks.model import Attempt, Delivery, Endpoint, Form, Secret, State
from backend.webhooks.service import (
    change,
    deliveries_of,
    delivery_of,
    disable,
    enable,
    endpoint_of,
    endpoints_of,
    forget_old,
    make,
    reachable,
    remove,
    replay,
    replay_span,
    rotate,
    secrets_of,
    send_test,
    tell,
)
from backend.webhooks.signing import told_secret

__all__ = [
    "Attempt",
    "Delivery",
    "DeliveryUnknown",
    "Endpoint",
    "EventType",
    "EventUnknown",
    "Form",
    "Secret",
    "State",
    "TargetRefused",
    "TooManyWebhooks",
    "WebhookDisabled",
    "WebhookUnknown",
    "change",
    "deliver_due",
    "deliveries_of",
    "delivery_of",
    "disable",
    "enable",
    "endpoint_of",
    "endpoints_of",
    "event_types",
    "forget_old",
    "make",
    "reachable",
    "register",
    "remove",
    "replay",
    "replay_span",
    "rotate",
    "secrets_of",
    "send_test",
    "tell",
    "told_secret",
]
