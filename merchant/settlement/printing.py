"""Statements as PDF (A4), set by typst with the fonts that its wheel's neighbour ships, so that Chinese is right anywhere.

Whatever is printed is handed over as data, never as markup. Setting takes a processor for some tenths of a second and
more for many lines, so it runs on a thread.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

from merchant.settlement import sheets
from merchant.settlement.model import Numbered, Statement

_TEMPLATE = Path(__file__).with_name("statement.typ")
_FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent
MOST_PRINTED = 2_000  # lines on paper; all of them are in the workbook
_KINDS = {"capture": "核销", "refund": "退还", "fee": "费用", "correction": "更正"}


async def as_pdf(one: Statement, lines: Sequence[Numbered]) -> bytes:
    """A statement for the printer, with the first of these lines, and how many more there are."""
    return await asyncio.to_thread(_compiled, _told(one, lines))


def _compiled(told: dict[str, Any]) -> bytes:
    inputs = {"told": json.dumps(told, ensure_ascii=False)}
    made = typst.compile(
        _TEMPLATE, font_paths=[_FONTS], ignore_system_fonts=True, format="pdf", sys_inputs=inputs
    )
    assert isinstance(made, bytes)
    return made


def _told(one: Statement, lines: Sequence[Numbered]) -> dict[str, Any]:
    """Everything that the template shows, as text."""
    rows = []
    for numbered in lines[:MOST_PRINTED]:
        cells = sheets.line_cells(numbered)
        what = str(cells[3] or cells[5]) + (f" / {cells[4]}" if cells[4] else "")
        kind = _KINDS[numbered.line.kind.value]
        rows.append(
            [
                str(cells[0]),
                kind,
                str(cells[2]),
                what,
                *(_figure(int(cells[at])) for at in (6, 7, 8, 9)),
                "" if numbered.money_fen is None else _figure(numbered.money_fen),
            ]
        )
    return {
        "title_zh": "结算单",
        "title_en": "Settlement statement",
        "merchant_zh": one.merchant_zh,
        "merchant_en": one.merchant_en,
        "number": f"{one.merchant} / {one.programme} / {one.number}",
        "period": f"{one.first_day.isoformat()} — {one.last_day.isoformat()}",
        "digest": one.lines_sha256,
        "summary": [
            [name, _figure(value) if isinstance(value, int) else value]
            for name, value in sheets.summary(one)[5:]
        ],
        "lines": rows,
        "left": one.lines - len(rows),
    }


def _figure(number: int) -> str:
    return f"{number:,}"
