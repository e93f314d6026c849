"""Leaves, nodes and their hashes: the parts of a Merkle-sum tree, and what is no such part.

Pure. The formats stand in `sumtree`; leaves in columns and rows hashed many at a time make a million leaves a matter of
about a second.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Protocol, overload

import numpy as np
import numpy.typing as npt

from backend.kit.errors import DomainError, Kind

MAX_SUM = 2**64 - 1
DIGEST_BYTES = 32

_LEAF = b"\x10"
_NODE = b"\x11"
_ROWS = 1 << 12  # rows hashed at a time, so that what is copied stays in the processor's cache

_U64 = np.dtype(">u8")
_Bytes = npt.NDArray[np.uint8]
Sums = npt.NDArray[np.uint64]


@dataclass(eq=False)
class LeafInvalid(DomainError):
    """A leaf has a digest of 32 bytes, at least one gram, and numbers that fit in 64 bits."""

    code = "certification.leaf_invalid"
    kind = Kind.INVALID
    title_zh = "叶子须有 32 字节的摘要、至少 1 克，且各数不超过 64 位。"


@dataclass(eq=False)
class SumOverflows(DomainError):
    """The leaves together hold more grams than 64 bits can count."""

    code = "certification.sum_overflows"
    kind = Kind.INVALID
    title_zh = "各叶子克数之和超过 64 位所能表示的范围。"


@dataclass(eq=False)
class OutsideTheLeaves(DomainError):
    """The tree has no such leaf or grams."""

    code = "certification.outside_the_leaves"
    kind = Kind.NOT_FOUND
    title_zh = "该树没有这一叶子或这些克数。"


@dataclass(eq=False)
class StoredTreeDiffers(DomainError):
    """The stored nodes of a tree are incomplete or are not those of its leaves."""

    code = "certification.stored_tree_differs"
    kind = Kind.CONFLICT
    title_zh = "所存的树节点不全，或与叶子不符。"


@dataclass(eq=False)
class SumNotProven(DomainError):
    """The opening of a sum tree does not lead to its root."""

    code = "certification.sum_not_proven"
    kind = Kind.INVALID
    title_zh = "对求和树的证明不能推出其树根。"

    why: str


class Leaf(NamedTuple):
    """Grams of one act, or those carried over from the previous batch: `grams` of them, the first being `from_gram`."""

    digest: bytes
    from_gram: int
    grams: int


class Node(NamedTuple):
    """A subtree: its hash, and how many grams it holds."""

    hash: bytes
    grams: int


class SumRoot(NamedTuple):
    """What is logged of a tree. A tree without leaves has the hash of nothing and no grams."""

    hash: bytes
    grams: int
    leaves: int


EMPTY = SumRoot(sha256(b"").digest(), 0, 0)


def leaf_hash(leaf: Leaf) -> bytes:
    """The hash of a leaf; LeafInvalid when it is none."""
    require_leaf(leaf)
    numbers = leaf.from_gram.to_bytes(8, "big") + leaf.grams.to_bytes(8, "big")
    return sha256(_LEAF + leaf.digest + numbers).digest()


def require_leaf(leaf: Leaf) -> None:
    """Refuse with LeafInvalid what is no leaf."""
    if not (len(leaf.digest) == DIGEST_BYTES and leaf.from_gram >= 0 and leaf.grams > 0) or (
        leaf.from_gram + leaf.grams > MAX_SUM
    ):
        raise LeafInvalid


def node_hash(left: Node, right: Node) -> bytes:
    """The hash of two neighbouring subtrees, binding both sums."""
    sums = left.grams.to_bytes(8, "big"), right.grams.to_bytes(8, "big")
    return sha256(_NODE + left.hash + sums[0] + right.hash + sums[1]).digest()


def parent(left: Node, right: Node) -> Node:
    """The node above two neighbours; SumOverflows beyond 64 bits."""
    if left.grams + right.grams > MAX_SUM:
        raise SumOverflows
    return Node(node_hash(left, right), left.grams + right.grams)


def top_level(count: int) -> int:
    """The level of the root over `count` leaves (at least 1)."""
    return (count - 1).bit_length()


def width(count: int, level: int) -> int:
    """How many nodes a level has."""
    return (count + (1 << level) - 1) >> level


class Leaves(Sequence[Leaf]):
    """Leaves in columns: 48 bytes each and hashed quickly. Takes the place of a list of `Leaf`."""

    def __init__(self, digests: bytes, from_grams: Sequence[int] | Sums, grams: Sequence[int] | Sums) -> None:
        """Digests end to end; LeafInvalid when a number is not a leaf's, SumOverflows when all together are too many."""
        try:
            self.from_grams = np.asarray(from_grams, dtype=np.uint64)
            self.grams = np.asarray(grams, dtype=np.uint64)
        except (OverflowError, ValueError, TypeError):
            raise LeafInvalid from None
        self.digests = digests
        count = len(self.grams)
        if len(digests) != DIGEST_BYTES * count or len(self.from_grams) != count or not self.grams.all():
            raise LeafInvalid
        if (self.grams > np.uint64(MAX_SUM) - self.from_grams).any():
            raise LeafInvalid
        self.total = _total(self.grams)
        if self.total > MAX_SUM:
            raise SumOverflows

    @classmethod
    def of(cls, leaves: Iterable[Leaf]) -> Leaves:
        """The same leaves in columns."""
        if isinstance(leaves, cls):
            return leaves
        listed = list(leaves)
        if any(len(leaf.digest) != DIGEST_BYTES or leaf.from_gram < 0 or leaf.grams < 1 for leaf in listed):
            raise LeafInvalid
        return cls(
            b"".join(leaf.digest for leaf in listed),
            [leaf.from_gram for leaf in listed],
            [leaf.grams for leaf in listed],
        )

    def __len__(self) -> int:
        return len(self.grams)

    @overload
    def __getitem__(self, place: int) -> Leaf: ...
    @overload
    def __getitem__(self, place: slice) -> Leaves: ...
    def __getitem__(self, place: int | slice) -> Leaf | Leaves:
        if isinstance(place, slice):
            low, high, step = place.indices(len(self))
            if step != 1:
                raise ValueError("leaves are taken in order")
            digests = self.digests[low * DIGEST_BYTES : max(low, high) * DIGEST_BYTES]
            return Leaves(digests, self.from_grams[low:high], self.grams[low:high])
        index = range(len(self))[place]
        digest = self.digests[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES]
        return Leaf(digest, int(self.from_grams[index]), int(self.grams[index]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(tuple.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]  # as a list has none


def _total(sums: Sums) -> int:
    """The exact sum of 64-bit numbers, which may need more bits."""
    high, low = sums >> np.uint64(32), sums & np.uint64(0xFFFFFFFF)
    return (int(high.sum(dtype=np.uint64)) << 32) + int(low.sum(dtype=np.uint64))


# --- hashing many ------------------------------------------------------------------------------------------------


def hash_leaves(leaves: Leaves) -> bytes:
    """The hashes of leaves, end to end."""
    digests = np.frombuffer(leaves.digests, np.uint8).reshape(-1, DIGEST_BYTES)
    numbers = np.stack((leaves.from_grams, leaves.grams), axis=1).astype(_U64)

    def rows(low: int, high: int) -> list[_Bytes]:
        return [digests[low:high], numbers[low:high].view(np.uint8)]

    return _hash_rows(_LEAF, rows, count=len(leaves))


def rise(hashes: bytes, sums: Sums) -> tuple[bytes, Sums]:
    """The level above: pairs hashed, an odd last node taken over."""
    pairs = len(sums) // 2
    if not pairs:
        return hashes, sums
    two = np.frombuffer(hashes, np.uint8, count=pairs * 2 * DIGEST_BYTES).reshape(pairs, 2, DIGEST_BYTES)
    numbers = sums[: pairs * 2].astype(_U64).view(np.uint8).reshape(pairs, 2, 8)

    def rows(low: int, high: int) -> list[_Bytes]:
        return [part[low:high, side] for side in (0, 1) for part in (two, numbers)]

    above = _hash_rows(_NODE, rows, count=pairs)
    both = sums[0 : pairs * 2 : 2] + sums[1 : pairs * 2 : 2]
    if len(sums) % 2:
        return above + hashes[-DIGEST_BYTES:], np.append(both, sums[-1])
    return above, both


def _hash_rows(prefix: bytes, rows: _RowsOf, *, count: int) -> bytes:
    """SHA-256 over each row of some columns of bytes, the hashes end to end.

    Cutting a block into its rows by one `struct` and not by slices saves a quarter of the time.
    """
    found = []
    for low in range(0, count, _ROWS):
        columns = rows(low, min(low + _ROWS, count))
        lead = np.full((len(columns[0]), 1), prefix[0], np.uint8)
        table = np.concatenate((lead, *columns), axis=1)
        cut = _cutter(table.shape[1], table.shape[0]).unpack(table.tobytes())
        found.append(b"".join([sha256(row).digest() for row in cut]))
    return b"".join(found)


@functools.lru_cache(maxsize=4)
def _cutter(size: int, count: int) -> struct.Struct:
    return struct.Struct(f"{size}s" * count)


class _RowsOf(Protocol):
    def __call__(self, low: int, high: int, /) -> list[_Bytes]: ...
