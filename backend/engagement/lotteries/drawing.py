"""The draw itself: pure, and the same as `docs/lottery_draw.py` says it without any of this code.

commitment  = SHA-256(secret || lottery id)                                        secrets are 32 bytes, ids 16
entries     = SHA-256 over the labels `<handle>-<number>`, sorted, each followed by a newline
seed        = SHA-256(operator's secret || second party's secret || entries || lottery id)
winners     = the sorted labels shuffled by Fisher and Yates from the front; the n-th random number is the first
              8 bytes of SHA-256(seed || n as 8 bytes), drawn again where it would favour somebody
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

_WORD = 2**64


@dataclass(frozen=True, slots=True)
class Prize:
    """One kind of prize, and how many of it there are."""

    id: str
    zh: str
    en: str
    count: int


@dataclass(frozen=True, slots=True)
class Winner:
    """Who won what: `place` counts from 1 in the order of drawing, `label` is the entry's."""

    place: int
    prize: str
    label: str


def commitment_to(secret: bytes, lottery_id: UUID) -> bytes:
    """What a party publishes before entries close."""
    return hashlib.sha256(secret + lottery_id.bytes).digest()


def digest_of(labels: Sequence[str]) -> bytes:
    """What fixes the entries; `labels` are sorted."""
    return hashlib.sha256("".join(f"{label}\n" for label in labels).encode()).digest()


def seed_of(*, operator: bytes, second: bytes, entries_sha256: bytes, lottery_id: UUID) -> bytes:
    """What nobody could know before both secrets were revealed."""
    return hashlib.sha256(operator + second + entries_sha256 + lottery_id.bytes).digest()


def winners(
    seed: bytes, labels: Sequence[str], prizes: Sequence[Prize], *, one_prize_per_person: bool
) -> list[Winner]:
    """Who wins, in the order of the prizes; prizes are left where there are too few entries."""
    waiting = [prize.id for prize in prizes for _ in range(prize.count)]
    found: list[Winner] = []
    won: set[str] = set()
    for label in _shuffled(seed, labels):
        if len(found) == len(waiting):
            break
        person = label.split("-")[0]
        if one_prize_per_person and person in won:
            continue
        won.add(person)
        found.append(Winner(len(found) + 1, waiting[len(found)], label))
    return found


def _shuffled(seed: bytes, labels: Sequence[str]) -> Iterator[str]:
    """The labels in random order, one at a time."""
    order, numbers = list(labels), _numbers(seed)
    for at in range(len(order)):
        other = at + below(len(order) - at, numbers)
        order[at], order[other] = order[other], order[at]
        yield order[at]


def below(left: int, numbers: Iterator[int]) -> int:
    """One of `left` places, each as likely as any other: numbers above the last whole multiple of `left` are passed over."""
    return next(one for one in numbers if one < _WORD - _WORD % left) % left


def _numbers(seed: bytes) -> Iterator[int]:
    """Numbers below 2**64 that the seed gives, without end."""
    n = 0
    while True:
        yield int.from_bytes(hashlib.sha256(seed + n.to_bytes(8, "big")).digest()[:8], "big")
        n += 1
