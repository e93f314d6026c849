"""Access tokens: JWTs of ten minutes, signed with Ed25519, one audience, one type and keys of its own per surface.

Each calendar month (UTC) has its own key, derived from the master key, so that the keys change by the clock alone; the
one before is good for as long as its last tokens are. While the master key is replaced, the other one's keys verify
too. A verifier knows one algorithm and these few key ids; nothing in a token can make it look for another.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.identity.tokens.errors import TokenRefused
from backend.kit import clock, ids
from backend.kit.settings import Keys, Settings

ACCESS_LASTS = timedelta(minutes=10)
REMEMBERED = 32_768  # tokens that a process has verified; under 2 KB each
_CLOCKS_DIFFER = timedelta(seconds=5)
_ALGORITHM = "EdDSA"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "sid"]


class Audience(enum.StrEnum):
    """A surface of the platform; a token for one is worthless at the other."""

    CITIZEN = "citizen"
    STAFF = "staff"
    TILL = "till"  # a clerk at a merchant's till; its sessions are the merchant's own


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a good access token names: the participant or the member of staff, and the session it belongs to."""

    audience: Audience
    subject: UUID
    session_id: UUID
    expires_at: datetime
    actor_id: UUID | None = None  # who acts, where the subject is a household or a firm
    see_only: bool = False  # and may change nothing of it


@dataclass(frozen=True, slots=True)
class _SurfaceKey:
    id: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey


@lru_cache(maxsize=64)
def _surface_keys(keys: Keys, audience: Audience, month: str) -> tuple[_SurfaceKey, ...]:
    """The keys of a month, the present master's first."""
    found = []
    for private in keys.verifying(f"token/{audience.value}/{month}"):
        public = private.public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        key_id = f"{audience.value}-{hashlib.sha256(raw).hexdigest()[:16]}"
        found.append(_SurfaceKey(key_id, private, public))
    return tuple(found)


def _month(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m")


def sign_access(
    settings: Settings,
    audience: Audience,
    *,
    subject: UUID,
    session_id: UUID,
    actor_id: UUID | None = None,
    see_only: bool = False,
) -> tuple[str, datetime]:
    """An access token and when it expires."""
    now = clock.now().replace(microsecond=0)
    key = _surface_keys(settings.keys, audience, _month(now))[0]
    expires_at = now + ACCESS_LASTS
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "aud": audience.value,
        "sub": str(subject),
        "sid": str(session_id),
        "jti": str(ids.uuid7()),
        "iat": now,
        "exp": expires_at,
    }
    if actor_id is not None:
        claims["act"] = str(actor_id)
    if see_only:
        claims["see"] = True
    headers = {"kid": key.id, "typ": _type_of(audience)}
    return jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers=headers), expires_at


def verify_access(settings: Settings, audience: Audience, token: str) -> Bearer:
    """Whom the token names; `TokenRefused` for anything but a good token of this very surface."""
    now = clock.now()
    try:
        months = _good_months(now)
        bearer, issued_at = _read(settings.keys, settings.issuer, audience, months, token)
    except (
        jwt.PyJWTError,
        LookupError,
        ValueError,
        TypeError,
        OverflowError,
        OSError,
        AttributeError,
    ) as error:
        raise TokenRefused from error
    if not issued_at - _CLOCKS_DIFFER <= now < bearer.expires_at <= issued_at + ACCESS_LASTS:
        raise TokenRefused
    return bearer


def _good_months(now: datetime) -> tuple[str, ...]:
    """The months of whose keys a token may be that is good now."""
    utc = now.astimezone(UTC)
    if 1 < utc.day < 28:  # no month ends within the minutes that matter
        return (f"{utc.year:04}-{utc.month:02}",)
    return tuple(dict.fromkeys(map(_month, (now, now - ACCESS_LASTS, now + _CLOCKS_DIFFER))))


@lru_cache(maxsize=REMEMBERED)
def _read(
    keys: Keys, issuer: str, audience: Audience, months: tuple[str, ...], token: str
) -> tuple[Bearer, datetime]:
    """Whom a token names by its signature, and when it was issued: the same for ever, so a token is verified once a process.

    Its times and its session are the caller's to judge, each time anew.
    """
    good = {key.id: key for month in months for key in _surface_keys(keys, audience, month)}
    key = good[jwt.get_unverified_header(token)["kid"]]
    verified: dict[str, Any] = jwt.decode_complete(
        token,
        key.public,
        algorithms=[_ALGORITHM],
        audience=audience.value,
        issuer=issuer,
        # the times are judged by the caller, by the platform's own clock
        options={"require": _REQUIRED, "strict_aud": True, "verify_exp": False, "verify_iat": False},
    )
    header, claims = verified["header"], verified["payload"]
    if header.get("kid") != key.id or header.get("typ") != _type_of(audience):
        raise TokenRefused
    bearer = Bearer(
        audience=audience,
        subject=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        expires_at=_moment(claims["exp"]),
        actor_id=UUID(claims["act"]) if "act" in claims else None,
        see_only="see" in claims,
    )
    return bearer, _moment(claims["iat"])


def _type_of(audience: Audience) -> str:
    return f"puhui-{audience.value}+jwt"


def _moment(seconds: object) -> datetime:
    if type(seconds) is not int:
        raise TypeError("times in tokens are whole seconds")
    return datetime.fromtimestamp(seconds, tz=clock.now().tzinfo)
