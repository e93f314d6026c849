"""Proofs hold as they are made, and with anything in them changed they do not; a reader that never falls over."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.certification import proofs, sumtree
from backend.certification.proofs import checking, shape
from backend.certification.proofs.words import WHY, WORDS
from backend.certification.sumtree import tonnes
from backend.log import canonical
from tests.certification.made import ORIGIN, SERIES, Act, Log, act

Document = dict[str, Any]


def city() -> Log:
    """Four batches: 2.7 t, then with a rejection and a deduction, then less than a tonne, then 1.5 t."""
    log = Log()
    log.append("methodology.filed", {"methodology": "gd-bus"})
    log.certify([act(number, grams=300_000 + number) for number in range(9)])
    log.certify(
        [act(100 + number, grams=300_000 + number) for number in range(9)],
        rejected={2: 5, 4: 0},
        deduction_g=500_000,
    )
    log.certify([act(200, grams=10)])
    log.certify([act(300, grams=900_000), act(301, grams=250_000)])
    return log


CITY = city()
FIRST = [batch.first_serial for batch in CITY.batches]

MADE: dict[str, Callable[[], proofs.Proof]] = {
    "inclusion": lambda: CITY.inclusion(2),
    "serial": lambda: CITY.serial(FIRST[0] + 1),
    "serial with a carry": lambda: CITY.serial(FIRST[1]),
    "serial followed back": lambda: CITY.serial(FIRST[1], follow=True),
    "serial followed back twice": lambda: CITY.serial(FIRST[3], follow=True),
    "receipt": lambda: CITY.receipt(0, 3),
    "receipt, shortened by a rejection": lambda: CITY.receipt(1, 2, leaf=3),
    "receipt, carried on": lambda: CITY.receipt(0, 8, onward=1),
    "receipt, carried on twice": lambda: CITY.receipt(2, 0, leaf=1, onward=1),
    "receipt, frozen": lambda: CITY.receipt(1, 4, entry="frozen"),
    "receipt, verified": lambda: CITY.receipt(1, 3, entry="verified", leaf=4),
}
PINNED = proofs.PinnedKey(CITY.public_key, ORIGIN)
each_proof = pytest.mark.parametrize("name", MADE)


def document(name: str) -> Document:
    return proofs.to_json(MADE[name]())


def verdict(told: Document, key: proofs.PinnedKey | None = PINNED) -> proofs.Verdict:
    return proofs.verify(proofs.read(json.dumps(told).encode()), key=key)


def failed(told: Document) -> list[tuple[str, str]]:
    return [(check.code, check.at) for check in verdict(told).checks if not check.passed]


@each_proof
def test_a_proof_holds_and_reads_back_as_it_was_written(name: str) -> None:
    proof = MADE[name]()
    assert proofs.read(proofs.to_bytes(proof)) == proof
    found = verdict(document(name))
    assert found.proven, found.checks
    assert found.facts
    assert found.pinned
    assert not proofs.verify(proof).pinned


# --- what is told is computed -------------------------------------------------------------------------------------


def test_a_serial_is_a_million_grams_of_certain_acts() -> None:
    facts = verdict(document("serial")).facts
    assert (facts["book"], facts["serial"], facts["tonne"], facts["grams"]) == ("phcer", 1002, 2, 1_000_000)
    assert {name: facts[name] for name in SERIES} == SERIES
    (part,) = facts["parts"]
    assert (part["batch"], part["low_g"], part["high_g"]) == ("batch-1", 1_000_000, 2_000_000)
    assert (part["acts"], part["acts_g"], part["carried_in_g"]) == (4, 1_000_000, 0)
    assert (part["from_day"], part["to_day"], part["regions"]) == ("2026-01-01", "2026-01-09", ["CN-GD-GZ"])


def test_carried_grams_are_said_and_followed_as_far_as_the_document_goes() -> None:
    (part,) = verdict(document("serial with a carry")).facts["parts"]
    assert (part["carried_in_g"], part["acts_g"], part["acts"]) == (700_036, 299_964, 1)
    first, second = verdict(document("serial followed back")).facts["parts"]
    assert first == part
    assert (second["batch"], second["low_g"], second["high_g"]) == ("batch-1", 2_000_000, 2_700_036)
    batches = [part["batch"] for part in verdict(document("serial followed back twice")).facts["parts"]]
    assert batches == ["batch-4", "batch-3", "batch-2"]


@pytest.mark.parametrize(
    ("name", "counted_g", "steps"),
    [
        ("receipt", 300_003, [("batch-1", (1001, 1002), 0)]),
        ("receipt, shortened by a rejection", 5, [("batch-2", (1004, 1004), 0)]),
        ("receipt, carried on", 300_008, [("batch-1", None, 300_008), ("batch-2", (1003, 1003), 0)]),
        ("receipt, carried on twice", 10, [("batch-3", None, 10), ("batch-4", (1005, 1005), 0)]),
        ("receipt, frozen", 300_004, [("batch-2", None, 0)]),
    ],
)
def test_a_receipt_says_of_which_serials_the_grams_are_part(
    name: str, counted_g: int, steps: list[Any]
) -> None:
    facts = verdict(document(name)).facts
    assert facts["counted_g"] == counted_g
    told = [
        (
            step["batch"],
            (step["first_serial"], step["last_serial"]) if "first_serial" in step else None,
            step.get("carried_on_g", 0),
        )
        for step in facts["steps"]
    ]
    assert told == steps


def test_every_gram_of_every_act_is_where_the_serials_say() -> None:
    """Receipts against serials: the grams of acts by serial add up to a million each, over carries."""
    sums = dict.fromkeys(range(FIRST[0], FIRST[3] + 1), 0)
    for at, batch in enumerate(CITY.batches):
        for index, leaf in enumerate(batch.tree.leaves):
            place = next((n for n, one in enumerate(batch.acts) if one.leaf.digest == leaf.digest), None)
            if place is None:
                continue
            later = len(CITY.batches) - at - 1
            for onward in range(later + 1):
                found = verdict(proofs.to_json(CITY.receipt(at, place, leaf=index, onward=onward)))
                if not found.proven:
                    assert found.checks[-1].code == "carry.wanted"
                    break
                step = found.facts["steps"][-1]
                low, high = step["low_g"], step["high_g"]
                for serial in range(step.get("first_serial", 0), step.get("last_serial", -1) + 1):
                    tonne = serial - CITY.batches[at + onward].first_serial
                    sums[serial] += min(high, (tonne + 1) * 10**6) - max(low, tonne * 10**6)
    assert sums == dict.fromkeys(sums, 1_000_000)


# --- nothing can be changed ---------------------------------------------------------------------------------------


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value in a document that is not a list or an object, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves_of(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves_of(item, (*path, place))
    else:
        yield path, value


def changes(value: Any) -> Iterator[Any]:
    """Other values of the same type, or of another."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, -value - 1, value + 2**64, value + 10**6)
    elif isinstance(value, str):
        yield value + "x"
        yield value[1:]
        yield value[:-1]
        yield value[::-1] if value[::-1] != value else value + " "
        try:
            raw = bytearray(base64.b64decode(value, validate=True))
        except ValueError:
            return
        for place in {0, len(raw) // 2, len(raw) - 1} if raw else set():
            other = bytearray(raw)
            other[place] ^= 1
            yield base64.b64encode(other).decode()
    yield from (None, [], {})


def at(told: Document, path: tuple[Any, ...], value: Any) -> Document:
    changed: Any = copy.deepcopy(told)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed  # type: ignore[no-any-return]


def rejected(told: Document) -> bool:
    try:
        return not verdict(told).proven
    except proofs.ProofUnreadable:
        return True


@each_proof
def test_with_any_value_changed_nothing_is_proven(name: str) -> None:
    """With a pinned key the enclosed one is not looked at; the head may have further signatures, see below."""
    told = document(name)
    for path, value in leaves_of(told):
        if path[0] in ("key", "head"):
            continue
        for other in changes(value):
            assert rejected(at(told, path, other)), (path, other)


def test_with_any_character_of_the_head_changed_nothing_is_proven() -> None:
    told = document("serial")
    for place in range(len(told["head"]) - 1):
        for other in ("*", "\n", ""):
            if told["head"][place] != other:
                head = told["head"][:place] + other + told["head"][place + 1 :]
                assert failed(told | {"head": head})[0] == ("head.genuine", "$.head"), (place, other)
    witnessed = told["head"] + "— witness.example abcd\n"
    assert failed(told | {"head": witnessed}) == []


@each_proof
def test_without_a_pinned_key_the_enclosed_one_counts(name: str) -> None:
    told = document(name)
    for path, value in leaves_of(told):
        if path[0] == "key":
            for other in changes(value):
                try:
                    assert not verdict(at(told, path, other), None).proven, (path, other)
                except proofs.ProofUnreadable:
                    continue


def lists_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from lists_of(item, (*path, key))
    elif isinstance(value, list):
        yield path, value
        for place, item in enumerate(value):
            yield from lists_of(item, (*path, place))


@each_proof
def test_nothing_can_be_left_out_doubled_or_swapped_in_a_list(name: str) -> None:
    """But a serial may stop following carries earlier, and a receipt stop earlier on the way to its serials."""
    told = document(name)
    for path, items in lists_of(told):
        if path[0] == "act":
            continue
        for place in range(len(items)):
            assert rejected(at(told, path, items[:place] + items[place:][:1] + items[place:])), (path, place)
            if path not in (("carried",), ("onward",)):
                assert rejected(at(told, path, items[:place] + items[place + 1 :])), (path, place)
            if place and items[place] != items[place - 1]:
                swapped = [*items[: place - 1], items[place], items[place - 1], *items[place + 1 :]]
                assert rejected(at(told, path, swapped)), (path, place)


@each_proof
def test_an_entry_that_is_not_in_the_log_proves_nothing(name: str) -> None:
    """Whatever an entry says: as soon as its bytes differ, the log does not have it."""
    told = document(name)
    entry = json.loads(told["statement"]["entry"])
    for path, value in leaves_of(entry):
        for other in changes(value):
            forged = canonical.encode(at(entry, path, other)).decode()
            codes = [code for code, _ in failed(at(told, ("statement", "entry"), forged))]
            assert codes[0] == "entry.included", (path, other)


def test_a_proof_with_a_failed_check_tells_nothing() -> None:
    told = document("receipt")
    told["act"]["grams"] += 1
    found = verdict(told)
    assert not found.proven
    assert found.facts == {}


# --- each check says what it is about -----------------------------------------------------------------------------


def relog(change: Callable[[Document], None], *, which: str = "issued") -> Log:
    """The same city, where the log itself states something else of the second batch."""
    log = city()
    index = getattr(log.batches[1], which)
    entry = json.loads(log.entries[index])
    change(entry)
    log.entries[index] = canonical.encode(entry)
    return log


def set_body(**fields: Any) -> Callable[[Document], None]:
    return lambda entry: entry["body"].update(fields)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (set_body(quantity_t=3), "entry.sums"),
        (set_body(carry_out_g=1), "entry.sums"),
        (set_body(book="phcer-demo"), "serial.issued"),
        (set_body(first_serial=1004), "serial.issued"),
        (set_body(certified_root="00" * 32), "tree.opens"),
        (set_body(certified_root="short"), "entry.readable"),
        (set_body(certified_leaves=3), "tree.opens"),
        (set_body(carry_in_g=700_037), "carry.agrees"),
        (set_body(runs=[{"carried_from": "batch-1", "grams": 700_036}]), "entry.runs"),
        (set_body(runs=[{"grams": 1}]), "entry.readable"),
        (set_body(demo="no"), "entry.readable"),
        (lambda entry: entry["body"].pop("first_serial"), "entry.readable"),
        (lambda entry: entry.update(kind="credit.cancelled"), "entry.kind"),
        (lambda entry: entry.update(more=1), "entry.readable"),
    ],
)
def test_a_log_that_states_something_else_does_not_prove_the_serial(
    change: Callable[[Document], None], code: str
) -> None:
    log = relog(change)
    proof = log.serial(FIRST[1])
    found = proofs.verify(proof, key=PINNED)
    assert code in [check.code for check in found.checks if not check.passed]


