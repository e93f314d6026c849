"""Building a certified tree through the public functions, beside plain `hashlib` over the same leaves.

Ours is what certification does with a batch's frozen leaves: apply findings and a deduction, build the tree with every
sum, take its root and the rows to store. Two references, in the same rounds: `hashlib.sha256` over the bytes of each
leaf, ready made and once; and over the bytes of each leaf and each node of that tree, ready made, which is the least
that any tree of this kind costs. The latency is that of one serial's range proved and verified.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable

import numpy as np

from backend.certification import sumtree
from backend.certification.sumtree import Leaf, Leaves, Tree, tonnes
from benchmarks.harness import Report, Round

REJECTED_EVERY = 1_000  # one act in so many has a finding
DEDUCTION_G = 5_000_000
PROOFS = 200
_REFERENCES = {
    "certify": "hashlib.sha256 over each leaf",
    "certify, by hashes": "hashlib.sha256 over each leaf and node",
}


def run(*, leaves: int = 1_000_000, seconds: float = 10, rounds: int = 5) -> list[Report]:
    """A report per reference; a round is ours and then each reference, for as long each."""
    frozen, carry = _frozen(leaves), Leaf(hashlib.sha256(b"carry").digest(), 3_000_000, 421_337)
    rejected = dict.fromkeys(range(0, leaves, REJECTED_EVERY), 0)

    def certify() -> int:
        certified = tonnes.certified_leaves(
            carry=carry, frozen=frozen, rejected=rejected, deduction_g=min(DEDUCTION_G, frozen.total // 10)
        )
        tree = Tree(certified)
        list(sumtree.upper_nodes(tree))
        return tree.root.leaves

    tree = Tree(frozen)
    leaf_bytes = [b"\x10" + _leaf(leaf) for leaf in frozen]
    node_bytes = _nodes(tree)
    reports = {name: Report(name, "leaves/s", reference) for name, reference in _REFERENCES.items()}
    for report in reports.values():
        report.rows_before = leaves
        report.notes = {"latency_of": "one serial's range proved and verified"}
    for _ in range(rounds):
        rate = _rate(certify, seconds)
        plain = _rate(lambda: _hash(leaf_bytes), seconds)
        every = _rate(lambda: _hash(leaf_bytes) and _hash(node_bytes) and leaves, seconds)
        for report, reference_rate in zip(reports.values(), (plain, every), strict=True):
            report.rounds.append(Round(rate, reference_rate))
            report.latencies_ms.extend(_proofs(tree))
    return list(reports.values())


def _rate(work: Callable[[], int], seconds: float) -> float:
    """Leaves a second, over as many whole runs as begin within the time."""
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        done += work()
    return done / (spent or 1)


def _hash(rows: list[bytes]) -> int:
    sha256 = hashlib.sha256
    for row in rows:
        sha256(row).digest()
    return len(rows)


def _frozen(count: int) -> Leaves:
    chance = np.random.default_rng(7)
    grams = chance.integers(150, 1_850, count, dtype=np.uint64)
    return Leaves(chance.bytes(32 * count), np.zeros(count, np.uint64), grams)


def _leaf(leaf: Leaf) -> bytes:
    return leaf.digest + leaf.from_gram.to_bytes(8, "big") + leaf.grams.to_bytes(8, "big")


def _nodes(tree: Tree) -> list[bytes]:
    """What is hashed into each node of the tree."""
    found = []
    for level in range(1, sumtree.top_level(tree.count) + 1):
        below = sumtree.width(tree.count, level - 1)
        for number in range(below // 2):
            left, right = tree.node(level - 1, 2 * number), tree.node(level - 1, 2 * number + 1)
            sums = left.grams.to_bytes(8, "big"), right.grams.to_bytes(8, "big")
            found.append(b"\x11" + left.hash + sums[0] + right.hash + sums[1])
    return found


def _proofs(tree: Tree) -> list[float]:
    """Milliseconds for each of some serials."""
    root, found = tree.root, []
    whole, _ = tonnes.split(root.grams)
    for _ in range(PROOFS if whole else 0):
        low, high = tonnes.tonne_range(random.randint(1, whole))
        before = time.perf_counter()
        sumtree.verify_range(sumtree.prove_range(tree, low=low, high=high), root=root, low=low, high=high)
        found.append((time.perf_counter() - before) * 1_000)
    return found
