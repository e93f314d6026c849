"""Reading codes that a merchant sends, line by line: every line that is wrong is named with its field and the reason."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from merchant.coupons.errors import CouponsCsvUnreadable, CouponsUnsound, TooManyCoupons

MOST_AT_ONCE, NAMED = 10_000, 100
_CODE = re.compile(r"[!-~]{4,100}")  # printable ASCII without blanks

REASONS = {
    "form": (
        "4 to 100 printable ASCII characters without blanks",
        "须为 4 至 100 个可见 ASCII 字符，不含空格",
    ),
    "again": ("the code stands in the file before", "该券码在文件中重复"),
    "known": ("the code was brought in before", "该券码已导入过"),
    "date": ("a date as YYYY-MM-DD", "日期格式须为 YYYY-MM-DD"),
    "past": ("the day has passed", "有效期已过"),
    "columns": ("as many columns as the first line names", "列数与首行不一致"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One code as it was sent: the line's number in what was sent, from 1, and the last day in words, if one was said."""

    number: int
    code: str
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that can be taken in; `valid_until` is included, None is for ever."""

    line: int
    code: str
    valid_until: dt.date | None


@dataclass
class Faults:
    """What is wrong with the lines, collected to be told at once."""

    wrong: int = 0
    lines: list[dict[str, object]] = field(default_factory=list)

    def add(self, line: int, name: str, reason: str) -> None:
        self.wrong += 1
        if len(self.lines) < NAMED:
            english, chinese = REASONS[reason]
            self.lines.append(
                {"line": line, "field": name, "reason": reason, "reason_en": english, "reason_zh": chinese}
            )

    def raise_any(self) -> None:
        """Raises CouponsUnsound where there are some: the first hundred named, all counted."""
        if self.wrong:
            raise CouponsUnsound(wrong=self.wrong, lines=sorted(self.lines, key=_line))


def _line(fault: dict[str, object]) -> int:
    line = fault["line"]
    assert isinstance(line, int)
    return line


def of_csv(text: str) -> list[Line]:
    """The lines of a CSV text with the columns `code` and, if there is one, `valid_until`; empty lines are passed over.

    Raises CouponsCsvUnreadable, TooManyCoupons; CouponsUnsound where a line has other columns than the first.
    """
    reader, faults, found = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True), Faults(), []
    try:
        names = [name.strip() for name in next(reader, [])]
        if "code" not in names or not set(names) <= {"code", "valid_until"} or len(set(names)) < len(names):
            raise CouponsCsvUnreadable
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                faults.add(reader.line_num, "columns", "columns")
                continue
            said = dict(zip(names, cells, strict=True))
            found.append(
                Line(reader.line_num, said["code"].strip(), said.get("valid_until", "").strip() or None)
            )
            if len(found) > MOST_AT_ONCE:
                raise TooManyCoupons(most=MOST_AT_ONCE)
    except csv.Error:
        raise CouponsCsvUnreadable from None
    faults.raise_any()
    return found


def sound(
    lines: Sequence[Line], *, valid_until: dt.date | None, today: dt.date, faults: Faults
) -> list[Coupon]:
    """The codes that can be taken in; what is wrong with the others goes into `faults`. `valid_until` is for lines that say none."""
    found, seen = [], set[str]()
    for line in lines:
        if not _CODE.fullmatch(line.code):
            faults.add(line.number, "code", "form")
        elif line.code in seen:
            faults.add(line.number, "code", "again")
        seen.add(line.code)
        try:
            until = valid_until if line.valid_until is None else _day(line.valid_until)
        except ValueError:
            faults.add(line.number, "valid_until", "date")
            continue
        if until is not None and until < today:
            faults.add(line.number, "valid_until", "past")
        found.append(Coupon(line.number, line.code, until))
    return found


def known(coupons: Iterable[Coupon], *, faults: Faults) -> None:
    """Note codes that were brought in before."""
    for one in coupons:
        faults.add(one.line, "code", "known")


def _day(text: str) -> dt.date:
    if len(text) != len("2030-01-31"):
        raise ValueError(text)
    return dt.date.fromisoformat(text)
