"""A programme may name how long a shortfall waits for a batch; then the operator loses tonnes without anybody's doing."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend import certification, packs, programmes
from backend.certification import shortfalls
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.ledger import SerialRange
from backend.packs import PackFaulty
from tests.certification.conftest import LIBRARY, PROJECT, Town, rides_of
from tests.certification.shortfalls.conftest import closed, debt_of, open_g, series, withdraw
from tests.unscreened import unscreened

TERM = 30


def with_term(days: object) -> packs.Pack:
    """The sample programme, naming a term."""
    return unscreened(
        LIBRARY.find(PROJECT),
        ('project = "gd-green-travel"', f'correction_term_days = {days}\nproject = "gd-green-travel"'),
    )


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose programme gives shortfalls thirty days."""
    made = Town(db, settings, tmp_path_factory.mktemp("rides"))
    await made.found()
    async with db.transaction() as session:
        await programmes.register(session, pack=with_term(TERM))
    return made


@pytest.mark.parametrize("days", ["-1", "3651", '"30"', "1.5"])
def test_a_term_is_a_number_of_days(days: str) -> None:
    with pytest.raises(PackFaulty):
        with_term(days).body_as(programmes.Programme)


async def test_a_shortfall_waits_until_its_term_is_over_and_then_costs_whole_tonnes(town: Town) -> None:
    await town.whole("2024-01", rides_of(2_000_000))
    await withdraw(town, "2024-01", many=3)
    other = await closed(town, "2025-01", rides_of(1_000_000))
    proposed = await town.propose(other)  # the other series may go on
    found = await debt_of(town, 2024)
    assert (found.open_g, found.blocking_g, found.due_g, found.term_days) == (12_000, 0, 0, TERM)
    assert await shortfalls.cancel_overdue(town.db) == []

    with clock.travel(clock.now() + dt.timedelta(days=TERM, seconds=1)):
        found = await debt_of(town, 2024)
        assert (found.blocking_g, found.due_g) == (12_000, 12_000)
        with pytest.raises(shortfalls.CorrectionsOwed):
            await town.propose(other)
        (made,) = await shortfalls.cancel_overdue(town.db)
        assert (made.quantity_t, made.serials, made.ordered_by) == (1, (SerialRange(1, 2),), None)
        assert await shortfalls.cancel_overdue(town.db) == []
        assert await town.balance("holder:phcer:gd-operator") == 1
        assert await town.balance("cancelled:phcer") == 1
        assert await town.violations() == []
    assert (await town.approve(other, proposed)).quantity_t == 1
    assert await town.violations() == []


async def test_the_term_counts_to_the_second(town: Town) -> None:
    await town.whole("2023-01", rides_of(4_000))
    await withdraw(town, "2023-01")
    found = await debt_of(town, 2023)
    assert found.since is not None
    with clock.travel(found.since + dt.timedelta(days=TERM, seconds=-10)):
        assert (await debt_of(town, 2023)).due_g == 0
    with clock.travel(found.since + dt.timedelta(days=TERM)):
        assert (await debt_of(town, 2023)).due_g == 4_000
        (made,) = await shortfalls.cancel_overdue(town.db)  # another series' tonne, for its own has none
        assert made.serials == (SerialRange(2, 3),)


async def test_what_a_batch_had_too_little_for_is_a_debt_at_once(town: Town) -> None:
    await town.whole("2022-01", rides_of(40_000))
    await withdraw(town, "2022-01", many=9)
    assert (await debt_of(town, 2022)).blocking_g == 0
    await town.issue(await closed(town, "2022-02", rides_of(8_000)))
    found = await debt_of(town, 2022)
    assert (found.open_g, found.blocking_g, found.due_g) == (28_000, 28_000, 0)
    other = await closed(town, "2021-01", rides_of(1_000_000))
    with pytest.raises(shortfalls.CorrectionsOwed, match="owed_g=28000"):
        await town.propose(other)
    await town.issue(await closed(town, "2022-03", rides_of(28_000)))
    assert (await town.issue(other)).quantity_t == 1
    assert await town.violations() == []


async def test_nobody_who_works_for_the_operator_orders_a_cancellation(town: Town) -> None:
    await town.issue(await closed(town, "2022-04", rides_of(4_000)))
    await withdraw(town, "2022-04")
    for login in ("anna", "olga", "vera"):  # the operator's, another's, the verification body's
        async with town.db.transaction() as session:
            allowed = login == "vera"  # of the authority, too, and not of the operator
            if allowed:
                with pytest.raises(shortfalls.NothingOwed):
                    await _order(session, town, login)
            else:
                with pytest.raises(certification.NotIndependent):
                    await _order(session, town, login)


async def _order(session: AsyncSession, town: Town, login: str) -> None:
    await shortfalls.cancel(session, series=series(2022), ordered_by=town.staff[login], reason="x")


async def test_no_program_notes_a_shortfall_of_what_was_not_issued_or_not_withdrawn(town: Town) -> None:
    batch = await closed(town, "2020-01", rides_of(4_000))
    statement = text("""
        INSERT INTO certification_shortfall (claim_key, batch_id, project, methodology, vintage_year, demo, number,
            grams, log_size, recorded_at)
        SELECT claim_key, :batch, 'x', 'x', 2020, false, 1, 1, 1, now() FROM batch_leaf WHERE batch_id = :batch LIMIT 1
    """)
    with pytest.raises(IntegrityError):
        async with town.db.transaction() as session:
            await session.execute(statement, {"batch": batch.id})
    assert await open_g(town, 2020) == 0
