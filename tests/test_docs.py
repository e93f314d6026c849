"""Documents that fail when they lie: commands, tables, links, examples and figures in them hold."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from sqlalchemy import text

from backend import inbox, intake, packs
from backend.intake.errors import ROW_REASONS
from backend.intake.pools import RIGHT_REVOKED
from backend.kit.db import Database
from backend.kit.errors import Kind
from backend.kit.settings import Settings
from backend.ledger.chart import chart
from puhui import cli, taking_in
from puhui.commands.export import documents
from tests.ledger.conftest import Stage

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md"), *(PROJECT / "docs" / "decisions").glob("*.md")]
)
NAMES = [str(path.relative_to(PROJECT)) for path in DOCUMENTS]

TEXTS = {name: (PROJECT / name).read_text("utf-8") for name in NAMES}

each_document = pytest.mark.parametrize("name", NAMES)


# --- reading Markdown ---------------------------------------------------------------------------------------------


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language; an empty language is a block without one."""
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.MULTILINE | re.DOTALL)


def code_of(document: str) -> list[str]:
    """Every line of code: lines of unnamed blocks, and spans."""
    fenced = [line for block in blocks(document, "") for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"^```.*?^```", "", document, flags=re.MULTILINE | re.DOTALL)
    return fenced + re.findall(r"`([^`\n]+)`", prose)


def rows_below(document: str, heading: str) -> list[list[str]]:
    """The cells of the table whose header line begins with `heading`."""
    lines = document.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(heading))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return rows


def anchors(document: str) -> set[str]:
    """What the headings of a document can be linked by."""
    titles = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


# --- commands -----------------------------------------------------------------------------------------------------


def puhui_lines() -> Iterator[tuple[str, list[str]]]:
    for name, document in TEXTS.items():
        for line in code_of(document):
            found = re.match(
                r"(?:PUHUI_\w+=\S+ )*(?:\.venv/bin/)?puhui(?: (?! )([a-z-].*)|$)",
                line.split("  #")[0].strip(),
            )
            if found:
                yield name, shlex.split((found[1] or "").replace("[", "").replace("]", "").replace("…", ""))


def test_every_puhui_command_and_option_that_is_named_exists() -> None:
    root: Any = typer.main.get_command(cli.app)  # a click command, of whichever click typer brings
    seen = set()
    for name, words in puhui_lines():
        command, place = root, 0
        while hasattr(command, "commands") and place < len(words) and not words[place].startswith("-"):
            assert words[place] in command.commands, f"{name}: puhui {' '.join(words)}"
            command = command.commands[words[place]]
            place += 1
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for word in words[place:]:
            if word.startswith("--"):
                assert word in known, f"{name}: puhui {' '.join(words)} has no {word}"
        seen.add(" ".join(words[:place]))
    assert seen >= {"up", "doctor", "psql", "packs check", "quantify", "ingest", "audit", "bench"}


def test_every_benchmark_that_is_named_exists() -> None:
    source = (PROJECT / "puhui" / "commands" / "bench.py").read_text("utf-8")
    for name, words in puhui_lines():
        if words[:1] == ["bench"] and len(words) > 1:
            assert f'"{words[1]}"' in source, f"{name}: puhui bench {words[1]}"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name, document in TEXTS.items():
        for line in code_of(document):
            found = re.match(r"make ([a-z]+)", line.strip())
            if found:
                assert found[1] in targets, f"{name}: make {found[1]}"


def test_the_two_commands_and_what_they_need_stand_first_in_the_readme() -> None:
    first = "\n".join(TEXTS["README.md"].splitlines()[:12])
    for what in ("make demo", "make test", "3.11", "`make`", "Needs Python", "需要 Python"):
        assert what in first


# --- what is named ------------------------------------------------------------------------------------------------


@each_document
def test_every_link_leads_somewhere(name: str) -> None:
    document = TEXTS[name]
    for target in re.findall(r"\]\(([^)\s]+)\)", document):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (PROJECT / name).parent / path if path else PROJECT / name
        assert found.exists(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text("utf-8")), f"{name}: {target}"


