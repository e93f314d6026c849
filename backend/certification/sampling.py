"""Which acts a verifier looks at: drawn with the weight of their grams, by a seed that nobody chose.

Pure. The seed is made of the frozen root and of the log's root once the freezing stood in it, so it was not known when
the acts were frozen; draw n is a gram of the frozen tree. Whoever has both roots draws the same acts again.
"""

from __future__ import annotations

import hashlib

_SEED = b"puhui/certification/sample/1"


def seed_of(*, frozen_root: bytes, log_root: bytes, number: int) -> bytes:
    """SHA-256 over a name, both roots (32 bytes each) and the number (u64) of the sample within its batch."""
    return hashlib.sha256(_SEED + frozen_root + log_root + number.to_bytes(8, "big")).digest()


def grams_drawn(seed: bytes, *, draws: int, frozen_g: int) -> list[int]:
    """The gram of each draw: SHA-256(seed ‖ draw u64) modulo the grams; 256 bits leave no weight worth naming."""
    return [
        int.from_bytes(hashlib.sha256(seed + draw.to_bytes(8, "big")).digest()) % frozen_g
        for draw in range(1, draws + 1)
    ]


def projected_g(*, drawn: list[tuple[int, int]], frozen_g: int, found_g: int) -> int:
    """What the sample says of the rest, rounded up: the mean part by which drawn acts were overstated, of all grams.

    `drawn` gives for each draw the frozen grams and those that stand; `found_g`, what the findings took away already,
    is left out.
    """
    if not drawn:
        return 0
    # the mean of (frozen - kept) / frozen over the draws, times all grams, in whole numbers without a rounding on the way
    common = 1
    for frozen, _ in drawn:
        common *= frozen
    parts = sum((frozen - kept) * (common // frozen) for frozen, kept in drawn)
    whole = -(-parts * frozen_g // (common * len(drawn)))
    return max(0, whole - found_g)
