"""`puhui verify`: offline, 0 for proven, 1 for not, 2 for unreadable; and small enough at a million leaves."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from backend.certification import proofs, sumtree
from backend.certification.sumtree import Leaves, Tree, tonnes
from backend.log import canonical, heads, merkle
from puhui.cli import app
from tests.certification.made import ORIGIN, SERIES, SIGNED_AT, Log, act

LEAVES = 1_000_000


@pytest.fixture(scope="module")
def city() -> Log:
    log = Log()
    log.certify([act(number, grams=300_000 + number) for number in range(9)])
    log.certify([act(100 + number, grams=300_000 + number) for number in range(9)])
    return log


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may open a connection; files and a key are all there is."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)


def key_of(log: Log) -> str:
    return base64.b64encode(log.public_key).decode()


def run(*arguments: str | Path, given: bytes | None = None) -> Result:
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def stored(folder: Path, proof: proofs.Proof, **changed: Any) -> Path:
    file = folder / "proof.json"
    file.write_text(json.dumps(proofs.to_json(proof) | changed, ensure_ascii=False), "utf-8")
    return file


@pytest.mark.parametrize("kind", ["inclusion", "serial", "receipt"])
def test_what_holds_exits_0_and_says_so_in_both_languages(city: Log, tmp_path: Path, kind: str) -> None:
    made: dict[str, proofs.Proof] = {
        "inclusion": city.inclusion(2),
        "serial": city.serial(1003, follow=True),
        "receipt": city.receipt(0, 8, onward=1),
    }
    file = stored(tmp_path, made[kind])
    done = run(file, "--key", key_of(city))
    assert done.exit_code == 0, done.output
    for said in (
        "证明成立 · proven",
        "the log's tree head is signed by this key",
        {"inclusion": "credit.issued", "serial": "恰为 1,000,000 克", "receipt": "part of serial phcer 1003"}[
            kind
        ],
    ):
        assert said in done.stdout
    assert "✗" not in done.stdout
    assert "公钥取自文件本身" not in done.stdout
    told = json.loads(run(file, "--key", key_of(city), "--json").stdout)
    assert (told["proven"], told["kind"], told["key"]["pinned"]) == (True, kind, True)
    assert all(check["passed"] for check in told["checks"])
    assert told["facts"]


def test_without_a_key_it_says_that_only_the_enclosed_one_was_used(city: Log, tmp_path: Path) -> None:
    file = stored(tmp_path, city.serial(1001))
    done = run(file)
    assert done.exit_code == 0
    assert "公钥取自文件本身" in done.stdout
    assert "The key was taken from the file itself" in done.stdout
    assert json.loads(run(file, "--json").stdout)["key"]["pinned"] is False


def test_the_key_may_be_a_file(city: Log, tmp_path: Path) -> None:
    file, key = stored(tmp_path, city.serial(1001)), tmp_path / "log.pub"
    key.write_text(key_of(city) + "\n", "utf-8")
    assert run(file, "--key", key).exit_code == 0


@pytest.mark.parametrize("key", ["", "no key", "/nowhere/log.pub", "密钥" * 300])
def test_a_key_that_cannot_be_read_exits_2(city: Log, tmp_path: Path, key: str) -> None:
    done = run(stored(tmp_path, city.serial(1001)), "--key", key, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "certification.key_unreadable"


def test_what_does_not_hold_exits_1_and_names_each_failed_check(city: Log, tmp_path: Path) -> None:
    stranger = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
    file = stored(tmp_path, city.serial(1001), serial=1002)
    done = run(file, "--key", stranger)
    assert done.exit_code == 1
    assert "证明不成立 · NOT proven" in done.stdout
    assert "日志的树头不是由该公钥签署" in done.stdout
    assert "[tree.covers $.opening]" in done.stdout
    assert "1,000,000" not in done.stdout
    told = json.loads(run(file, "--key", stranger, "--json").stdout)
    assert [check["check"] for check in told["checks"] if not check["passed"]] == [
        "head.genuine",
        "tree.covers",
    ]
    assert (told["proven"], told["facts"]) == (False, {})


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[" * 100_000, b'{"kind":NaN}', b"\xff", b"9" * 10_000, b'{"kind":"serial"}']
)
def test_what_cannot_be_read_exits_2_with_two_sentences(raw: bytes) -> None:
    done = run("-", given=raw)
    assert done.exit_code == 2
    assert "无法把该文件读作一份证明" in done.stderr
    assert "cannot be read as a proof" in done.stderr
    told = json.loads(run("-", "--json", given=raw).stdout)["error"]
    assert told["code"] == "certification.proof_unreadable"
    assert told["field"].startswith("$")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    for file in (tmp_path / "none.json", tmp_path, "a\x00b"):
        assert run(file).exit_code == 2


def test_a_document_cannot_steer_the_terminal(city: Log, tmp_path: Path) -> None:
    log = Log()
    index = log.append("note.made", {"text": "\x1b[2J\x1b[31mproven\u202e\r\n✓ proven [red]"})
    done = run(stored(tmp_path, log.inclusion(index)), "--key", key_of(city))
    assert done.exit_code == 0
    assert not {"\x1b", "\u202e", "\r"} & set(done.stdout)
    assert "\n✓ proven [red]" not in done.stdout
    hostile = stored(tmp_path, log.inclusion(index), key={"name": "\x1b[2J", "public_key": key_of(city)})
    assert "\x1b" not in run(hostile).stdout


def test_it_runs_as_a_program_without_any_server(city: Log, tmp_path: Path) -> None:
    """In its own process, without a data folder, and with addresses at which nobody answers."""
    file = stored(tmp_path, city.serial(1002))
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    env = {
        "PUHUI_DATA_DIR": str(tmp_path / "data"),
        "PUHUI_DATABASE_URL": nowhere,
        "PUHUI_REDIS_URL": "redis://127.0.0.1:1",
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-m", "puhui", "verify", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "证明成立" in done.stdout
    assert not (tmp_path / "data").exists()


# --- a million leaves ---------------------------------------------------------------------------------------------


def million() -> Tree:
    """A certified tree as large as a city's month: acts of 150 to 1,849 g."""
    chance = np.random.default_rng(20261122)
    grams = chance.integers(150, 1_850, LEAVES, dtype=np.uint64)
    return Tree(Leaves(chance.bytes(32 * LEAVES), np.zeros(LEAVES, np.uint64), grams))


