"""The Merkle-sum tree over a batch's leaves: hashes that bind how many grams lie where.

Pure: leaves in, hashes and proofs out. A leaf is SHA-256(0x10 ‖ digest ‖ from_gram u64 ‖ grams u64), a node
SHA-256(0x11 ‖ left hash ‖ left sum u64 ‖ right hash ‖ right sum u64), all numbers big-endian; the last node of a level
with an odd number of them is promoted unchanged. A node binds both of its children's sums, so nobody can move grams
between them or state another total. The log never uses these prefixes, so neither tree's nodes pass for the other's.
`(level, number)` names the subtree over leaves `[number * 2**level, (number + 1) * 2**level)`, cut at the last leaf.

A noun that keeps millions of leaves stores only `upper_nodes`, and rebuilds what lies below them from the leaves:

    low_chunk, high_chunk = the numbers of the level-8 rows whose grams hold `low` and `high - 1` (by `from_gram`)
    rows   = the stored nodes that `needed(count=leaves, chunks=(low_chunk, high_chunk))` names
    tree   = Part(count=leaves, nodes=rows, chunks={number: the leaves of that chunk, in order})
    opened = prove_range(tree, low=low, high=high)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.certification.sumtree.leaves import (
    DIGEST_BYTES,
    EMPTY,
    Leaf,
    Leaves,
    Node,
    OutsideTheLeaves,
    StoredTreeDiffers,
    SumRoot,
    Sums,
    hash_leaves,
    parent,
    rise,
    top_level,
    width,
)

CHUNK_LEVEL = 8
CHUNK_LEAVES = 1 << CHUNK_LEVEL  # leaves below one node of the lowest stored level

_BLOCK = 1 << 16  # leaves whose nodes are made at a time: a multiple of a chunk
_CHUNKS_KEPT = 64
_NO_SUMS = np.zeros(0, np.uint64)

Place = tuple[int, int]  # (level, number)


class UpperNode(NamedTuple):
    """A row to store. `from_gram`, where the subtree begins, finds the right one; a proof does not rest on it."""

    level: int
    number: int
    hash: bytes
    grams: int
    from_gram: int


class _Chunk:
    """All nodes of one subtree of at most 256 leaves, up to level 8."""

    def __init__(self, leaves: Leaves) -> None:
        self.count = len(leaves)
        self._levels = [(hash_leaves(leaves), leaves.grams)]
        for _ in range(CHUNK_LEVEL):
            self._levels.append(rise(*self._levels[-1]))

    def node(self, level: int, number: int) -> Node:
        return _node_of(*self._levels[level], number)


def _node_of(hashes: bytes, sums: Sums, number: int) -> Node:
    if not 0 <= number < len(sums):
        raise OutsideTheLeaves
    return Node(hashes[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES], int(sums[number]))


class Tree:
    """A tree in memory: its leaves, 48 bytes each, and the nodes over 256 of them or more.

    What lies between is hashed again when it is asked for. A million leaves take about a second.
    """

    def __init__(self, leaves: Iterable[Leaf]) -> None:
        self.leaves = Leaves.of(leaves)
        self.count = len(self.leaves)
        blocks = [self._block(low) for low in range(0, self.count, _BLOCK)]
        hashes, sums = (
            b"".join(made for made, _ in blocks),
            np.concatenate([_NO_SUMS, *(s for _, s in blocks)]),
        )
        self._upper = [(hashes, sums)]
        while len(sums) > 1:
            hashes, sums = rise(hashes, sums)
            self._upper.append((hashes, sums))
        self._chunks: dict[int, _Chunk] = {}

    def _block(self, low: int) -> tuple[bytes, Sums]:
        """The nodes of level 8 over some leaves whose number fits the processor's cache."""
        leaves = self.leaves[low : low + _BLOCK]
        hashes, sums = hash_leaves(leaves), leaves.grams
        for _ in range(CHUNK_LEVEL):
            hashes, sums = rise(hashes, sums)
        return hashes, sums

    @property
    def root(self) -> SumRoot:
        """The root over all leaves."""
        return SumRoot(*_node_of(*self._upper[-1], 0), self.count) if self.count else EMPTY

    def node(self, level: int, number: int) -> Node:
        """One subtree; above the root, the root."""
        if level >= CHUNK_LEVEL:
            return _node_of(*self._upper[min(level - CHUNK_LEVEL, len(self._upper) - 1)], number)
        if not 0 <= number < width(self.count, level):
            raise OutsideTheLeaves
        shift = CHUNK_LEVEL - level
        return self._chunk(number >> shift).node(level, number & ((1 << shift) - 1))

    def _chunk(self, number: int) -> _Chunk:
        if number not in self._chunks:
            if len(self._chunks) >= _CHUNKS_KEPT:
                self._chunks.clear()
            self._chunks[number] = _Chunk(self.leaves[number * CHUNK_LEAVES : (number + 1) * CHUNK_LEAVES])
        return self._chunks[number]

    def leaf(self, index: int) -> Leaf:
        """One leaf."""
        if not 0 <= index < self.count:
            raise OutsideTheLeaves
        return self.leaves[index]


