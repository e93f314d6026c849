"""Co-benefits are an illustration with words that say so; no methodology and no account knows them."""

from __future__ import annotations

import pytest

from backend import methodologies, packs


@pytest.mark.parametrize(
    ("grams", "so2_mg", "nox_mg"),
    [(1_000_000, 3_200_000, 2_800_000), (467, 1494, 1307), (1, 3, 2), (0, 0, 0)],
)
def test_a_tonne_of_co2_goes_with_so_much(grams: int, so2_mg: int, nox_mg: int) -> None:
    told = methodologies.illustrate(grams)
    assert (told.so2_mg, told.nox_mg) == (so2_mg, nox_mg)


def test_the_words_say_what_it_is() -> None:
    told = methodologies.illustrate(1)
    assert "不是任何减排量的一部分" in told.zh
    assert "3.2 千克二氧化硫" in told.zh
    assert "no part of any credit" in told.en
    assert "2019" in told.en
    assert "手册" in told.source


def test_no_methodology_computes_with_them() -> None:
    for pack in packs.load_all().of_kind("methodology"):
        assert "cn-co-benefits" not in pack.text
        assert methodologies.methodology_of(pack).gas_species == ("CO2",)
