"""Where one act's grams went: told for its receipt, refused for anything else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from backend import log
from backend.certification import proofs
from backend.certification.proofs.words import WORDS
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.transparency.errors import ReceiptCheck
from tests.certification import made
from tests.transparency.conftest import Teller

Document = dict[str, Any]


class Published:
    """Batches with real trees in this database's log, and receipts of their acts."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db, self.settings = db, settings
        self.made = made.Log()
        self.first = 0

    async def publish(self) -> None:
        """Two batches: 2.6 tonnes, of which 0.6 are carried into the second, which has 1.7 of its own."""
        self.made.certify([made.act(number, grams=100_000) for number in range(26)])
        self.made.certify([made.act(100 + number, grams=100_000) for number in range(17)])
        before = None
        entries = []
        for data in self.made.entries:
            document = json.loads(data)
            kind, body = document["kind"], document["body"]
            if kind == "batch.frozen":
                body |= {"previous": before, "sequence": 1, "pack_sha256s": []}
                before = body["batch"]
            entries.append((kind, body))
        async with self.db.transaction() as session:
            self.first = await log.append_many(session, entries=entries)
        async with self.db.transaction() as session:
            await log.publish(session, settings=self.settings)

    async def receipt(self, *args: Any, **options: Any) -> Document:
        """A receipt as `made` writes it, with the statements, head and key of this log."""
        one = self.made.receipt(*args, **options)
        async with self.db.transaction() as session:
            head = await log.latest_head(session)
            (key,) = await log.public_keys(session)
            assert head is not None

            async def stated(statement: proofs.Statement) -> proofs.Statement:
                index = self.first + statement.index
                (entry,) = await log.entries_at(session, [index])
                path = await log.inclusion_proof(session, index=index, size=head.size)
                return proofs.Statement(index, entry.canonical, tuple(path))

            links = [replace(link, statement=await stated(link.statement)) for link in one.onward]
            return proofs.to_json(
                replace(
                    one,
                    key=proofs.LogKey(key.name, key.public_key),
                    head=head.note,
                    statement=await stated(one.statement),
                    onward=tuple(links),
                )
            )


@pytest.fixture(scope="module")
async def published(db: Database, settings: Settings) -> Published:
    one = Published(db, settings)
    await one.publish()
    return one


async def ask(client: httpx.AsyncClient, document: Document) -> httpx.Response:
    return await client.post("/acts/provenance", content=json.dumps(document, ensure_ascii=False).encode())


async def test_a_receipt_leads_to_the_tonne_and_to_what_became_of_it(
    client: httpx.AsyncClient, published: Published, teller: Teller
) -> None:
    receipt = await published.receipt(0, 3)
    (step,) = (await ask(client, receipt)).json()["steps"]
    assert (step["low_g"], step["high_g"], step["state"]) == (300_000, 400_000, "issued")
    (tonne,) = step["tonnes"]
    assert (tonne["first_serial"], tonne["quantity_t"], tonne["status"]) == ("PHCER-000001001", 1, "held")

    await teller.cancelled([[1001, 1002]])
    (step,) = (await ask(client, receipt)).json()["steps"]
    assert step["tonnes"][0]["status"] == "cancelled"


async def test_an_act_at_the_end_is_followed_into_the_next_batch(
    client: httpx.AsyncClient, published: Published
) -> None:
    answer = (await ask(client, await published.receipt(0, 25, onward=1))).json()
    assert answer["counted_g"] == 100_000
    here, there = answer["steps"]
    assert (here["carried_on_g"], here["carried_to"], here["tonnes"]) == (100_000, "batch-2", [])
    assert (there["batch"], there["low_g"], there["high_g"]) == ("batch-2", 500_000, 600_000)
    assert [one["first_serial"] for one in there["tonnes"]] == ["PHCER-000001003"]


async def test_a_receipt_of_the_frozen_tree_says_that_nothing_is_certified_by_it(
    client: httpx.AsyncClient, published: Published
) -> None:
    (step,) = (await ask(client, await published.receipt(0, 3, entry="frozen"))).json()["steps"]
    assert (step["kind"], step["first_tonne"], step["tonnes"]) == ("batch.frozen", None, [])


async def test_a_receipt_from_before_the_issuance_leads_to_its_serials_all_the_same(
    client: httpx.AsyncClient, published: Published
) -> None:
    (step,) = (await ask(client, await published.receipt(0, 12, entry="verified"))).json()["steps"]
    assert [one["first_serial"] for one in step["tonnes"]] == ["PHCER-000001002"]


def forged(place: str, change: Callable[[Any], Any]) -> Callable[[Document], None]:
    def spoil(document: Document) -> None:
        *path, last = place.split(".")
        inner = document
        for name in path:
            inner = inner[int(name)] if name.isdigit() else inner[name]  # type: ignore[index]
        key: Any = int(last) if last.isdigit() else last
        inner[key] = change(inner[key])

    return spoil


def other_bytes(value: str) -> str:
    raw = bytearray(base64.b64decode(value))
    raw[0] ^= 1
    return base64.b64encode(bytes(raw)).decode()


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (forged("act.inputs", lambda _: {"distance_m": 90_000}), "act.digest"),
        (forged("act.grams", lambda grams: grams + 1), "act.digest"),
        (forged("act.day", lambda _: "2026-02-01"), "act.digest"),
        (forged("salt", other_bytes), "act.digest"),
        (forged("opening.leaves.0.grams", lambda grams: grams + 1), "tree.opens"),
        (forged("opening.nodes.0", other_bytes), "tree.opens"),
        (forged("statement.path.0", other_bytes), "entry.included"),
        (forged("statement.index", lambda index: index - 1), "entry.included"),
        (
            forged("statement.entry", lambda entry: entry.replace('"quantity_t":2', '"quantity_t":3')),
            "entry.included",
        ),
        (forged("head", lambda note: note.replace("\n", "\n1", 1)), "head.genuine"),
        (forged("key.public_key", other_bytes), "head.genuine"),
    ],
)
async def test_a_forged_receipt_is_refused_by_the_name_of_the_check(
    client: httpx.AsyncClient, published: Published, spoil: Callable[[Document], None], check: str
) -> None:
    document = await published.receipt(0, 3)
    spoil(document)
    answer = await ask(client, document)
    assert (answer.status_code, answer.json()["code"]) == (422, "transparency.receipt_not_genuine")
    assert answer.json()["check"] == check


async def test_a_receipt_of_another_log_is_refused(client: httpx.AsyncClient, published: Published) -> None:
    answer = await ask(client, proofs.to_json(published.made.receipt(0, 3)))
    assert answer.json()["check"] == "head.genuine"


async def test_a_proof_of_something_else_is_no_receipt(
    client: httpx.AsyncClient, published: Published
) -> None:
    for proof in (published.made.inclusion(0), published.made.serial(1001)):
        answer = await ask(client, proofs.to_json(proof))
        assert answer.json()["code"] == "transparency.not_a_receipt"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff", b'{"kind": "receipt"}', b"[" * 50])
async def test_what_is_no_proof_at_all_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/acts/provenance", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("sent_as", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
async def test_a_key_of_the_senders_own_is_not_said_back_whatever_it_was_sent_as(
    client: httpx.AsyncClient, sent_as: str
) -> None:
    headers = {"content-type": sent_as}
    answer = await client.post("/acts/provenance", content=b'{"wanderfalke": 1e2}', headers=headers)
    assert answer.status_code == 422
    assert "wanderfalke" not in answer.text


def test_every_check_of_a_proof_has_a_name_here() -> None:
    assert {check.value for check in ReceiptCheck} == {*WORDS, "entry.logged"}