@each_document
def test_every_file_that_is_named_exists(name: str) -> None:
    prose = re.sub(r"^```.*?^```", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)
    roots = {path.name for path in PROJECT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    for named in re.findall(r"`([\w.-]+/[\w./-]*)`", prose):
        if named.split("/")[0] in roots and "yours" not in named:
            assert (PROJECT / named).exists(), f"{name}: {named}"


def test_every_http_address_that_is_named_exists() -> None:
    surfaces = documents()
    known = {f"{prefix}/openapi.json": {"get"} for prefix in surfaces} | {
        prefix: set() for prefix in surfaces
    }
    for prefix, document in surfaces.items():
        known |= {prefix + path: set(verbs) for path, verbs in document["paths"].items()}
    named = 0
    for name, own in TEXTS.items():
        for code in code_of(own):
            for verb, path in re.findall(
                r"(?:(GET|POST|PUT|DELETE) )?(/(?:mobile|operator|merchant|partner|registry|market)/v1[\w/{}.-]*)",
                code,
            ):
                assert path in known, f"{name}: {path}"
                assert not verb or verb.lower() in known[path], f"{name}: {verb} {path}"
                named += 1
    assert named


def test_every_call_of_the_walk_as_a_citizen_is_an_operation() -> None:
    paths = documents()["/mobile/v1"]["paths"]
    (walk,) = blocks(TEXTS["docs/http.md"], "sh")
    calls = re.findall(r'^curl -s "?\$at(/[\w/{}-]+)(.*)', walk, re.MULTILINE)
    assert len(calls) == walk.count("curl ")
    for path, rest in calls:
        sent = "post" if " -d " in rest or rest.endswith("\\") else "get"
        assert sent in paths[path], path


def test_kinds_of_refusals_have_the_status_and_exit_code_that_is_said() -> None:
    rows = rows_below(TEXTS["docs/http.md"], "| kind |")
    assert rows == [[kind.name.lower(), str(kind.http_status), str(kind.exit_code)] for kind in Kind]


def test_every_pack_that_is_named_as_one_exists() -> None:
    known = set(packs.load_all().packs) | {"river-bikes"}
    prose = "\n".join(TEXTS.values())
    for pack in re.findall(r"--methodology ([a-z][\w-]+)", prose) + re.findall(r"overlay `([\w-]+)`", prose):
        assert pack in known
    for row in rows_below(TEXTS["README.md"], "| 映射 |"):
        assert set(row[0].split("、")) <= known
    for mapping in re.findall(r"[Mm]appings? `([\w-]+)`", prose):
        assert mapping in known


def test_every_setting_is_described_and_no_other() -> None:
    rows = rows_below(TEXTS["docs/operations.md"], "| variable |")
    described = {name for row in rows for name in re.findall(r"PUHUI_\w+", row[0])}
    fields = {f"PUHUI_{name.upper()}" for name in Settings.model_fields}
    assert described == fields - {"PUHUI_EMBEDDED"}  # set by commands for their children
    for name, document in TEXTS.items():
        for named in re.findall(r"PUHUI_[A-Z_]+", document):
            assert named in fields | {"PUHUI_SAMPLE_DATA"}, f"{name}: {named}"


# --- the ledger ---------------------------------------------------------------------------------------------------


def test_the_chart_in_the_documentation_is_the_chart() -> None:
    rows = rows_below(TEXTS["docs/ledger.md"], "| kind | unit |")
    assert [tuple(row[:3]) for row in rows] == [(k.kind, k.unit, k.guard) for k in chart().kinds.values()]
    assert all(row[3].startswith(f"{row[0]}:") for row in rows)
    moves = {(row[0], *row[1].split(" → ")) for row in rows_below(TEXTS["docs/ledger.md"], "| reason |")}
    assert moves == chart().rules


async def test_every_scenario_in_the_documentation_plays_as_it_says(db: Database) -> None:
    scenarios = blocks(TEXTS["docs/ledger.md"], "scenario")
    assert scenarios
    for scenario in scenarios:
        stage = Stage(db)
        for line in filter(None, scenario.splitlines()):
            await stage.run(line)


def test_every_row_of_a_table_with_totals_adds_up() -> None:
    for row in rows_below(TEXTS["docs/ledger.md"], "| after |"):
        *parts, total = (int(cell.replace("−", "-")) for cell in row[1:])
        assert sum(parts) == total == 0


async def test_the_application_may_run_every_query_in_the_documentation(db: Database) -> None:
    queries = [
        query
        for block in blocks(TEXTS["docs/ledger.md"], "sql")
        for query in block.split(";")
        if query.strip()
    ]
    assert queries
    for query in queries:
        async with db.transaction() as session:
            await session.execute(text(query))


# --- the example of an operator's own file ------------------------------------------------------------------------


async def test_the_file_in_the_readme_is_taken_in_as_it_says(settings: Settings, tmp_path: Path) -> None:
    readme = TEXTS["README.md"]
    file, mapping = tmp_path / "trips.csv", tmp_path / "river-bikes.toml"
    file.write_text(blocks(readme, "csv")[0], "utf-8")
    mapping.write_text(blocks(readme, "toml")[0], "utf-8")
    pack = packs.load(mapping)
    assert [str(fault) for fault in pack.faults] == []

    async def run() -> dict[str, Any]:
        taken = await taking_in.take_in(
            settings,
            path=file,
            source="river-bikes",
            mapping=intake.mapping_of(pack),
            rejected=tmp_path / "rejected.csv",
            show=Console(quiet=True),
        )
        return taken.as_dict()

    said: dict[str, int] = json.loads(blocks(readme, "json")[0])
    assert {name: value for name, value in (await run()).items() if name in said} == said
    assert "4," in (tmp_path / "rejected.csv").read_text("utf-8-sig").splitlines()[1]
    again = await run()
    assert (again["accepted"], again["duplicates"]) == (0, 4)


def test_the_reasons_of_refused_rows_are_listed_as_they_are_told() -> None:
    rows = rows_below(TEXTS["docs/mappings.md"], "| code |")
    assert rows == [[code, f"{zh} · {en}"] for code, (zh, en) in ROW_REASONS.items()]


def test_every_kind_of_message_is_listed_as_it_is_worded() -> None:
    rows = rows_below(TEXTS["docs/inbox.md"], "| kind | topic |")
    serving = "import json, puhui.surfaces; from backend import inbox; print(json.dumps([[one.name, one.topic.value, one.zh, one.en] for one in inbox.registered()]))"
    told = subprocess.run([sys.executable, "-c", serving], capture_output=True, check=True, text=True)
    assert rows == json.loads(told.stdout)  # whoever serves words what a worker told, too
    known = [one.name for one in inbox.registered() if not one.name.startswith("test.")]
    assert set(known) <= {row[0] for row in rows}


def test_every_key_of_a_mapping_is_described() -> None:
    described = set(re.findall(r"`\[*([a-z_.]+)", TEXTS["docs/mappings.md"]))
    used = set()
    for path in (PROJECT / "packs" / "mappings").glob("*.toml"):
        data = tomllib.loads(path.read_text("utf-8"))
        for table in (data["file"], data["source"], data["means"], *data["rule"]):
            used |= set(table)
        used |= {one["kind"] for rule in data["rule"] for one in rule.get("input", [])}
    assert used - {"input"} <= described


# --- words, decisions, layers -------------------------------------------------------------------------------------


def test_the_glossary_has_every_kind_guard_evidence_and_reason() -> None:
    glossary = TEXTS["docs/glossary.md"]
    assert {row[0] for row in rows_below(glossary, "| kind |")} == set(chart().kinds)
    sql = (PROJECT / "backend/kit/migrations/sql/0008_intake.sql").read_text("utf-8")
    credit = re.search(r"credit IN\s*\(([^)]*)\)", sql)
    assert credit
    reasons = set(re.findall(r"'(\w+)'", credit[1])) - {"pooled"} | {RIGHT_REVOKED}
    assert {row[0] for row in rows_below(glossary, "| code |")} == reasons
    assert reasons <= set(re.findall(r"`(\w+)`", TEXTS["docs/ledger.md"]))
    for word in ("floor", "ceiling", "none", "operator_feed", "receipt_upload", "self_report"):
        assert f"`{word}`" in glossary


def test_the_glossary_has_one_term_per_concept() -> None:
    terms = re.findall(
        r"^\| ([^|]*[\u4e00-\u9fff][^|]*?) \| ([a-z][^|]*?) \| [^|]+ \|$",
        TEXTS["docs/glossary.md"],
        re.MULTILINE,
    )
    assert len(terms) > 50
    for side in (0, 1):
        names = [part for term in terms for part in re.split(r"[、,] ?", term[side])]
        assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})


