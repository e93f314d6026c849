"""The Merkle tree of RFC 6962 (the same as RFC 9162 with SHA-256): roots, proofs and their verification.

Pure: bytes in, bytes out. A leaf hash is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right); the prefixes
keep a node from being passed off as a leaf (RFC 6962, section 2.1). A tree of n leaves is split at the largest
power of two below n, so every subtree that starts at a multiple of its size is complete and never changes again.
`Node(level, number)` names the complete subtree over leaves `[number * 2**level, (number + 1) * 2**level)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32


class Node(NamedTuple):
    """A complete subtree by its place; level 0 is a leaf."""

    level: int
    number: int


Span = tuple[int, int]  # leaves [low, high) of one subtree of some tree, whose low is a multiple of its size


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: as many hashes as `size` has bits, enough to append and to know the root."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # complete subtrees, the largest first

    @classmethod
    def of(cls, size: int, peaks: Iterable[bytes]) -> Frontier:
        """The edge of a tree of `size` leaves whose complete subtrees, the largest first, have these hashes."""
        frontier = cls()
        frontier.size, frontier._peaks = size, list(peaks)
        return frontier

    def append(self, leaf: bytes) -> Iterator[tuple[Node, bytes]]:
        """Add a leaf hash; yields the node of the leaf and of every subtree that it completes."""
        node, value = Node(0, self.size), leaf
        self.size += 1
        yield node, value
        while node.number & 1:
            value = node_hash(self._peaks.pop(), value)
            node = Node(node.level + 1, node.number >> 1)
            yield node, value
        self._peaks.append(value)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes when only the root is wanted."""
        sha256, peaks, size = hashlib.sha256, self._peaks, self.size
        for leaf in leaves:
            value, place = leaf, size
            while place & 1:
                value = sha256(b"\x01" + peaks.pop() + value).digest()
                place >>= 1
            peaks.append(value)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The root over all leaves so far; the empty tree's is SHA-256 of nothing."""
        return fold(self._peaks) if self._peaks else EMPTY_ROOT


def fold(peaks: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees, the largest first."""
    value = peaks[-1]
    for left in reversed(peaks[:-1]):
        value = node_hash(left, value)
    return value


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def complete_nodes(span: Span) -> list[Node]:
    """The complete subtrees that make up a subtree, the largest first."""
    low, high = span
    nodes = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(Node(level, low >> level))
        low += 1 << level
    return nodes


def hash_of(span: Span, stored: Mapping[Node, bytes]) -> bytes:
    """The hash of a subtree, from stored complete nodes; KeyError when one is missing."""
    return fold([stored[node] for node in complete_nodes(span)])


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose hashes prove that leaf `index` is in the tree of `size` (PATH, RFC 6962 section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("the index lies outside the tree")
    low, high, spans = 0, size, list[Span]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The subtrees that prove the tree of `old` leaves a prefix of that of `new` (PROOF, RFC 6962 section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError("an old tree has at least one leaf and no more than the new one")
    low, high, spans, whole = 0, new, list[Span](), True
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low, whole = middle, False
    if not whole:
        spans.append((low, high))
    return spans[::-1]


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows the leaf hash at `index` of the tree with this root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node_hash(step, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, step)
        place, last = place >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the new tree only added to the old one (RFC 9162, section 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
