"""Proofs that need nothing but a file and the log's public key: of a log entry, of a serial number, of an act's receipt.

Pure. A chain of checks leads from a signed tree head to an entry of the log, from the root and sums in that entry to
leaves of a sum tree, and from leaves to a tonne or an act. What a verdict tells is computed from what was checked;
nothing that the document merely claims is repeated, and a proof with a failed check tells nothing at all.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from backend.certification import sumtree
from backend.certification.proofs.entries import FROZEN, ISSUED, VERIFIED, Batch, Entry, batch_of, entry_of
from backend.certification.proofs.shape import (
    KINDS,
    SALT_BYTES,
    Inclusion,
    LogKey,
    Proof,
    ProofUnreadable,
    Receipt,
    Serial,
    Statement,
)
from backend.certification.proofs.words import WHY, WORDS
from backend.certification.sumtree import Covered, Leaf, Opened, Opening, SumNotProven, tonnes
from backend.kit.errors import DomainError, Kind, Language
from backend.kit.quantities import GRAMS_PER_TONNE
from backend.log import Checkpoint, HeadNotGenuine, PublicKey, canonical, merkle, verify_head
from backend.log.heads import key_id


@dataclass(eq=False)
class KeyUnreadable(DomainError):
    """A public key is 32 bytes in base64, or a verifier key of the form name+id+base64."""

    code = "certification.key_unreadable"
    kind = Kind.INVALID
    title_zh = "公钥须为 base64 写成的 32 字节，或形如“名称+编号+base64”的验证密钥。"


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A public key that the verifier got by another way than the document; with its log's name when that is known too."""

    public_key: bytes
    name: str | None = None


def parse_key(written: str) -> PinnedKey:
    """Read a public key: base64 of its 32 bytes, or the verifier key of c2sp.org/signed-note (`name+id+base64`)."""
    written = written.strip()
    with contextlib.suppress(binascii.Error, ValueError):
        raw = base64.b64decode(written, validate=True)
        if len(raw) == 32 and base64.b64encode(raw).decode() == written:
            return PinnedKey(raw)
    with contextlib.suppress(binascii.Error, ValueError):
        name, named_id, encoded = written.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        if len(raw) == 33 and raw[:1] == b"\x01" and key_id(name, raw[1:]).hex() == named_id:
            return PinnedKey(raw[1:], name)
    raise KeyUnreadable


def act_digest(facts: Mapping[str, Any], salt: bytes) -> bytes:
    """The digest of an act's leaf: SHA-256(salt ‖ canonical JSON of its facts).

    The salt's 16 bytes keep anybody without the receipt from trying out likely facts.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(salt + canonical.encode(dict(facts))).digest()


ENTRY_BYTES = 3072  # an issuance's entry stays below this, so that a serial's proof stays below 8 KB


class Check(NamedTuple):
    """One step of a verification. `at` is the part of the document it looked at, `detail` what went wrong there."""

    code: str
    at: str
    passed: bool
    detail: str = ""

    def message(self, language: Language) -> str:
        """The sentence, with the reason when there is one."""
        words = WORDS[self.code]
        if language == "zh":
            said, (reason, _) = words.holds_zh if self.passed else words.fails_zh, self._why()
            return f"{said}（{reason}）" if reason else said
        said, (_, reason) = words.holds_en if self.passed else words.fails_en, self._why()
        return f"{said} ({reason})" if reason else said

    def _why(self) -> tuple[str, str]:
        return WHY.get(self.detail, (self.detail, self.detail))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was checked, and, only if all of it holds, what is proven."""

    kind: str  # inclusion, serial or receipt
    checks: tuple[Check, ...]
    key: LogKey
    pinned: bool
    head: Checkpoint | None
    facts: Mapping[str, Any]

    @property
    def proven(self) -> bool:
        """Whether every check holds."""
        return all(check.passed for check in self.checks)


def verify(proof: Proof, *, key: PinnedKey | None = None) -> Verdict:
    """Check a proof. Without `key` the enclosed one is used, which only shows that the document agrees with itself."""
    name = (key.name if key else None) or (proof.head.split("\n", 1)[0] if key else proof.key.name)
    used = LogKey(name, key.public_key if key else proof.key.public_key)
    examination = _Examination(proof.head, used)
    facts: dict[str, Any] = {}
    with contextlib.suppress(_Stopped):
        match proof:
            case Inclusion():
                facts = examination.inclusion(proof)
            case Serial():
                facts = examination.serial(proof)
            case Receipt():
                facts = examination.receipt(proof)
    checks = tuple(examination.checks)
    proven = all(check.passed for check in checks)
    return Verdict(
        KINDS[type(proof)], checks, used, key is not None, examination.head, facts if proven else {}
    )


