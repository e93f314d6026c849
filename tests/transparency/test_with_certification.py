"""Entries as certification writes them: what is told of a tonne agrees with its proof, and a receipt leads to it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend import certification
from backend.certification import proofs
from backend.transparency import checks
from tests.certification.conftest import Town, rides_of
from tests.certification.conftest import town as town  # noqa: PLC0414 - the fixture
from tests.certification.test_whole_way import keys_of

GRAMS = 10**6


@pytest.fixture(scope="module", autouse=True)
async def issued(town: Town) -> list[certification.Issuance]:
    """Three batches of one series: nothing but a carry, one tonne with it, and two tonnes."""
    made = [
        await town.whole("2018-01", rides_of(999_999)),
        await town.whole("2018-02", rides_of(600_001)),
        await town.whole("2018-03", rides_of(1_700_000)),
    ]
    assert [one.quantity_t for one in made] == [0, 1, 2]
    await town.seal()
    return made


async def told(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_the_grams_that_are_told_of_a_tonne_are_those_that_its_proof_proves(
    client: httpx.AsyncClient,
) -> None:
    (key,) = (await client.get("/log/keys")).json()
    for number in (1, 2, 3):
        story = await told(client, f"/serials/phcer-{number}")
        answer = await client.get(f"/serials/phcer-{number}/proof")
        verdict = proofs.verify(
            proofs.read(answer.content), key=proofs.PinnedKey(bytes.fromhex(key["public_key"]), key["name"])
        )
        assert verdict.proven
        proven = {
            (part["batch"], part["low_g"], part["high_g"], part["carried_in_g"])
            for part in verdict.facts["parts"]
        }
        assert ranges(story["tonne"]["parts"]) == proven
        assert sum(part["grams"] for part in story["tonne"]["parts"]) == GRAMS


def ranges(parts: list[dict[str, Any]]) -> set[tuple[str, int, int, int]]:
    """The grams of each batch that parts lie in, as the proof tells them."""
    found: set[tuple[str, int, int, int]] = set()
    carried = [part for part in parts if part["carried_from"]]
    if parts:
        batch, low, high = parts[0]["batch"], parts[0]["low_g"], parts[-1]["high_g"]
        found.add((batch, low, high, sum(part["grams"] for part in carried)))
    for part in carried:
        found |= ranges(part["parts"])
    return found


async def test_the_filing_and_the_certificate_s_serial_are_told(client: httpx.AsyncClient) -> None:
    story = await told(client, "/serials/phcer-1")
    (leave,) = story["leave"]
    assert (leave["demo"], leave["methodology"], leave["region"]) == (
        False,
        story["batch"]["methodology"],
        "CN-GD",
    )
    assert (await told(client, f"/serials/{story['credit']}"))["serial"] == "PHCER-000000001"
    assert (story["batch"]["state"], story["demo"]) == ("issued", False)


async def test_a_receipt_leads_to_the_serials_that_it_proves(client: httpx.AsyncClient, town: Town) -> None:
    for month, place in (("2018-01", 0), ("2018-02", 0), ("2018-02", -1), ("2018-03", 5)):
        key = (await keys_of(town, month))[place]
        async with town.db.transaction() as session:
            made = await certification.receipt(
                session, town.settings.keys, participant_id=town.rider, claim_key=key
            )
        answer = await client.post("/acts/provenance", content=proofs.to_bytes(made.proof))
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert document["counted_g"] == made.counted_g
        for step, expected in zip(document["steps"], made.steps, strict=True):
            assert step["carried_on_g"] == expected.carried_on_g
            serials = [int(one["first_serial"].rsplit("-", 1)[1]) for one in step["tonnes"]]
            assert serials[:1] == ([] if expected.first_serial is None else [expected.first_serial])


async def test_a_batch_that_issued_nothing_is_told_with_what_it_carried_on(
    client: httpx.AsyncClient, issued: list[certification.Issuance]
) -> None:
    batch = await told(client, f"/batches/{issued[0].batch_id}")
    assert (batch["state"], batch["quantity_t"], batch["first_serial"]) == ("issued", 0, None)
    assert (batch["carry_out_g"], batch["next"]) == (999_999, str(issued[1].batch_id))


async def test_the_audit_agrees(town: Town) -> None:
    async with town.db.transaction() as session:
        checked = await checks.as_the_log_says(session)
    assert checked.violations == []
    assert checked.rows
