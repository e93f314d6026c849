"""An audit of what was added finds what was changed there, says what it did not look at, and never rests on a failure."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend import log
from backend.identity import organisations
from backend.kit import clock, ids
from backend.kit.tasks import Worker
from puhui import embedded, runtime
from puhui.audit import Report, conduct, queries, runs
from puhui.audit.incremental import IN_PART
from tests.audit.conftest import BIKES, City, Copy, copy_of, said


@pytest.fixture
async def copy(servers: embedded.Servers, city: str) -> AsyncIterator[Copy]:
    """A city whose books were audited whole, and passed."""
    async with copy_of(servers, city) as made:
        report = await conduct(made.db, made.settings)
        assert said(report) == []
        yield made


async def in_part(copy: Copy) -> Report:
    return await conduct(copy.db, copy.settings, incremental=True)


async def whole(copy: Copy) -> Report:
    return await conduct(copy.db, copy.settings)


async def rename(copy: Copy, code: str) -> None:
    """Change a column that nothing but the seal over its row remembers."""
    done = await copy.superuser.execute(
        "UPDATE organisation SET name_en = name_en || 'x' WHERE code = $1", code
    )
    assert done == "UPDATE 1"


async def name_back(copy: Copy, code: str) -> None:
    await copy.superuser.execute("UPDATE organisation SET name_en = left(name_en, -1) WHERE code = $1", code)


async def add(copy: Copy, code: str) -> None:
    """A new organisation, sealed."""
    async with copy.db.transaction() as session:
        await organisations.create_organisation(session, code=code, name_zh="新", name_en="New", roles=[])
    await City(copy.db, copy.settings, Path()).seal()


def rows(report: Report, name: str) -> int:
    return next(result.checked.rows for result in report.results if result.invariant.name == name)


async def test_what_was_added_is_looked_at_and_what_had_passed_is_not(copy: Copy, tmp_path: Path) -> None:
    first = await in_part(copy)
    assert (first.mode, first.passed) == ("incremental", True)
    assert {result.invariant.name for result in first.results if result.in_part} == set(IN_PART)
    assert (rows(first, "actions.once"), rows(first, "ledger.transfers")) == (0, 0)
    assert rows(first, "ledger.balances") > 0

    city = City(copy.db, copy.settings, tmp_path)
    lines = [f"B{n},2026-11-08 09:00:00,2026-11-08 09:20:00,{3000 + n}" for n in range(4)]
    await city.take_in(
        BIKES,
        "bike-share-distance",
        "\n".join(["account_no,started_at,ended_at,distance_m", *lines, ""]),
    )
    await city.seal()
    second = await in_part(copy)
    assert said(second) == []
    assert (rows(second, "actions.once"), rows(second, "actions.recomputed")) == (4, 4)
    assert rows(second, "ledger.transfers") > 0
    assert second.rests_on is not None
    assert second.rests_on.mode == "incremental"
    third = await in_part(copy)
    assert rows(third, "actions.once") == 0


async def test_a_change_to_an_old_sealed_row_is_found_by_a_full_audit_and_then_by_every_one(
    copy: Copy,
) -> None:
    await rename(copy, "authority")
    missed = await in_part(copy)
    assert missed.passed  # it said that it would not look there
    found = await whole(copy)
    assert any("organisation" in one for one in said(found))
    after = await in_part(copy)  # after a full audit that failed there is nothing to rest on
    assert after.mode == "full"
    assert any("organisation" in one for one in said(after))
    await name_back(copy, "authority")
    assert (await in_part(copy)).mode == "full"
    assert (await in_part(copy)).mode == "incremental"


async def test_a_change_to_a_new_sealed_row_is_found_in_part_again_and_again(copy: Copy) -> None:
    await in_part(copy)
    await add(copy, "new-one")
    await rename(copy, "new-one")
    first = await in_part(copy)
    assert (first.mode, first.passed) == ("incremental", False)
    again = await in_part(copy)
    assert (again.mode, again.passed) == ("incremental", False)
    assert again.rests_on == first.rests_on  # a run that found something is never rested on
    assert said(again) == said(first)
    assert any("organisation" in one for one in said(await whole(copy)))


async def test_a_change_to_a_row_that_nobody_sealed_yet_is_noticed_where_it_counts(
    copy: Copy, tmp_path: Path
) -> None:
    city = City(copy.db, copy.settings, tmp_path)
    line = "B0,2026-11-08 09:00:00,2026-11-08 09:20:00,3000"
    await city.take_in(BIKES, "bike-share-distance", f"account_no,started_at,ended_at,distance_m\n{line}\n")
    await copy.superuser.execute(
        "UPDATE action SET grams = grams + 1 WHERE claim_key = (SELECT claim_key FROM action ORDER BY xid DESC LIMIT 1)"
    )
    assert any(one.startswith("actions.recomputed") for one in said(await in_part(copy)))


async def test_a_run_that_never_was_narrows_nothing_and_is_named(copy: Copy) -> None:
    await add(copy, "new-one")
    await rename(copy, "new-one")
    await copy.superuser.execute(
        """
            INSERT INTO audit_run (id, mode, based_on, full_run, began_at, ended_at, revision, horizon, log_size,
                log_root, rows, violations, mac)
            SELECT $1, mode, based_on, $1, now(), now(), revision, pg_snapshot_xmin(pg_current_snapshot()),
                (SELECT count(*) FROM log_entry), log_root, rows, 0, mac
            FROM audit_run ORDER BY ended_at DESC LIMIT 1
        """,
        ids.uuid7(),
    )
    report = await in_part(copy)
    assert report.mode == "full"
    assert any(one.startswith("audits.recorded") for one in said(report))
    assert any("organisation" in one for one in said(report))


async def test_a_log_that_is_not_the_one_that_was_audited_is_named(copy: Copy) -> None:
    async with copy.db.transaction() as session:
        size = await log.size(session)
    peak = size & -size  # the smallest complete subtree at the edge of the audited tree
    if peak == 1:
        await copy.superuser.execute(
            "UPDATE log_entry SET leaf_hash = sha256(leaf_hash) WHERE index = $1", size - 1
        )
    else:
        await copy.superuser.execute(
            "UPDATE log_node SET hash = sha256(hash) WHERE level = $1 AND index = $2",
            peak.bit_length() - 1,
            size // peak - 1,
        )
    assert any("the audit before saw" in one for one in said(await in_part(copy)))


async def test_an_old_full_audit_and_another_schema_are_not_rested_on(copy: Copy) -> None:
    async with copy.db.transaction() as session:
        assert await runs.basis(session, copy.settings) is not None
        late = clock.now() + runs.FULL_LASTS + dt.timedelta(minutes=1)
        assert await runs.basis(session, copy.settings, now=late) is None
    await copy.superuser.execute("UPDATE alembic_version SET version_num = '9999_later'")
    async with copy.db.transaction() as session:
        assert await runs.basis(session, copy.settings) is None


async def test_the_nightly_job_looks_at_all_on_sundays_and_at_what_was_added_on_other_days(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in runtime.child_environment(copy.settings).items():
        if name.startswith("PUHUI_"):
            monkeypatch.setenv(name, value)
    from puhui import worker

    sunday = dt.datetime(2026, 11, 29, 3, 30, tzinfo=clock.SHANGHAI)
    for days, mode in ((0, "full"), (1, "incremental"), (6, "incremental"), (7, "full")):
        with clock.travel(sunday + dt.timedelta(days=days)):
            await worker.nightly_audit(Worker(settings=copy.settings, db=copy.db))
            async with copy.db.transaction() as session:
                (newest, *_) = await queries.runs(session)
        assert newest.mode == mode, days
