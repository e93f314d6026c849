"""Claim keys: one act, one key, on the whole platform.

A key is the Shanghai day of the act (4 bytes, days since 1970) and 12 bytes of HMAC-SHA-256 over the fields that the
methodology names. Keys of one day lie together, so indexes grow at one end; without the platform's key nobody can try
out card numbers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.kit.settings import Keys

SHANGHAI_US = 8 * 3600 * 1_000_000  # Asia/Shanghai has kept UTC+8 since 1991-09-15; acts are later
_DAY_US = 24 * 3600 * 1_000_000
_DIGEST_BYTES = 12


def shanghai_days(moments_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The days since 1970-01-01 in Asia/Shanghai on which moments (microseconds, UTC) lie."""
    return (moments_us + SHANGHAI_US) // _DAY_US


def claim_keys(
    keys: Keys,
    *,
    activity: str,
    operator: str,
    fields: Sequence[Sequence[bytes]],
    days: NDArray[np.int64],
) -> bytes:
    """The claim keys of a batch, 16 bytes each, on end; `fields` are the columns that tell acts apart, as bytes."""
    inner, outer = _keyed(keys.derive("claim"))
    inner.update(f"{activity}\x1f{operator}\x1f".encode())
    copy_inner, copy_outer, found = inner.copy, outer.copy, []
    for message_bytes in map(b"\x1f".join, zip(*fields, strict=True)):
        message = copy_inner()
        message.update(message_bytes)
        digest = copy_outer()
        digest.update(message.digest())
        found.append(digest.digest())
    made = np.empty(len(days), dtype=[("day", ">u4"), ("digest", f"V{_DIGEST_BYTES}")])
    made["day"] = days & 0xFFFFFFFF
    digests = np.frombuffer(b"".join(found), dtype=[("digest", f"V{_DIGEST_BYTES}"), ("rest", "V20")])
    made["digest"] = digests["digest"]
    return bytes(made.tobytes())


def revision_key(keys: Keys, key: UUID, number: int) -> UUID:
    """The key of the `number`th revision (from 1) of the act that first claimed `key`: of the same day, and unlike any other.

    The first key stays claimed for ever, so whatever reported it before is a duplicate for ever.
    """
    message = b"\0revision" + key.bytes + number.to_bytes(4)
    return UUID(bytes=key.bytes[:4] + hmac.digest(keys.derive("claim"), message, "sha256")[:12])


def _keyed(key: bytes) -> tuple[Any, Any]:
    """The two hashes of HMAC (RFC 2104) with the key already in them; copying them is twice as fast as `hmac`."""
    block = key.ljust(64, b"\0")
    return hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))


def key_bounds(from_us: int, until_us: int) -> tuple[str, str]:
    """The claim keys `[low, high)` of acts that began in `[from_us, until_us)`, as hexadecimal digits."""
    first, last = (max((at + SHANGHAI_US) // _DAY_US, 0) for at in (from_us, until_us))
    return f"{first:08x}{'0' * 24}", f"{last + 1:08x}{'0' * 24}"


def as_bytes(values: NDArray[np.int64]) -> list[bytes]:
    """Numbers as 8 bytes each, so that a moment is the same field from any file format."""
    raw = values.astype(">i8").tobytes()
    return [raw[place : place + 8] for place in range(0, len(raw), 8)]
