"""An act withdrawn after its grams were certified is deducted from the next batch of its series."""

from __future__ import annotations

import pytest

from backend import certification
from tests.certification.conftest import Town, rides_of
from tests.certification.shortfalls.conftest import closed, open_g, series, withdraw


async def test_the_next_batch_is_smaller_by_what_was_withdrawn_and_the_books_say_so(town: Town) -> None:
    first = await town.whole("2026-01", rides_of(1_004_000))
    assert (first.quantity_t, first.carry_out_g) == (1, 4_000)
    (key,) = await withdraw(town, "2026-01")
    assert await open_g(town) == 4_000
    assert await town.violations() == []

    batch = await closed(town, "2026-02", rides_of(1_200_000), deduction_g=1_500)
    (entry,) = [body for body in await town.entries("batch.verified") if body["batch"] == str(batch.id)]
    assert (entry["deducted_g"], entry["corrections_g"]) == (5_500, 4_000)
    assert entry["verified_g"] == 1_200_000 - 5_500
    assert await open_g(town) == 4_000  # a statement covers nothing before it is issued
    issued = await town.issue(batch)
    assert issued.quantity_t * 10**6 + issued.carry_out_g == 4_000 + 1_200_000 - 5_500
    assert await open_g(town) == 0
    async with town.db.transaction() as session:
        (one,) = await certification.shortfalls.shortfalls(session, series())
    assert (one.claim_key, one.grams, one.deducted_g, one.cancelled_g) == (key, 4_000, 4_000, 0)
    assert await town.violations() == []


async def test_an_act_that_is_withdrawn_before_its_batch_is_stated_keeps_nothing(town: Town) -> None:
    await town.ride("2025-03", rides_of(1_100_000))
    batch = await town.close("2025-03")
    pools = await town.balance("pool:")
    await withdraw(town, "2025-03", many=3)
    assert await town.balance("pool:") == pools  # its grams are in the batch
    statement = await town.verify(batch)
    assert (statement.rejected_g, statement.deducted_g, statement.verified_g) == (12_000, 0, 1_088_000)
    found = await _findings(town, batch.id)
    assert [one.reason for one in found] == [certification.FindingReason.WITHDRAWN] * 3
    with pytest.raises(certification.ActWithdrawn):
        await town.find(batch, found[0].position, 4_000)

    await withdraw(town, "2025-03")  # behind the statement
    with pytest.raises(certification.shortfalls.StatementOutdated):
        await town.propose(batch)
    await town.state(batch)
    issued = await town.issue(batch)
    assert (issued.quantity_t, issued.carry_out_g) == (1, 84_000)
    assert await open_g(town, 2025) == 0
    assert await town.violations() == []


async def _findings(town: Town, batch_id: object) -> list[certification.Finding]:
    async with town.db.transaction() as session:
        return await certification.findings(session, batch_id=batch_id)  # type: ignore[arg-type]


async def test_a_withdrawn_act_waiting_in_its_pool_is_never_frozen(town: Town) -> None:
    await town.ride("2024-03", rides_of(40_000))
    await withdraw(town, "2024-03", many=2)
    assert await open_g(town, 2024) == 0
    batch = await town.close("2024-03")
    assert (batch.acts, batch.frozen_g) == (8, 32_000)
    assert await town.violations() == []


async def test_only_what_an_act_keeps_in_the_certified_tree_goes_missing(town: Town) -> None:
    batch = await closed(town, "2023-03", [4_000, 3_000, 2_000], findings={0: 1_000}, deduction_g=500)
    await town.issue(batch)
    keys = [
        *await withdraw(town, "2023-03", grams=4_000),
        *await withdraw(town, "2023-03", grams=3_000),
        *await withdraw(town, "2023-03", grams=2_000),
    ]
    async with town.db.transaction() as session:
        found = await certification.shortfalls.shortfalls(session, series(2023))
    assert [one.claim_key for one in found] == keys
    assert sum(one.grams for one in found) == (await _statement(town, batch.id)).verified_g
    assert await town.violations() == []
    await town.issue(await closed(town, "2023-04", rides_of(8_000)))
    assert await open_g(town, 2023) == 0


async def _statement(town: Town, batch_id: object) -> certification.Statement:
    async with town.db.transaction() as session:
        return await certification.statement(session, batch_id=batch_id)  # type: ignore[arg-type]


async def test_a_batch_covers_what_it_can_and_the_next_one_the_rest(town: Town) -> None:
    await town.whole("2022-01", rides_of(1_000_000))
    await withdraw(town, "2022-01", many=10)
    small = await closed(town, "2022-02", rides_of(12_000))
    statement = await _statement(town, small.id)
    assert (statement.corrections_g, statement.verified_g, statement.certified_leaves) == (12_000, 0, 0)
    issued = await town.issue(small)
    assert (issued.quantity_t, issued.carry_out_g) == (0, 0)
    assert await open_g(town, 2022) == 28_000
    rest = await closed(town, "2022-03", rides_of(1_030_000))
    assert (await town.issue(rest)).carry_out_g == 2_000
    assert await open_g(town, 2022) == 0
    assert await town.violations() == []
