"""A serial number as it is printed: the book in capitals, a dash, the number in at least nine digits.

`PHCER-000000123` is number 123 of the book `phcer`; `GUANGDONG-PHCER-000000123` is the same number on the other side of
the bridge. Reading takes small letters and missing zeros, and the longer form that a credit's certificate prints.
"""

from __future__ import annotations

import re

from backend.certification import SerialMisprinted, parse_serial
from backend.transparency.errors import SerialUnknown
from backend.transparency.telling import MOST

_PRINTED = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)-([0-9]{1,18})", re.ASCII)


def printed(book: str, number: int) -> str:
    """One number as people write it."""
    return f"{book.upper()}-{number:09d}"


def parsed(text: str) -> tuple[str, int]:
    """Book and number of a printed serial; SerialUnknown when it is not one."""
    try:
        certificate = parse_serial(text)
    except SerialMisprinted:
        pass
    else:
        return certificate.book, certificate.number
    found = _PRINTED.fullmatch(text)
    if found is None or not 1 <= int(found[2]) < MOST:
        raise SerialUnknown
    return found[1].lower(), int(found[2])
