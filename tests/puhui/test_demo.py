"""The demo runs through, and what it prints is what the database holds."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from backend.kit.db import connect_arguments
from backend.kit.settings import Settings
from puhui import embedded, runtime
from puhui.demo import city, files, place


@dataclass
class Played:
    """One run of `puhui demo` in a fresh data folder, whose servers are up again."""

    running: embedded.Servers
    code: int
    said: str
    errors: str

    def ask(self, question: str, database: str = place.DATABASE) -> list[tuple[Any, ...]]:
        async def fetch() -> list[tuple[Any, ...]]:
            url = runtime.on_database(self.running.superuser_url, database)
            connection = await asyncpg.connect(**connect_arguments(url))
            try:
                return [tuple(row) for row in await connection.fetch(question)]
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def line(self, begins: str) -> list[int]:
        """The numbers on the first line that begins so."""
        found = next(line for line in self.said.splitlines() if line.strip().startswith(begins))
        return [int(number.replace(",", "")) for number in re.findall(r"(?<![\w.-])\d[\d,]*(?![\w-])", found)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("demo") / "data"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    done = subprocess.run(
        [sys.executable, "-m", "puhui", "demo"],
        env={**clean, "PUHUI_DATA_DIR": str(folder), "COLUMNS": "100"},
        capture_output=True, text=True, check=False, timeout=290,
    )  # fmt: skip
    with embedded.servers(folder) as running:
        yield Played(running, done.returncode, done.stdout, done.stderr)


def test_the_demo_exits_0_with_every_sum_held(played: Played) -> None:
    assert played.code == 0, played.said + played.errors
    assert "✗" not in played.said
    assert "审计通过" in played.said
    assert "Traceback" not in played.errors


def test_the_printed_rows_are_those_of_the_database(played: Played) -> None:
    for zh, column in (("接受", "accepted"), ("重复", "duplicates"), ("冲突", "conflicts"), ("拒绝", "rejected"),
                       ("略过", "filtered"), ("收到", "received")):  # fmt: skip
        per_file = [
            row[0]
            for row in played.ask(
                f"SELECT sum(k.{column})::bigint FROM intake_job j JOIN intake_chunk k ON k.job_id = j.id "
                "GROUP BY j.id ORDER BY j.started_at"
            )
        ]
        assert played.line(zh) == [*per_file, sum(per_file)]


def test_the_printed_grams_and_points_are_those_of_the_ledger(played: Played) -> None:
    balance = (
        "SELECT split_part(a.code, ':', 1), sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END)::bigint "
        "FROM ledger_account a JOIN ledger_transfer t ON a.id IN (t.debit_id, t.credit_id) GROUP BY 1"
    )
    books = dict(played.ask(balance))
    assert played.line("计量总量") == [-books["measured"]]
    assert played.line("可用 spendable") == [books["wallet"]]
    assert played.line("发放") == [-books["issuer"]]
    waiting = sum(played.line(f"{kind} {name} ")[-1] for kind, name in (
        ("池", "cn-shared-bike-km"), ("演示池", "gz-metro-trip"), ("演示池", "sz-metro-km"),
    ))  # fmt: skip
    assert waiting == books["pool"]
    frozen = sum(played.line(f"批次 {number} ")[-1] for number in (1, 2, 3))
    assert frozen == sum(
        books.get(kind, 0) for kind in ("batch", "rejected", "deducted", "credited", "carry")
    )
    assert books["pool"] + frozen + books["uncredited"] == -books["measured"]
    grams, acts = played.ask("SELECT sum(grams)::bigint, count(*) FROM action")[0]
    assert grams == -books["measured"]
    assert acts == played.line("接受")[-1]


def test_the_sums_are_those_that_pencil_and_paper_give(played: Played) -> None:
    month = city.found()
    found = {
        (source, activity): (acts, grams)
        for source, activity, acts, grams in played.ask(
            "SELECT s.code, r.methodology, count(*), sum(a.grams)::bigint FROM action a "
            "JOIN intake_source s ON s.id = a.source_id JOIN method_named r ON r.id = a.method_id GROUP BY 1, 2"
        )
    }
    metres = [round(ride.distance_m / 1000, 2) for ride in month.rides]
    assert found["demo-bikes", "cn-shared-bike-km"] == (
        len(metres),
        sum(int(Fraction("48.7") * Fraction(f"{km:.2f}")) for km in metres),
    )
    assert found["demo-docks", "cn-shared-bike-km"][0] == len(month.dock_rides)
    inside = [trip for trip in month.metro_trips if trip.distance_m is None]
    between = [trip.distance_m for trip in month.metro_trips if trip.distance_m is not None]
    assert found["demo-metro", "gz-metro-trip"] == (len(inside), 515 * len(inside))
    assert found["demo-metro", "sz-metro-km"] == (
        len(between),
        sum(int(Fraction("46.7") * metre / 1000) for metre in between),
    )
    assert found["demo-bus", "bj-bus-act"] == (len(month.bus_rides), 80 * len(month.bus_rides))


def test_what_rests_on_no_filing_never_reaches_a_pool_that_is_not_marked_as_a_demonstration(
    played: Played,
) -> None:
    pools = [code for (code,) in played.ask("SELECT code FROM ledger_account WHERE code LIKE 'pool:%'")]
    assert {code.split(":")[2] for code in pools if not code.endswith(":demo")} == {"cn-shared-bike-km"}
    assert not any("bj-bus-act" in code for code in pools)


def test_the_printed_tonnes_are_those_of_the_books(played: Played) -> None:
    held = dict(
        played.ask(
            "SELECT k.code || ' ' || a.kind, sum(upper(b.serials) - lower(b.serials))::bigint "
            "FROM serial_block b JOIN serial_book k ON k.id = b.book_id JOIN ledger_account a ON a.id = b.account_id "
            "GROUP BY 1"
        )
    )
    issued = played.line("PHCER 签发")[-1]
    assert issued == held["phcer bridged_out"]
    assert played.line("已清缴")[-1] == held["guangdong-phcer surrendered"]
    assert issued == held["guangdong-phcer surrendered"] + held["guangdong-phcer entity"]
    assert held["guangdong-gdea-2025 surrendered"] == sum(
        int(number.replace(",", "")) for number in re.findall(r"清缴 GDEA surrendered +([\d,]+)", played.said)
    )
    assert held["phcer-demo holder"] > 0
    assert "guangdong-phcer-demo entity" not in held


@pytest.mark.parametrize("file", ["tonne.json", "receipt.json"])
def test_what_it_leaves_behind_is_verified_offline_with_the_logs_key(played: Played, file: str) -> None:
    (key,) = played.ask("SELECT encode(public_key, 'base64') FROM log_key")[0]
    proof = played.running.data_dir / "demo" / file
    done = subprocess.run(
        [sys.executable, "-m", "puhui", "verify", proof, "--key", key],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    forged = proof.with_name(f"forged-{file}")
    more = re.sub(r'("grams": ?)([0-9])', r"\g<1>1\g<2>", proof.read_text("utf-8"), count=1)
    forged.write_text(more, encoding="utf-8")
    again = subprocess.run(
        [sys.executable, "-m", "puhui", "verify", forged, "--key", key],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1, again.stdout + again.stderr


def test_its_secrets_are_for_the_owner_of_the_folder_and_no_phone_number_is_printed(played: Played) -> None:
    logins = played.running.data_dir / "demo" / "logins.json"
    assert logins.stat().st_mode & 0o077 == 0
    kept = json.loads(logins.read_text("utf-8"))["staff"]
    assert {one["login"] for one in kept} >= {"authority-1", "authority-2", "operator-1"}
    for one in kept:
        assert one["password"] not in played.said + played.errors
    assert not re.search(r"1390000000\d", played.said + played.errors)


def test_the_platforms_own_database_in_the_same_folder_is_left_alone(played: Played) -> None:
    assert played.ask("SELECT to_regclass('action')", database="puhui") == [(None,)]


def test_a_second_demo_is_refused_while_one_runs_and_given_servers_are_never_touched(tmp_path: Path) -> None:
    given = Settings(
        data_dir=tmp_path,
        database_url="postgresql://u@nowhere/x",
        redis_url="redis://nowhere",
        embedded=False,
    )
    with pytest.raises(place.DemoNeedsEmbedded), place.fresh(given):
        pass
    with (
        place.alone(tmp_path / "demo.lock"),
        pytest.raises(place.DemoRunning),
        place.alone(tmp_path / "demo.lock"),
    ):
        pass


def test_the_same_seed_is_the_same_city_down_to_the_bytes_of_its_files(tmp_path: Path) -> None:
    month = city.found()
    first, second = (
        files.write_all(one, tmp_path / name) for one, name in ((month, "a"), (city.found(), "b"))
    )
    for one, other in zip(first, second, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes(), one.source
    assert city.found(seed=1).rides != month.rides
