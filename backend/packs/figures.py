"""Figures as exact fractions. A figure is a string; `"unknown"` is a figure that refuses when it is used."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

UNKNOWN: Final = "unknown"
Known = Fraction | Literal["unknown"]

_FORM = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?|-?\d{1,18}/[1-9]\d{0,17}")


def parse_figure(text: str) -> Known:
    """Read `"48.7"`, `"1/3"` or `"unknown"`; ValueError for anything else, exponents and signs included."""
    if text == UNKNOWN:
        return UNKNOWN
    if not text.isascii() or not _FORM.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a figure")
    return Fraction(text) if "/" in text else Fraction(Decimal(text))
