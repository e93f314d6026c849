"""The sample programme in format 2, without screens, caps and windows, and with parts of its text exchanged for others."""

from __future__ import annotations

from backend import packs
from backend.packs import Pack
from tests.unscreened import unscreened

SAMPLE = "gd-green-travel"
MONEY = (
    'unit_zh              = "分"\nunit_en              = "point"',
    'unit_zh = "分钱"\nunit_en = "fen"\nmoney = true',
)
_FIRST_FORMAT = "format = 1"
_EXAMPLE = """[[example]]
why = "一克十分之一分 a tenth of a point per gram"
in  = { earn = "metro-distance", evidence = "operator_feed", grams = 19 }
out = { points = 1 }

"""
_POINTS = '[points]\nunit_zh              = "分"'


def second(
    *changed: tuple[str, str],
    budget: int | str | None = None,
    floor: int = 0,
    per: str = "programme",
    mark: str = "",
) -> Pack:
    """The sample programme as it would be in format 2; a `mark` makes it another pack that means the same."""
    section = f"""[switches]
earning = true

[budget]
amount = "{budget}"
floor  = {floor}
per    = "{per}"
source = "programme policy"

"""
    if budget is None:
        section = "[switches]\nearning = true\n\n"
    return unscreened(
        packs.load_all().find(SAMPLE),
        (_FIRST_FORMAT, f"format = 2 # {mark}"),
        (_POINTS, section + _EXAMPLE + _POINTS),
        *changed,
    )
