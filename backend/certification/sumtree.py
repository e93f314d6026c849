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

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Protocol, overload

import numpy as np
import numpy.typing as npt

from backend.kit.errors import DomainError, Kind

MAX_SUM = 2**64 - 1
DIGEST_BYTES = 32
CHUNK_LEVEL = 8
CHUNK_LEAVES = 1 << CHUNK_LEVEL  # leaves below one node of the lowest stored level

_LEAF = b"\x10"
_NODE = b"\x11"
_ROWS = 1 << 16  # rows hashed at a time, so that what is copied stays in the processor's cache

_U64 = np.dtype(">u8")
_Bytes = npt.NDArray[np.uint8]
_Sums = npt.NDArray[np.uint64]


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


class UpperNode(NamedTuple):
    """A row to store. `from_gram`, where the subtree begins, finds the right one; a proof does not rest on it."""

    level: int
    number: int
    hash: bytes
    grams: int
    from_gram: int


Place = tuple[int, int]  # (level, number)

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

    def __init__(
        self, digests: bytes, from_grams: Sequence[int] | _Sums, grams: Sequence[int] | _Sums
    ) -> None:
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


def _total(sums: _Sums) -> int:
    """The exact sum of 64-bit numbers, which may need more bits."""
    high, low = sums >> np.uint64(32), sums & np.uint64(0xFFFFFFFF)
    return (int(high.sum(dtype=np.uint64)) << 32) + int(low.sum(dtype=np.uint64))


class Nodes(Protocol):
    """A tree that can be asked for its nodes, wherever it keeps them."""

    @property
    def count(self) -> int:
        """How many leaves there are."""

    def node(self, level: int, number: int) -> Node:
        """One subtree."""

    def leaf(self, index: int) -> Leaf:
        """One leaf."""


class Tree:
    """A tree in memory: a million leaves take about a second and 140 MB."""

    def __init__(self, leaves: Iterable[Leaf]) -> None:
        self.leaves = Leaves.of(leaves)
        self.count = len(self.leaves)
        hashes, sums = _hash_leaves(self.leaves), self.leaves.grams
        self._levels = [(hashes, sums)]
        while len(sums) > 1:
            hashes, sums = _rise(hashes, sums)
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


# --- hashing many ------------------------------------------------------------------------------------------------


def _hash_leaves(leaves: Leaves) -> bytes:
    digests = np.frombuffer(leaves.digests, np.uint8).reshape(-1, DIGEST_BYTES)
    numbers = np.stack((leaves.from_grams, leaves.grams), axis=1).astype(_U64)

    def rows(low: int, high: int) -> list[_Bytes]:
        return [digests[low:high], numbers[low:high].view(np.uint8)]

    return _hash_rows(_LEAF, rows, count=len(leaves))


def _rise(hashes: bytes, sums: _Sums) -> tuple[bytes, _Sums]:
    """The level above: pairs hashed, an odd last node taken over."""
    pairs = len(sums) // 2
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
    """SHA-256 over each row of some columns of bytes, the hashes end to end."""
    found = []
    for low in range(0, count, _ROWS):
        columns = rows(low, min(low + _ROWS, count))
        lead = np.full((len(columns[0]), 1), prefix[0], np.uint8)
        table = np.concatenate((lead, *columns), axis=1)
        size, data = table.shape[1], table.tobytes()
        found.append(b"".join([sha256(data[at : at + size]).digest() for at in range(0, len(data), size)]))
    return b"".join(found)


class _RowsOf(Protocol):
    def __call__(self, low: int, high: int, /) -> list[_Bytes]: ...


# --- openings ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """One or two leaves of a tree and the subtrees around and between them, which together give its root.

    `leaves` are those at `first` and `last` (one when they are the same); `nodes`, from left to right, are the largest
    subtrees that hold neither, so their number and places follow from the leaf count, `first` and `last` alone.
    """

    first: int
    last: int
    leaves: tuple[Leaf, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the leaves of a true opening lie: leaf `first` begins at gram `first_at` of the tree, `last` at `last_at`."""

    first: int
    last: int
    leaves: tuple[Leaf, ...]
    first_at: int
    last_at: int

    @property
    def end(self) -> int:
        """The gram behind leaf `last`."""
        return self.last_at + self.leaves[-1].grams


@dataclass(frozen=True, slots=True)
class Covered:
    """Which leaves grams `[low, high)` of a tree are: all grams of those between, and of the two at the ends these.

    `first_part` and `last_part` are half-open and count within the leaf (0 is its first gram); they are the same part when there is one leaf.
    """

    first: int
    last: int
    leaves: tuple[Leaf, ...]
    first_part: tuple[int, int]
    last_part: tuple[int, int]


