"""The tree against the published vectors, and against a definition that is read straight off the RFC."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.log import merkle
from backend.log.merkle import Node

# The eight leaves that the certificate-transparency reference implementations test with, and their roots.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
COUNTS = st.integers(1, 70)


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


def stored_nodes(leaves: list[bytes]) -> dict[Node, bytes]:
    frontier = merkle.Frontier()
    return {node: value for leaf in leaves for node, value in frontier.append(leaf)}


def plain_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


def plain_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*plain_path(m, leaves[:k]), plain_root(leaves[k:])]
    return [*plain_path(m - k, leaves[k:]), plain_root(leaves[:k])]


def plain_subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [plain_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*plain_subproof(m, leaves[:k], whole=whole), plain_root(leaves[k:])]
    return [*plain_subproof(m - k, leaves[k:], whole=False), plain_root(leaves[:k])]


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_the_published_vectors(count: int) -> None:
    assert merkle.root_of(merkle.leaf_hash(leaf) for leaf in LEAVES[:count]).hex() == ROOTS[count - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.root_of([]) == hashlib.sha256(b"").digest() == plain_root([])


def test_a_node_cannot_pass_for_a_leaf() -> None:
    left, right = hashes(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


@given(COUNTS)
def test_growing_and_stored_subtrees_give_the_plain_root(count: int) -> None:
    leaves = hashes(count)
    frontier = merkle.Frontier()
    for leaf in leaves:
        list(frontier.append(leaf))
    stored = stored_nodes(leaves)
    assert frontier.root() == merkle.root_of(leaves) == plain_root(leaves)
    assert merkle.hash_of((0, count), stored) == plain_root(leaves)
    assert len(stored) == sum(count >> level for level in range(8))


@given(COUNTS, st.data())
def test_an_inclusion_proof_is_the_path_and_verifies(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    leaves = hashes(count)
    stored = stored_nodes(hashes(count + 5))  # a log that grew on
    proof = [merkle.hash_of(span, stored) for span in merkle.inclusion_spans(index, count)]
    root = plain_root(leaves)

    def holds(**changed: object) -> bool:
        facts = {"leaf": leaves[index], "index": index, "size": count, "proof": proof, "root": root} | changed
        return merkle.verify_inclusion(**facts)  # type: ignore[arg-type]

    assert proof == plain_path(index, leaves)
    assert holds()
    assert not holds(leaf=merkle.leaf_hash(b"other"))
    assert not holds(root=merkle.leaf_hash(b"other"))
    assert not holds(proof=[*proof, proof[-1] if proof else root])
    assert not holds(index=count)
    for place in range(len(proof)):
        assert not holds(proof=proof[:place] + proof[place + 1 :])
        assert not holds(proof=[*proof[:place], merkle.leaf_hash(b"other"), *proof[place + 1 :]])
    for other in range(count):
        assert other == index or not holds(index=other)


@given(COUNTS, st.data())
def test_a_consistency_proof_is_the_subproof_and_verifies(count: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, count))
    leaves = hashes(count)
    stored = stored_nodes(leaves)
    proof = [merkle.hash_of(span, stored) for span in merkle.consistency_spans(old, count)]
    roots = {"old_root": plain_root(leaves[:old]), "new_root": plain_root(leaves)}

    def holds(**changed: object) -> bool:
        facts = {"old": old, "new": count, "proof": proof} | roots | changed
        return merkle.verify_consistency(**facts)  # type: ignore[arg-type]

    rewritten = [merkle.leaf_hash(b"rewritten"), *leaves[1:]]
    assert proof == plain_subproof(old, leaves, whole=True)
    assert holds()
    assert not holds(old_root=plain_root(rewritten[:old]))
    assert not holds(new_root=plain_root(rewritten))
    assert not holds(proof=[*proof, leaves[0]])
    assert not holds(new=old - 1)
    for place in range(len(proof)):
        assert not holds(proof=proof[:place] + proof[place + 1 :])
        assert not holds(proof=[*proof[:place], merkle.leaf_hash(b"other"), *proof[place + 1 :]])


@given(st.integers(1, 2**40), st.data())
def test_proofs_of_large_logs_need_few_nodes(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    bits = size.bit_length()
    assert len(merkle.inclusion_spans(index, size)) <= bits
    assert len(merkle.consistency_spans(old, size)) <= bits + 1
    nodes = [n for span in merkle.inclusion_spans(index, size) for n in merkle.complete_nodes(span)]
    assert len(nodes) <= 2 * bits
    assert len(set(nodes)) == len(nodes)


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (0, 0), (5, 5)])
def test_no_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        merkle.inclusion_spans(index, size)
    with pytest.raises(ValueError, match="old tree"):
        merkle.consistency_spans(size + 1, size)