class _Stopped(Exception):
    """A check failed that all further ones rest on."""


class _Examination:
    """Takes one document apart, noting each check; a later check goes on with what an earlier one was about."""

    def __init__(self, head: str, key: LogKey) -> None:
        self.checks: list[Check] = []
        self.head: Checkpoint | None = None
        public = PublicKey(key_id(key.name, key.public_key), 0, key.name, key.public_key)
        try:
            self.head = verify_head(head, key=public)
        except HeadNotGenuine as error:
            self.check("head.genuine", "$.head", False, error.reason)
        else:
            self.check("head.genuine", "$.head", True)

    def check(self, code: str, at: str, passed: bool, detail: str = "") -> bool:
        self.checks.append(Check(code, at, passed, "" if passed else detail))
        return passed

    def require(self, code: str, at: str, passed: bool, detail: str = "") -> None:
        if not self.check(code, at, passed, detail):
            raise _Stopped

    def fail(self, code: str, at: str, detail: str) -> NoReturn:
        self.check(code, at, False, detail)
        raise _Stopped

    # --- entries of the log

    def entry(self, statement: Statement, at: str) -> Entry:
        """An entry as the log has it; without a genuine head its place cannot be checked, its form still is."""
        if self.head is not None:
            included = merkle.verify_inclusion(
                leaf=merkle.leaf_hash(statement.entry),
                index=statement.index,
                size=self.head.size,
                proof=statement.path,
                root=self.head.root,
            )
            self.check("entry.included", at, included)
        try:
            entry = entry_of(statement.entry, f"{at}.entry")
        except ProofUnreadable as error:
            self.fail("entry.readable", at, error.field)
        self.check("entry.readable", at, True)
        return entry

    def batch(self, statement: Statement, at: str, *, kinds: Sequence[str]) -> Batch:
        """An entry that states a batch's tree, with its own sums checked."""
        entry = self.entry(statement, at)
        self.require("entry.kind", at, entry.kind in kinds)
        try:
            batch = batch_of(entry, f"{at}.entry.body")
        except ProofUnreadable as error:
            self.fail("entry.readable", at, error.field)
        if entry.kind == ISSUED:
            whole, rest = tonnes.split(batch.root.grams)
            self.check(
                "entry.sums",
                at,
                batch.quantity_t == whole and entry.body.get("carry_out_g", rest) == rest,
            )
        if batch.runs:
            grams = sum(run["grams"] for run in batch.runs)
            leaves = sum(1 if "carried_from" in run else run["acts"] for run in batch.runs)
            self.check("entry.runs", at, (grams, leaves) == (batch.root.grams, batch.root.leaves))
        return batch

    # --- trees

    def opened(self, opening: Opening, batch: Batch, at: str) -> Opened:
        try:
            opened = sumtree.verify_opening(opening, root=batch.root)
        except SumNotProven as error:
            self.fail("tree.opens", at, error.why)
        self.check("tree.opens", at, True)
        return opened

    def covered(self, opening: Opening, batch: Batch, at: str, *, low: int, high: int) -> Covered:
        self.opened(opening, batch, at)
        try:
            covered = sumtree.verify_range(opening, root=batch.root, low=low, high=high)
        except SumNotProven as error:
            self.fail("tree.covers", at, error.why)
        self.check("tree.covers", at, True)
        return covered

    def carries(self, leaf: Leaf, earlier: Batch, later: Batch, at: str) -> None:
        """Require that a leaf carries exactly what an earlier batch of the same series left over."""
        named = {run["carried_from"] for run in later.runs if "carried_from" in run} or {earlier.batch}
        shared = earlier.series.keys() & later.series.keys()
        self.check("carry.series", at, all(earlier.series[name] == later.series[name] for name in shared))
        right = leaf == tonnes.carry_leaf(earlier.root) and named == {earlier.batch}
        self.require("carry.names", at, right)

    # --- documents

    def inclusion(self, proof: Inclusion) -> dict[str, Any]:
        entry = self.entry(proof.statement, "$.statement")
        return {
            "index": proof.statement.index,
            "entry_kind": entry.kind,
            "recorded_at": entry.recorded_at,
            "body": entry.body,
        }

    def serial(self, proof: Serial) -> dict[str, Any]:
        batch = self.batch(proof.statement, "$.statement", kinds=(ISSUED,))
        tonne = proof.serial - batch.first_serial + 1
        issued = proof.book == batch.book and 1 <= tonne <= batch.quantity_t
        self.require("serial.issued", "$.serial", issued)
        low, high = tonnes.tonne_range(tonne)
        stated = {"tonne": tonne, "recorded_at": batch.recorded_at, "owner": batch.owner, **batch.series}
        parts: list[dict[str, Any]] = []
        opening, at, links = proof.opening, "$.opening", list(enumerate(proof.carried))
        while True:
            covered = self.covered(opening, batch, at, low=low, high=high)
            carried = covered.leaves[0] if batch.carry_in_g and covered.first == 0 else None
            if carried is not None:
                self.check("carry.agrees", at, carried.grams == batch.carry_in_g)
            parts.append(_part(batch, covered, low=low, high=high, carried=carried is not None))
            if not links:
                break
            place, link = links.pop(0)
            beside = f"$.carried[{place}]"
            self.require("carry.wanted", beside, carried is not None)
            assert carried is not None
            earlier = self.batch(link.statement, f"{beside}.statement", kinds=(ISSUED, VERIFIED))
            self.carries(carried, earlier, batch, beside)
            low, high = (carried.from_gram + gram for gram in covered.first_part)
            batch, opening, at = earlier, link.opening, f"{beside}.opening"
        return {
            "book": proof.book,
            "serial": proof.serial,
            "grams": GRAMS_PER_TONNE,
            **stated,
            "parts": parts,
        }

    def receipt(self, proof: Receipt) -> dict[str, Any]:
        batch = self.batch(proof.statement, "$.statement", kinds=(ISSUED, VERIFIED, FROZEN))
        if len(proof.opening.leaves) != 1:
            self.fail("tree.opens", "$.opening", "leaves")
        opened = self.opened(proof.opening, batch, "$.opening")
        leaf = opened.leaves[0]
        self.check("act.digest", "$.act", act_digest(proof.act, proof.salt) == leaf.digest)
        act_g = proof.act["grams"]
        frozen = batch.kind == FROZEN
        right = leaf.grams == act_g if frozen else leaf.grams <= act_g
        self.check("act.grams", "$.act", right and leaf.from_gram == 0)
        low, high = opened.first_at, opened.end
        steps = [_step(batch, low, high)]
        for place, link in enumerate(proof.onward):
            at = f"$.onward[{place}]"
            carry = None if frozen else tonnes.carry_leaf(batch.root)
            self.require("carry.wanted", at, carry is not None and high > carry.from_gram)
            assert carry is not None
            later = self.batch(link.statement, f"{at}.statement", kinds=(ISSUED, VERIFIED))
            first = self.opened(link.opening, later, f"{at}.opening")
            self.require("carry.agrees", at, first.first == 0 and carry.grams == later.carry_in_g)
            self.carries(first.leaves[0], batch, later, at)
            low, high = max(low, carry.from_gram) - carry.from_gram, high - carry.from_gram
            batch = later
            steps.append(_step(batch, low, high))
        return {"act": dict(proof.act), "counted_g": leaf.grams, "steps": steps}


