"""Clerks, tills and their sessions: who may stand at which till, and how a device shows that it is that till."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import itertools
import secrets
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import Role, staff
from backend.identity.tokens import Audience, sign_access
from backend.kit import clock, ids
from backend.kit.keys import Keys
from backend.kit.settings import Settings
from merchant import shops
from merchant.tills import queries
from merchant.tills.errors import (
    ClerkLabelTaken,
    ClerkUnknown,
    EnrolmentRefused,
    ManagerNeeded,
    PinWeak,
    TillRefused,
    TillUnknown,
)

PIN_ATTEMPTS = 5
PIN_LOCKED_FOR = dt.timedelta(minutes=15)
ENROLMENT_LASTS = dt.timedelta(minutes=15)
ASSERTION_LASTS = dt.timedelta(seconds=60)
SHIFT_LASTS = dt.timedelta(hours=12)
ASSERTION_TYPE = "puhui-till-assertion+jwt"
_CLOCKS_DIFFER = dt.timedelta(seconds=30)  # a till's clock is not ours
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no digit that looks like a letter
_CODE_LENGTH = 12
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass(frozen=True, slots=True)
class Clerk:
    """Somebody who stands at tills of one shop, under the shop's own label."""

    id: UUID
    merchant_id: UUID
    shop_id: UUID
    label: str
    active: bool
    made_at: dt.datetime
    locked_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Till:
    """A device of a shop, by its own key (Ed25519, 32 bytes)."""

    id: UUID
    merchant_id: UUID
    shop_id: UUID
    label: str
    public_key: bytes
    enrolled_at: dt.datetime
    last_seen_at: dt.datetime | None
    revoked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Shift:
    """A clerk at a till: a token for the next ten minutes, of a session that ends with the shift."""

    session_id: UUID
    access_token: str
    access_expires_at: dt.datetime
    ends_at: dt.datetime


# --- clerks


async def add_clerk(
    session: AsyncSession, *, merchant_id: UUID, shop_id: UUID, label: str, pin: str, made_by: UUID
) -> Clerk:
    """A clerk of a shop. Raises ShopUnknown, PinWeak, ClerkLabelTaken."""
    await shops.shop_of(session, merchant_id=merchant_id, shop_id=shop_id)
    clerk_id = ids.uuid7()
    given = {
        "id": clerk_id,
        "merchant": merchant_id,
        "shop": shop_id,
        "label": label,
        "pin_hash": await _hashed(pin),
        "by": made_by,
        "at": clock.now(),
    }
    if (await session.execute(queries.ADD_CLERK, given)).first() is None:
        raise ClerkLabelTaken
    return await clerk_of(session, merchant_id=merchant_id, clerk_id=clerk_id)


async def clerk_of(session: AsyncSession, *, merchant_id: UUID, clerk_id: UUID) -> Clerk:
    """One clerk of a merchant. Raises ClerkUnknown."""
    row = (await session.execute(queries.CLERK, {"merchant": merchant_id, "id": clerk_id})).one_or_none()
    if row is None:
        raise ClerkUnknown
    return Clerk(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def clerks_of(session: AsyncSession, *, merchant_id: UUID, shop_id: UUID) -> list[Clerk]:
    """The clerks of a shop, by label. Raises ShopUnknown."""
    await shops.shop_of(session, merchant_id=merchant_id, shop_id=shop_id)
    rows = await session.execute(queries.CLERKS, {"merchant": merchant_id, "shop": shop_id})
    return [Clerk(**row._mapping) for row in rows]  # noqa: SLF001


async def set_pin(session: AsyncSession, *, merchant_id: UUID, clerk_id: UUID, pin: str) -> Clerk:
    """Another PIN, which also unlocks; shifts begun with the one before are over. Raises ClerkUnknown, PinWeak."""
    await clerk_of(session, merchant_id=merchant_id, clerk_id=clerk_id)
    await session.execute(queries.SET_PIN, {"id": clerk_id, "pin_hash": await _hashed(pin)})
    await session.execute(queries.END_SESSIONS_OF_CLERK, {"id": clerk_id, "at": clock.now()})
    return await clerk_of(session, merchant_id=merchant_id, clerk_id=clerk_id)


async def let_in(session: AsyncSession, *, merchant_id: UUID, clerk_id: UUID, active: bool) -> Clerk:
    """Let a clerk in, or keep them out from the next request on. Raises ClerkUnknown."""
    await clerk_of(session, merchant_id=merchant_id, clerk_id=clerk_id)
    await session.execute(queries.SET_ACTIVE, {"id": clerk_id, "active": active})
    if not active:
        await session.execute(queries.END_SESSIONS_OF_CLERK, {"id": clerk_id, "at": clock.now()})
    return await clerk_of(session, merchant_id=merchant_id, clerk_id=clerk_id)


def check_pin(pin: str) -> None:
    """Refuse a PIN that whoever guesses tries first, and say what is wrong with it. Raises PinWeak."""
    if len(pin) != 6 or not (pin.isascii() and pin.isdecimal()):
        raise PinWeak(why="digits")
    digits = [int(one) for one in pin]
    steps = {(later - earlier) % 10 for earlier, later in itertools.pairwise(digits)}
    if steps == {0}:
        raise PinWeak(why="alike")
    if steps in ({1}, {9}):  # 123456, 987654, also over the turn: 890123
        raise PinWeak(why="run")
    if pin == pin[:2] * 3 or pin == pin[:3] * 2:  # 121212, 123123
        raise PinWeak(why="repeated")
    if digits[0::2] == digits[1::2]:  # 112233, 771199
        raise PinWeak(why="pairs")


async def _hashed(pin: str) -> str:
    check_pin(pin)
    return await asyncio.to_thread(_hasher.hash, pin)


# --- tills


async def invite_till(
    session: AsyncSession, keys: Keys, *, merchant_id: UUID, shop_id: UUID, label: str, made_by: UUID
) -> tuple[str, dt.datetime]:
    """A code with which one device becomes a till of the shop, and until when. Raises ShopUnknown."""
    await shops.shop_of(session, merchant_id=merchant_id, shop_id=shop_id)
    code, now = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH)), clock.now()
    given = {
        "mac": _mac(keys, code),
        "merchant": merchant_id,
        "shop": shop_id,
        "label": label,
        "by": made_by,
        "at": now,
        "expires_at": now + ENROLMENT_LASTS,
    }
    await session.execute(queries.ADD_ENROLMENT, given)
    return code, now + ENROLMENT_LASTS


