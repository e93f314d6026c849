"""Sealing small secrets at rest: AES-256-GCM, bound to what the secret belongs to.

The first byte names the algorithm, so that another suite can be added beside this one without touching old rows.
"""

from __future__ import annotations

import hashlib
import hmac
import os

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


def blind_index(key: bytes, value: str) -> bytes:
    """A keyed digest (32 bytes) by which a sealed value can be looked up without opening anything."""
    return hmac.digest(key, value.encode(), hashlib.sha256)
