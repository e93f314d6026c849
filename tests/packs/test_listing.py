"""The list of packs tells of each what it rests on, and is readable on a phone."""

from __future__ import annotations

import io
import json

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from backend import packs
from puhui.cli import app
from puhui.commands.packs_list import print_kind
from puhui.pack_kinds import register_kinds

register_kinds()
LIBRARY = packs.load_all()


def listed(pack_id: str) -> packs.Listed:
    return packs.listed(LIBRARY.find(pack_id))


def test_a_pack_is_as_trustworthy_as_the_weakest_figure_it_computes_with() -> None:
    assert listed("gz-metro-trip").confidence == "high"
    assert listed("sz-ebus-km").confidence == "medium"
    assert listed("sz-ebus-km").source.startswith("深圳商报")
    province = listed(
        "cn-electricity-saving-province"
    )  # 2023 is official; Guangdong's earlier years are not as sure
    assert province.confidence == "medium"
    assert listed("cn-fuel-defaults").confidence == "low"


def test_what_is_unknown_is_named_and_a_draft_that_knows_nothing_has_unknown_confidence() -> None:
    draft = listed("gz-gas-saving")
    assert (draft.status, draft.confidence, draft.unknown_figures) == ("draft", "unknown", ("net_factor",))
    partly = listed("af-walking-day")
    assert (partly.confidence, partly.unknown_figures) == ("medium", ("net_per_step",))


@pytest.mark.parametrize("width", [80, 46])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    written = io.StringIO()
    out = Console(file=written, width=width, highlight=False)
    print_kind(out, "methodology", [packs.listed(pack) for pack in LIBRARY.of_kind("methodology")])
    lines = written.getvalue().splitlines()
    assert len(lines) > 150
    assert max(cell_len(line) for line in lines) <= width


def test_the_list_can_be_of_one_kind_and_another_kind_is_refused() -> None:
    found = CliRunner().invoke(app, ["packs", "list", "--kind", "factors", "--json"])
    assert {one["kind"] for one in json.loads(found.output)} == {"factors"}
    refused = CliRunner().invoke(app, ["packs", "list", "--kind", "nothing"])
    assert refused.exit_code == 2
