"""Keys of a shop's own till software: told once, kept as digests, live or for the sandbox."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.keys import Keys
from merchant import shops
from merchant.tills import queries
from merchant.tills.errors import SoftwareKeyUnknown, TooManySoftwareKeys

LIVE, SANDBOX = "phk_live_", "phk_test_"
MOST = 10  # live keys of one shop

Scope = Literal["capture", "refund", "read"]


@dataclass(frozen=True, slots=True)
class SoftwareKey:
    """A key as it is told afterwards: everything but itself."""

    id: UUID
    merchant_id: UUID
    shop_id: UUID
    label: str
    sandbox: bool
    scopes: tuple[str, ...]
    made_at: dt.datetime
    last_used_on: dt.date | None
    revoked_at: dt.datetime | None


def digest(keys: Keys, written: str) -> bytes:
    """The keyed digest (32 bytes) under which a key is known."""
    return hmac.digest(keys.derive("merchant/software-key"), written.encode(), hashlib.sha256)


async def make_key(
    session: AsyncSession,
    keys: Keys,
    *,
    merchant_id: UUID,
    shop_id: UUID,
    label: str,
    sandbox: bool,
    scopes: Sequence[Scope],
    made_by: UUID,
) -> tuple[SoftwareKey, str]:
    """A key of a shop's software, and how it is written, told now and never again. Raises ShopUnknown, TooManySoftwareKeys."""
    await shops.shop_of(session, merchant_id=merchant_id, shop_id=shop_id)
    await take_turns(session, f"software-keys:{shop_id}")
    if (await session.execute(queries.LIVE_KEYS, {"shop": shop_id})).scalar_one() >= MOST:
        raise TooManySoftwareKeys(most=MOST)
    key_id = ids.uuid7()
    written = (SANDBOX if sandbox else LIVE) + secrets.token_urlsafe(32)
    given = {
        "id": key_id,
        "merchant": merchant_id,
        "shop": shop_id,
        "label": label,
        "sandbox": sandbox,
        "scopes": sorted(set(scopes)),
        "digest": digest(keys, written),
        "by": made_by,
        "at": clock.now(),
    }
    await session.execute(queries.ADD_KEY, given)
    return await key_of(session, merchant_id=merchant_id, key_id=key_id), written


async def key_of(session: AsyncSession, *, merchant_id: UUID, key_id: UUID) -> SoftwareKey:
    """One key of a merchant, revoked or not. Raises SoftwareKeyUnknown."""
    row = (await session.execute(queries.KEY, {"merchant": merchant_id, "id": key_id})).one_or_none()
    if row is None:
        raise SoftwareKeyUnknown
    return SoftwareKey(**{**row._mapping, "scopes": tuple(row.scopes)})  # noqa: SLF001 - SQLAlchemy's public name


async def keys_of(session: AsyncSession, *, merchant_id: UUID) -> list[SoftwareKey]:
    """A merchant's keys, the oldest first, revoked ones too."""
    rows = await session.execute(queries.KEYS, {"merchant": merchant_id})
    return [SoftwareKey(**{**row._mapping, "scopes": tuple(row.scopes)}) for row in rows]  # noqa: SLF001


async def revoke_key(
    session: AsyncSession, *, merchant_id: UUID, key_id: UUID, revoked_by: UUID
) -> SoftwareKey:
    """Let a key be worthless from the next request on. Again changes nothing. Raises SoftwareKeyUnknown."""
    await key_of(session, merchant_id=merchant_id, key_id=key_id)
    await session.execute(queries.REVOKE_KEY, {"id": key_id, "at": clock.now(), "by": revoked_by})
    return await key_of(session, merchant_id=merchant_id, key_id=key_id)
