"""The sum tree against a tree that is written straight off its definition, and against every way to forge it."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.certification import sumtree
from backend.certification.sumtree import Leaf, Leaves, Node, Opening, SumRoot, Tree

Plain = tuple[bytes, int]

GRAMS = st.one_of(st.integers(1, 5), st.integers(1, 4_000))
LEAF_COUNTS = st.integers(1, 70)


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def plain_leaf(leaf: Leaf) -> Plain:
    return hashlib.sha256(b"\x10" + leaf.digest + u64(leaf.from_gram) + u64(leaf.grams)).digest(), leaf.grams


def plain_tree(leaves: Sequence[Leaf]) -> Plain:
    """The tree by its definition: pair neighbours, promote an odd one, until one is left."""
    level = [plain_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = itertools.zip_longest(level[::2], level[1::2])
        level = [
            (hashlib.sha256(b"\x11" + a[0] + u64(a[1]) + b[0] + u64(b[1])).digest(), a[1] + b[1]) if b else a
            for a, b in pairs
        ]
    return level[0]


def leaves_of(grams: Sequence[int], *, start: int = 0) -> list[Leaf]:
    return [Leaf(digest(start + place), place % 3, g) for place, g in enumerate(grams)]


@st.composite
def trees(draw: st.DrawFn) -> list[Leaf]:
    return leaves_of(draw(st.lists(GRAMS, min_size=1, max_size=70)))


@given(trees())
def test_the_root_is_that_of_the_plain_tree(leaves: list[Leaf]) -> None:
    assert sumtree.root_of(leaves) == SumRoot(*plain_tree(leaves), len(leaves))


def test_the_hashes_are_the_documented_bytes() -> None:
    """Worked by hand from the definition in the documentation; another verifier can check itself by these."""
    one, two = Leaf(bytes(range(32)), 0, 155), Leaf(b"\xff" * 32, 7, 2**32)
    a = hashlib.sha256(b"\x10" + bytes(range(32)) + bytes(8) + bytes(7) + b"\x9b").digest()
    b = hashlib.sha256(b"\x10" + b"\xff" * 32 + bytes(7) + b"\x07" + bytes(3) + b"\x01" + bytes(4)).digest()
    root = hashlib.sha256(b"\x11" + a + bytes(7) + b"\x9b" + b + bytes(3) + b"\x01" + bytes(4)).digest()
    assert sumtree.leaf_hash(one) == a
    assert sumtree.leaf_hash(two) == b
    assert sumtree.root_of([one, two]) == SumRoot(root, 155 + 2**32, 2)


def test_a_tree_without_leaves_has_the_hash_of_nothing_and_no_proofs() -> None:
    tree = Tree([])
    assert tree.root == sumtree.EMPTY == SumRoot(hashlib.sha256(b"").digest(), 0, 0)
    assert list(sumtree.upper_nodes(tree)) == []
    with pytest.raises(sumtree.OutsideTheLeaves):
        sumtree.prove_leaf(tree, index=0)
    with pytest.raises(sumtree.OutsideTheLeaves):
        sumtree.prove_range(tree, low=0, high=1)


@pytest.mark.parametrize("count", [255, 256, 257, 65_535, 65_536, 65_537])
def test_blocks_of_rows_are_hashed_as_one(count: int) -> None:
    leaves = leaves_of([1 + place % 7 for place in range(count)])
    assert sumtree.root_of(leaves)[:2] == plain_tree(leaves)


# --- leaves -------------------------------------------------------------------------------------------------------


@given(trees(), st.data())
def test_columns_are_the_leaves_in_order(leaves: list[Leaf], data: st.DataObject) -> None:
    columns = Leaves.of(leaves)
    assert list(columns) == leaves
    assert columns == leaves
    assert columns.total == sum(leaf.grams for leaf in leaves)
    low, high = sorted(data.draw(st.tuples(st.integers(0, 70), st.integers(0, 70))))
    assert list(columns[low:high]) == leaves[low:high]


@pytest.mark.parametrize(
    "leaf",
    [
        Leaf(b"short", 0, 1),
        Leaf(bytes(32), 0, 0),
        Leaf(bytes(32), 0, -1),
        Leaf(bytes(32), -1, 1),
        Leaf(bytes(32), 0, 2**64),
        Leaf(bytes(32), 2**64, 1),
        Leaf(bytes(32), 2**64 - 1, 1),
    ],
)
def test_what_is_no_leaf_is_refused(leaf: Leaf) -> None:
    with pytest.raises(sumtree.LeafInvalid):
        sumtree.root_of([leaf])
    with pytest.raises(sumtree.LeafInvalid):
        sumtree.leaf_hash(leaf)


def test_sums_beyond_64_bits_are_refused_and_below_are_exact() -> None:
    half = 2**63
    fits = [Leaf(bytes(32), 0, half), Leaf(bytes(32), 0, half - 1)]
    assert sumtree.root_of(fits).grams == 2**64 - 1
    with pytest.raises(sumtree.SumOverflows):
        sumtree.root_of([*fits, Leaf(bytes(32), 0, 1)])
    with pytest.raises(sumtree.SumOverflows):
        sumtree.parent(Node(bytes(32), half), Node(bytes(32), half))


# --- proofs -------------------------------------------------------------------------------------------------------


@given(trees(), st.data())
def test_a_range_proof_shows_the_very_grams(leaves: list[Leaf], data: st.DataObject) -> None:
    tree, root = Tree(leaves), sumtree.root_of(leaves)
    low = data.draw(st.integers(0, root.grams - 1))
    high = data.draw(st.integers(low + 1, root.grams))
    covered = sumtree.verify_range(
        sumtree.prove_range(tree, low=low, high=high), root=root, low=low, high=high
    )

    every = [(place, gram) for place, leaf in enumerate(leaves) for gram in range(leaf.grams)][low:high]
    first, last = every[0][0], every[-1][0]
    assert (covered.first, covered.last) == (first, last)
    assert covered.leaves == ((leaves[first], leaves[last]) if first != last else (leaves[first],))
    for place, part in ((first, covered.first_part), (last, covered.last_part)):
        assert list(range(*part)) == [gram for at, gram in every if at == place]


@given(trees(), st.data())
def test_an_inclusion_proof_gives_the_offset(leaves: list[Leaf], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    opened = sumtree.verify_opening(
        sumtree.prove_leaf(Tree(leaves), index=index), root=sumtree.root_of(leaves)
    )
    before = sum(leaf.grams for leaf in leaves[:index])
    assert (opened.first_at, opened.end) == (before, before + leaves[index].grams)
    assert opened.leaves == (leaves[index],)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (5, 5), (6, 5), (0, 11), (10, 11)])
def test_no_grams_outside_the_tree_are_proved(low: int, high: int) -> None:
    with pytest.raises(sumtree.OutsideTheLeaves):
        sumtree.prove_range(Tree(leaves_of([5, 5])), low=low, high=high)


def forged(opening: Opening) -> Iterator[tuple[str, Opening]]:
    """Every field of an opening changed, and its nodes moved about."""
    change = dataclasses.replace
    for by in (-1, 1):
        yield "first", change(opening, first=opening.first + by)
        yield "last", change(opening, last=opening.last + by)
        yield "both", change(opening, first=opening.first + by, last=opening.last + by)
    for place, leaf in enumerate(opening.leaves):
        for other in (
            leaf._replace(digest=digest(-1)),
            leaf._replace(from_gram=leaf.from_gram + 1),
            leaf._replace(from_gram=-1),
            leaf._replace(grams=leaf.grams + 1),
            leaf._replace(grams=leaf.grams - 1),
            leaf._replace(grams=-leaf.grams),
            leaf._replace(grams=leaf.grams + 2**64),
        ):
            yield "leaf", change(opening, leaves=swapped(opening.leaves, place, other))
    yield "more leaves", change(opening, leaves=(*opening.leaves, opening.leaves[0]))
    yield "fewer leaves", change(opening, leaves=opening.leaves[1:])
    if len(set(opening.leaves)) == 2:
        yield "leaves swapped", change(opening, leaves=opening.leaves[::-1])
    for place, node in enumerate(opening.nodes):
        for changed in (
            Node(digest(-1), node.grams),
            Node(node.hash[:-1], node.grams),
            Node(node.hash, node.grams + 1),
            Node(node.hash, node.grams - 1),
            Node(node.hash, -node.grams),
            Node(node.hash, node.grams + 2**64),
            Node(node.hash, 2**64 - 1),
        ):
            yield "node", change(opening, nodes=swapped(opening.nodes, place, changed))
        yield "node gone", change(opening, nodes=opening.nodes[:place] + opening.nodes[place + 1 :])
        yield "node twice", change(opening, nodes=(*opening.nodes[:place], node, *opening.nodes[place:]))
    for place, (a, b) in enumerate(itertools.pairwise(opening.nodes)):
        moved = (*opening.nodes[:place], b, a, *opening.nodes[place + 2 :])
        yield "nodes swapped", change(opening, nodes=moved)
        if b.grams > 1:  # grams moved from one neighbour to the other: the total stays
            moved = (
                *opening.nodes[:place],
                Node(a.hash, a.grams + 1),
                Node(b.hash, b.grams - 1),
                *opening.nodes[place + 2 :],
            )
            yield "grams moved", change(opening, nodes=moved)
    yield "node added", change(opening, nodes=(*opening.nodes, Node(digest(-2), 1)))


def swapped(items: Sequence[Any], place: int, other: Any) -> tuple[Any, ...]:
    return (*items[:place], other, *items[place + 1 :])


@given(trees(), st.data())
def test_an_opening_forged_anywhere_is_refused(leaves: list[Leaf], data: st.DataObject) -> None:
    tree, root = Tree(leaves), sumtree.root_of(leaves)
    low = data.draw(st.integers(0, root.grams - 1))
    high = data.draw(st.integers(low + 1, root.grams))
    opening = sumtree.prove_range(tree, low=low, high=high)
    for how, other in forged(opening):
        with pytest.raises(sumtree.SumNotProven):
            raise AssertionError(f"{how} was accepted: {sumtree.verify_opening(other, root=root)}")


@given(trees(), st.data())
def test_another_root_sum_or_range_is_refused(leaves: list[Leaf], data: st.DataObject) -> None:
    tree, root = Tree(leaves), sumtree.root_of(leaves)
    low = data.draw(st.integers(0, root.grams - 1))
    high = data.draw(st.integers(low + 1, root.grams))
    opening = sumtree.prove_range(tree, low=low, high=high)
    for other in (
        root._replace(hash=digest(-1)),
        root._replace(grams=root.grams + 1),
        root._replace(grams=root.grams - 1),
        root._replace(leaves=opening.last),
        root._replace(leaves=2**64),
    ):
        with pytest.raises(sumtree.SumNotProven):
            sumtree.verify_range(opening, root=other, low=low, high=high)
    opened = sumtree.verify_opening(opening, root=root)
    for at, end in (
        (opened.first_at - 1, high),
        (opened.first_at + opened.leaves[0].grams, high + 1),
        (low, opened.end + 1),
        (low, opened.last_at),
        (low, low),
        (high, low),
    ):
        with pytest.raises(sumtree.SumNotProven):
            sumtree.verify_range(opening, root=root, low=at, high=end)


def test_a_tree_built_with_a_lie_about_a_sum_cannot_be_opened_there() -> None:
    """Whoever builds the tree may write a false sum into a node; the leaf below then opens to nothing."""
    honest = leaves_of([5, 5, 5, 5])
    nodes = [Node(sumtree.leaf_hash(leaf), leaf.grams) for leaf in honest]
    nodes[2] = nodes[2]._replace(grams=6)
    left, right = sumtree.parent(*nodes[:2]), sumtree.parent(*nodes[2:])
    root = SumRoot(*sumtree.parent(left, right), 4)
    assert root.grams == 21
    sumtree.verify_opening(Opening(0, 0, (honest[0],), (nodes[1], right)), root=root)
    for leaf in (honest[2], honest[2]._replace(grams=6)):
        with pytest.raises(sumtree.SumNotProven):
            sumtree.verify_opening(Opening(2, 2, (leaf,), (left, nodes[3])), root=root)


@given(st.integers(1, 2**40), st.data())
def test_proofs_of_large_trees_need_few_nodes(count: int, data: st.DataObject) -> None:
    """Twice the height at most; the shape alone decides, so a tree that makes up its nodes will do."""

    class Shape:
        def __init__(self) -> None:
            self.count = count

        def node(self, level: int, number: int) -> Node:
            return Node(bytes(32), min((number + 1) << level, count) - (number << level))

        def leaf(self, index: int) -> Leaf:
            return Leaf(bytes(32), index, 1)

    low = data.draw(st.integers(0, count - 1))
    high = data.draw(st.integers(low + 1, count))
    opening = sumtree.prove_range(Shape(), low=low, high=high)
    assert (opening.first, opening.last) == (low, high - 1)
    assert len(opening.nodes) <= 2 * sumtree.top_level(count)
    assert sum(node.grams for node in opening.nodes) + len(opening.leaves) == count


# --- stored in part -----------------------------------------------------------------------------------------------


@given(st.integers(1, 2_000), st.data())
def test_a_part_of_the_stored_tree_gives_the_same_proofs(count: int, data: st.DataObject) -> None:
    leaves = leaves_of([1 + place % 5 for place in range(count)])
    tree = Tree(leaves)
    rows = list(sumtree.upper_nodes(tree))
    assert rows[-1][2:4] == tree.root[:2]
    low = data.draw(st.integers(0, tree.root.grams - 1))
    high = data.draw(st.integers(low + 1, tree.root.grams))

    lowest = [row for row in rows if row.level == sumtree.CHUNK_LEVEL]
    held = {
        next(r.number for r in lowest if r.from_gram <= gram < r.from_gram + r.grams)
        for gram in (low, high - 1)
    }
    stored = {(row.level, row.number): Node(row.hash, row.grams) for row in rows}
    part = sumtree.Part(
        count=count,
        nodes={place: stored[place] for place in sumtree.needed(count=count, chunks=held)},
        chunks={number: leaves[number * 256 : number * 256 + 256] for number in held},
    )
    assert part.root == tree.root
    assert sumtree.prove_range(part, low=low, high=high) == sumtree.prove_range(tree, low=low, high=high)


@pytest.mark.parametrize("count", [3, 256, 700, 1_025])
def test_stored_nodes_that_are_not_those_of_the_leaves_are_noticed(count: int) -> None:
    leaves = leaves_of([2] * count)
    rows = {(row.level, row.number): Node(row.hash, row.grams) for row in sumtree.upper_nodes(Tree(leaves))}
    places = sumtree.needed(count=count, chunks=[0])
    nodes, chunk = {place: rows[place] for place in places}, leaves[:256]
    sumtree.Part(count=count, nodes=nodes, chunks={0: chunk})
    for place, node in nodes.items():
        for other in (Node(digest(-1), node.grams), Node(node.hash, node.grams + 1)):
            with pytest.raises(sumtree.StoredTreeDiffers):
                sumtree.Part(count=count, nodes={**nodes, place: other}, chunks={0: chunk})
        missing = {at: found for at, found in nodes.items() if at != place}
        with pytest.raises(sumtree.StoredTreeDiffers):
            sumtree.Part(count=count, nodes=missing, chunks={0: chunk})
    for wrong in (chunk[:-1], [*chunk[:-1], chunk[0]]):
        with pytest.raises(sumtree.StoredTreeDiffers):
            sumtree.Part(count=count, nodes=nodes, chunks={0: wrong})
    with pytest.raises(sumtree.OutsideTheLeaves):
        sumtree.needed(count=count, chunks=[5])