def test_decisions_are_numbered_listed_and_whole() -> None:
    records = sorted(path.name for path in (PROJECT / "docs/decisions").glob("[0-9]*.md"))
    assert [record[:4] for record in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    index = TEXTS["docs/decisions/README.md"]
    listed = dict(re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \| (.+) \|$", index, re.MULTILINE))
    assert sorted(listed) == records
    for record in records:
        body = TEXTS[f"docs/decisions/{record}"]
        assert body.startswith(f"# {record[:4]}. {listed[record]}\n")
        assert re.findall(r"^## (.+)$", body, re.MULTILINE)[:3] == ["Context", "Decision", "Consequences"]
        assert len(body.splitlines()) < 60, f"{record} is not short"


def test_the_layers_in_the_documentation_are_those_of_the_build() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    layers = {one["id"]: one.get("layers") for one in project["tool"]["importlinter"]["contracts"]}
    drawn = next(block for block in blocks(TEXTS["docs/architecture.md"], "") if " > " in block)
    house, core, merchants = drawn.strip().splitlines()

    def split(line: str) -> list[list[str]]:
        return [re.findall(r"\w+", layer) for layer in line.split(">")]

    assert split(house) == [re.findall(r"\w+", layer) for layer in layers["house"]]
    assert split(core.removeprefix("backend:"))[:-2] == [
        re.findall(r"\w+", layer) for layer in layers["core"][:-2]
    ]
    assert split(merchants.removeprefix("merchant:")) == [
        re.findall(r"\w+", layer) for layer in layers["merchant"]
    ]
    assert split(core)[-2:] == [[layer] for layer in ("ledger", "kit")]


def test_every_room_is_in_the_table_of_rooms() -> None:
    rooms = [path.parent for path in (*PROJECT.glob("*/__init__.py"), *PROJECT.glob("backend/*/__init__.py"))]
    described = {row[0].rstrip("/") for row in rows_below(TEXTS["docs/architecture.md"], "| room |")}
    assert {str(room.relative_to(PROJECT)) for room in rooms} - {"backend", "tests"} <= described


def test_the_changelog_has_the_present_version() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"## [{project['version']}]" in TEXTS["CHANGELOG.md"]
    assert "## [Unreleased]" in TEXTS["CHANGELOG.md"]


def test_the_picture_can_be_read_in_the_dark_on_a_phone_and_by_ear() -> None:
    source = (PROJECT / "docs/path.svg").read_text("utf-8")
    root = ET.fromstring(source)  # noqa: S314 - a file of this repository
    assert int(root.attrib["width"]) <= 400
    assert "prefers-color-scheme: dark" in source
    svg = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{svg}title") is not None
    assert root.find(f"{svg}desc") is not None
    assert "href" not in source


# --- the whole repository -----------------------------------------------------------------------------------------


def own_files() -> list[Path]:
    """The files of the repository; without one, those that are no build's."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return [path for line in done.stdout.splitlines() if (path := PROJECT / line).is_file()]
    return [
        path
        for path in PROJECT.rglob("*")
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    ]


def test_no_registry_and_no_machine_is_named_anywhere() -> None:
    hosts = (
        "pypi" + ".org",
        "python" + "hosted",
        "npm" + "js",
        "crates" + ".io",
        "anaconda" + ".org",
        "/simp" + "le/",
    )
    machine = re.compile(r"(?<![\w.$~{}/-])/(?:work|root|home|Users|mnt|private)/\w")
    found = []
    for path in own_files():
        try:
            content = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(PROJECT)}: {host}" for host in hosts if host in content]
        found += [f"{path.relative_to(PROJECT)}: {hit}" for hit in machine.findall(content)]
    assert found == []