async def enrol(session: AsyncSession, keys: Keys, *, code: str, public_key: bytes, signature: bytes) -> Till:
    """A device becomes a till: it shows the code and signs it (`puhui-till:` and the code) with its key, once.

    Raises EnrolmentRefused.
    """
    code = code.strip().upper().replace("-", "")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, b"puhui-till:" + code.encode())
    except (InvalidSignature, ValueError):
        raise EnrolmentRefused from None
    now, till_id = clock.now(), ids.uuid7()
    found = await session.execute(queries.USE_ENROLMENT, {"mac": _mac(keys, code), "now": now})
    row = found.one_or_none()
    if row is None:
        raise EnrolmentRefused
    made = {
        "id": till_id,
        "merchant": row.merchant_id,
        "shop": row.shop_id,
        "label": row.label,
        "public_key": public_key,
        "by": row.made_by,
        "at": now,
    }
    if (await session.execute(queries.ADD_TILL, made)).first() is None:
        raise EnrolmentRefused  # the key is another till's, or was
    return await till_of(session, merchant_id=row.merchant_id, till_id=till_id)


async def till_of(session: AsyncSession, *, merchant_id: UUID, till_id: UUID) -> Till:
    """One till of a merchant, revoked or not. Raises TillUnknown."""
    row = (await session.execute(queries.TILL, {"merchant": merchant_id, "id": till_id})).one_or_none()
    if row is None:
        raise TillUnknown
    return Till(**row._mapping)  # noqa: SLF001


async def tills_of(session: AsyncSession, *, merchant_id: UUID) -> list[Till]:
    """A merchant's tills, the oldest first, revoked ones too."""
    rows = await session.execute(queries.TILLS, {"merchant": merchant_id})
    return [Till(**row._mapping) for row in rows]  # noqa: SLF001


async def revoke_till(session: AsyncSession, *, merchant_id: UUID, till_id: UUID, revoked_by: UUID) -> Till:
    """Let a device be no till any more, from the next request on. Again changes nothing. Raises TillUnknown."""
    await till_of(session, merchant_id=merchant_id, till_id=till_id)
    given = {"id": till_id, "at": clock.now(), "by": revoked_by}
    await session.execute(queries.REVOKE_TILL, given)
    await session.execute(queries.END_SESSIONS_OF_TILL, {"id": till_id, "at": given["at"]})
    return await till_of(session, merchant_id=merchant_id, till_id=till_id)


# --- shifts


async def prove(session: AsyncSession, settings: Settings, *, assertion: str) -> Till:
    """The till that signed an assertion, which is used up by that: commit it before anything else is asked. Raises TillRefused."""
    return await _asserted(session, settings, assertion)


async def count_pin(session: AsyncSession, *, till: Till, clerk_id: UUID) -> None:
    """Count one try at a till that proved itself, before the PIN is looked at; commit it even when the PIN is wrong.

    The fifth wrong one in a row locks the clerk for fifteen minutes. Only at tills of the clerk's own shop: whoever has no
    such till locks nobody out. Raises TillRefused while locked.
    """
    now = clock.now()
    given = {
        "id": clerk_id,
        "shop": till.shop_id,
        "now": now,
        "allowed": PIN_ATTEMPTS,
        "lock_until": now + PIN_LOCKED_FOR,
    }
    if (await session.execute(queries.COUNT_PIN, given)).scalar_one_or_none():
        raise TillRefused


