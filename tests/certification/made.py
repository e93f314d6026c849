"""A log and batches made up in memory, with whatever proofs of them a test wants."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.certification import proofs, sumtree
from backend.certification.sumtree import Leaf, SumRoot, Tree, tonnes
from backend.log import canonical, heads, merkle

ORIGIN = "puhui.example/log"
SIGNED_AT = dt.datetime(2026, 11, 22, 8, tzinfo=dt.UTC)
SERIES = {"project": "gz-green-travel", "methodology": "gd-bus", "vintage_year": 2026, "demo": False}


@dataclass
class Act:
    """An act with its receipt's salt."""

    facts: dict[str, Any]
    salt: bytes

    @property
    def leaf(self) -> Leaf:
        return Leaf(proofs.act_digest(self.facts, self.salt), 0, self.facts["grams"])


def act(number: int, *, grams: int) -> Act:
    """One act of a day and a district of Guangzhou."""
    facts = {
        "day": f"2026-01-{1 + number % 28:02d}",
        "region": "CN-GD-GZ",
        "methodology": "gd-bus",
        "version": "1.0.0",
        "pack_sha256": hashlib.sha256(b"pack").hexdigest(),
        "activity": "bus",
        "inputs": {"distance_m": 4200 + number},
        "evidence": "operator_feed",
        "source": "gz-bus",
        "grams": grams,
    }
    return Act(facts, hashlib.sha256(str(number).encode()).digest()[:16])


@dataclass
class Batch:
    """One batch, its certified tree, and the indexes of its entries."""

    name: str
    acts: list[Act]
    tree: Tree
    first_serial: int
    frozen: int
    verified: int
    issued: int

    @property
    def root(self) -> SumRoot:
        return self.tree.root