def root_of(leaves: Iterable[Leaf]) -> SumRoot:
    """The root over leaves in order."""
    return Tree(leaves).root


def upper_nodes(tree: Tree) -> Iterator[UpperNode]:
    """The nodes of level 8 and above, the root last: one row for each 128 leaves. A tree without leaves has none."""
    if not tree.count:
        return
    for level in range(CHUNK_LEVEL, max(CHUNK_LEVEL, top_level(tree.count)) + 1):
        from_gram = 0
        for number in range(width(tree.count, level)):
            node = tree.node(level, number)
            yield UpperNode(level, number, node.hash, node.grams, from_gram)
            from_gram += node.grams


def needed(*, count: int, chunks: Iterable[int]) -> list[Place]:
    """The stored nodes that `Part` needs for proofs about leaves of these chunks (each of 256): on the way to the root, and beside it."""
    places = dict[Place, None]()
    for chunk in chunks:
        if not 0 <= chunk < width(count, CHUNK_LEVEL):
            raise OutsideTheLeaves
        for level in range(CHUNK_LEVEL, max(CHUNK_LEVEL, top_level(count)) + 1):
            number = chunk >> (level - CHUNK_LEVEL)
            beside = [at for at in (number, number ^ 1) if at < width(count, level)]
            places.update(((level, at), None) for at in beside)
    return list(places)


class Part:
    """As much of a stored tree as some proofs need: the nodes that `needed` named, and the leaves of the chunks."""

    def __init__(
        self, *, count: int, nodes: Mapping[Place, Node], chunks: Mapping[int, Sequence[Leaf]]
    ) -> None:
        """StoredTreeDiffers when a chunk's leaves do not give its stored node, or nodes not those above them."""
        self.count = count
        self._nodes = {place: Node(bytes(node[0]), node[1]) for place, node in nodes.items()}
        self._leaves = {number: Leaves.of(leaves) for number, leaves in chunks.items()}
        self._chunks = {number: _Chunk(leaves) for number, leaves in self._leaves.items()}
        for number, chunk in self._chunks.items():
            if chunk.count != min(CHUNK_LEAVES, count - number * CHUNK_LEAVES):
                raise StoredTreeDiffers
            if chunk.node(CHUNK_LEVEL, 0) != self.node(CHUNK_LEVEL, number):
                raise StoredTreeDiffers
            for level in range(CHUNK_LEVEL, top_level(count)):
                self._require_parent(level + 1, number >> (level + 1 - CHUNK_LEVEL))

    def _require_parent(self, level: int, number: int) -> None:
        made = self.node(level - 1, 2 * number)
        if 2 * number + 1 < width(self.count, level - 1):
            made = parent(made, self.node(level - 1, 2 * number + 1))
        if made != self.node(level, number):
            raise StoredTreeDiffers

    @property
    def root(self) -> SumRoot:
        """The root, as stored."""
        return SumRoot(*self.node(max(CHUNK_LEVEL, top_level(self.count)), 0), self.count)

    def node(self, level: int, number: int) -> Node:
        """One subtree; StoredTreeDiffers when it was not read."""
        if level >= CHUNK_LEVEL:
            found = self._nodes.get((min(level, max(CHUNK_LEVEL, top_level(self.count))), number))
            if found is None:
                raise StoredTreeDiffers
            return found
        shift = CHUNK_LEVEL - level
        return self._chunk(number >> shift).node(level, number & ((1 << shift) - 1))

    def leaf(self, index: int) -> Leaf:
        """One leaf; StoredTreeDiffers when its chunk was not read."""
        self._chunk(index >> CHUNK_LEVEL)
        return self._leaves[index >> CHUNK_LEVEL][index & (CHUNK_LEAVES - 1)]

    def _chunk(self, number: int) -> _Chunk:
        found = self._chunks.get(number)
        if found is None:
            raise StoredTreeDiffers
        return found
