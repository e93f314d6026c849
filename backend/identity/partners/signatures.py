"""Signatures of requests: HTTP Message Signatures (RFC 9421) by Ed25519, and Content-Digest (RFC 9530). Pure.

What a signature must cover: the method, the whole target (`@target-uri`, or `@authority`, `@path` and `@query`), of a body
its `content-digest` and `content-type`, and `idempotency-key` where one is sent. What it must say: `created`, `nonce`, `keyid`.
There is one signature in a request, and one algorithm here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from http_message_signatures.digests import ContentDigest
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from backend.identity.partners.errors import (
    DigestDiffers,
    SignatureIncomplete,
    SignatureMissing,
    SignatureOutOfTime,
    SignatureUnreadable,
    SignatureWrong,
)

TOLERANCE = timedelta(seconds=300)
LONGEST_HEADER = 4096
NONCE = re.compile(r"[\x21-\x7e]{16,128}")

_TARGETS = ("@target-uri",), ("@authority", "@path", "@query")


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it came over the wire. `url` is absolute, as the caller addressed it; `headers` has every line."""

    method: str
    url: str
    headers: Mapping[str, str]  # with `items()` giving each line
    has_body: bool


@dataclass(frozen=True, slots=True)
class Presented:
    """What a signature says of itself, before anything is believed."""

    key_id: UUID
    nonce: str
    created: int
    expires: int | None
    covered: frozenset[str]

    def in_time(self, now: datetime) -> bool:
        """Whether it was made within five minutes of now, and did not expire."""
        seconds = now.timestamp()
        if abs(seconds - self.created) > TOLERANCE.total_seconds():
            return False
        return self.expires is None or seconds <= self.expires


def presented(message: Message) -> Presented:
    """Read the one signature of a request.

    Raises SignatureMissing, SignatureUnreadable, or SignatureIncomplete with the names of what is missing.
    """
    says_all, signed = (_field(message.headers, name) for name in ("signature-input", "signature"))
    if not says_all or not signed:
        raise SignatureMissing
    if max(len(says_all), len(signed)) > LONGEST_HEADER:
        raise SignatureUnreadable
    try:
        signatures: Mapping[str, Any] = http_sf.parse(says_all.encode("ascii"), tltype="dictionary")  # type: ignore[assignment]
        [(members, says)] = signatures.values()
        covered = frozenset(name for name, parameters in members if not parameters)
    except (ValueError, TypeError, AttributeError):
        raise SignatureUnreadable from None
    missing = [*_uncovered(message, covered), *_unsaid(says)]
    if missing:
        raise SignatureIncomplete(missing=missing)
    return _presented(says, covered)


def _presented(says: Mapping[str, Any], covered: frozenset[str]) -> Presented:
    key_id, nonce, created, expires = (says.get(name) for name in ("keyid", "nonce", "created", "expires"))
    if type(created) is not int or type(expires) not in {int, type(None)} or not isinstance(nonce, str):
        raise SignatureUnreadable
    if not NONCE.fullmatch(nonce):
        raise SignatureUnreadable
    try:
        known = UUID(key_id)
    except (ValueError, TypeError, AttributeError):
        raise SignatureWrong from None  # no key of ours has such a name
    return Presented(key_id=known, nonce=nonce, created=created, expires=expires, covered=covered)


def _uncovered(message: Message, covered: frozenset[str]) -> list[str]:
    missing = [] if "@method" in covered else ["@method"]
    if not any(covered.issuperset(target) for target in _TARGETS):
        missing.append("@target-uri")
    needed = ["content-digest", "content-type"] if message.has_body else []
    sent = {name for name, _ in message.headers.items()}
    needed += [name for name in ("content-digest", "idempotency-key") if name in sent and name not in needed]
    return missing + [name for name in needed if name not in covered]


def _unsaid(says: Mapping[str, Any]) -> Iterable[str]:
    return [name for name in ("created", "nonce", "keyid") if name not in says]


def verify(message: Message, *, key_id: str, public_key: bytes) -> None:
    """Return when this key (32 bytes) signed this very request; else raise SignatureWrong. Times are not looked at."""
    verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(key_id, public_key))
    try:
        verifier.verify(message, max_age=None)
    except (InvalidSignature, HTTPMessageSignaturesException):
        raise SignatureWrong from None


def check_time(signature: Presented, *, now: datetime) -> None:
    """Raise SignatureOutOfTime when it was not made within five minutes of now."""
    if not signature.in_time(now):
        raise SignatureOutOfTime(tolerance_s=int(TOLERANCE.total_seconds()))


def check_digest(headers: Mapping[str, str], body: bytes) -> None:
    """Raise DigestDiffers when Content-Digest was not made of this body. Each of its members is checked."""
    try:
        ContentDigest.verify(_field(headers, "content-digest"), body)
    except (InvalidSignature, HTTPMessageSignaturesException, UnicodeEncodeError):
        raise DigestDiffers from None


def sha256_said(headers: Mapping[str, str]) -> bytes:
    """The SHA-256 (32 bytes) that Content-Digest says, for a body that is read piece by piece; else DigestDiffers."""
    try:
        members: Mapping[str, Any] = http_sf.parse(
            _field(headers, "content-digest").encode("ascii"), tltype="dictionary"
        )  # type: ignore[assignment]
        said = members["sha-256"][0]
    except (ValueError, TypeError, LookupError):
        raise DigestDiffers from None
    if not isinstance(said, bytes) or len(said) != 32:
        raise DigestDiffers
    return said


def _field(headers: Mapping[str, str], name: str) -> str:
    return ", ".join(value for one, value in headers.items() if one == name)


class _OneKey(HTTPSignatureKeyResolver):
    """Knows one key, by the very name that the signature gave it."""

    def __init__(self, key_id: str, public_key: bytes) -> None:
        self._key_id = key_id
        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        return self._key if key_id.lower() == self._key_id else None


class _Verifier(HTTPMessageVerifier):
    """The library's, which would judge times by a clock of its own."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Times are judged by `check_time`, by the platform's clock."""
