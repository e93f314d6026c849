"""The log as the public reads it: whoever kept one signed head can check every later one, and every entry."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import httpx
import pytest

from backend import log
from backend.certification import proofs
from backend.kit.settings import Settings
from backend.log import merkle
from tests.transparency.conftest import Teller

ENTRIES = 23


@pytest.fixture(scope="module", autouse=True)
async def heads(teller: Teller, settings: Settings) -> list[log.TreeHead]:
    """Heads at several sizes, and a last entry that nobody signed yet."""
    found = []
    for number in range(ENTRIES):
        await teller.tell("test.noted", number=number)
        if number in {0, 4, 11, 21}:
            found.append(await teller.sign(settings))
    return found


async def read(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def the_key(client: httpx.AsyncClient) -> log.PublicKey:
    (key,) = (await client.get("/log/keys")).json()
    return log.PublicKey(
        key_id=bytes.fromhex(key["key_id"]), generation=key["generation"], name=key["name"],
        public_key=bytes.fromhex(key["public_key"]),
    )  # fmt: skip


async def test_a_kept_head_can_be_checked_against_every_later_one(
    client: httpx.AsyncClient, heads: list[log.TreeHead]
) -> None:
    key = await the_key(client)
    for place, kept in enumerate(heads):
        old = log.verify_head(kept.note, key=key)
        for later in heads[place:]:
            told = await read(client, "/log/proofs/consistency", old=old.size, new=later.size)
            new = log.verify_head(told["new_head"]["note"], key=key)
            proof = [bytes.fromhex(one) for one in told["proof"]]
            assert merkle.verify_consistency(
                old=old.size, new=new.size, old_root=old.root, new_root=new.root, proof=proof
            )
            assert bytes.fromhex(told["old_root"]) == old.root


async def test_a_rewritten_log_does_not_pass_for_a_later_one(
    client: httpx.AsyncClient, heads: list[log.TreeHead]
) -> None:
    kept, told = heads[1], await read(client, "/log/proofs/consistency", old=heads[1].size, new=ENTRIES)
    leaves = [merkle.leaf_hash(b"other %d" % number) for number in range(ENTRIES)]
    assert not merkle.verify_consistency(
        old=kept.size,
        new=ENTRIES,
        old_root=kept.root,
        new_root=merkle.root_of(leaves),
        proof=[bytes.fromhex(one) for one in told["proof"]],
    )


async def test_the_saved_inclusion_proof_is_a_file_that_verifies(client: httpx.AsyncClient) -> None:
    key = await the_key(client)
    for index in (0, 7, 21):
        answer = await client.get("/log/proofs/inclusion", params={"index": index})
        verdict = proofs.verify(proofs.read(answer.content), key=proofs.PinnedKey(key.public_key, key.name))
        assert verdict.proven, verdict.checks
        assert verdict.facts["body"] == {"number": index}


async def test_a_forged_entry_is_refused(client: httpx.AsyncClient) -> None:
    key = await the_key(client)
    answer = await client.get("/log/proofs/inclusion", params={"index": 7})
    proof = proofs.read(answer.content)
    assert isinstance(proof, proofs.Inclusion)
    entry = proof.statement.entry.replace(b'"number":7', b'"number":8')
    forged = replace(proof, statement=replace(proof.statement, entry=entry))
    verdict = proofs.verify(forged, key=proofs.PinnedKey(key.public_key))
    assert [check.code for check in verdict.checks if not check.passed] == ["entry.included"]


async def test_at_a_size_that_nobody_signed_the_bare_hashes_prove_it(client: httpx.AsyncClient) -> None:
    told = await read(client, "/log/proofs/inclusion", index=22, size=ENTRIES)
    entry = await read(client, "/log/entries/22")
    leaf = hashlib.sha256(b"\x00" + entry["canonical"].encode()).hexdigest()
    assert leaf == entry["leaf_hash"] == told["leaf_hash"]
    assert merkle.verify_inclusion(
        leaf=bytes.fromhex(leaf),
        index=22,
        size=ENTRIES,
        proof=[bytes.fromhex(one) for one in told["proof"]],
        root=bytes.fromhex(told["root"]),
    )


async def test_the_note_of_a_head_is_what_its_fields_say(client: httpx.AsyncClient) -> None:
    head = await read(client, "/log/head")
    stated = log.verify_head(head["note"], key=await the_key(client))
    assert (stated.size, stated.root.hex()) == (head["size"], head["root"]) == (22, head["root"])
    assert base64.b64encode(stated.root).decode() in head["note"]


async def test_pages_lead_through_all_entries_and_heads(
    client: httpx.AsyncClient, heads: list[log.TreeHead]
) -> None:
    for extra in ({}, {"kind": "test.noted"}):
        seen, at = [], 0
        while at is not None:
            page = await read(client, "/log/entries", **{"from": at}, limit=5, **extra)
            seen += [entry["index"] for entry in page["items"]]
            at = page["next"]
        assert seen == list(range(ENTRIES))
    first = await read(client, "/log/heads", limit=3)
    rest = await read(client, "/log/heads", limit=3, above=first["next"])
    assert [head["size"] for head in first["items"] + rest["items"]] == [head.size for head in heads]
    assert rest["next"] is None


async def test_what_never_changes_may_be_kept_and_is_not_sent_twice(client: httpx.AsyncClient) -> None:
    for path, good in (
        ("/log/entries/3", True), ("/log/proofs/inclusion?index=3&size=22", True),
        ("/log/proofs/consistency?old=5&new=22", True), ("/log/head", False), ("/log/entries?from=0", False),
    ):  # fmt: skip
        answer = await client.get(path)
        assert ("immutable" in answer.headers["cache-control"]) is good, path
        again = await client.get(path, headers={"if-none-match": f'"x", {answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b""), path
        other = await client.get(path, headers={"if-none-match": '"x"'})
        assert other.status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log/entries/23", 404), ("/log/entries/-1", 422), ("/log/entries/" + "9" * 40, 422), ("/log/entries/x", 422),
        ("/log/proofs/inclusion?index=22&size=22", 404), ("/log/proofs/inclusion?index=22", 404),
        ("/log/proofs/inclusion?index=0&size=24", 404), ("/log/proofs/inclusion?index=0&size=0", 422),
        ("/log/proofs/consistency?old=0&new=5", 404), ("/log/proofs/consistency?old=6&new=5", 404),
        ("/log/proofs/consistency?old=5&new=24", 404), ("/log/entries?from=-1", 422), ("/log/entries?limit=201", 422),
        ("/log/entries?kind=';--", 422), ("/log/proofs/consistency?old=1e3&new=x", 422),
    ],
)  # fmt: skip
async def test_what_is_not_there_or_not_meant_is_refused(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nothing_can_be_written(client: httpx.AsyncClient) -> None:
    for path in ("/log/entries", "/log/head", "/serials", "/figures"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer = await client.request(method, path, json={})
            assert answer.status_code == 405


async def test_pages_of_other_sites_may_read_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/log/keys", headers={"origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    asked = {
        "origin": "https://example.org",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    assert (await client.options("/acts/provenance", headers=asked)).status_code == 200
    refused = await client.options("/serials", headers=asked | {"access-control-request-method": "DELETE"})
    assert refused.status_code == 400
