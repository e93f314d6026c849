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

from backend.certification.leaves import (
    DIGEST_BYTES,
    EMPTY,
    MAX_SUM,
    Leaf,
    LeafInvalid,
    Leaves,
    Node,
    OutsideTheLeaves,
    StoredTreeDiffers,
    SumNotProven,
    SumOverflows,
    SumRoot,
    hash_leaves,
    leaf_hash,
    node_hash,
    parent,
    rise,
    top_level,
    width,
)
from backend.certification.openings import (
    Covered,
    Nodes,
    Opened,
    Opening,
    find,
    prove_leaf,
    prove_leaves,
    prove_range,
    verify_opening,
    verify_range,
)

__all__ = [
    "CHUNK_LEAVES",
    "CHUNK_LEVEL",
    "DIGEST_BYTES",
    "EMPTY",
    "MAX_SUM",
    "Covered",
    "Leaf",
    "LeafInvalid",
    "Leaves",
    "Node",
    "Nodes",
    "Opened",
    "Opening",
    "OutsideTheLeaves",
    "Part",
    "Place",
    "StoredTreeDiffers",
    "SumNotProven",
    "SumOverflows",
    "SumRoot",
    "Tree",
    "UpperNode",
    "find",
    "leaf_hash",
    "needed",
    "node_hash",
    "parent",
    "prove_leaf",
    "prove_leaves",
    "prove_range",
    "root_of",
    "top_level",
    "upper_nodes",
    "verify_opening",
    "verify_range",
    "width",
]

CHUNK_LEVEL = 8
CHUNK_LEAVES = 1 << CHUNK_LEVEL  # leaves below one node of the lowest stored level

Place = tuple[int, int]  # (level, number)


class UpperNode(NamedTuple):
    """A row to store. `from_gram`, where the subtree begins, finds the right one; a proof does not rest on it."""

    level: int
    number: int
    hash: bytes
    grams: int
    from_gram: int


class Tree:
    """A tree in memory: a million leaves take about a second and 140 MB."""

    def __init__(self, leaves: Iterable[Leaf]) -> None:
        self.leaves = Leaves.of(leaves)
        self.count = len(self.leaves)
        hashes, sums = hash_leaves(self.leaves), self.leaves.grams
        self._levels = [(hashes, sums)]
        while len(sums) > 1:
            hashes, sums = rise(hashes, sums)
            self._levels.append((hashes, sums))

    @property
    def root(self) -> SumRoot:
        """The root over all leaves."""
        if not self.count:
            return EMPTY
        return SumRoot(*self.node(len(self._levels) - 1, 0), self.count)

    def node(self, level: int, number: int) -> Node:
        """One subtree; above the root, the root."""
        hashes, sums = self._levels[min(level, len(self._levels) - 1)]
        if not 0 <= number < len(sums):
            raise OutsideTheLeaves
        return Node(hashes[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES], int(sums[number]))

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
        self._chunks = {number: Tree(leaves) for number, leaves in chunks.items()}
        for number, tree in self._chunks.items():
            if tree.count != min(CHUNK_LEAVES, count - number * CHUNK_LEAVES):
                raise StoredTreeDiffers
            if tree.node(CHUNK_LEVEL, 0) != self.node(CHUNK_LEVEL, number):
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
        return self._chunk(index >> CHUNK_LEVEL).leaf(index & (CHUNK_LEAVES - 1))

    def _chunk(self, number: int) -> Tree:
        found = self._chunks.get(number)
        if found is None:
            raise StoredTreeDiffers
        return found