def test_an_entry_in_another_written_form_is_refused_even_where_the_log_has_it() -> None:
    """Of a key that stands twice, or spaces, different readers make different things."""
    for plain, other in (
        (b'"kind"', b' "kind"'),
        (b'"book":"phcer"', b'"book":"phcer","book":"phcer"'),
        (b"phcer", b"\\u0070hcer"),
    ):
        log = city()
        index = log.batches[1].issued
        log.entries[index] = log.entries[index].replace(plain, other)
        assert broken(log.serial(FIRST[1])) == ["entry.readable"]


def test_base64_has_one_written_form() -> None:
    told = document("serial")
    told["statement"]["path"][0] = told["statement"]["path"][0][:-2] + "_="
    with pytest.raises(proofs.ProofUnreadable):
        verdict(told)
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    told = document("serial")
    last = digits.index(told["statement"]["path"][0][-2])
    told["statement"]["path"][0] = told["statement"]["path"][0][:-2] + digits[last ^ 1] + "="
    with pytest.raises(proofs.ProofUnreadable) as refused:
        verdict(told)
    assert refused.value.field == "$.statement.path[0]"


def test_a_carry_from_another_series_or_batch_does_not_hold() -> None:
    log = relog(set_body(vintage_year=2025))
    found = proofs.verify(log.serial(FIRST[1], follow=True), key=PINNED)
    assert [check.code for check in found.checks if not check.passed] == ["carry.series"]

    def renamed(entry: Document) -> None:
        entry["body"]["runs"][0]["carried_from"] = "batch-0"

    found = proofs.verify(relog(renamed).serial(FIRST[1], follow=True), key=PINNED)
    assert [check.code for check in found.checks if not check.passed] == ["carry.names"]


