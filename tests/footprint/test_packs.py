"""A footprint pack is checked like every other; its figures are computed exactly and rounded up."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backend import footprint, packs
from backend.footprint import FactorUnknown, QuantityOutside, RegionNeeded
from backend.methodologies import factors
from puhui.pack_kinds import register_kinds

register_kinds()
PACK = footprint.current()
ITEMS = footprint.footprint_of(PACK).items
CELL = '{ region = "CN-GD", year = 2023, value = "0.4419" }'


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('category      = "travel"', 'category      = "pets"', "not_allowed", "item[0].category"),
        ('unit          = "kgCO2/km"', 'unit          = "kgCO2/L"', "unit_mismatch", "item[0].unit"),
        ('quantity_unit = "kWh"', 'quantity_unit = "km"', "unit_mismatch", "item[7].table"),
        ('value         = "299/1100"', "value         = 0.2718", "float", "item[0].value"),
        ('value         = "299/1100"\n', "", "missing_key", "item[0].value"),
        ('table         = "electricity"', 'table         = "nothing"', "bad_reference", "item[7].table"),
        (
            'by           = ["region", "year"]',
            'by           = ["mode", "year"]',
            "bad_pick",
            "table[0].by[0]",
        ),
        (
            'table         = "electricity"',
            'table         = "electricity"\nvalue = "1"',
            "unknown_key",
            "item[7].value",
        ),
    ],
)
def test_a_fault_is_named_at_its_place(old: str, new: str, code: str, key: str) -> None:
    assert old in PACK.text
    pack = packs.parse(PACK.text.replace(old, new, 1).encode(), "x.toml")
    assert (code, key) in {(fault.code, fault.key) for fault in pack.faults}


def test_a_cell_that_differs_from_the_table_it_was_taken_from_is_a_fault() -> None:
    grid = packs.load(packs.builtin_root() / "factors" / "cn-grid-average.toml")
    changed = packs.parse(PACK.text.replace(CELL, CELL.replace("0.4419", "0.4418")).encode(), "x.toml")
    assert changed.faults == ()
    (fault,) = packs.check_references(packs.gather([grid, changed]))
    assert fault.code == "figure_differs"


def test_every_category_is_there_and_what_is_unknown_is_told() -> None:
    assert {item.category for item in ITEMS.values()} == set(footprint.CATEGORIES)
    unknown = {item.id for item in ITEMS.values() if not item.known}
    assert unknown == {"flight-km", "gas", "water", "heating", "garment", "meat-meal", "plant-meal"}
    for name in unknown:
        with pytest.raises(FactorUnknown) as refused:
            footprint.emission_of(ITEMS[name], quantity_milli=1000, region=None, year=2023)
        assert refused.value.item == name


@pytest.mark.parametrize(
    ("item", "milli", "region", "year", "grams"),
    [
        ("car-km", 22_000, None, 2019, 5980),
        ("metro-km", 22_000, None, 2019, 1350),
        ("metro-km", 1, None, 2019, 1),
        ("petrol", 1000, None, 2024, 2354),  # 2353.72
        ("diesel", 1000, None, 2024, 2662),  # 2661.55
        ("bus-km", 1000, None, 2024, 104),
        ("electricity", 1000, "CN-GD-SZ", 2023, 442),  # 441.9
        ("electricity", 10_000, "CN-GD", 2022, 4403),
        ("electricity", 10_000, "CN-GD", 2021, 4715),
        ("electricity", 10_000, "CN-GD", 2030, 4419),
    ],
)
def test_a_quantity_emits_what_its_source_says_rounded_up(
    item: str, milli: int, region: str | None, year: int, grams: int
) -> None:
    assert footprint.emission_of(ITEMS[item], quantity_milli=milli, region=region, year=year).grams == grams


def test_bounds_and_regions() -> None:
    most = ITEMS["petrol"].most * 1000
    assert footprint.emission_of(ITEMS["petrol"], quantity_milli=most, region=None, year=2024).grams > 0
    for milli in (0, -1, most + 1):
        with pytest.raises(QuantityOutside):
            footprint.emission_of(ITEMS["petrol"], quantity_milli=milli, region=None, year=2024)
    with pytest.raises(RegionNeeded):
        footprint.emission_of(ITEMS["electricity"], quantity_milli=1, region=None, year=2023)
    for region, year in (("CN-GD", 2020), ("CN-BJ", 2022), ("CN", 2023), ("CN-XZ", 2023)):
        with pytest.raises(FactorUnknown):
            footprint.emission_of(ITEMS["electricity"], quantity_milli=1, region=region, year=year)


def test_the_fuel_table_adds_up_as_its_parts_say() -> None:
    tables = factors.factors_of(packs.load(packs.builtin_root() / "factors" / "cn-fuel-defaults.toml")).tables

    def of(table: str) -> dict[object, Fraction]:
        found: dict[object, Fraction] = {}
        for cell in tables[table].cells:
            assert isinstance(cell.figure.value, Fraction)
            found[cell.at[0]] = cell.figure.value
        return found

    content, oxidation = of("carbon_content"), of("oxidation")
    for ncv, told, unit in (("ncv_mass", "co2_mass", 1), ("ncv_volume", "co2_volume", 1000)):
        for fuel, co2 in of(told).items():
            exact = of(ncv)[fuel] * content[fuel] * oxidation[fuel] / 100 * Fraction(44, 12) * unit
            assert abs(exact - co2) < Fraction(1, 10_000), fuel
