"""`puhui ingest` as its users meet it: files, exit codes, totals, refused rows, and `kill -9` in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from backend import identity
from backend.identity import consent, means, people
from backend.kit import clock
from backend.kit.db import connect_arguments
from backend.kit.settings import Settings
from puhui import embedded, runtime
from puhui.cli import app
from puhui.demo import place

FIVE = ("accepted", "duplicates", "conflicts", "rejected", "filtered")
NEWER = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,end_station_name,"
    "end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
)


@dataclass
class Bench:
    """A data folder whose servers stay up for the module, and the command on it."""

    running: embedded.Servers
    folder: Path

    def environment(self, database: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
        return {
            **clean,
            "PUHUI_DATA_DIR": str(self.running.data_dir),
            "PUHUI_EMBEDDED_DATABASE": database,
            "COLUMNS": "120",
        }

    def start(self, *arguments: object, database: str = "puhui") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "puhui", "ingest", *map(str, arguments)],
            env=self.environment(database), cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: object, database: str = "puhui", **more: str) -> tuple[int, str, str]:
        """The same in this process, which is much faster: exit code, standard output, standard error."""
        given = {"PUHUI_DATA_DIR": str(self.running.data_dir), "PUHUI_EMBEDDED_DATABASE": database, **more}
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(app, ["ingest", *map(str, arguments)], env=given)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    def totals(self, *arguments: object, database: str = "puhui") -> dict[str, Any]:
        code, out, err = self.run(*arguments, "--json", database=database)
        assert code == 0, err
        answer: dict[str, Any] = json.loads(out)
        assert answer["received"] == sum(answer[part] for part in FIVE)
        return answer

    def ask(self, question: str, database: str = "puhui") -> list[tuple[Any, ...]]:
        async def fetch() -> list[tuple[Any, ...]]:
            url = runtime.on_database(self.running.superuser_url, database)
            connection = await asyncpg.connect(**connect_arguments(url))
            try:
                return [tuple(row) for row in await connection.fetch(question)]
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def settings(self, database: str) -> Settings:
        plain = Settings(data_dir=self.running.data_dir, embedded=True, embedded_database=database)
        return runtime.on_embedded(plain, self.running)

    def make(self, database: str) -> Settings:
        asyncio.run(place.make_anew(self.running.superuser_url, database))
        settings = self.settings(database)
        runtime.migrate(settings)
        return settings


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    base = tmp_path_factory.mktemp("ingest")
    (base / "here").mkdir()
    with embedded.servers(base / "data") as running:
        bench = Bench(running, base / "here")
        runtime.migrate(bench.settings("puhui"))
        yield bench


# --- whole files, once --------------------------------------------------------------------------------------------


def older_rides(path: Path) -> None:
    columns = [
        "tripduration",
        "starttime",
        "stoptime",
        "start station id",
        "start station name",
        "start station latitude",
        "start station longitude",
        "end station id",
        "end station name",
        "end station latitude",
        "end station longitude",
        "bikeid",
        "usertype",
        "birth year",
        "gender",
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(columns)
        for n in range(300):
            times = [
                f"2020-04-{1 + n % 28:02d} {6 + n % 12:02d}:00:{n % 60:02d}.{minutes}" for minutes in (1, 9)
            ]
            times[1] = times[1].replace(":00:", ":20:")
            row = [
                1200,
                *times,
                1,
                "A, B",
                40.72,
                -74.04,
                2,
                "C",
                40.73,
                -74.05,
                40_000 + n,
                "Subscriber",
                1990,
                1,
            ]
            writer.writerow(row)


def newer_rides(path: Path, *, rows: int = 300, first: int = 0) -> None:
    lines = [ride(n) for n in range(first, first + rows)]
    path.write_text("\n".join([NEWER, *lines]) + "\n", "utf-8")


def ride(n: int, *, lat: str = "40.73", ended: str | None = None) -> str:
    day, hour, minute, second = 1 + n % 28, n // 28 % 20, n // 560 % 50, n // 28_000 % 60
    started = f"2021-02-{day:02d} {hour:02d}:{minute:02d}:{second:02d}"
    ended = ended or f"2021-02-{day:02d} {hour + 1:02d}:{minute:02d}:{second:02d}"
    return f"R{n:06d},docked_bike,{started},{ended},North,N1,South,S1,40.72,-74.04,{lat},-74.{n % 20 + 10},member"


def card_taps(path: Path) -> None:
    kinds = ("地铁入站", "地铁出站", "巴士")
    header = "deal_date,close_date,card_no,deal_value,deal_type,company_name,car_no,station,conn_mark,deal_money,equ_no"
    lines = [
        f'"2018-08-31 {6 + n % 16:02d}:{n % 60:02d}:{n // 60 % 60:02d}","2018-09-01 00:00:00",'
        f"C{n % 97:05d},0,{kinds[n % 3]},五号线,IGT-105,布吉,0,0,2630"
        for n in range(600)
    ]
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")


STAND_INS = {
    "citibike-jc-202004.csv": older_rides,
    "citibike-jc-202102.csv": newer_rides,
    "shenzhen-cards-20180831.csv": card_taps,
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", STAND_INS)
def test_a_file_is_taken_in_whole_and_the_second_run_accepts_nothing(
    bench: Bench, sample_data: Path | None, name: str
) -> None:
    path = sample_data / name if sample_data is not None else bench.folder / name
    if sample_data is None:
        STAND_INS[name](path)
    source = name.split(".", maxsplit=1)[0]
    first = bench.totals(path, "--source", source)
    rows = rows_of(path)
    assert first["received"] == len(rows)
    if name.startswith("shenzhen"):
        kinds = Counter(row["deal_type"] for row in rows)
        exits, taps = kinds["地铁出站"], kinds["巴士"]
        assert first["filtered"] == kinds["地铁入站"]
        assert first["accepted"] == exits + taps
        assert first["grams"] == 515 * exits + 80 * taps
    else:
        assert first["accepted"] + first["rejected"] + first["conflicts"] == len(rows)
        assert first["conflicts"] < len(rows) / 100, "few honest rides look impossible"
        assert first["rejected"] < len(rows) / 50
        assert first["grams"] > 0
    assert first["waiting"] == first["accepted"], "nobody here has linked a card or an account"
    assert first["points"] == 0

    before = bench.ask("SELECT count(*), sum(amount) FROM ledger_transfer")
    second = bench.totals(path, "--source", source)
    assert (second["accepted"], second["duplicates"]) == (0, first["accepted"] + first["conflicts"])
    assert (second["rejected"], second["filtered"]) == (first["rejected"], first["filtered"])
    assert (second["grams"], second["points"]) == (0, 0)
    assert bench.ask("SELECT count(*), sum(amount) FROM ledger_transfer") == before


def test_a_new_source_is_registered_visibly_with_what_it_stands_on(bench: Bench) -> None:
    newer_rides(bench.folder / "visible.csv", rows=3, first=21000)
    code, out, err = bench.run("visible.csv", "--source", "visible")
    assert code == 0
    assert "已登记数据来源 visible" in err
    assert "Registered source visible: programme gd-green-travel" in err
    assert "overlays sample-data" in err
    assert "收到" in out
    assert "received" in out
    assert "3 of the accepted acts wait" in out
    assert "是实际路程的下限" in out
    assert bench.ask("SELECT mapping FROM intake_source WHERE code = 'visible'") == [("citibike-2021",)]
    assert bench.run("visible.csv", "--source", "visible")[2] == "", "the second time nothing is new"


def test_given_servers_are_not_changed_by_an_unknown_source(bench: Bench) -> None:
    newer_rides(bench.folder / "given.csv", rows=3, first=21100)
    settings = bench.settings("puhui")
    assert settings.database_url is not None
    assert settings.redis_url is not None
    code, _, err = bench.run(
        "given.csv",
        "--source",
        "stranger",
        PUHUI_DATABASE_URL=settings.database_url.get_secret_value(),
        PUHUI_REDIS_URL=settings.redis_url.get_secret_value(),
        PUHUI_MASTER_KEY="a" * 44,
    )
    assert code == 4
    assert "intake.source_unknown" in err
    assert "puhui admin source stranger" in err
    assert bench.ask("SELECT 1 FROM intake_source WHERE code = 'stranger'") == []


# --- what is refused ----------------------------------------------------------------------------------------------


def test_a_wrong_header_is_refused_with_the_names_of_what_is_missing(bench: Bench) -> None:
    newer_rides(bench.folder / "known.csv", rows=3, first=21200)
    bench.totals("known.csv", "--source", "known")
    text = (bench.folder / "known.csv").read_text("utf-8")
    (bench.folder / "wrong.csv").write_text(text.replace("started_at", "begun_at", 1), "utf-8")
    code, _, err = bench.run("wrong.csv", "--source", "known")
    assert code == 2
    assert "intake.header_mismatch" in err
    assert "missing=started_at" in err
    code, _, err = bench.run("wrong.csv", "--source", "not-known")
    assert code == 2
    assert "intake.mapping_needed" in err
    assert "line 1 lacks: started_at" in err
    assert bench.ask("SELECT 1 FROM intake_source WHERE code = 'not-known'") == []
    assert bench.run("none.csv", "--source", "known")[0] == 2


def test_a_faulty_mapping_file_is_listed_fault_by_fault_with_its_lines(bench: Bench) -> None:
    (bench.folder / "faulty.toml").write_text('kind = "mapping"\nformat = 1\n[pack]\nid = 1.5\n', "utf-8")
    code, _, err = bench.run("none.csv", "--source", "x", "--map", "faulty.toml")
    assert code == 2
    assert "faulty.toml:4 pack.id: 不允许浮点数" in err
    assert "a float is not allowed" in err
    assert "faulty.toml:1 means: 缺少键" in err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"cn-shared-bike-km"', '"no-such"', "rule[0].methodology: 所指的 'no-such' 不存在"),
        ('activity    = "cycling"', 'activity    = "flying"', "rule[0].activity: 所指的 'flying' 不存在"),
        ('id     = "distance_m"', 'id     = "metres"', "rule[0].input[2].id: 所指的 'metres' 不存在"),
        ('kind   = "whole"', 'kind   = "quantity"\nunit   = "kg"', "rule[0].input[2].unit: 单位不能归约"),
        ('"started_at"\n  kind', '"ended_at_2"\n  kind', "rule[0].happened_at"),
    ],
)
def test_a_mapping_that_does_not_give_its_methodology_what_it_asks_is_refused_before_anything_is_registered(
    bench: Bench, old: str, new: str, said: str
) -> None:
    root = Path(__file__).parents[2] / "packs" / "mappings"
    text = (root / "bike-share-distance.toml").read_text("utf-8")
    assert old in text
    (bench.folder / "unfit.toml").write_text(text.replace(old, new, 1), "utf-8")
    code, _, err = bench.run("none.csv", "--source", "unfit", "--map", "unfit.toml")
    assert code == 2
    assert said in err
    assert bench.ask("SELECT 1 FROM intake_source WHERE code = 'unfit'") == []


def test_without_what_tells_acts_apart_a_mapping_is_refused(bench: Bench) -> None:
    root = Path(__file__).parents[2] / "packs" / "mappings"
    lines = (root / "bike-share-distance.toml").read_text("utf-8")
    head, started, rest = lines.partition('  [[rule.input]]\n  id     = "started_at"')
    assert started
    unfit = (
        head.replace('happened_at = "started_at"', 'happened_at = "ended_at"') + rest[rest.index("  [[") :]
    )
    (bench.folder / "alike.toml").write_text(unfit, "utf-8")
    code, _, err = bench.run("none.csv", "--source", "unfit", "--map", "alike.toml")
    assert code == 2
    assert "缺少输入 'started_at'" in err


def test_a_region_that_the_programme_does_not_cover_is_refused_before_the_source_is_registered(
    bench: Bench,
) -> None:
    root = Path(__file__).parents[2] / "packs" / "mappings"
    text = (root / "bike-share-distance.toml").read_text("utf-8").replace('"CN-GD-GZ"', '"US-NY"')
    (bench.folder / "abroad.toml").write_text(text, "utf-8")
    (bench.folder / "abroad.csv").write_text("account_no,started_at,ended_at,distance_m\n", "utf-8")
    code, _, err = bench.run("abroad.csv", "--source", "abroad", "--map", "abroad.toml")
    assert code == 2
    assert "intake.outside_programme" in err
    assert bench.ask("SELECT 1 FROM intake_source WHERE code = 'abroad'") == []


def test_every_refused_row_is_listed_with_its_line_field_and_reason(bench: Bench) -> None:
    good = [ride(n) for n in range(20_000, 20_005)]
    bad = [ride(20_006, ended="2021-02-01 00:00:00"), ride(20_007, lat="95"), ride(20_008, lat="")]
    again = good[0].replace("40.73", "40.74")  # the same act with other facts
    lines = [NEWER, *good, *bad, again, "R000009,docked_bike,2021-02-"]
    (bench.folder / "dirty.csv").write_text("\n".join(lines), "utf-8")
    totals = bench.totals("dirty.csv", "--source", "dirty")
    assert [totals[part] for part in FIVE] == [5, 0, 1, 4, 0]
    listed = bench.folder / f"rejected-dirty-{totals['job_id']}.csv"
    assert str(totals["rejected_file"]) == listed.name
    raw = listed.read_bytes()
    assert raw.startswith("\ufeffline,field,code,reason_zh,reason_en,bound\r\n".encode())
    with listed.open(encoding="utf-8-sig", newline="") as file:
        rows = {int(row["line"]): row for row in csv.DictReader(file)}
    assert {line: row["code"] for line, row in rows.items()} == {
        7: "not_after", 8: "not_coordinates", 9: "missing", 10: "conflict", 11: "columns",
    }  # fmt: skip
    assert (rows[7]["field"], rows[9]["field"]) == ("ended_at", "end_lat")
    assert rows[7]["reason_zh"] == "不晚于它应晚于的时间"
    assert rows[7]["reason_en"] == "not after the time that it must follow"
    assert rows[11]["bound"] == "3/13"


def test_a_clean_file_leaves_no_list_and_a_name_is_honoured(bench: Bench) -> None:
    newer_rides(bench.folder / "clean.csv", rows=3, first=21300)
    assert bench.totals("clean.csv", "--source", "clean", "--rejected", "no.csv")["rejected_file"] is None
    assert not (bench.folder / "no.csv").exists()
    code, _, err = bench.run("clean.csv", "--source", "clean", "--rejected", "nowhere/no.csv")
    assert code == 2
    assert "puhui.rejected_file_unwritable" in err


def test_no_cell_of_the_list_begins_as_a_formula(bench: Bench) -> None:
    root = Path(__file__).parents[2] / "packs" / "mappings"
    mapping = (root / "bike-share-distance.toml").read_text("utf-8")
    mapping = mapping.replace('column = "started_at"', 'column = "=when"').replace(
        '"bike-share-distance"', '"formula"'
    )
    (bench.folder / "formula.toml").write_text(mapping, "utf-8")
    rows = "account_no,=when,ended_at,distance_m\nA1,soon,2026-10-01 08:20:00,900\n"
    (bench.folder / "formula.csv").write_text(rows, "utf-8")
    totals = bench.totals(
        "formula.csv", "--source", "formula", "--map", "formula.toml", "--rejected", "formulas.csv"
    )
    assert totals["rejected"] == 1
    with (bench.folder / "formulas.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["field"] for row in csv.DictReader(file)] == ["'=when"]


# --- killed in the middle -----------------------------------------------------------------------------------------

CHUNK = 1_000
BOOKS = """
    SELECT split_part(a.code, ':', 1), a.unit, sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END)
    FROM ledger_account a JOIN ledger_transfer t ON a.id IN (t.debit_id, t.credit_id) GROUP BY 1, 2 ORDER BY 1, 2