def test_another_batch_than_the_one_carried_from_is_refused() -> None:
    told = document("serial followed back twice")
    told["carried"] = told["carried"][1:]
    assert failed(told) == [("carry.names", "$.carried[0]")]
    told = document("serial")
    told["carried"] = document("serial followed back")["carried"]
    assert failed(told) == [("carry.wanted", "$.carried[0]")]


def test_a_carry_is_no_act_and_an_act_no_other() -> None:
    told = document("receipt")
    other = document("receipt, carried on")
    assert failed(told | {"opening": other["opening"]}) == [("act.digest", "$.act"), ("act.grams", "$.act")]
    carry = proofs.to_json(CITY.receipt(1, 0, leaf=0))
    assert ("act.digest", "$.act") in failed(carry)


# --- what a dishonest operator might log --------------------------------------------------------------------------


def broken(proof: proofs.Proof) -> list[str]:
    return [check.code for check in proofs.verify(proof, key=PINNED).checks if not check.passed]


def receipt_of(log: Log, one: Act, index: int, tree: sumtree.Tree, *onward: proofs.Link) -> proofs.Receipt:
    place = next(place for place, leaf in enumerate(tree.leaves) if leaf.digest == one.leaf.digest)
    opening = sumtree.prove_leaf(tree, index=place)
    return proofs.Receipt(log.enclosed, log.head, one.facts, one.salt, log.statement(index), opening, onward)


