"""`puhui audit` as a command: its table, its JSON, its exit codes; and the job that runs every night."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.kit import metrics
from backend.kit.settings import Settings
from backend.kit.tasks import Worker
from puhui import embedded, runtime
from puhui.audit import INVARIANTS
from tests.audit.conftest import City, Copy, copy_of


@pytest.fixture(scope="module")
async def copy(servers: embedded.Servers, city: str) -> AsyncIterator[Copy]:
    async with copy_of(servers, city) as made:
        yield made


@pytest.fixture(scope="module")
def environment(copy: Copy) -> dict[str, str]:
    """Given servers, so that the command audits the copy of the city."""
    return environment_of(copy.settings)


def environment_of(settings: Settings) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    return {**clean, **runtime.child_environment(settings), "COLUMNS": "160"}


def puhui(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "puhui", "audit", *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
async def falsified(copy: Copy) -> AsyncIterator[None]:
    """A point given behind the application's back; taken away again afterwards."""
    give = """
        UPDATE ledger_account SET balance = balance {} 1
        WHERE id = (SELECT min(id) FROM ledger_account WHERE kind = 'wallet')
    """
    await copy.superuser.execute(give.format("+"))
    yield
    await copy.superuser.execute(give.format("-"))


def test_an_empty_database_passes_and_exits_0(settings: Settings) -> None:
    done = puhui(environment_of(settings), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["passed"] is True


def test_sound_books_exit_0_and_the_table_names_every_invariant_in_both_languages(
    environment: dict[str, str],
) -> None:
    done = puhui(environment)
    assert done.returncode == 0, done.stdout + done.stderr
    for invariant in INVARIANTS:
        assert invariant.zh in done.stdout
        assert invariant.en in done.stdout
    assert "审计通过 · the audit passed" in done.stdout


def test_the_json_gives_rows_violations_and_what_is_not_sealed(
    environment: dict[str, str],
) -> None:
    done = puhui(environment, "--json")
    answer = json.loads(done.stdout)
    assert set(answer) == {"passed", "violations", "mode", "rests_on", "unsealed", "invariants"}
    assert (answer["passed"], answer["violations"]) == (True, 0)
    assert [one["name"] for one in answer["invariants"]] == [one.name for one in INVARIANTS]
    for one in answer["invariants"]:
        assert set(one) == {"name", "zh", "en", "rows", "violations", "named", "seconds", "in_part"}
        assert one["rows"] > 0, one


async def test_rows_that_are_not_sealed_are_told_and_seal_seals_them(
    copy: Copy, environment: dict[str, str], tmp_path: Path
) -> None:
    city = City(copy.db, copy.settings, tmp_path)
    await city.take_in("later", "bike-share-distance", "account_no,started_at,ended_at,distance_m\n")
    unsealed = json.loads(puhui(environment, "--json").stdout)["unsealed"]
    assert unsealed["intake_source"] == 1
    for _ in range(10):  # a transaction elsewhere on the server may hold them back for a moment
        unsealed = json.loads(puhui(environment, "--seal", "--json").stdout)["unsealed"]
        if not unsealed:
            break
    assert unsealed == {}


@pytest.mark.usefixtures("falsified")
async def test_a_violation_is_named_in_both_languages_counted_by_the_nightly_job_and_exits_1(
    environment: dict[str, str], copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = puhui(environment)
    assert done.returncode == 1
    assert "余额不等于各笔划转之和" in done.stdout
    assert "ledger_account wallet:" in done.stdout
    assert "the balance is not the sum of its transfers" in done.stdout
    assert "审计未通过" in done.stdout

    answer = puhui(environment, "--json")
    assert answer.returncode == 1
    found = json.loads(answer.stdout)
    assert found["passed"] is False
    assert found["violations"] >= 1
    named = [violation for one in found["invariants"] for violation in one["named"]]
    assert {frozenset(violation) for violation in named} == {frozenset({"table", "place", "en", "zh"})}

    for name, value in runtime.child_environment(copy.settings).items():
        if name.startswith("PUHUI_"):
            monkeypatch.setenv(name, value)
    from puhui import worker

    await worker.nightly_audit(Worker(settings=copy.settings, db=copy.db))
    async with copy.db.transaction() as session:
        page = (await metrics.collect(session)).decode()
    assert f'puhui_recorded{{name="audit_violations"}} {float(found["violations"])}' in page
