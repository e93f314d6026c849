"""The handbook's table, the page about it and the packs say the same; what an overlay invents it says that it invents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import packs
from backend.packs.overlays import overlay_of
from tests.programmes.eight.town import EIGHT, LIBRARY

PAGE = (Path(__file__).parents[3] / "docs" / "programmes-table.md").read_text("utf-8")
SOURCE = "《地方政府参与全国碳市场工作手册》(2019),表5-4"
COLUMNS = ("项目", "低碳行为方式", "核算方法", "激励机制", "商业模式", "主要特惠商户", "备注")


def cells(programme: str) -> dict[str, tuple[str, str]]:
    """By column: the handbook's cell, and what the page says became of it."""
    title = LIBRARY.find(programme).data["pack"]["title_zh"]
    [section] = re.findall(rf"^## {re.escape(title)} · .*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {name: (given.strip(), became.strip()) for name, given, became in rows[1:]}


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def unknowns(node: Any, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Every figure that a pack leaves unknown, by the path under which it is refused."""
    if node == "unknown":
        yield ".".join(at)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from unknowns(value, (*at, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            name = value.get("id", value.get("tier")) if isinstance(value, dict) else None
            yield from unknowns(value, (*at, name or str(place)))


def figures(programme: str) -> list[str]:
    data = LIBRARY.find(programme).data
    left_out = {"pack", "review", "example"}
    return list(unknowns({key: value for key, value in data.items() if key not in left_out}))


def test_the_page_has_the_eight_and_all_seven_columns_of_each() -> None:
    assert len(re.findall(r"^## ", PAGE, re.MULTILINE)) == len(EIGHT)
    for programme in EIGHT:
        found = cells(programme)
        assert set(COLUMNS) < set(found), programme
        assert all(found[column][0] for column in COLUMNS), programme


@pytest.mark.parametrize("programme", EIGHT)
def test_the_page_and_the_pack_say_the_same(programme: str) -> None:
    data, told = LIBRARY.find(programme).data, cells(programme)
    assert named(told["项目"][1]) == [programme]
    assert told["项目"][0] == data["pack"]["title_zh"]
    assert named(told["低碳行为方式"][1]) == [one["id"] for one in data["earn"]]
    assert named(told["核算方法"][1]) == list(dict.fromkeys(one["methodology"] for one in data["earn"]))
    assert named(told["激励机制"][1]) == [one["id"] for one in data.get("reward", [])]
    assert named(told["主要特惠商户"][1]) == [one["id"] for one in data.get("merchant", [])]
    assert named(told["（开关 switches）"][1]) == [name for name, on in data["switches"].items() if on]
    assert named(told["（未公开 unknown）"][1]) == figures(programme)


@pytest.mark.parametrize("programme", EIGHT)
def test_what_the_table_names_is_in_the_pack_and_nothing_else_is(programme: str) -> None:
    pack, told = LIBRARY.find(programme), cells(programme)
    row = "".join(given for given, _ in told.values())
    for reward in pack.data.get("reward", []):
        assert reward["title_zh"] in row, reward["id"]
    listed = [one["name_zh"] for one in pack.data.get("merchant", [])]
    assert re.findall(r"[^、；。/（）\s]+", told["主要特惠商户"][0].split("；")[0]) == (
        listed or named_none(told)
    )
    assert pack.data["pack"]["based_on_zh"] == SOURCE
    assert pack.data["pack"]["official"] is False
    for column in ("低碳行为方式", "激励机制", "主要特惠商户", "核算方法", "商业模式", "备注"):
        assert column in pack.text, column  # every column is spoken of in the file


def named_none(told: dict[str, tuple[str, str]]) -> list[str]:
    """A cell of the table that names nobody: a stroke, or blank."""
    return ["空白", "blank"] if "空白" in told["主要特惠商户"][0] else []


@pytest.mark.parametrize("programme", EIGHT)
def test_the_demo_overlay_sets_only_what_is_unknown_and_calls_it_invented(programme: str) -> None:
    overlay = overlay_of(LIBRARY.find(f"{programme}-demo"))
    assert overlay.demo
    assert "演示虚构" in overlay.reason_zh
    assert "invented" in overlay.reason_en
    own = {one.parameter for one in overlay.figures.values() if one.pack == programme}
    left = {name for name in figures(programme) if not name.startswith("evidence.")}
    assert own == left  # of the programme all of it, but the worth of evidence that the month has none of
    for one in overlay.figures.values():
        assert one.reason_zh.startswith("演示虚构:")
        assert one.reason_en.startswith("invented for the demo:")
        if one.pack != programme:
            assert one.parameter in packs.listed(LIBRARY.find(one.pack)).unknown_figures


def test_no_feed_of_the_eight_brings_the_demo_along() -> None:
    ours = [pack for pack in LIBRARY.of_kind("mapping") if pack.data["source"]["programme"] in EIGHT]
    assert {pack.data["source"]["programme"] for pack in ours} == set(EIGHT)
    assert [pack.id for pack in ours if pack.data["source"].get("overlays")] == []


def test_nothing_of_nanjing_can_reach_a_pool() -> None:
    (name,) = {one["methodology"] for one in LIBRARY.find("nj-green-travel").data["earn"]}
    method = LIBRARY.find(name).data
    assert not any(one["creditable"] for one in method["evidence_policy"].values())
    assert {one["value"] for edition in method["edition"] for one in edition["parameter"]} == {"0"}
