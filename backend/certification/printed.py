"""Serial numbers as people read them: `PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000123`.

The number and the book say which credit it is; province, vintage year and methodology are there to be read. What rests
on a demonstration begins with `DEMO-`, so that nobody takes it for a credit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.certification.errors import SerialMisprinted

BOOK, DEMO_BOOK = "phcer", "phcer-demo"
UNIT = "PHCER"

_FORM = re.compile(
    r"(?P<demo>DEMO-)?PHCER-(?P<region>[A-Z]{2}(?:_[A-Z]{2,4})?)-(?P<year>[0-9]{4})"
    r"-(?P<methodology>[A-Z0-9][A-Z0-9_]{0,62})-(?P<number>[0-9]{12,18})"
)


@dataclass(frozen=True, slots=True)
class Printed:
    """A serial number and what stands around it. `region` is ISO 3166-2 (`CN-GD`)."""

    book: str
    number: int
    region: str
    vintage_year: int
    methodology: str

    @property
    def demo(self) -> bool:
        """True when it is a demonstration's."""
        return self.book == DEMO_BOOK


def book_of(*, demo: bool) -> str:
    """The origin book of live or of demonstration credits."""
    return DEMO_BOOK if demo else BOOK


def print_serial(printed: Printed) -> str:
    """The serial number with all that stands around it."""
    parts = (
        UNIT,
        printed.region.removeprefix("CN-").replace("-", "_"),
        f"{printed.vintage_year:04d}",
        printed.methodology.upper().replace("-", "_"),
        f"{printed.number:012d}",
    )
    return ("DEMO-" if printed.demo else "") + "-".join(parts)


def parse_serial(text: str) -> Printed:
    """What a printed serial number says; SerialMisprinted when it is none."""
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found["number"]) < 1:
        raise SerialMisprinted
    printed = Printed(
        book=book_of(demo=found["demo"] is not None),
        number=int(found["number"]),
        region="CN-" + found["region"].replace("_", "-"),
        vintage_year=int(found["year"]),
        methodology=found["methodology"].lower().replace("_", "-"),
    )
    if print_serial(printed) != text.strip():  # zeros more than the form has
        raise SerialMisprinted
    return printed
