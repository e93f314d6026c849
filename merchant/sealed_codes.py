"""Codes that lie sealed beside a keyed digest: one finds a code again by the digest, and only the deployment's keys open it.

What a kind of codes has is a label: its keys are other keys than those of every other kind.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from backend.identity import sealing
from backend.kit.keys import Keys


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of codes, by the label of its keys."""

    label: str

    def mac(self, keys: Keys, said: bytes) -> bytes:
        """By what a code is found: 32 bytes, the same for ever, worthless without the platform's key."""
        return hmac.digest(keys.derive(self.label), said, hashlib.sha256)

    def sealed(self, keys: Keys, code: str, *, belongs_to: bytes) -> bytes:
        """What is kept of a code."""
        return sealing.seal(keys.sealing(self.label), code.encode(), belongs_to=belongs_to)

    def opened(self, keys: Keys, sealed: bytes, *, belongs_to: bytes) -> str:
        """The code again; raises `cryptography.exceptions.InvalidTag` where anything was changed."""
        return sealing.unseal_any(keys.opening(self.label), sealed, belongs_to=belongs_to).decode()
