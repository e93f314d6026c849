"""The code on the screen at the door: it changes every half minute, and only the platform's key can make it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from uuid import UUID

from backend.kit.keys import Keys

SHOWN_FOR_S = 30
STILL_GOOD = 1  # earlier codes that are accepted too: whoever read it at the last second still has to type it
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 8  # 40 bits


def shown_at(moment: dt.datetime) -> int:
    """The number of the half minute in which a moment lies."""
    return int(moment.timestamp()) // SHOWN_FOR_S


def code_of(keys: Keys, event_id: UUID, shown: int) -> str:
    """The code of an event in one half minute: eight letters and digits."""
    mac = hmac.digest(
        keys.derive("engagement/event-check-in"), event_id.bytes + shown.to_bytes(8, "big"), hashlib.sha256
    )
    number = int.from_bytes(mac[:5], "big")
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LETTERS))


def matching(keys: Keys, event_id: UUID, code: str, now: dt.datetime) -> int | None:
    """The half minute whose code this is, of the present one and the one before; None for any other code."""
    given = code.strip().upper().encode()
    for shown in range(shown_at(now), shown_at(now) - STILL_GOOD - 1, -1):
        if hmac.compare_digest(code_of(keys, event_id, shown).encode(), given):
            return shown
    return None
