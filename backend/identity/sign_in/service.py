"""Codes that are sent to phones: to sign in, to show once more who one is, and to show that a new number is one's own.

Six digits, ten minutes, once, three attempts, bound to what they were asked for; limits per number, per network address
and per device. docs/signing-in.md computes what is left to guess. Neither number, address, device nor code is stored,
only keyed digests of them.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people
from backend.identity.locks import take_turns
from backend.identity.sealing import blind_index
from backend.identity.sign_in import queries
from backend.identity.sign_in.errors import SignInCodeTooSoon, SignInCodeWrong, TooManySignInCodes
from backend.kit import clock, ids, metrics
from backend.kit.settings import Keys

CODE_DIGITS = 6
CODE_LASTS = timedelta(minutes=10)
ATTEMPTS = 3
ATTEMPTS_UNDER_ATTACK = 1  # for a number of which so many codes were left unused within a week
UNUSED_A_WEEK = 10
SPACING = timedelta(seconds=60)  # between two codes of one use for one number
CODES_A_DAY_PER_NUMBER = 8  # of every use together
CODES_A_DAY_PER_ADDRESS = 500  # many people share one address behind a mobile carrier's gateway,
UNUSED_A_DAY_PER_ADDRESS = 50  # but most of them use the code that they asked for; who guesses does not
CODES_A_DAY_PER_DEVICE = 20
UNUSED_A_DAY_PER_DEVICE = 5
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


_codes = Counter(
    "puhui_sign_in_codes",
    "Codes for phones: asked for, refused by a limit, used, and shown wrong.",
    ["use", "outcome"],
    registry=metrics.registry,
)


class Use(enum.StrEnum):
    """What a code is for; it is worthless for anything else."""

    SIGN_IN = "sign_in"
    STEP_UP = "step_up"
    NEW_PHONE = "new_phone"


@dataclass(frozen=True, slots=True)
class RequestedCode:
    """A code on its way to a phone. `code` is for the sender alone and goes into no answer."""

    request_id: UUID
    phone: str
    code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"RequestedCode(request_id={self.request_id})"


async def request_code(
    session: AsyncSession,
    keys: Keys,
    *,
    phone: str,
    address: str,
    device: str | None = None,
    use: Use = Use.SIGN_IN,
    bound_to: bytes = b"",
) -> RequestedCode:
    """A new code for this phone, asked for from this network address and device; send it after the transaction.

    `bound_to` must be shown again with the code. The answer is the same whether or not the number is known here.
    Raises PhoneInvalid, SignInCodeTooSoon, TooManySignInCodes.
    """
    phone = people.normal_phone(phone)
    phone_index = people.phone_index(keys, phone)
    address_index = blind_index(keys.derive("sign-in/address"), address)
    device_index = None if device is None else blind_index(keys.derive("sign-in/device"), device)
    await take_turns(
        session, *("code:" + index.hex() for index in (phone_index, address_index, device_index) if index)
    )
    now = clock.now()
    recent = await queries.recent(
        session,
        phone_index=phone_index,
        address_index=address_index,
        device_index=device_index,
        purpose=use.value,
        since=now - _DAY,
        since_week=now - _WEEK,
    )
    if (
        recent.for_phone >= CODES_A_DAY_PER_NUMBER
        or recent.from_address >= CODES_A_DAY_PER_ADDRESS
        or recent.from_address - recent.used_from_address >= UNUSED_A_DAY_PER_ADDRESS
        or recent.from_device >= CODES_A_DAY_PER_DEVICE
        or recent.from_device - recent.used_from_device >= UNUSED_A_DAY_PER_DEVICE
    ):
        _codes.labels(use.value, "refused").inc()
        raise TooManySignInCodes
    if recent.last_at is not None and recent.last_at + SPACING > now:
        raise SignInCodeTooSoon(retry_after_s=int((recent.last_at + SPACING - now).total_seconds()) + 1)
    request_id, code = ids.uuid7(), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    await queries.insert(
        session,
        request_id=request_id,
        phone_index=phone_index,
        address_index=address_index,
        device_index=device_index,
        purpose=use.value,
        code_mac=_mac(keys, request_id, phone_index, code, _context(use, bound_to)),
        allowed=ATTEMPTS if recent.unused_for_phone < UNUSED_A_WEEK else ATTEMPTS_UNDER_ATTACK,
        requested_at=now,
        expires_at=now + CODE_LASTS,
    )
    _codes.labels(use.value, "asked").inc()
    return RequestedCode(request_id=request_id, phone=phone, code=code, expires_at=now + CODE_LASTS)


async def spend_attempt(session: AsyncSession, *, request_id: UUID) -> None:
    """Spend one of the code's attempts (three, or one where the number is under attack), before the code is looked at.

    The caller's transaction must be committed even when the code turns out wrong, or guessing is free.
    """
    if not await queries.spend_attempt(session, request_id=request_id, now=clock.now()):
        raise SignInCodeWrong


async def use_code(
    session: AsyncSession,
    keys: Keys,
    *,
    request_id: UUID,
    phone: str,
    code: str,
    use: Use,
    bound_to: bytes = b"",
) -> None:
    """Use up a code, or raise SignInCodeWrong. Spend an attempt first."""
    phone_index = people.phone_index(keys, phone)
    used = await queries.use(
        session,
        request_id=request_id,
        phone_index=phone_index,
        code_mac=_mac(keys, request_id, phone_index, code, _context(use, bound_to)),
        now=clock.now(),
    )
    _codes.labels(use.value, "used" if used else "wrong").inc()
    if not used:
        raise SignInCodeWrong


async def exchange_code(
    session: AsyncSession, keys: Keys, *, request_id: UUID, phone: str, code: str
) -> UUID:
    """The participant whose phone it is, made at the first sign-in. Spend an attempt first."""
    await use_code(session, keys, request_id=request_id, phone=phone, code=code, use=Use.SIGN_IN)
    return await people.citizen_with_phone(session, keys, phone=phone)


async def forget_old_codes(session: AsyncSession) -> None:
    """Remove the codes that no limit counts any more."""
    await queries.forget(session, before=clock.now() - _WEEK - _DAY)


def _context(use: Use, bound_to: bytes) -> bytes:
    return b"" if use is Use.SIGN_IN else use.value.encode() + bound_to


def _mac(keys: Keys, request_id: UUID, phone_index: bytes, code: str, context: bytes) -> bytes:
    message = request_id.bytes + phone_index + code.encode() + context
    return hmac.digest(keys.derive("sign-in/code"), message, hashlib.sha256)
