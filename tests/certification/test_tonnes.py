"""Grams to serial numbers and back, over batches with carry, rejection and deduction, against the plainest model.

The model is a list of grams, each tagged with its act and its place in the act. Tonnes of ten grams keep it short.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.certification import sumtree
from backend.certification.sumtree import Leaf, SumRoot, Tree, tonnes

TONNE_G = 10

Gram = tuple[bytes, int]  # the digest of its act, and which of the act's grams it is


@pytest.fixture(autouse=True, scope="module")
def small_tonnes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tonnes, "GRAMS_PER_TONNE", TONNE_G)
        yield


@dataclass
class Findings:
    """One batch as verification left it."""

    frozen: list[int]
    kept: dict[int, int]
    deduction_g: int

    @property
    def verified_g(self) -> int:
        return sum(self.kept.get(place, grams) for place, grams in enumerate(self.frozen))


@st.composite
def findings(draw: st.DrawFn) -> Findings:
    frozen = draw(st.lists(st.integers(1, 35), max_size=8))
    places = draw(st.sets(st.sampled_from(range(len(frozen))), max_size=3)) if frozen else set[int]()
    kept = {place: draw(st.integers(0, frozen[place] - 1)) for place in sorted(places)}
    found = Findings(frozen, kept, 0)
    found.deduction_g = draw(st.integers(0, found.verified_g))
    return found


@dataclass
class Batch:
    """One certified batch: its leaves and tree, its serials."""

    tree: Tree
    first_serial: int
    quantity_t: int

    @property
    def root(self) -> SumRoot:
        return self.tree.root


def digest(batch: int, place: int) -> bytes:
    return hashlib.sha256(f"{batch}/{place}".encode()).digest()


def certify(series: Sequence[Findings]) -> list[Batch]:
    """The series by the functions under test."""
    batches, carry, serial = list[Batch](), None, 1
    for number, found in enumerate(series):
        leaves = tonnes.certified_leaves(
            carry=carry,
            frozen=[Leaf(digest(number, place), 0, grams) for place, grams in enumerate(found.frozen)],
            rejected=found.kept,
            deduction_g=found.deduction_g,
        )
        batch = Batch(Tree(leaves), serial, tonnes.split(leaves.total)[0])
        batches.append(batch)
        carry, serial = tonnes.carry_leaf(batch.root), serial + batch.quantity_t
    return batches


def model(series: Sequence[Findings]) -> tuple[dict[int, list[Gram]], list[Gram]]:
    """The grams of each serial, and those left at the end."""
    serials, left = dict[int, list[Gram]](), list[Gram]()
    for number, found in enumerate(series):
        new = [
            (digest(number, place), gram)
            for place, grams in enumerate(found.frozen)
            for gram in range(found.kept.get(place, grams))
        ]
        left = left + new[: len(new) - found.deduction_g]
        while len(left) >= TONNE_G:
            serials[len(serials) + 1] = left[:TONNE_G]
            left = left[TONNE_G:]
    return serials, left


def grams_of(batches: Sequence[Batch], at: int, low: int, high: int) -> list[Gram]:
    """Which grams of acts `[low, high)` of a batch's tree are, by proofs alone, following carries back."""
    tree, root = batches[at].tree, batches[at].root
    covered = sumtree.verify_range(
        sumtree.prove_range(tree, low=low, high=high), root=root, low=low, high=high
    )
    found = []
    for index in range(covered.first, covered.last + 1):
        leaf = tree.leaf(index)
        start, end = 0, leaf.grams
        if index == covered.first:
            start, end = covered.first_part
        elif index == covered.last:
            start, end = covered.last_part
        start, end = start + leaf.from_gram, end + leaf.from_gram
        if at and leaf.digest == tonnes.carry_digest(batches[at - 1].root):
            assert index == 0
            found += grams_of(batches, at - 1, start, end)
        else:
            found += [(leaf.digest, gram) for gram in range(start, end)]
    return found


def serials_of(batches: Sequence[Batch], at: int, low: int, high: int) -> Iterator[int]:
    """The serial of each of grams `[low, high)` of a batch's tree; those carried on have theirs in a later batch."""
    batch = batches[at]
    for gram in range(low, high):
        of = tonnes.tonnes_of(low=gram, high=gram + 1, total_g=batch.root.grams)
        if of:
            yield batch.first_serial + of[0] - 1
        elif at + 1 < len(batches):
            place = gram - batch.quantity_t * TONNE_G
            yield from serials_of(batches, at + 1, place, place + 1)
        else:
            yield 0


