"""Keyed digests of people for an exchange with another platform: numbers go in here, and only digests come out.

The same person gives the same digest on both platforms of one exchange, and an unrelated one in every other exchange.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.people import queries
from backend.identity.people.service import normal_phone
from backend.identity.sealing import unseal, unseal_any
from backend.kit.settings import Keys


def phone_digest(exchange_key: bytes, phone: str) -> bytes:
    """HMAC-SHA-256 under the exchange's key over `phone`, 0x1f and the number in E.164. Raises PhoneInvalid."""
    return hmac.digest(exchange_key, b"phone\x1f" + normal_phone(phone).encode(), hashlib.sha256)


def number_digest(exchange_key: bytes, *, kind: str, operator: str, number: str) -> bytes:
    """The same for a card or account: `number`, its kind, its operator and the number itself, parted by 0x1f."""
    message = f"number\x1f{kind}\x1f{operator}\x1f{number.strip()}"
    return hmac.digest(exchange_key, message.encode(), hashlib.sha256)


async def phone_digests(
    session: AsyncSession, keys: Keys, *, exchange_key: bytes, participant_ids: Sequence[UUID]
) -> dict[UUID, bytes]:
    """The digests of those of these participants whose number is known; erased people and firms have none."""
    opening = keys.opening("person")
    digests = {}
    for row in await queries.sealed_phones(session, participant_ids):
        whose = row.participant_id.bytes
        data_key = unseal_any(opening, row.wrapped, belongs_to=whose)
        phone = unseal(data_key, row.phone_sealed, belongs_to=b"phone" + whose).decode()
        digests[row.participant_id] = phone_digest(exchange_key, phone)
    return digests