@pytest.mark.parametrize(
    ("kind", "from_gram", "grams", "holds"),
    [
        ("batch.frozen", 0, 500, True),
        ("batch.frozen", 0, 499, False),
        ("batch.frozen", 0, 501, False),
        ("credit.issued", 0, 500, True),
        ("credit.issued", 0, 1, True),
        ("credit.issued", 0, 501, False),
        ("credit.issued", 1, 499, False),
        ("batch.verified", 1, 499, False),
    ],
)
def test_a_leaf_gives_an_act_its_own_first_grams(kind: str, from_gram: int, grams: int, holds: bool) -> None:
    log, one = Log(), act(1, grams=500)
    index, tree = log.state(kind, "batch-1", [sumtree.Leaf(one.leaf.digest, from_gram, grams)])
    assert broken(receipt_of(log, one, index, tree)) == ([] if holds else ["act.grams"])


def test_a_carry_comes_first_and_nowhere_else() -> None:
    log, one, two = Log(), act(1, grams=1_300_000), act(2, grams=800_000)
    index, tree = log.state("credit.issued", "batch-1", [one.leaf])
    carry = tonnes.carry_leaf(tree.root)
    assert carry is not None
    for leaves, wrong in (([carry, two.leaf], []), ([two.leaf, carry], ["carry.agrees"])):
        later, next_tree = log.state("credit.issued", "batch-2", leaves, carry_in_g=carry.grams)
        opening = sumtree.prove_leaf(next_tree, index=leaves.index(carry))
        link = proofs.Link(log.statement(later), opening)
        assert broken(receipt_of(log, one, index, tree, link)) == wrong