async def begin(session: AsyncSession, settings: Settings, *, till: Till, clerk_id: UUID, pin: str) -> Shift:
    """A clerk begins at a till that proved itself, by the PIN. Count the try first. Raises TillRefused."""
    found = await session.execute(queries.PIN, {"clerk": clerk_id, "shop": till.shop_id})
    pin_hash = found.scalar_one_or_none()
    right = await asyncio.to_thread(_verify, pin_hash or _nobodys(), pin)
    if pin_hash is None or not right:
        raise TillRefused
    await session.execute(queries.FORGIVE_PIN, {"id": clerk_id})
    now, session_id = clock.now(), ids.uuid7()
    given = {"id": session_id, "till": till.id, "clerk": clerk_id, "at": now, "ends_at": now + SHIFT_LASTS}
    await session.execute(queries.BEGIN, given)
    await session.execute(queries.SEEN, {"id": till.id, "at": now})
    return _shift(settings, clerk_id, session_id, now + SHIFT_LASTS)


async def go_on(session: AsyncSession, settings: Settings, *, assertion: str, session_id: UUID) -> Shift:
    """Another token for a shift that stands, by what the same till signed. Raises TillRefused."""
    till = await _asserted(session, settings, assertion)
    given = {"id": session_id, "till": till.id, "now": clock.now()}
    row = (await session.execute(queries.SHIFT, given)).one_or_none()
    if row is None:
        raise TillRefused
    await session.execute(queries.SEEN, {"id": till.id, "at": clock.now()})
    return _shift(settings, row.clerk_id, row.id, row.ends_at)


async def end(session: AsyncSession, *, session_id: UUID) -> None:
    """The clerk leaves the till; its token is worthless at once."""
    await session.execute(queries.END, {"id": session_id, "at": clock.now()})


def _shift(settings: Settings, clerk_id: UUID, session_id: UUID, ends_at: dt.datetime) -> Shift:
    token, expires_at = sign_access(settings, Audience.TILL, subject=clerk_id, session_id=session_id)
    return Shift(session_id, token, expires_at, ends_at)


async def _asserted(session: AsyncSession, settings: Settings, assertion: str) -> Till:
    """The till that signed an assertion: its id in `iss`, ours in `aud`, good for a minute at most, once."""
    now = clock.now()
    try:
        unverified = jwt.decode(assertion, options={"verify_signature": False})
        till_id = UUID(str(unverified["iss"]))
        row = (await session.execute(queries.LIVE_TILL, {"id": till_id})).one_or_none()
        if row is None:
            raise TillRefused
        read = jwt.decode_complete(
            assertion,
            Ed25519PublicKey.from_public_bytes(row.public_key),
            algorithms=["EdDSA"],
            audience=settings.issuer,
            issuer=str(till_id),
            options={
                "require": ["exp", "iat", "iss", "aud", "jti"],
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        claims = read["payload"]
        issued_at, expires_at = _moment(claims["iat"]), _moment(claims["exp"])
        jti = str(claims["jti"])
    except (jwt.PyJWTError, LookupError, ValueError, TypeError, OverflowError, AttributeError):
        raise TillRefused from None
    in_time = issued_at - _CLOCKS_DIFFER <= now < expires_at + _CLOCKS_DIFFER
    short = dt.timedelta() < expires_at - issued_at <= ASSERTION_LASTS
    if read["header"].get("typ") != ASSERTION_TYPE or not in_time or not short or not 8 <= len(jti) <= 64:
        raise TillRefused
    seen = {"till": till_id, "jti": jti, "good_until": expires_at + _CLOCKS_DIFFER}
    if (await session.execute(queries.REMEMBER, seen)).first() is None:
        raise TillRefused
    return Till(**row._mapping)  # noqa: SLF001


def _moment(seconds: object) -> dt.datetime:
    if type(seconds) is not int:
        raise TypeError("times in assertions are whole seconds")
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def _verify(pin_hash: str, pin: str) -> bool:
    try:
        return _hasher.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this PIN")


# --- a manager's word


async def manager_agrees(
    session: AsyncSession, keys: Keys, *, merchant_id: UUID, login: str, totp: str
) -> UUID:
    """Who of the merchant's staff agrees, by a fresh one-time code, good once. Count the try first. Raises ManagerNeeded."""
    try:
        person = await staff.confirm(session, keys, login=login, totp=totp)
    except staff.SignInRefused:
        raise ManagerNeeded from None
    if person.organisation_id != merchant_id or Role.MERCHANT not in person.roles:
        raise ManagerNeeded
    return person.id


async def forget_old(session: AsyncSession) -> None:
    """Remove assertions, codes and sessions that nothing can be done with any more."""
    now = clock.now()
    await session.execute(queries.FORGET_ASSERTIONS, {"now": now})
    await session.execute(queries.FORGET_ENROLMENTS, {"before": now - dt.timedelta(days=1)})
    await session.execute(queries.FORGET_SESSIONS, {"before": now - dt.timedelta(days=30)})


def _mac(keys: Keys, code: str) -> bytes:
    return hmac.digest(keys.derive("merchant/till-enrolment"), code.encode(), hashlib.sha256)