@dataclass
class Log:
    """Entries, and batches of one series that were certified into it."""

    key: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"test").digest())
    )
    entries: list[bytes] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def append(self, kind: str, body: Mapping[str, Any]) -> int:
        document = {"body": dict(body), "kind": kind, "recorded_at": canonical.moment(SIGNED_AT)}
        self.entries.append(canonical.encode(document))
        return len(self.entries) - 1

    def certify(
        self, acts: Sequence[Act], *, rejected: Mapping[int, int] | None = None, deduction_g: int = 0
    ) -> Batch:
        """Freeze, verify and issue one batch, with the carry of the one before."""
        previous = self.batches[-1] if self.batches else None
        carry = tonnes.carry_leaf(previous.root) if previous else None
        frozen = sumtree.root_of([one.leaf for one in acts])
        name = f"batch-{len(self.batches) + 1}"
        leaves = tonnes.certified_leaves(
            carry=carry, frozen=[one.leaf for one in acts], rejected=rejected or {}, deduction_g=deduction_g
        )
        tree = Tree(leaves)
        quantity_t, carry_out_g = tonnes.split(tree.root.grams)
        first = previous.first_serial + tonnes.split(previous.root.grams)[0] if previous else 1001
        carry_in_g = carry.grams if carry else 0
        runs: list[dict[str, Any]] = []
        if previous and carry:
            runs.append({"carried_from": previous.name, "grams": carry_in_g})
        if kept := len(tree.leaves) - len(runs):
            days = sorted(one.facts["day"] for one in acts)
            grams = tree.root.grams - carry_in_g
            run = {"from_day": days[0], "to_day": days[-1], "regions": ["CN-GD-GZ"]}
            runs.append({**run, "acts": kept, "grams": grams})
        certified = {
            "certified_root": tree.root.hash.hex(),
            "certified_g": tree.root.grams,
            "certified_leaves": tree.root.leaves,
        }
        of = {"batch": name}
        at_freeze = self.append(
            "batch.frozen",
            {**of, **SERIES, "frozen_root": frozen.hash.hex(), "frozen_g": frozen.grams, "acts": len(acts)},
        )
        at_verification = self.append(
            "batch.verified", {**of, **certified, "verified_g": tree.root.grams - carry_in_g, "revision": 1}
        )
        at_issuance = self.append(
            "credit.issued",
            {
                **of,
                **SERIES,
                **certified,
                "book": "phcer",
                "owner": "gz-travel",
                "first_serial": first,
                "quantity_t": quantity_t,
                "carry_in_g": carry_in_g,
                "carry_out_g": carry_out_g,
                "runs": runs,
            },
        )
        batch = Batch(name, list(acts), tree, first, at_freeze, at_verification, at_issuance)
        self.batches.append(batch)
        return batch

    def state(self, kind: str, name: str, leaves: Sequence[Leaf], *, carry_in_g: int = 0) -> tuple[int, Tree]:
        """Whatever tree a dishonest operator may log for a batch; the entry's index and the tree."""
        tree = Tree(leaves)
        root, grams = tree.root.hash.hex(), tree.root.grams
        body: dict[str, Any] = {"batch": name, **SERIES}
        if kind == "batch.frozen":
            body |= {"frozen_root": root, "frozen_g": grams, "acts": tree.count}
        else:
            body |= {"certified_root": root, "certified_g": grams, "certified_leaves": tree.count}
            body |= {"verified_g": grams - carry_in_g, "carry_in_g": carry_in_g, "book": "phcer"}
            body |= {"first_serial": 1, "quantity_t": tonnes.split(grams)[0]}
        return self.append(kind, body), tree

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def enclosed(self) -> proofs.LogKey:
        return proofs.LogKey(ORIGIN, self.public_key)

    @property
    def head(self) -> str:
        root = merkle.root_of(merkle.leaf_hash(entry) for entry in self.entries)
        return heads.sign(self.key, origin=ORIGIN, size=len(self.entries), root=root, at=SIGNED_AT)

    def statement(self, index: int) -> proofs.Statement:
        leaves = [merkle.leaf_hash(entry) for entry in self.entries]
        path = [merkle.root_of(leaves[low:high]) for low, high in merkle.inclusion_spans(index, len(leaves))]
        return proofs.Statement(index, self.entries[index], tuple(path))

    def inclusion(self, index: int) -> proofs.Inclusion:
        return proofs.Inclusion(self.enclosed, self.head, self.statement(index))

    def serial(self, serial: int, *, follow: bool = False) -> proofs.Serial:
        """The proof of a serial, with the carries before it when `follow`."""
        at = max(place for place, batch in enumerate(self.batches) if batch.first_serial <= serial)
        batch = self.batches[at]
        low, high = tonnes.tonne_range(serial - batch.first_serial + 1)
        opening = sumtree.prove_range(batch.tree, low=low, high=high)
        links: list[proofs.Link] = []
        covered = sumtree.verify_range(opening, root=batch.root, low=low, high=high)
        while follow and at and covered.first == 0 and tonnes.carry_leaf(self.batches[at - 1].root):
            carry, at = covered.leaves[0], at - 1
            low, high = (carry.from_gram + gram for gram in covered.first_part)
            earlier = self.batches[at]
            back = sumtree.prove_range(earlier.tree, low=low, high=high)
            covered = sumtree.verify_range(back, root=earlier.root, low=low, high=high)
            links.append(proofs.Link(self.statement(earlier.issued), back))
        return proofs.Serial(
            self.enclosed, self.head, "phcer", serial, self.statement(batch.issued), opening, tuple(links)
        )

    def receipt(
        self, at: int, place: int, *, entry: str = "issued", leaf: int | None = None, onward: int = 0
    ) -> proofs.Receipt:
        """The receipt of an act of batch `at`, by the entry of one stage; `leaf` is its place in that stage's tree."""
        batch, one = self.batches[at], self.batches[at].acts[place]
        tree = Tree([one.leaf for one in batch.acts]) if entry == "frozen" else batch.tree
        opening = sumtree.prove_leaf(tree, index=place if leaf is None else leaf)
        links = [
            proofs.Link(self.statement(later.issued), sumtree.prove_leaf(later.tree, index=0))
            for later in self.batches[at + 1 : at + 1 + onward]
        ]
        return proofs.Receipt(
            self.enclosed,
            self.head,
            one.facts,
            one.salt,
            self.statement(getattr(batch, entry)),
            opening,
            tuple(links),
        )
