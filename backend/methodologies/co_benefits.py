"""Pollutants that go with avoided CO2, as an illustration: shown to people, never credited, never in the ledger."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction

from backend.methodologies.factors import factors_of
from backend.packs import builtin_root, load


@dataclass(frozen=True, slots=True)
class CoBenefits:
    """Milligrams of sulphur dioxide and nitrogen oxides, floored, with the words that say what they are."""

    so2_mg: int
    nox_mg: int
    zh: str
    en: str
    source: str


_ZH = "仅作说明，不是任何减排量的一部分，也不入账：全国平均（2019 年手册），每吨二氧化碳 {so2} 千克二氧化硫、{nox} 千克氮氧化物"
_EN = (
    "an illustration only and no part of any credit, in no ledger: a national average (handbook of 2019), {so2} kg of SO2 and "
    "{nox} kg of NOx per tonne of CO2"
)


@dataclass(frozen=True, slots=True)
class _Ratios:
    """Milligrams per gram of CO2, by pollutant; the words that go with them; and their source."""

    so2: Fraction
    nox: Fraction
    zh: str
    en: str
    source: str


def illustrate(grams: int) -> CoBenefits:
    """What a national average would put beside this many grams of avoided CO2 (at least 0)."""
    known = _ratios()
    return CoBenefits(
        so2_mg=_floored(grams, known.so2),
        nox_mg=_floored(grams, known.nox),
        zh=known.zh,
        en=known.en,
        source=known.source,
    )


def _floored(grams: int, ratio: Fraction) -> int:
    return grams * ratio.numerator // ratio.denominator


@functools.cache
def _ratios() -> _Ratios:
    pack = factors_of(load(builtin_root() / "factors" / "cn-co-benefits.toml"))
    figures = {str(cell.at[0]): cell.figure for cell in pack.tables["per_tonne"].cells}
    exact: dict[str, Fraction] = {}
    for name, figure in figures.items():
        assert isinstance(figure.value, Fraction)
        exact[name] = figure.value * figure.unit.scale * 1000  # grams per gram, in milligrams
    written = {name: figure.written for name, figure in figures.items()}
    return _Ratios(
        so2=exact["so2"],
        nox=exact["nox"],
        zh=_ZH.format(**written),
        en=_EN.format(**written),
        source=figures["so2"].source_title,
    )
