"""`puhui offset evaluate` answers in JSON, exits 2 with an error of a fixed shape, and needs no database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backend import packs
from puhui.cli import app
from tests.offset_bridge.support import case, lot

GUANGDONG = packs.builtin_root() / "markets" / "guangdong.toml"


def run(*arguments: str | Path, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["offset", "evaluate", *map(str, arguments)], input=text)


@pytest.mark.parametrize(
    "options", [(), ("--json",), ("--market", "guangdong"), ("--market", str(GUANGDONG))]
)
def test_the_answer_is_one_json_document(tmp_path: Path, options: tuple[str, ...]) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case(lot("甲", tonnes=5000), emissions=120_000)), "utf-8")
    done = run(file, *options)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["edition"] == "handbook"
    assert answer["lines"] == [{"id": "甲", "usable_t": 5000, "reasons": []}]
    assert set(answer) >= {"edition", "cap_t", "usable_t", "lines", "constraints"}


def test_the_market_may_come_from_the_option_alone(tmp_path: Path) -> None:
    asked = case(lot("a"))
    del asked["market"]
    file = tmp_path / "case.json"
    file.write_text(json.dumps(asked), "utf-8")
    assert json.loads(run(file, "--market", "guangdong").stdout)["usable_t"] == 10
    error = json.loads(run(file).stdout)["error"]
    assert (error["code"], error["field"]) == ("invalid_input", "market")


@pytest.mark.parametrize(
    ("more", "code", "fact"),
    [
        ({"compliance_year": 2021}, "unknown_parameter", "parameter"),
        ({"compliance_year": 2019}, "no_edition", "edition"),
        ({"market": "atlantis"}, "unknown_market", "known"),
        ({"used": {"CCER": 5}}, "used_needs_lots", "field"),
        ({"holdings": 5}, "invalid_input", "field"),
    ],
)
def test_an_error_exits_2_and_says_so_in_json(more: dict[str, object], code: str, fact: str) -> None:
    done = run("-", text=json.dumps({**case(lot("a")), **more}))
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == code
    assert set(error) >= {fact, "message_zh", "message_en", "source"}


def test_files_that_cannot_be_read_and_packs_that_are_faulty_are_errors_too(tmp_path: Path) -> None:
    done = run(tmp_path / "none.json")
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "invalid_input")
    pack = tmp_path / "market.toml"
    pack.write_text(GUANGDONG.read_text("utf-8").replace('"0.10"', "0.10"), "utf-8")
    done = run("-", "--market", pack, text=json.dumps(case(lot("a"))))
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "faulty")


def test_another_pack_gives_another_answer(tmp_path: Path) -> None:
    pack = tmp_path / "market.toml"
    lower = GUANGDONG.read_text("utf-8").split("[[example]]", maxsplit=1)[0].replace('"0.10"', '"0.05"')
    example = "[[example]]\nwhy = 'a lower cap'\ncompliance_year = 2018\n"
    example += "in = { entity = { confirmed_emissions_t = 100 }, used = [] }\nout = { cap_t = 5 }\n"
    pack.write_text(lower + example, "utf-8")
    asked = json.dumps(case(lot("p", "PHCER", 100), emissions=1000))
    assert json.loads(run("-", "--market", pack, text=asked).stdout)["usable_t"] == 50


def test_it_runs_as_a_program_without_any_server(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case(lot("a"))), "utf-8")
    command = [sys.executable, "-m", "puhui", "offset", "evaluate", str(file)]
    env = {"PUHUI_DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["usable_t"] == 10
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("year", "code", "said"), [(2018, 0, "可用 usable 10 t"), (2021, 2, "cap.rate")])
def test_on_a_terminal_people_get_sentences(tmp_path: Path, year: int, code: int, said: str) -> None:
    file = tmp_path / "case.json"
    held = (lot("[red]甲"), lot("b", project_type="hydro"))
    file.write_text(json.dumps(case(*held, compliance_year=year)), "utf-8")
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "puhui", "offset", "evaluate", str(file)]
    done = subprocess.run(
        command, stdout=theirs, stderr=theirs, check=False, env={**os.environ, "PYTHONIOENCODING": "utf-8"}
    )
    os.close(theirs)
    told = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == code
    assert said in told
    assert '{"' not in told
    assert code or ("[red]甲: 10 t" in told and "水电除外" in told)
