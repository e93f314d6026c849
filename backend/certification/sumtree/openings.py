"""Openings of a sum tree: one or two leaves, and the subtrees around and between them, which give its root.

Pure. An opening of one leaf proves where it lies; one of two leaves proves which leaves some range of grams is made of.
Which subtrees stand in it follows from the leaf count and the places of the leaves, so there is nothing to choose.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol

from backend.certification.sumtree.leaves import (
    DIGEST_BYTES,
    MAX_SUM,
    Leaf,
    LeafInvalid,
    Node,
    OutsideTheLeaves,
    SumNotProven,
    SumOverflows,
    SumRoot,
    leaf_hash,
    parent,
    top_level,
    width,
)


class Nodes(Protocol):
    """A tree that can be asked for its nodes, wherever it keeps them."""

    @property
    def count(self) -> int:
        """How many leaves there are."""

    def node(self, level: int, number: int) -> Node:
        """One subtree."""

    def leaf(self, index: int) -> Leaf:
        """One leaf."""


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
