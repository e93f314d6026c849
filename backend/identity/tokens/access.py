"""Access tokens: JWTs of ten minutes, signed with Ed25519, one key, one audience and one type per surface.

A verifier knows one algorithm and one key id; nothing in a token can make it look for another.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
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
_ALGORITHM = "EdDSA"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "sid"]


class Audience(enum.StrEnum):
    """A surface of the platform; a token for one is worthless at the other."""

    CITIZEN = "citizen"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a good access token names: the participant or the member of staff, and the session it belongs to."""

    audience: Audience
    subject: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _SurfaceKey:
    id: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey


@lru_cache(maxsize=32)
def _surface_key(keys: Keys, audience: Audience) -> _SurfaceKey:
    private = keys.ed25519(f"token/{audience.value}")
    public = private.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return _SurfaceKey(f"{audience.value}-{hashlib.sha256(raw).hexdigest()[:16]}", private, public)


def sign_access(
    settings: Settings, audience: Audience, *, subject: UUID, session_id: UUID
) -> tuple[str, datetime]:
    """An access token and when it expires."""
    key = _surface_key(settings.keys, audience)
    now = clock.now().replace(microsecond=0)
    expires_at = now + ACCESS_LASTS
    claims = {
        "iss": settings.issuer,
        "aud": audience.value,
        "sub": str(subject),
        "sid": str(session_id),
        "jti": str(ids.uuid7()),
        "iat": now,
        "exp": expires_at,
    }
    headers = {"kid": key.id, "typ": _type_of(audience)}
    return jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers=headers), expires_at


def verify_access(settings: Settings, audience: Audience, token: str) -> Bearer:
    """Whom the token names; `TokenRefused` for anything but a good token of this very surface."""
    key = _surface_key(settings.keys, audience)
    try:
        verified: dict[str, Any] = jwt.decode_complete(
            token,
            key.public,
            algorithms=[_ALGORITHM],
            audience=audience.value,
            issuer=settings.issuer,
            # the times are judged below, by the platform's own clock
            options={"require": _REQUIRED, "strict_aud": True, "verify_exp": False, "verify_iat": False},
        )
        header, claims = verified["header"], verified["payload"]
        issued_at, expires_at = _moment(claims["iat"]), _moment(claims["exp"])
        bearer = Bearer(
            audience=audience,
            subject=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            expires_at=expires_at,
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError, AttributeError) as error:
        raise TokenRefused from error
    now = clock.now()
    in_time = issued_at - timedelta(seconds=5) <= now < expires_at <= issued_at + ACCESS_LASTS
    if header.get("kid") != key.id or header.get("typ") != _type_of(audience) or not in_time:
        raise TokenRefused
    return bearer


def _type_of(audience: Audience) -> str:
    return f"puhui-{audience.value}+jwt"


def _moment(seconds: object) -> datetime:
    if type(seconds) is not int:
        raise TypeError("times in tokens are whole seconds")
    return datetime.fromtimestamp(seconds, tz=clock.now().tzinfo)
