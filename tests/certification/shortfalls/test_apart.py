"""Live credits and demonstrations owe apart; and what was made good otherwise is not deducted as well."""

from __future__ import annotations

import datetime as dt

import pytest

from backend.certification import shortfalls
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.certification.conftest import Town, rides_of
from tests.certification.shortfalls.conftest import closed, open_g, series, withdraw

OPERATOR = "gd-operator"


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose methodology was a demonstration before it was filed."""
    made = Town(db, settings, tmp_path_factory.mktemp("rides"))
    await made.found(filed=False)
    await made.whole("2023-01", rides_of(1_000_000), demo=True)
    await made.ride("2022-01", rides_of(1_000_000))
    await made.file(since=dt.date(2024, 1, 1))
    return made


async def refused(town: Town, *, demo: bool) -> bool:
    try:
        async with town.db.transaction() as session:
            await shortfalls.refuse_debtor(session, operator=OPERATOR, demo=demo)
    except shortfalls.CorrectionsOwed:
        return True
    return False


async def test_a_demonstrations_debt_blocks_demonstrations_only(town: Town) -> None:
    await withdraw(town, "2023-01")
    assert await open_g(town, 2023, demo=True) == 4_000
    assert (await refused(town, demo=True), await refused(town, demo=False)) == (True, False)
    assert (await town.whole("2024-01", rides_of(2_000_000))).quantity_t == 2
    other = await town.close("2022-01", demo=True)
    await town.verify(other)
    with pytest.raises(shortfalls.CorrectionsOwed):
        await town.propose(other)
    async with town.db.transaction() as session:
        made = await shortfalls.cancel(
            session, series=series(2023, demo=True), ordered_by=town.staff["first"], reason="it is over"
        )
    assert (made.book, made.quantity_t) == ("phcer-demo", 1)
    assert (await town.issue(other)).quantity_t == 1
    assert await town.violations() == []


async def test_a_live_debt_blocks_no_demonstration(town: Town) -> None:
    await withdraw(town, "2024-01")
    assert (await refused(town, demo=True), await refused(town, demo=False)) == (False, True)


async def test_a_statement_that_deducts_what_was_made_good_otherwise_is_outdated(town: Town) -> None:
    batch = await closed(town, "2024-02", rides_of(1_000_000))
    proposed = await town.propose(batch)
    async with town.db.transaction() as session:
        await shortfalls.cancel(
            session, series=series(2024), ordered_by=town.staff["first"], reason="not waited for"
        )
    with pytest.raises(shortfalls.StatementOutdated):
        await town.approve(batch, proposed)
    again = await town.state(batch)
    assert (again.revision, again.corrections_g, again.verified_g) == (2, 0, 1_000_000)
    assert (await town.issue(batch)).quantity_t == 1
    assert await open_g(town, 2024) == 0
    assert await town.violations() == []