def test_a_carry_leads_to_the_tree_that_its_digest_names_and_not_to_another_of_that_name() -> None:
    log, one, other, two = Log(), act(1, grams=1_300_000), act(9, grams=1_300_000), act(2, grams=800_000)
    trees = [log.state("batch.verified", "batch-1", [each.leaf]) for each in (one, other)]
    carry = tonnes.carry_leaf(trees[0][1].root)
    assert carry is not None
    index, tree = log.state("credit.issued", "batch-2", [carry, two.leaf], carry_in_g=carry.grams)
    for (earlier, earlier_tree), wrong in zip(trees, ([], ["carry.names"]), strict=True):
        back = sumtree.prove_range(earlier_tree, low=1_000_000, high=1_300_000)
        proof = proofs.Serial(
            log.enclosed,
            log.head,
            "phcer",
            1,
            log.statement(index),
            sumtree.prove_range(tree, low=0, high=1_000_000),
            (proofs.Link(log.statement(earlier), back),),
        )
        assert broken(proof) == wrong


def test_a_head_of_another_key_is_named_and_the_rest_still_checked() -> None:
    stranger = proofs.PinnedKey(hashlib.sha256(b"another").digest())
    found = verdict(document("serial"), stranger)
    codes = {check.code: check.passed for check in found.checks}
    assert codes.pop("head.genuine") is False
    assert codes
    assert all(codes.values())
    assert found.facts == {}


def test_every_check_has_its_words_and_every_reason_is_told_in_both_languages() -> None:
    seen = {check.code for name in MADE for check in verdict(document(name)).checks}
    assert seen == set(WORDS)
    for words in (*WORDS.values(), *WHY.values()):
        assert all(words)
    for code in WORDS:
        for why in WHY:
            check = checking.Check(code, "$", False, why)
            assert WHY[why][0] in check.message("zh")
            assert WHY[why][1] in check.message("en")


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_read_as_base64_or_as_a_verifier_key() -> None:
    from backend.log.heads import key_id

    raw = CITY.public_key
    assert proofs.parse_key(base64.b64encode(raw).decode() + "\n") == proofs.PinnedKey(raw)
    named = key_id(ORIGIN, raw).hex()
    note = f"{ORIGIN}+{named}+" + base64.b64encode(b"\x01" + raw).decode()
    assert proofs.parse_key(note) == proofs.PinnedKey(raw, ORIGIN)
    found = verdict(document("serial"), proofs.PinnedKey(raw, "another.example/log"))
    assert [check.code for check in found.checks if not check.passed] == ["head.genuine"]
    short = base64.b64encode(raw[:-1]).decode()
    loose = base64.b64encode(raw).decode()[:-2] + "B="
    for wrong in ("", "x", short, loose, note[1:], note.replace(named, "00000000"), f"{ORIGIN}++", "密钥"):
        with pytest.raises(proofs.KeyUnreadable):
            proofs.parse_key(wrong)


# --- reading anything ---------------------------------------------------------------------------------------------


def is_told(raw: bytes) -> None:
    """Either a verdict or a fault with a path and two sentences; nothing else may happen."""
    fault = None
    try:
        proofs.verify(proofs.read(raw), key=PINNED)
    except proofs.ProofUnreadable as error:
        fault = error
    assert fault is None or (fault.field.startswith("$") and fault.message("zh") != fault.message("en"))


