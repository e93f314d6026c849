"""What may be known of one act, and the salted digest by which a tree holds it.

Facts name neither a participant nor a card: day, region, source, what was measured, and how it was computed. Together
with the salt they give the digest, so whoever has both can show the act, and nobody can guess it from the tree.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.kit.settings import Keys
from backend.log import canonical

SALT_BYTES = 16
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Computed:
    """How grams were computed: what a recorded method says of itself. `overlays` are fingerprints."""

    methodology: str
    version: str
    pack_sha256: str
    edition: str
    activity: str
    overlays: tuple[str, ...]
    engine: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Where acts came from."""

    source: str
    region: str
    evidence: str


def day_of_key(claim_key: UUID) -> dt.date:
    """The Shanghai day with which a claim key begins."""
    return _EPOCH + dt.timedelta(days=int.from_bytes(claim_key.bytes[:4]))


def first_key(day: dt.date) -> UUID:
    """The lowest claim key of a day."""
    return UUID(bytes=(day - _EPOCH).days.to_bytes(4) + bytes(12))


def facts_of(
    *, computed: Computed, feed: Feed, day: dt.date, inputs: Mapping[str, Any], grams: int
) -> dict[str, Any]:
    """The public facts of an act. Of its inputs only numbers are among them: texts may name a trip or a device."""
    return {
        "activity": computed.activity,
        "day": day.isoformat(),
        "edition": computed.edition,
        "engine": computed.engine,
        "evidence": feed.evidence,
        "grams": grams,
        "inputs": numbers_of(inputs),
        "methodology": computed.methodology,
        "overlays": list(computed.overlays),
        "pack_sha256": computed.pack_sha256,
        "region": feed.region,
        "source": feed.source,
        "version": computed.version,
    }


def numbers_of(inputs: Mapping[str, Any]) -> dict[str, int]:
    """Those inputs that are whole numbers."""
    return {name: value for name, value in inputs.items() if type(value) is int}


def digest_of(facts: Mapping[str, Any], salt: bytes) -> bytes:
    """SHA-256 over the salt and the facts in canonical form."""
    return hashlib.sha256(salt + canonical.encode(dict(facts))).digest()


class Digester:
    """Digests of many acts: the same as `digest_of(facts_of(…), salt_of(…))`, without writing what is alike again."""

    def __init__(self, keys: Keys) -> None:
        self._key = keys.derive("certification/salt")
        self._frames: dict[tuple[Computed, Feed, dt.date], tuple[bytes, bytes]] = {}

    def salt_of(self, claim_key: UUID) -> bytes:
        """16 bytes that only this platform can find for an act."""
        return hmac.digest(self._key, claim_key.bytes, "sha256")[:SALT_BYTES]

    def digest(
        self, claim_key: UUID, *, computed: Computed, feed: Feed, day: dt.date, inputs: str, grams: int
    ) -> bytes:
        """The digest of an act whose inputs are given as JSON text."""
        frame = self._frames.get((computed, feed, day))
        if frame is None:
            if len(self._frames) > _FRAMES:
                self._frames.clear()
            frame = self._frames[computed, feed, day] = _frame(computed, feed, day)
        numbers = numbers_of(json.loads(inputs))
        middle = f'{grams},"inputs":{json.dumps(numbers, sort_keys=True, separators=(",", ":"), ensure_ascii=False)}'
        return hashlib.sha256(self.salt_of(claim_key) + frame[0] + middle.encode() + frame[1]).digest()


_FRAMES = 10_000
_MARK = -7_318_015


def _frame(computed: Computed, feed: Feed, day: dt.date) -> tuple[bytes, bytes]:
    """What stands before and behind the grams and inputs in the canonical form."""
    whole = canonical.encode(facts_of(computed=computed, feed=feed, day=day, inputs={}, grams=_MARK))
    before, _, behind = whole.partition(f'{_MARK},"inputs":{{}}'.encode())
    return before, behind