def prove_leaves(tree: Nodes, *, first: int, last: int) -> Opening:
    """Open two leaves, or one when both are the same; OutsideTheLeaves when there are none such."""
    if not 0 <= first <= last < tree.count:
        raise OutsideTheLeaves
    nodes = []
    stack = [(top_level(tree.count), 0)]
    while stack:
        level, number = stack.pop()
        low, high = number << level, min((number + 1) << level, tree.count)
        if _closed(low, high, first, last):
            nodes.append(tree.node(level, number))
        elif level:
            if 2 * number + 1 < width(tree.count, level - 1):
                stack.append((level - 1, 2 * number + 1))
            stack.append((level - 1, 2 * number))
    leaves = tuple(tree.leaf(index) for index in dict.fromkeys((first, last)))
    return Opening(first, last, leaves, tuple(nodes))


def _closed(low: int, high: int, first: int, last: int) -> bool:
    """Whether leaves [low, high) hold neither `first` nor `last`."""
    return not (low <= first < high or low <= last < high)


def prove_leaf(tree: Nodes, *, index: int) -> Opening:
    """Open one leaf."""
    return prove_leaves(tree, first=index, last=index)


def prove_range(tree: Nodes, *, low: int, high: int) -> Opening:
    """Open the leaves that hold the first and the last of grams `[low, high)`."""
    if not tree.count or not 0 <= low < high:
        raise OutsideTheLeaves
    return prove_leaves(tree, first=find(tree, gram=low), last=find(tree, gram=high - 1))


def find(tree: Nodes, *, gram: int) -> int:
    """The index of the leaf that holds a gram of the tree."""
    level, number, left = top_level(tree.count), 0, gram
    if not 0 <= gram < tree.node(level, 0).grams:
        raise OutsideTheLeaves
    while level:
        level, number = level - 1, 2 * number
        before = tree.node(level, number).grams
        if left >= before:
            left, number = left - before, number + 1
    return number


def verify_opening(opening: Opening, *, root: SumRoot) -> Opened:
    """Where the opened leaves lie, from the root and the leaf count alone; SumNotProven when it does not lead to them."""
    first, last = opening.first, opening.last
    if not 0 <= first <= last < root.leaves or len(opening.leaves) != (1 if first == last else 2):
        raise SumNotProven(why="leaves")
    if not all(len(node.hash) == DIGEST_BYTES and 0 < node.grams <= MAX_SUM for node in opening.nodes):
        raise SumNotProven(why="nodes")
    try:
        walk = _Walk(opening, root.leaves)
        reached = walk.node(top_level(root.leaves), 0)
    except (LeafInvalid, SumOverflows) as error:
        raise SumNotProven(why="leaves" if isinstance(error, LeafInvalid) else "overflow") from error
    if next(walk.nodes, None) is not None:
        raise SumNotProven(why="nodes")
    if reached.grams != root.grams:
        raise SumNotProven(why="sum")
    if reached.hash != root.hash:
        raise SumNotProven(why="root")
    return Opened(first, last, opening.leaves, walk.begins[first], walk.begins[last])


class _Walk:
    """Puts a root together from an opening, left to right, counting grams."""

    def __init__(self, opening: Opening, count: int) -> None:
        self.first, self.last, self.count = opening.first, opening.last, count
        self.nodes = iter(opening.nodes)
        self.leaves = dict(zip((opening.first, opening.last), itertools.cycle(opening.leaves), strict=False))
        self.begins = dict[int, int]()
        self.grams = 0

    def node(self, level: int, number: int) -> Node:
        low, high = number << level, min((number + 1) << level, self.count)
        if _closed(low, high, self.first, self.last):
            found = next(self.nodes, None)
            if found is None:
                raise SumNotProven(why="nodes")
            self.grams += found.grams
            return found
        if level == 0:
            leaf = self.leaves[number]
            self.begins[number] = self.grams
            self.grams += leaf.grams
            return Node(leaf_hash(leaf), leaf.grams)
        left = self.node(level - 1, 2 * number)
        if 2 * number + 1 >= width(self.count, level - 1):
            return left
        return parent(left, self.node(level - 1, 2 * number + 1))


def verify_range(opening: Opening, *, root: SumRoot, low: int, high: int) -> Covered:
    """Which leaves, and which of the end leaves' grams, grams `[low, high)` of the tree are; SumNotProven when not shown."""
    opened = verify_opening(opening, root=root)
    first, last = opened.leaves[0], opened.leaves[-1]
    if not (
        low < high
        and opened.first_at <= low < opened.first_at + first.grams
        and opened.last_at < high <= opened.last_at + last.grams
    ):
        raise SumNotProven(why="range")
    return Covered(
        opened.first,
        opened.last,
        opened.leaves,
        (low - opened.first_at, min(high - opened.first_at, first.grams)),
        (max(low - opened.last_at, 0), high - opened.last_at),
    )
