"""The page on proofs: its vectors are right, its tables complete, and its verifier agrees with ours."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from backend.certification import proofs, sumtree
from backend.certification.proofs.words import WORDS
from backend.certification.sumtree import Leaf, tonnes
from tests.certification.test_proofs import CITY, MADE, at, changes, document, failed, leaves_of, rejected
from tests.test_docs import blocks, rows_below

PAGE = (Path(__file__).parents[2] / "docs" / "proofs.md").read_text("utf-8")
SIMPLE = [name for name in MADE if not re.search("followed|onward|carried on|frozen|verified", name)]


def theirs() -> Any:
    (code,) = blocks(PAGE, "python")
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 - a block of a file of this repository
    return space["verify"]


def test_the_vectors_are_those_of_the_hashes() -> None:
    a, b, c = (
        Leaf(bytes(32), 0, 155),
        Leaf(b"\xff" * 32, 0, 2**32),
        Leaf(b"\x01" * 32, 2_000_000, 3),
    )
    whole = sumtree.root_of([a, b, c])
    carry = tonnes.carry_leaf(whole)
    assert carry is not None
    assert rows_below(PAGE, "| what | hash |") == [
        ["leaf A", sumtree.leaf_hash(a).hex()],
        ["leaf B", sumtree.leaf_hash(b).hex()],
        ["leaf C", sumtree.leaf_hash(c).hex()],
        ["root of A, B", sumtree.root_of([a, b]).hash.hex()],
        ["root of A, B, C", whole.hash.hex()],
        ["carry from A, B, C", carry.digest.hex()],
        [
            "act",
            proofs.act_digest(
                {"day": "2026-01-01", "grams": 155, "region": "CN-GD-GZ"}, bytes(range(16))
            ).hex(),
        ],
    ]
    for number in (whole.grams, carry.from_gram, carry.grams):
        assert f"{number:,}" in PAGE


def test_every_check_and_field_is_described_and_no_other() -> None:
    assert {row[0] for row in rows_below(PAGE, "| check |")} == set(WORDS)
    described = {row[0]: row[1] for row in rows_below(PAGE, "| field |")}
    used = {key: kind for kind in ("receipt", "serial", "inclusion") for key in document_of(kind)}
    assert set(described) == set(used)
    for field, kind in used.items():
        assert kind in described[field] or described[field] == "all"
    assert f"below {proofs.ENTRY_BYTES // 1024} KiB" in PAGE


def document_of(kind: str) -> set[str]:
    return {key for name in MADE for key in document(name) if document(name)["kind"] == kind}


@pytest.mark.parametrize("name", SIMPLE)
def test_the_verifier_of_the_page_accepts_what_ours_does(name: str) -> None:
    told = document(name)
    assert failed(told) == []
    assert theirs()(told, CITY.public_key)


@pytest.mark.parametrize("name", SIMPLE)
def test_what_the_verifier_of_the_page_refuses_ours_refuses(name: str) -> None:
    """Two programs that share no code, over documents with one value changed each."""
    verify, refused = theirs(), 0
    told = document(name)
    for path, value in leaves_of(told):
        if path[0] in ("key", "head", "kind", "format"):
            continue
        for other in changes(value):
            forged = at(told, path, other)
            try:
                verify(copy.deepcopy(forged), CITY.public_key)
            except Exception:  # noqa: BLE001 - it refuses by whatever exception comes
                refused += 1
                assert rejected(forged), path
    assert refused > 50
