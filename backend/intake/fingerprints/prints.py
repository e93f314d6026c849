"""From a subject, a mode and a moment to a fingerprint.

`HMAC-SHA-256(subject, mode ‖ 0x1f ‖ number of the bucket)`, its first `bits` bits, where the subject is itself a keyed
digest that only the identity room makes. The number of a bucket is the seconds since 1970 (UTC) divided by its length,
floored.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.intake.fingerprints.agreement import Agreement

Prints = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Act:
    """One of our acts: its place in a list, its subject's digest, its mode, and its beginning (s since 1970, UTC)."""

    place: int
    subject: bytes
    mode: str
    at_s: float


def fingerprint(agreement: Agreement, subject: bytes, mode: str, bucket: int) -> int:
    """The fingerprint of one bucket, as a number below 2^bits."""
    digest = hmac.digest(subject, f"{mode}\x1f{bucket}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:8]) >> (64 - agreement.bits)


def bucket_of(agreement: Agreement, at_s: float) -> int:
    return int(at_s // agreement.bucket_s)


def own_prints(agreement: Agreement, acts: Sequence[Act]) -> Prints:
    """What we send: the fingerprint of the bucket in which each act began, each once, in the order of their values.

    The order tells nothing, since the values are those of a keyed digest.
    """
    found = {fingerprint(agreement, act.subject, act.mode, bucket_of(agreement, act.at_s)) for act in acts}
    return np.array(sorted(found), dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Probes:
    """The fingerprints under which another platform could have noted our acts: `places[i]` for `values[i]`.

    `beside[i]` says that it is that of a neighbouring bucket, within the tolerance of clocks.
    """

    values: Prints
    places: NDArray[np.int64]
    beside: NDArray[np.bool_]

    @property
    def distinct(self) -> int:
        return len(np.unique(self.values))


def probes_of(agreement: Agreement, acts: Sequence[Act]) -> Probes:
    """Each act's own bucket, and those that the other's clock could have put it in."""
    values, places, beside = [], [], []
    for act in acts:
        own = bucket_of(agreement, act.at_s)
        first = bucket_of(agreement, act.at_s - agreement.tolerance_s)
        last = bucket_of(agreement, act.at_s + agreement.tolerance_s)
        for bucket in range(first, last + 1):
            values.append(fingerprint(agreement, act.subject, act.mode, bucket))
            places.append(act.place)
            beside.append(bucket != own)
    return Probes(
        np.array(values, dtype=np.uint64), np.array(places, dtype=np.int64), np.array(beside, dtype=np.bool_)
    )


def collisions(probes: Probes, theirs: Prints) -> dict[int, bool]:
    """The places of the acts that the other platform seems to have noted, and whether only in a neighbouring bucket."""
    hit = np.isin(probes.values, theirs)
    found: dict[int, bool] = {}
    for place, beside in zip(probes.places[hit].tolist(), probes.beside[hit].tolist(), strict=True):
        found[place] = found.get(place, True) and beside
    return found