@given(st.lists(findings(), min_size=1, max_size=4))
def test_grams_to_serials_and_back_is_a_bijection(series: list[Findings]) -> None:
    batches, (serials, left) = certify(series), model(series)
    assert sum(batch.quantity_t for batch in batches) == len(serials)
    assert tonnes.split(batches[-1].root.grams)[1] == len(left)

    forth = {
        batch.first_serial + tonne - 1: grams_of(batches, at, *tonnes.tonne_range(tonne))
        for at, batch in enumerate(batches)
        for tonne in range(1, batch.quantity_t + 1)
    }
    assert forth == serials

    back = dict[Gram, int]()
    for at, batch in enumerate(batches):
        place = 0
        for index, leaf in enumerate(batch.tree.leaves):
            if not (at and index == 0 and leaf.digest == tonnes.carry_digest(batches[at - 1].root)):
                numbers = serials_of(batches, at, place, place + leaf.grams)
                back |= {(leaf.digest, gram): serial for gram, serial in enumerate(numbers)}
            place += leaf.grams
    assert back == {gram: serial for serial, grams in serials.items() for gram in grams} | dict.fromkeys(
        left, 0
    )


@given(findings(), st.integers(1, 9))
def test_the_carry_is_never_cut_and_the_deduction_takes_the_end(found: Findings, carried: int) -> None:
    carry = Leaf(bytes(32), 30, carried)
    frozen = [Leaf(digest(0, place), 0, grams) for place, grams in enumerate(found.frozen)]
    leaves = tonnes.certified_leaves(
        carry=carry, frozen=frozen, rejected=found.kept, deduction_g=found.deduction_g
    )
    assert leaves[0] == carry
    assert leaves.total == carried + found.verified_g - found.deduction_g
    everything = tonnes.certified_leaves(carry=None, frozen=frozen, rejected=found.kept, deduction_g=0)
    *whole, last = [*leaves[1:], None]
    assert last is None
    assert [leaf.digest for leaf in whole] == [leaf.digest for leaf in everything[: len(whole)]]
    assert whole[:-1] == list(everything[: max(len(whole) - 1, 0)])


@pytest.mark.parametrize("deduction_g", [-1, 18])
def test_a_deduction_above_what_was_verified_is_refused(deduction_g: int) -> None:
    """Ten grams of the carry would be there to take, and are not."""
    frozen = [Leaf(digest(0, 0), 0, 9), Leaf(digest(0, 1), 0, 9)]
    facts = {"carry": Leaf(bytes(32), 0, 10), "frozen": frozen, "rejected": {1: 8}}
    with pytest.raises(tonnes.DeductionExceedsVerified) as refused:
        tonnes.certified_leaves(**facts, deduction_g=deduction_g)  # type: ignore[arg-type]
    assert refused.value.verified_g == 17
    nothing = tonnes.certified_leaves(**facts, deduction_g=17)  # type: ignore[arg-type]
    assert list(nothing) == [Leaf(bytes(32), 0, 10)]


@pytest.mark.parametrize("rejected", [{0: 9}, {0: 10}, {0: -1}, {1: 0}, {-1: 0}])
def test_a_rejection_takes_grams_from_an_act_of_the_batch(rejected: dict[int, int]) -> None:
    with pytest.raises(tonnes.RejectionNotPossible):
        tonnes.certified_leaves(
            carry=None, frozen=[Leaf(digest(0, 0), 0, 9)], rejected=rejected, deduction_g=0
        )


def test_a_carry_names_the_tree_that_it_comes_from() -> None:
    previous = SumRoot(hashlib.sha256(b"tree").digest(), 27, 3)
    named = hashlib.sha256(b"\x12" + previous.hash + (27).to_bytes(8, "big")).digest()
    assert tonnes.carry_leaf(previous) == Leaf(named, 20, 7)
    assert tonnes.carry_leaf(previous._replace(grams=30)) is None
    assert tonnes.carry_leaf(sumtree.EMPTY) is None


def test_tonnes_begin_and_end_at_the_gram() -> None:
    assert tonnes.tonne_range(1) == (0, 10)
    assert tonnes.tonne_range(3) == (20, 30)
    assert tonnes.tonnes_of(low=0, high=1, total_g=25) == range(1, 2)
    assert tonnes.tonnes_of(low=9, high=10, total_g=25) == range(1, 2)
    assert tonnes.tonnes_of(low=9, high=11, total_g=25) == range(1, 3)
    assert tonnes.tonnes_of(low=10, high=25, total_g=25) == range(2, 3)
    assert list(tonnes.tonnes_of(low=20, high=25, total_g=25)) == []
    for low, high in ((-1, 2), (3, 3), (20, 26)):
        with pytest.raises(sumtree.OutsideTheLeaves):
            tonnes.tonnes_of(low=low, high=high, total_g=25)
    for tonne in (0, -1, 2**64):
        with pytest.raises(sumtree.OutsideTheLeaves):
            tonnes.tonne_range(tonne)