def _part(batch: Batch, covered: Covered, *, low: int, high: int, carried: bool) -> dict[str, Any]:
    """What grams `[low, high)` of a batch are: how many acts, from which days and regions, how many grams carried in."""
    carry_g = covered.first_part[1] - covered.first_part[0] if carried else 0
    part: dict[str, Any] = {
        "batch": batch.batch,
        "low_g": low,
        "high_g": high,
        "acts": covered.last - covered.first + 1 - carried,
        "acts_g": high - low - carry_g,
        "carried_in_g": carry_g,
    }
    days, regions, begin = list[str](), set[str](), 0
    for run in batch.runs:
        end = begin + run["grams"]
        if begin < high and low < end and "acts" in run:
            days += [run["from_day"], run["to_day"]]
            regions |= set(run["regions"])
        begin = end
    return part | ({"from_day": min(days), "to_day": max(days), "regions": sorted(regions)} if days else {})


def _step(batch: Batch, low: int, high: int) -> dict[str, Any]:
    """Where an act's grams lie in one batch, which serials they are part of, and how many were carried on."""
    step: dict[str, Any] = {"batch": batch.batch, "entry_kind": batch.kind, "low_g": low, "high_g": high}
    if batch.kind == FROZEN:
        return step
    whole = tonnes.split(batch.root.grams)[0] * GRAMS_PER_TONNE
    step["carried_on_g"] = max(0, high - max(low, whole))
    of = tonnes.tonnes_of(low=low, high=high, total_g=batch.root.grams)
    if of:
        step |= {"first_tonne": of[0], "last_tonne": of[-1]}
    if of and batch.kind == ISSUED:
        before = batch.first_serial - 1
        step |= {"book": batch.book, "first_serial": before + of[0], "last_serial": before + of[-1]}
    return step
