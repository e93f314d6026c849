"""Unified social credit codes 统一社会信用代码, as GB 32100-2015 writes them."""

from __future__ import annotations

import re

_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z
_CODE = re.compile(f"[{_LETTERS}]{{2}}[0-9]{{6}}[{_LETTERS}]{{10}}")


def is_sound(code: str) -> bool:
    """Eighteen letters and digits, of which the last is the check character (weights 3^i mod 31) of the others."""
    if not _CODE.fullmatch(code):
        return False
    return _LETTERS[_check_of(code)] == code[17]


def complete(first: str) -> str:
    """The code that begins with these seventeen characters."""
    return first + _LETTERS[_check_of(first)]


def _check_of(code: str) -> int:
    total = sum(_LETTERS.index(letter) * pow(3, place, 31) for place, letter in enumerate(code[:17]))
    return -total % 31