"""
ACTS = """
    SELECT count(*), sum(grams), sum(points), md5(string_agg(claim_key::text || line, '' ORDER BY claim_key))
    FROM action
"""
CHUNKS = (
    "SELECT count(*) FROM intake_chunk k JOIN intake_job j ON j.id = k.job_id WHERE j.file_name = 'long.csv'"
)


def long_file(path: Path) -> None:
    """24,000 rides, among them rows that are refused, sent twice, or in conflict."""
    lines = [ride(n, lat="" if n % 601 == 7 else "40.73") for n in range(24_000)]
    for n in range(0, 24_000, 997):
        lines.append(lines[n])
        lines.insert(n // 2, lines[n + 1].replace(",40.72,", ",40.71,"))
    path.write_text("\n".join([NEWER, *lines]) + "\n", "utf-8")


def link_some(settings: Settings) -> None:
    """Half of the stand-in accounts have a holder, half of those have assigned the right."""

    async def work() -> None:
        async with runtime.database(settings) as db, db.transaction() as session:
            since = clock.now().replace(year=2020)
            who = await people.register_many(session, count=1_000)
            listed = [
                means.Listed(number=f"group-{n}", participant_id=one, held_from=since)
                for n, one in enumerate(who)
            ]
            await identity.means.link_list(
                session,
                settings.keys,
                kind="bike_account",
                operator="citibike-jc",
                lines=listed,
                proof_reference="test",
            )
            await consent.assign_right_list(session, participant_ids=who[:500], covers_from=since)

    runtime.run(work())


def wait_for_chunks(bench: Bench, database: str, count: int, command: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while bench.ask(CHUNKS, database)[0][0] < count:
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_at_any_moment_and_run_again_the_totals_are_those_of_one_clean_run(bench: Bench) -> None:
    seed = int(os.environ.get("PUHUI_TEST_SEED") or random.randrange(10**6))
    print(f"PUHUI_TEST_SEED={seed}")  # noqa: T201 - shown when the test fails
    dice = random.Random(seed)
    path = bench.folder / "long.csv"
    long_file(path)
    for database in ("puhui_clean", "puhui_killed"):
        link_some(bench.make(database))
    asked = (path, "--source", "long", "--chunk-rows", CHUNK)
    clean = bench.totals(*asked, "--rejected", "clean-list.csv", database="puhui_clean")
    assert min(clean[part] for part in ("accepted", "duplicates", "conflicts", "rejected", "points")) > 0
    chunks = bench.ask(CHUNKS, "puhui_clean")[0][0]
    assert chunks > 8

    done = 0
    for _ in range(3):
        command = bench.start(*asked, "--rejected", "killed-list.csv", "--json", database="puhui_killed")
        done = dice.randint(done + 1, done + max(1, chunks // 4))
        wait_for_chunks(bench, "puhui_killed", done, command)
        time.sleep(dice.random() * 0.05)
        command.kill()
        command.communicate()
        done = bench.ask(CHUNKS, "puhui_killed")[0][0]
        assert done < chunks, "it was killed before it was done"
    killed = bench.totals(*asked, "--rejected", "killed-list.csv", database="puhui_killed")

    differing = ("job_id", "rejected_file")
    assert {k: v for k, v in killed.items() if k not in differing} == {
        k: v for k, v in clean.items() if k not in differing
    }
    for question in (BOOKS, ACTS):
        assert bench.ask(question, "puhui_killed") == bench.ask(question, "puhui_clean")
    assert (bench.folder / "killed-list.csv").read_bytes() == (bench.folder / "clean-list.csv").read_bytes()
    assert len(rows_of(bench.folder / "killed-list.csv")) == clean["rejected"] + clean["conflicts"]


def test_while_a_file_is_being_taken_in_a_second_process_is_refused(bench: Bench) -> None:
    path = bench.folder / "long.csv"
    long_file(path)
    asked = (path, "--source", "twice", "--chunk-rows", CHUNK, "--json")
    bench.make("puhui_twice")
    first = bench.start(*asked, database="puhui_twice")
    wait_for_chunks(bench, "puhui_twice", 1, first)
    first.send_signal(signal.SIGSTOP)
    try:
        code, out, err = bench.run(*asked, database="puhui_twice")
    finally:
        first.send_signal(signal.SIGCONT)
    assert code == 5
    assert out == ""
    assert "intake.job_running" in err
    answer, _ = first.communicate(timeout=120)
    assert first.returncode == 0
    assert json.loads(answer)["accepted"] == bench.ask("SELECT count(*) FROM action", "puhui_twice")[0][0]
