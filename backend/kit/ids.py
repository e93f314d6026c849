"""Identifiers: time-ordered for what we create, derived for what must be the same on every retry."""

from __future__ import annotations

from uuid import UUID, uuid5

import uuid_utils.compat


def uuid7() -> UUID:
    """A new time-ordered id (RFC 9562, version 7). Its order is not commit order: never page or seal by it."""
    return uuid_utils.compat.uuid7()


def derive(namespace: UUID, *parts: object) -> UUID:
    """The one id (version 5) that these parts always give below `namespace`, so that a replay builds the same request."""
    return uuid5(namespace, "\x1f".join(str(part) for part in parts))