def long_entry(tree: Tree) -> bytes:
    """An issuance whose entry is as long as one may be: runs by day until it is full."""
    whole, rest = tonnes.split(tree.root.grams)
    body = {
        **SERIES,
        "batch": "01999999-9999-7999-8999-999999999999",
        "book": "phcer",
        "owner": "gz-travel",
        "first_serial": 1_000_001,
        "quantity_t": whole,
        "carry_in_g": 0,
        "carry_out_g": rest,
        "frozen_root": hashlib.sha256(b"frozen").hexdigest(),
        "certified_root": tree.root.hash.hex(),
        "certified_g": tree.root.grams,
        "certified_leaves": tree.root.leaves,
    }
    ends = np.concatenate(([0], np.cumsum(tree.leaves.grams)))

    def entry(runs: int) -> bytes:
        at = [LEAVES * n // runs for n in range(runs + 1)]
        told = [
            {
                "from_day": f"2026-10-{1 + n % 31:02d}",
                "to_day": f"2026-10-{1 + n % 31:02d}",
                "regions": ["CN-GD-GZ"],
                "acts": at[n + 1] - at[n],
                "grams": int(ends[at[n + 1]] - ends[at[n]]),
            }
            for n in range(runs)
        ]
        return canonical.encode(
            {
                "kind": "credit.issued",
                "recorded_at": canonical.moment(SIGNED_AT),
                "body": {**body, "runs": told},
            }
        )

    return max(
        (entry(runs) for runs in range(1, 60)), key=lambda data: len(data) * (len(data) <= proofs.ENTRY_BYTES)
    )


def test_a_serials_proof_is_under_8_kb_at_a_million_leaves(tmp_path: Path) -> None:
    """In a log of a million entries too, of which only the hashes on the way are made up."""
    tree, log = million(), Log()
    entry = long_entry(tree)
    assert proofs.ENTRY_BYTES - 200 < len(entry) <= proofs.ENTRY_BYTES
    index, size = 654_321, 1 << 20
    path = tuple(hashlib.sha256(str(level).encode()).digest() for level in range(20))
    root = merkle.leaf_hash(entry)
    for level, beside in enumerate(path):
        root = merkle.node_hash(beside, root) if index >> level & 1 else merkle.node_hash(root, beside)
    head = heads.sign(log.key, origin=ORIGIN, size=size, root=root, at=SIGNED_AT)
    stored_rows = {
        (row.level, row.number): sumtree.Node(row.hash, row.grams) for row in sumtree.upper_nodes(tree)
    }
    assert len(stored_rows) < LEAVES // 127

    largest = b""
    whole, _ = tonnes.split(tree.root.grams)
    for tonne in random.Random(1).sample(range(1, whole + 1), 60):
        low, high = tonnes.tonne_range(tonne)
        chunks = {sumtree.find(tree, gram=gram) >> sumtree.CHUNK_LEVEL for gram in (low, high - 1)}
        part = sumtree.Part(
            count=LEAVES,
            nodes={place: stored_rows[place] for place in sumtree.needed(count=LEAVES, chunks=chunks)},
            chunks={number: tree.leaves[number << 8 : (number + 1) << 8] for number in chunks},
        )
        opening = sumtree.prove_range(part, low=low, high=high)
        statement = proofs.Statement(index, entry, path)
        proof = proofs.Serial(log.enclosed, head, "phcer", 1_000_000 + tonne, statement, opening)
        largest = max(largest, proofs.to_bytes(proof), key=len)
    assert len(largest) < 8_192

    file = tmp_path / "serial.json"
    file.write_bytes(largest)
    done = run(file, "--key", key_of(log), "--json")
    assert done.exit_code == 0, done.output
    (part_told,) = json.loads(done.stdout)["facts"]["parts"]
    assert 900 < part_told["acts"] < 1_100
