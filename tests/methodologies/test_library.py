"""The library of methodologies: every pack is sound, every draft refuses by naming what it does not know."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from pathlib import Path

import pytest

from backend import methodologies, packs
from backend.methodologies import factors
from backend.packs import Pack, ParameterUnknown
from backend.packs.figures import UNKNOWN
from puhui.pack_kinds import register_kinds

register_kinds()
LIBRARY = packs.load_all()
METHODS = LIBRARY.of_kind("methodology")
DRAFTS = [pack for pack in METHODS if pack.data["pack"]["status"] == "draft"]
DAY = dt.date(2024, 6, 5)
RECORDED = {  # acts and filings name these bytes; a changed figure is a new pack or a new version
    "bj-bus-act": "904ee67ee8b5d4a507a2b0277e7c65c40544d3d509be7bd02d95c3ffce79893c",
    "cn-shared-bike-km": "39fa157e96135281ad33d7bd3a818c0097ff6ab3a232ec25c0b3b2628068d15d",
    "gz-metro-trip": "13b7337ba60c33e4d687c10d860e99c04ea988a2709b680b6d74d763e3b87f3d",
    "sz-metro-km": "42ffcad7100c2272d6650c529522b63bdf3c60cf46cf8641ec3467f12e127841",
}


def test_the_whole_library_is_sound_and_refers_to_what_is_there() -> None:
    found = [str(fault) for fault in (*LIBRARY.faults, *packs.check_references(LIBRARY))]
    ours = ("/methodologies/", "/factors/", "/footprint/")
    assert [fault for fault in found if any(folder in fault for folder in ours)] == []


@pytest.mark.parametrize("pack", DRAFTS, ids=lambda pack: pack.id)
def test_a_draft_refuses_and_names_its_unknown(pack: Pack) -> None:
    method = methodologies.methodology_of(pack)
    assert method.unknowns
    for activity in method.activities:
        with pytest.raises(ParameterUnknown) as refused:
            methodologies.prepare(method, activity=activity, on=DAY, region=method.jurisdiction)
        assert refused.value.pack == pack.id
        assert refused.value.parameter in packs.listed(pack).unknown_figures
        assert refused.value.parameter in method.unknowns


def test_drafts_hold_no_figure_at_all() -> None:
    for pack in DRAFTS:
        found = [one["value"] for edition in pack.data["edition"] for one in edition["parameter"]]
        assert set(found) == {UNKNOWN}, pack.id


def test_nothing_but_a_draft_computes_with_a_figure_of_low_confidence() -> None:
    for pack in METHODS:
        if pack not in DRAFTS:
            assert packs.listed(pack).confidence in ("high", "medium"), pack.id


@pytest.mark.parametrize("pack", METHODS, ids=lambda pack: pack.id)
def test_no_pack_of_the_library_claims_to_be_official_or_filed(pack: Pack) -> None:
    assert pack.data["pack"]["official"] is False
    assert pack.data["pack"]["status"] in ("demo", "draft")


@pytest.mark.parametrize(
    ("pack", "activity", "given", "grams"),
    [
        ("sz-metro-km", "metro", {"distance_m": 10_000}, 467),
        ("sz-ebus-km", "bus", {"distance_m": 10_000}, 269),
        ("gz-metro-trip", "metro", {}, 515),
        ("cn-shared-bike-km", "cycling", {"distance_m": 10_000}, 487),
        ("cn-shared-ebike-km", "cycling", {"distance_m": 10_000}, 618),
        ("bj-metro-act", "metro", {}, 46),
        ("bj-bus-act", "bus", {}, 80),
        ("bj-cycling-act", "cycling", {}, 52),
        ("bj-no-cutlery-act", "no-cutlery", {}, 23),
        ("bj-clean-plate-act", "clean-plate", {}, 449),
        ("bj-carton-act", "carton", {}, 37),
        ("bj-metro-instead-of-car-km", "metro", {"distance_m": 22_000}, 4630),
        ("af-walking-day", "walking", {"recorded_g": 400}, 296),
        ("af-offline-payment", "offline-payment", {"amount_fen": 100}, 5),
        ("af-utility-bill", "utility-bill", {"amount_fen": 100}, 262),
        ("af-show-ticket", "show-ticket", {}, 180),
        ("af-train-ticket", "train-ticket", {}, 136),
        ("af-doctor-registration", "doctor-registration", {}, 277),
        ("af-etc-payment", "etc-payment", {}, 23),
        ("af-metro-scan", "metro", {}, 52),
        ("af-bus-scan", "bus", {}, 80),
        ("af-e-invoice", "e-invoice", {}, 5),
        ("wh-walking-step", "walking", {"steps": 10_000}, 200),
        ("wh-bus-act", "bus", {}, 105),
        ("wh-bus-check-in", "bus", {}, 52),
        ("wh-metro-act", "metro", {}, 274),
        ("wh-metro-check-in", "metro", {}, 137),
        ("sh-pv-kwh", "pv", {"generated_kwh": "1100000", "capacity_kw": "1000"}, 462_000_000),
        ("cn-electricity-saving", "electricity-saved", {"saved_kwh": "100", "year": 2023}, 53_060),
    ],
)
def test_what_the_sources_say_comes_out(
    pack: str, activity: str, given: dict[str, object], grams: int
) -> None:
    method = methodologies.methodology_of(LIBRARY.find(pack))
    ready = methodologies.prepare(method, activity=activity, on=DAY, region=method.jurisdiction)
    assert ready.quantify(given).grams == grams


def test_electricity_takes_the_factor_of_the_acts_own_region_and_year() -> None:
    method = methodologies.methodology_of(LIBRARY.find("cn-electricity-saving-province"))

    def grams(region: str, day: dt.date) -> int | str:
        ready = methodologies.prepare(method, activity="electricity-saved", on=day, region=region)
        found = ready.row({"saved_kwh": "100"})
        return found if isinstance(found, int) else found.code

    assert grams("CN-GD-SZ", dt.date(2023, 12, 31)) == 44_190
    assert grams("CN-GD-GZ", dt.date(2022, 1, 1)) == 44_030
    assert grams("CN-GD", dt.date(2021, 7, 1)) == 47_150
    assert grams("CN-YN", dt.date(2023, 1, 1)) == 13_330
    assert grams("CN-YN", dt.date(2022, 12, 31)) == "unknown_figure"
    assert grams("CN-GD-SZ", dt.date(2024, 1, 1)) == "unknown_figure"
    assert grams("CN-XZ", dt.date(2023, 1, 1)) == "missing"


def test_nothing_computed_with_an_average_of_the_grid_reaches_a_pool() -> None:
    for pack in METHODS:
        edition = pack.data["edition"][0]
        if any("same_as" in table for table in edition.get("table", [])):
            assert not any(methodologies.methodology_of(pack).creditable.values()), pack.id


def test_the_series_of_the_grid_are_packs_of_their_own_and_hold_what_was_published() -> None:
    def figures(pack: str, table: str) -> dict[tuple[str | int, ...], str]:
        cells = factors.factors_of(LIBRARY.find(pack)).tables[table].cells
        return {cell.at: cell.figure.written for cell in cells}

    assert figures("cn-grid-average", "national") == {(2021,): "0.5568", (2022,): "0.5366", (2023,): "0.5306"}
    assert figures("cn-grid-residual", "national") == {(2023,): "0.6096"}
    assert figures("cn-grid-fossil", "national") == {(2023,): "0.8273"}
    assert figures("cn-grid-ets-reporting", "national") == {(2021,): "0.5810", (2022,): "0.5703"}
    grids = figures("cn-grid-average", "grid")
    assert len(grids) == 21
    assert (grids["south", 2022], grids["southwest", 2023]) == ("0.3869", "0.2472")
    provinces = figures("cn-grid-average", "province")
    assert sum(year == 2023 for _, year in provinces) == 30
    assert {place for place in provinces if place[1] != 2023} == {("CN-GD", 2021), ("CN-GD", 2022)}


@pytest.mark.parametrize("pack_id", sorted(RECORDED))
def test_the_first_packs_are_the_bytes_that_were_recorded(pack_id: str) -> None:
    pack = LIBRARY.find(pack_id)
    assert hashlib.sha256(pack.text.encode()).hexdigest() == pack.sha256 == RECORDED[pack_id]


def test_the_documentation_lists_the_library_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "packs.md").read_text("utf-8")
    section = text[text.index("## 书库") :]
    rows = [row.split(" | ") for row in re.findall(r"^\| (`[^`]+` .+) \|$", section, re.MULTILINE)]
    told = {row[0].strip("`"): row for row in rows}
    assert len(rows) == len(told)
    there = [*METHODS, *LIBRARY.of_kind("factors"), *LIBRARY.of_kind("footprint")]
    assert set(told) == {pack.id for pack in there}
    for pack in there:
        facts, row = packs.listed(pack), told[pack.id]
        if facts.status == "draft":
            assert re.findall(r"`([^`]+)`", row[-1]) == list(facts.unknown_figures), pack.id
        else:
            assert row[-1].split()[-1] == facts.confidence, pack.id
        for edition in pack.data.get("edition", []):
            for one in edition["parameter"]:
                assert one["value"] == UNKNOWN or f"{one['value']} {one['unit']}" in row[2], pack.id