@each_proof
def test_a_document_cut_short_anywhere_is_unreadable(name: str) -> None:
    raw = proofs.to_bytes(MADE[name]())
    for length in range(0, len(raw), 7):
        with pytest.raises(proofs.ProofUnreadable):
            proofs.read(raw[:length])


HOSTILE: list[Any] = [
    None,
    True,
    -1,
    0,
    2**64,
    10**4000,
    "",
    "\x00",
    "é\u202e\x1b[31m",
    [],
    [[]] * 200,
    {},
    {"kind": "serial"},
    [1] * 5_000,
]


@each_proof
def test_anything_anywhere_is_a_fault_with_a_name(name: str) -> None:
    told = document(name)
    paths = [path for path, _ in leaves_of(told)] + [path for path, _ in lists_of(told)]
    inner = {path[:length] for path in paths for length in range(1, len(path))}
    for path in [*paths, *inner]:
        for value in HOSTILE:
            is_told(json.dumps(at(told, path, value)).encode())
        is_told(json.dumps(at(told, path, "\ud800")).encode())
        for odd in (
            "NaN",
            "1.0",
            "1e400",
            "-Infinity",
            "9" * 5_000,
            "[" * 5_000 + "]" * 5_000,
            '{"a":1,"a":2}',
        ):
            mark = json.dumps("here is something odd")
            raw = json.dumps(at(told, path, "here is something odd")).replace(mark, odd).encode()
            with pytest.raises(proofs.ProofUnreadable):
                proofs.read(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'"serial"',
        b"nul",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b"9" * 100_000,
        b" " * (shape.MAX_BYTES + 1),
        b'{"kind":"serial","kind":"receipt"}',
        b'{"kind":"serial","format":"puhui-proof-2"}',
        b'{"kind":[],"format":"puhui-proof-1"}',
    ],
)
def test_what_is_no_document_is_unreadable(raw: bytes) -> None:
    with pytest.raises(proofs.ProofUnreadable):
        proofs.read(raw)


def test_an_unknown_field_is_refused_because_nothing_vouches_for_it() -> None:
    told = document("receipt")
    for path in ((), ("key",), ("statement",), ("opening",), ("opening", "leaves", 0)):
        with pytest.raises(proofs.ProofUnreadable) as refused:
            verdict(at(told, (*path, "more"), 1))
        assert "不" not in refused.value.message("en")


@settings(max_examples=300)
@given(st.sampled_from(sorted(MADE)), st.randoms(use_true_random=False))
def test_bytes_thrown_about_never_break_the_reader(name: str, chance: random.Random) -> None:
    raw = bytearray(proofs.to_bytes(MADE[name]()))
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(raw))
        match chance.randrange(3):
            case 0:
                raw[place] = chance.randrange(256)
            case 1:
                del raw[place : place + chance.randrange(40)]
            case _:
                raw[place:place] = chance.choice(
                    [b'"', b"{", b"[", b"\\", b"9" * 30, b"\xed\xa0\x80", b"-", b","]
                )
    is_told(bytes(raw))


# --- small and offline --------------------------------------------------------------------------------------------


def test_salted_digests_need_a_whole_salt() -> None:
    facts = {"grams": 1, "day": "2026-01-01"}
    assert (
        proofs.act_digest(facts, bytes(16))
        == hashlib.sha256(bytes(16) + b'{"day":"2026-01-01","grams":1}').digest()
    )
    with pytest.raises(ValueError, match="16 bytes"):
        proofs.act_digest(facts, b"")


def test_openings_survive_the_way_through_json() -> None:
    opening = sumtree.Opening(
        0, 1, (sumtree.Leaf(bytes(32), 2**63, 2**63), sumtree.Leaf(bytes(32), 0, 1)), ()
    )
    proof = proofs.Receipt(CITY.enclosed, "", {"grams": 1}, bytes(16), CITY.statement(0), opening)
    assert proofs.read(proofs.to_bytes(proof)) == proof
