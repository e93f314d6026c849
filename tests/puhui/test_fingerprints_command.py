"""`puhui fingerprints`: two files, one agreement and one key in, numbers and the chances behind them out."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from backend.identity.people.exchanging import phone_digest
from backend.intake import fingerprints
from backend.intake.fingerprints import files
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from puhui import console, embedded
from puhui.cli import app
from tests.intake.fingerprints.support import agreement, agreement_file, key, key_file
from tests.intake.fingerprints.test_exchanging import Town
from tests.intake.test_pipeline import ride

PHONE = "13512340000"


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """One citizen with three rides, two of which the other platform noted as well, the second half a minute late."""
    here = Town(db, settings, load_all(), tmp_path_factory.mktemp("exchange"))
    await here.open()
    await here.citizen("K1", PHONE)
    await here.ingest([ride("K1", at) for at in (100, 300, 500)])
    agreed, secret = agreement(here.folder), key(here.folder)
    subject = phone_digest(secret.under(agreed), PHONE)
    here.sent(agreed, secret, [(subject, 100.5), (subject, 299.5)])
    return here


Command = Callable[..., Result]


@pytest.fixture
def command(servers: embedded.Servers, settings: Settings) -> Command:
    """The command on the module's database, with the keys that the city was made with."""
    assert settings.database_url is not None
    assert settings.owner_database_url is not None
    given = {
        "PUHUI_DATA_DIR": str(servers.data_dir),
        "PUHUI_DATABASE_URL": settings.database_url.get_secret_value(),
        "PUHUI_OWNER_DATABASE_URL": settings.owner_database_url.get_secret_value(),
        "PUHUI_REDIS_URL": servers.redis_url,
        "PUHUI_EMBEDDED": "true",  # the keys are those of its folder
    }

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["fingerprints", *map(str, arguments)], env=given)

    return run


def agreed_with(town: Town) -> tuple[str, ...]:
    return ("-a", str(agreement_file(town.folder)), "-k", str(key_file(town.folder)))


def test_an_export_is_told_and_written_and_holds_no_number(town: Town, command: Command) -> None:
    ours = town.folder / "ours.ndjson"
    done = command("export", ours, *agreed_with(town), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["acts"], told["unnamed"], told["fingerprints"], told["for"]) == (3, 0, 3, "other-city")
    other = replace(agreement(town.folder), own="other-city")
    assert files.read(ours, other, key(town.folder)).sha256 == told["sha256"]
    assert PHONE not in ours.read_text()


def test_a_match_is_told_with_what_chance_explains(town: Town, command: Command) -> None:
    theirs = town.folder / "theirs.ndjson"
    done = command("match", theirs, *agreed_with(town), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["matched"], told["beside_only"], told["noted"], told["theirs"]) == (2, 1, 2, 2)
    assert told["false_rate"] == 2 / 2**40
    assert told["by_chance"] == told["probes"] * 2 / 2**40
    assert told["cover_per_person"] == 31 * 144 * 2 * told["false_rate"]


def test_the_figures_of_a_match_stand_each_on_a_line_of_a_narrow_terminal(
    town: Town, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for columns in (46, 200):  # a console keeps the width of the terminal in which it was made
        monkeypatch.setattr(console, "out", Console(highlight=False, width=columns))
        done = command("match", town.folder / "theirs.ndjson", *agreed_with(town))
        assert done.exit_code == 0
        told.append(done.stdout.splitlines())
    narrow, wide = told
    assert len(wide) == 10
    assert narrow[:8] == wide[:8]  # the last two are sentences
    assert all(width_of(line) <= 46 for line in narrow)


def width_of(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


@pytest.mark.parametrize(
    ("break_it", "refusal"),
    [
        (lambda folder: key_file(folder, b"short"), fingerprints.ExchangeKeyFaulty),
        (lambda folder: key_file(folder, b"another key, long enough, of ours"), fingerprints.OtherKey),
        (lambda folder: agreement_file(folder, bits="41"), fingerprints.OtherAgreement),
        (lambda folder: agreement_file(folder, bits="8"), fingerprints.AgreementFaulty),
        (lambda folder: (folder / "theirs.ndjson").write_text("{}"), fingerprints.FingerprintsUnreadable),
    ],
)
def test_what_cannot_be_compared_is_refused_in_both_languages(
    town: Town,
    command: Command,
    break_it: Callable[[Path], object],
    refusal: type[Exception],
) -> None:
    given = agreed_with(town)
    whole = (town.folder / "theirs.ndjson").read_bytes()
    break_it(town.folder)
    done = command("match", town.folder / "theirs.ndjson", *given)
    (town.folder / "theirs.ndjson").write_bytes(whole)
    assert isinstance(done.exception, refusal)
    for language in ("zh", "en"):
        assert done.exception.message(language)  # type: ignore[attr-defined]
