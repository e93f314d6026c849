"""Citizens sign in with a code sent to their phone.

Six digits, ten minutes, once, five attempts, bound to the request that asked: whoever guesses has at most 5 chances
in a million per code, and at most 5 codes a day for one number, 25 in a million a day. Neither number nor code is
stored, only keyed digests of them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people
from backend.identity.locks import take_turns
from backend.identity.sealing import blind_index
from backend.identity.sign_in import queries
from backend.identity.sign_in.errors import SignInCodeTooSoon, SignInCodeWrong, TooManySignInCodes
from backend.kit import clock, ids
from backend.kit.settings import Keys

CODE_DIGITS = 6
CODE_LASTS = timedelta(minutes=10)
ATTEMPTS = 5
SPACING = timedelta(seconds=60)
CODES_A_DAY_PER_NUMBER = 5
CODES_A_DAY_PER_ADDRESS = 100  # many people share one address behind a mobile carrier's gateway
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RequestedCode:
    """A code on its way to a phone. `code` is for the sender alone and goes into no answer."""

    request_id: UUID
    phone: str
    code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"RequestedCode(request_id={self.request_id})"


async def request_code(session: AsyncSession, keys: Keys, *, phone: str, address: str) -> RequestedCode:
    """A new code for this phone, asked for from this network address; send it after the transaction.

    The answer is the same whether or not the number is known here.
    """
    phone = people.normal_phone(phone)
    phone_index = people.phone_index(keys, phone)
    address_index = blind_index(keys.derive("sign-in/address"), address)
    await take_turns(session, "code:" + phone_index.hex(), "code:" + address_index.hex())
    now = clock.now()
    recent = await queries.recent(
        session, phone_index=phone_index, address_index=address_index, since=now - _DAY
    )
    if recent.for_phone >= CODES_A_DAY_PER_NUMBER or recent.from_address >= CODES_A_DAY_PER_ADDRESS:
        raise TooManySignInCodes
    if recent.last_at is not None and recent.last_at + SPACING > now:
        raise SignInCodeTooSoon(retry_after_s=int((recent.last_at + SPACING - now).total_seconds()) + 1)
    request_id, code = ids.uuid7(), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    await queries.insert(
        session,
        request_id=request_id,
        phone_index=phone_index,
        address_index=address_index,
        code_mac=_mac(keys, request_id, phone_index, code),
        requested_at=now,
        expires_at=now + CODE_LASTS,
    )
    return RequestedCode(request_id=request_id, phone=phone, code=code, expires_at=now + CODE_LASTS)


async def spend_attempt(session: AsyncSession, *, request_id: UUID) -> None:
    """Spend one of the five attempts, before the code is looked at.

    The caller's transaction must be committed even when the code turns out wrong, or guessing is free.
    """
    if not await queries.spend_attempt(session, request_id=request_id, now=clock.now(), allowed=ATTEMPTS):
        raise SignInCodeWrong


async def exchange_code(
    session: AsyncSession, keys: Keys, *, request_id: UUID, phone: str, code: str
) -> UUID:
    """The participant whose phone it is, made at the first sign-in. Spend an attempt first."""
    phone_index = people.phone_index(keys, phone)
    used = await queries.use(
        session,
        request_id=request_id,
        phone_index=phone_index,
        code_mac=_mac(keys, request_id, phone_index, code),
        now=clock.now(),
    )
    if not used:
        raise SignInCodeWrong
    return await people.citizen_with_phone(session, keys, phone=phone)


async def forget_old_codes(session: AsyncSession) -> None:
    """Remove the codes that no limit counts any more."""
    await queries.forget(session, before=clock.now() - 2 * _DAY)


def _mac(keys: Keys, request_id: UUID, phone_index: bytes, code: str) -> bytes:
    message = request_id.bytes + phone_index + code.encode()
    return hmac.digest(keys.derive("sign-in/code"), message, hashlib.sha256)
