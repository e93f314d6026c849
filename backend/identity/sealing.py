"""Sealing small secrets at rest: AES-256-GCM, bound to what the secret belongs to.

The first byte names the algorithm, so that another suite can be added beside this one without touching old rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_AES_256_GCM = b"\x01"
_NONCE_BYTES = 12


def seal(key: bytes, plain: bytes, *, belongs_to: bytes) -> bytes:
    """The sealed form of `plain`; it opens only with the same key and the same `belongs_to`."""
    nonce = os.urandom(_NONCE_BYTES)
    return _AES_256_GCM + nonce + AESGCM(key).encrypt(nonce, plain, belongs_to)


def unseal(key: bytes, sealed: bytes, *, belongs_to: bytes) -> bytes:
    """What was sealed; raises `cryptography.exceptions.InvalidTag` when anything was changed."""
    if sealed[:1] != _AES_256_GCM:
        raise ValueError("sealed with an algorithm that this version does not know")
    start = 1 + _NONCE_BYTES
    return AESGCM(key).decrypt(sealed[1:start], sealed[start:], belongs_to)


def unseal_any(keys: Sequence[bytes], sealed: bytes, *, belongs_to: bytes) -> bytes:
    """What was sealed with one of these keys, of which the first is the likeliest; raises as `unseal` does."""
    for key in keys[:-1]:
        with contextlib.suppress(InvalidTag):
            return unseal(key, sealed, belongs_to=belongs_to)
    return unseal(keys[-1], sealed, belongs_to=belongs_to)


def seal_again(keys: Sequence[bytes], sealed: bytes, *, belongs_to: bytes) -> bytes | None:
    """The same sealed with the first of the keys; None when it is already. Raises as `unseal` does."""
    try:
        unseal(keys[0], sealed, belongs_to=belongs_to)
    except InvalidTag:
        return seal(
            keys[0], unseal_any(keys[1:] or keys, sealed, belongs_to=belongs_to), belongs_to=belongs_to
        )
    return None


def opened_by(keys: Sequence[bytes], sealed: bytes, *, belongs_to: bytes) -> int | None:
    """Which of the keys opens it, by number; None when none does."""
    for number, key in enumerate(keys):
        with contextlib.suppress(InvalidTag, ValueError):
            unseal(key, sealed, belongs_to=belongs_to)
            return number
    return None


def blind_index(key: bytes, value: str) -> bytes:
    """A keyed digest (32 bytes) by which a sealed value can be looked up without opening anything."""
    return hmac.digest(key, value.encode(), hashlib.sha256)
