"""From grams to tonnes and back: which leaves a certified tree has, which tonnes they make, what is carried on.

Pure. A batch's frozen leaves are its acts in the fixed order. Its certified leaves are the carry of the batch before,
then the frozen ones with the grams that verification left, cut at the end by the extrapolated deduction. Tonne k
(from 1) of a batch is grams `[(k - 1) * 10**6, k * 10**6)` of the certified tree, and the grams behind the last whole
tonne are the first leaf of the series' next batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.certification.sumtree.leaves import (
    DIGEST_BYTES,
    MAX_SUM,
    Leaf,
    Leaves,
    OutsideTheLeaves,
    SumRoot,
)
from backend.kit.errors import DomainError, Kind
from backend.kit.quantities import GRAMS_PER_TONNE

_CARRY = b"\x12"


@dataclass(eq=False)
class DeductionExceedsVerified(DomainError):
    """A deduction takes away no more than what the acts of the batch have after rejection."""

    code = "certification.deduction_exceeds_verified"
    kind = Kind.INVALID
    title_zh = "扣减量不得超过剔除后本批次行为的减排量。"

    verified_g: int


@dataclass(eq=False)
class RejectionNotPossible(DomainError):
    """A rejection leaves an act of the batch fewer grams than it was frozen with, and not fewer than none."""

    code = "certification.rejection_not_possible"
    kind = Kind.INVALID
    title_zh = "剔除须针对本批次的行为，且剩余克数不少于零、须少于冻结时的克数。"

    position: int


def certified_leaves(
    *, carry: Leaf | None, frozen: Sequence[Leaf], rejected: Mapping[int, int], deduction_g: int
) -> Leaves:
    """The leaves of the certified tree: the carry, then what verification left of the acts, in the frozen order.

    `rejected` gives, by frozen position, the grams that an act keeps (0: none of them). An act keeps its first grams.
    The deduction drops acts from the end and shortens one; it never touches the carry. RejectionNotPossible, or
    DeductionExceedsVerified.
    """
    columns = Leaves.of(frozen)
    kept = columns.grams.copy()
    for position, keeps in rejected.items():
        if not 0 <= position < len(columns) or not 0 <= keeps < int(columns.grams[position]):
            raise RejectionNotPossible(position=position)
        kept[position] = keeps
    ends = np.cumsum(kept, dtype=np.uint64)
    verified = int(ends[-1]) if len(ends) else 0
    if not 0 <= deduction_g <= verified:
        raise DeductionExceedsVerified(verified_g=verified)
    left = np.uint64(verified - deduction_g)
    kept = np.minimum(ends, left) - np.minimum(ends - kept, left)
    stay = kept > 0
    digests = np.frombuffer(columns.digests, np.uint8).reshape(-1, DIGEST_BYTES)[stay].tobytes()
    from_grams, grams = columns.from_grams[stay], kept[stay]
    if carry is not None:
        first = Leaves.of([carry])
        digests = first.digests + digests
        from_grams = np.concatenate((first.from_grams, from_grams))
        grams = np.concatenate((first.grams, grams))
    return Leaves(digests, from_grams, grams)


def split(total_g: int) -> tuple[int, int]:
    """Whole tonnes, and the grams carried on."""
    return divmod(total_g, GRAMS_PER_TONNE)


def carry_leaf(previous: SumRoot) -> Leaf | None:
    """The leaf that carries the rest of a certified tree into the series' next batch; None when nothing is left over.

    Its digest names the whole previous tree, its grams are those behind the last whole tonne there.
    """
    tonnes, grams = split(previous.grams)
    if not grams:
        return None
    return Leaf(carry_digest(previous), tonnes * GRAMS_PER_TONNE, grams)


def carry_digest(previous: SumRoot) -> bytes:
    """SHA-256(0x12 ‖ root hash ‖ sum u64) of the previous certified tree."""
    return hashlib.sha256(_CARRY + previous.hash + previous.grams.to_bytes(8, "big")).digest()


def tonne_range(tonne: int) -> tuple[int, int]:
    """The grams `[low, high)` of a batch's certified tree that its tonne (from 1) is made of."""
    if tonne < 1 or tonne * GRAMS_PER_TONNE > MAX_SUM:
        raise OutsideTheLeaves
    return (tonne - 1) * GRAMS_PER_TONNE, tonne * GRAMS_PER_TONNE


def tonnes_of(*, low: int, high: int, total_g: int) -> range:
    """The whole tonnes (from 1) of a tree of `total_g` that grams `[low, high)` are part of; empty when all of them are carried on."""
    if not 0 <= low < high <= total_g:
        raise OutsideTheLeaves
    whole, _ = split(total_g)
    return range(low // GRAMS_PER_TONNE + 1, min((high - 1) // GRAMS_PER_TONNE + 1, whole) + 1)
