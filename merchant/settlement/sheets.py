"""Statements as workbooks, and what keeps a cell from being read as a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from backend.kit import clock
from merchant.settlement.model import Numbered, Statement

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|")
LINE_HEAD = (
    "行 line", "类别 kind", "时间 time", "兑换 redemption", "部分 part", "说明 about", "积分 points",
    "价值(分) value fen", "商户让利(分) own fen", "应付(分) payable fen", "出资 funded",
    "顾客另付(分,不计入应付) money beside fen (told only)",
)  # fmt: skip


def written(cell: str | int) -> str | int:
    """A cell that no spreadsheet takes for a formula: text that could be one begins with an apostrophe; numbers stay."""
    if isinstance(cell, int):
        return cell
    clean = "".join(sign for sign in cell if sign >= " " or sign in "\t\n")
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


def summary(one: Statement) -> list[tuple[str, str | int]]:
    """What a statement says on its first page, in both languages, figures as numbers."""
    totals = one.totals
    rows: list[tuple[str, str | int]] = [
        ("商户 merchant", f"{one.merchant_zh} {one.merchant_en} ({one.merchant})"),
        ("计划 programme", one.programme),
        ("结算单号 number", one.number),
        ("起 first day", one.first_day.isoformat()),
        ("止 last day", one.last_day.isoformat()),
        ("关账 closed at", _moment(one)),
        ("发票号码 invoice", one.invoice or ""),
        ("状态 state", one.state.value),
        ("期初积分 opening points", totals.opening_points),
        ("期初(分) opening fen", totals.opening_fen),
        ("核销笔数 captures", totals.captures),
        ("核销积分 captured points", totals.captured_points),
        ("核销价值(分) captured fen", totals.captured_fen),
        ("退还笔数 refunds", totals.refunds),
        ("退还积分 refunded points", totals.refunded_points),
        ("退还价值(分) refunded fen", totals.refunded_fen),
        ("商户自身让利(分) own concession fen", totals.own_fen),
        ("费用(分) fees fen", totals.fees_fen),
        ("争议更正积分 corrections points", totals.corrections_points),
        ("争议更正(分) corrections fen", totals.corrections_fen),
        ("应付积分 payable points", totals.payable_points),
        ("应付(分) payable fen", totals.payable_fen),
    ]
    rows += [(f"出资(分) funded by {funder}", fen) for funder, fen in sorted(totals.funded.items())]
    return [*rows, *((f"付款(分) paid by {funder}", fen) for funder, fen in sorted(totals.pays.items()))]


class Sheets:
    """A statement as XLSX, written as its lines are handed over: a sheet that sums it up, and one of its lines.

    Rows go to a file as they come, so the whole is never in memory. Amounts are numbers.
    """

    def __init__(self, one: Statement) -> None:
        self._lines, self._written = one.lines, 0
        self._book = Workbook(write_only=True)
        front = self._book.create_sheet("结算单 statement")
        _widen(front, (38, 60))
        for name, value in summary(one):
            front.append([name, written(value)])
        self._sheet = self._book.create_sheet("明细 lines")
        self._sheet.freeze_panes = "A2"
        _widen(self._sheet, (8, 12, 20, 38, 12, 38, 10, 12, 12, 12, 40, 26))
        self._sheet.append([_bold(self._sheet, name) for name in LINE_HEAD])

    def add(self, lines: Iterable[Numbered]) -> None:
        """The next lines."""
        for numbered in lines:
            self._sheet.append([written(cell) for cell in line_cells(numbered)])
            self._written += 1

    def finish(self) -> bytes:
        """The file; its last row says how many lines it leaves out, and where they are."""
        if left := self._lines - self._written:
            self._sheet.append([f"其余 {left} 行见接口。The other {left} lines: GET …/statements/…/lines"])
        return workbook_bytes(self._book)


def as_workbook(one: Statement, lines: Iterable[Numbered]) -> bytes:
    """A statement with these lines as XLSX."""
    sheets = Sheets(one)
    sheets.add(lines)
    return sheets.finish()


def _widen(page: Any, widths: Sequence[int]) -> None:
    for column, width in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(column)].width = width


def _bold(page: Any, name: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, value=name)
    cell.font = Font(bold=True)
    return cell


def line_cells(numbered: Numbered) -> tuple[str | int, ...]:
    """A line as cells."""
    line = numbered.line
    return (
        numbered.number,
        line.kind.value,
        line.happened_at.astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
        "" if line.redemption_id is None else str(line.redemption_id),
        line.part_id or "",
        line.about,
        line.points,
        line.value_fen,
        line.own_fen,
        line.payable_fen,
        ", ".join(f"{funder} {fen}" for funder, fen in sorted(line.funded.items())),
        "" if numbered.money_fen is None else numbered.money_fen,
    )


def workbook_bytes(book: Workbook) -> bytes:
    """A workbook as a file."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _moment(one: Statement) -> str:
    return one.closed_at.astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M")
