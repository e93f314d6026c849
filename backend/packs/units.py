"""Units of measure with exact scales, and the algebra that a formula's units obey.

A unit is a product of known words, such as `gCO2e/km`, `gCO2/pkm`, `kWh`, `CNY/t` or `1`: words are multiplied with
`*`, everything after a `/` divides, and a word may carry a power (`m2`, `m3` are words of their own). Each reduces
to a scale (a fraction) and powers of base dimensions.

A gram of one substance is not a gram of another: `kgCO2e`, `kgCH4` and `kg` do not mix. CO2 alone is CO2e, because
its warming potential is 1 by definition. Things that are counted (`trip`, `act`, `piece`, `step` …) are dimensions of
their own, so that a figure per trip is not silently multiplied by steps; a person is the number 1, because each act
is one person's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]  # (base, power), sorted, no zero powers

NUMBER: Dimension = ()
CO2E: Dimension = (("gCO2e", 1),)

_MASS = {
    "ug": Fraction(1, 10**6),
    "mg": Fraction(1, 1000),
    "g": Fraction(1),
    "kg": Fraction(1000),
    "t": Fraction(10**6),
}
_SUBSTANCES = ("CO2e", "CO2", "CH4", "N2O", "HFCs", "PFCs", "SF6", "NF3", "SO2", "NOx", "C")
COUNTED = (
    "trip",
    "act",
    "piece",
    "step",
    "visit",
    "order",
    "page",
    "room",
    "day",
    "night",
    "month",
    "cup",
    "bag",
    "bottle",
)

_WORDS: dict[str, tuple[Fraction, str, int]] = {
    "m": (Fraction(1), "m", 1),
    "km": (Fraction(1000), "m", 1),
    "m2": (Fraction(1), "m", 2),
    "mu": (Fraction(2000, 3), "m", 2),  # 亩
    "ha": (Fraction(10_000), "m", 2),
    "m3": (Fraction(1), "m", 3),
    "L": (Fraction(1, 1000), "m", 3),
    "Nm3": (Fraction(1), "Nm3", 1),  # gas at standard conditions
    "mL": (Fraction(1, 10**6), "m", 3),
    "s": (Fraction(1), "s", 1),
    "min": (Fraction(60), "s", 1),
    "h": (Fraction(3600), "s", 1),
    "d": (Fraction(86_400), "s", 1),
    "Wh": (Fraction(3600), "J", 1),
    "kWh": (Fraction(3_600_000), "J", 1),
    "MWh": (Fraction(3_600_000_000), "J", 1),
    "GWh": (Fraction(3_600_000_000_000), "J", 1),
    "J": (Fraction(1), "J", 1),
    "kJ": (Fraction(1000), "J", 1),
    "MJ": (Fraction(10**6), "J", 1),
    "GJ": (Fraction(10**9), "J", 1),
    "TJ": (Fraction(10**12), "J", 1),
    "W": (Fraction(1), "W", 1),
    "kW": (Fraction(1000), "W", 1),
    "fen": (Fraction(1), "fen", 1),
    "CNY": (Fraction(100), "fen", 1),
    "pt": (Fraction(1), "pt", 1),
    "pkm": (Fraction(1000), "m", 1),  # person-kilometre; a person is the number 1
    "p": (Fraction(1), "", 0),
    "person": (Fraction(1), "", 0),
    "1": (Fraction(1), "", 0),
    "%": (Fraction(1, 100), "", 0),
}
_WORDS.update({word: (Fraction(1), word, 1) for word in COUNTED})
_WORDS.update({word: (scale, "g", 1) for word, scale in _MASS.items()})
_WORDS.update(
    {
        f"{word}{substance}": (scale, "gCO2e" if substance == "CO2" else f"g{substance}", 1)
        for word, scale in _MASS.items()
        for substance in _SUBSTANCES
    }
)

_FORM = re.compile(r"[A-Za-z0-9%]+(?:[*/][A-Za-z0-9%]+)*")
_LONGEST = 64


class UnitError(ValueError):
    """The text is not a unit that we know; says why in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Unit:
    """`text` is as written; `scale` is how many base units one of it holds, exactly."""

    text: str
    scale: Fraction
    dimension: Dimension


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit:
    """Read a unit; `UnitError` says which word is not known."""
    if len(text) > _LONGEST or not _FORM.fullmatch(text):
        shown = text[:_LONGEST]
        raise UnitError(f"{shown!r} is not words joined by * and /", f"{shown!r} 不是由 * 和 / 连接的单位词")
    scale, powers, sign = Fraction(1), dict[str, int](), 1
    for word in re.split(r"([*/])", text):
        if word in ("*", "/"):
            sign = -1 if word == "/" or sign < 0 else 1
            continue
        if word not in _WORDS:
            raise UnitError(f"{word!r} is not a known word", f"{word!r} 不是已知的单位词")
        factor, base, power = _WORDS[word]
        scale = scale * factor if sign > 0 else scale / factor
        powers[base] = powers.get(base, 0) + sign * power
    return Unit(text, scale, _normal(powers))


def times(left: Dimension, right: Dimension) -> Dimension:
    """The dimension of a product."""
    powers = dict(left)
    for base, power in right:
        powers[base] = powers.get(base, 0) + power
    return _normal(powers)


def over(left: Dimension, right: Dimension) -> Dimension:
    """The dimension of a quotient."""
    return times(left, tuple((base, -power) for base, power in right))


def show(dimension: Dimension) -> str:
    """A dimension for people: `gCO2e/m`, or `1` for a plain number."""
    above = [_power(base, power) for base, power in dimension if power > 0]
    below = [_power(base, -power) for base, power in dimension if power < 0]
    return "*".join(above or ["1"]) + "".join(f"/{word}" for word in below)


def _power(base: str, power: int) -> str:
    return base if power == 1 else f"{base}^{power}"


def _normal(powers: dict[str, int]) -> Dimension:
    return tuple(sorted((base, power) for base, power in powers.items() if power and base))
