"""Workbooks: exact numbers, days of both calendars, and files that were made to hurt."""

from __future__ import annotations

import datetime as dt
import io
import random
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import numbers
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from backend.intake import FileUnreadable, HeaderMismatch, SheetNeeded, workbook
from backend.intake.mapping import mapping_of
from backend.intake.reading import read_rows
from backend.intake.rows import RowFault
from backend.packs import Library, Pack, parse
from tests.intake.conftest import converter_for

COLUMNS = ("card", "at", "metres")
Rows = list[list[str | None]]


def save(path: Path, rows: list[list[Any]], **formats: str) -> Path:
    """A workbook with a header, as another program writes it; `formats` by the letter of the column."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(COLUMNS))
    for row in rows:
        sheet.append(row)
    for letter, form in formats.items():
        for cell in sheet[letter][1:]:
            cell.number_format = form
    book.save(path)
    return path


def read(path: Path, **asked: Any) -> tuple[list[int], Rows, list[tuple[int, str, str]]]:
    """Line numbers, values and faults."""
    lines: list[int] = []
    rows: Rows = []
    faults: list[RowFault] = []
    columns = asked.pop("columns", COLUMNS)
    for batch in read_rows(path, file_type="xlsx", encoding="utf-8", columns=columns, **asked):
        lines += batch.lines.tolist()
        rows += [list(row) for row in zip(*(batch.columns[c].to_pylist() for c in columns), strict=True)]
        faults += batch.faults
    return lines, rows, [(fault.line, fault.field, fault.code) for fault in faults]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


def test_texts_numbers_and_days_come_as_they_are_shown(book: Path) -> None:
    save(
        book,
        [
            ["6222021234567890123", dt.datetime(2026, 10, 12, 8, 5), 1200],  # noqa: DTZ001
            ["00017", dt.datetime(2026, 10, 12, 8, 5, 30, 250_000), 0.1],  # noqa: DTZ001
            [42, dt.datetime(2026, 10, 12), 1e-7],  # noqa: DTZ001
        ],
    )
    assert read(book) == (
        [2, 3, 4],
        [
            ["6222021234567890123", "2026-10-12 08:05:00", "1200"],
            ["00017", "2026-10-12 08:05:30.250", "0.1"],
            ["42", "2026-10-12 00:00:00", "0.0000001"],
        ],
        [],
    )


@pytest.mark.parametrize("number", [6222021234567890, 6222021234567890123, 1.2345e15, 10**15, -(10**15)])
def test_a_card_number_beyond_what_a_spreadsheet_keeps_refuses_its_row(book: Path, number: float) -> None:
    save(book, [[number, "2026-10-12 08:00", 1], [10**15 - 1, "2026-10-12 08:00", 1]])
    lines, rows, faults = read(book)
    assert (lines, rows[0][0]) == ([3], "999999999999999")
    assert faults == [(2, "card", "digits_lost")]


def test_a_number_shown_with_leading_zeros_keeps_them(book: Path) -> None:
    save(book, [[123, None, 5]], A="00000000")
    assert read(book)[1] == [["00000123", None, "5"]]


def test_formulas_errors_and_truth_values_refuse_their_row_only_where_a_rule_reads_them(book: Path) -> None:
    save(
        book,
        [
            ["=1+1", "x", 1], ["#N/A", "x", 1], [True, "x", 1], ["good", "x", 1, "=NOW()"],
        ],
    )  # fmt: skip
    lines, rows, faults = read(book)
    assert (lines, rows) == ([5], [["good", "x", "1"]])
    assert faults == [(2, "card", "formula"), (3, "card", "cell_error"), (4, "card", "not_a_value")]


@pytest.mark.parametrize("epoch_1904", [False, True])
@pytest.mark.parametrize(
    "day", [dt.datetime(1904, 1, 2), dt.datetime(1904, 3, 1, 1), dt.datetime(2026, 10, 12, 23, 59, 59)]  # noqa: DTZ001
)  # fmt: skip
def test_both_calendars_give_the_same_day(book: Path, day: dt.datetime, *, epoch_1904: bool) -> None:
    made = openpyxl.Workbook()
    if epoch_1904:
        made.epoch = CALENDAR_MAC_1904
    made.active.append(list(COLUMNS))
    made.active.append(["a", day, 1])
    made.save(book)
    assert read(book)[1][0][1] == day.isoformat(sep=" ")


def test_the_day_that_1900_never_had_is_no_time(book: Path) -> None:
    save(book, [["a", serial, 1] for serial in (59, 60, 61, 0.5, -1, 3e6)], B="yyyy-mm-dd hh:mm")
    lines, rows, faults = read(book)
    assert [row[1] for row in rows] == ["1900-02-28 00:00:00", "1900-03-01 00:00:00"]
    assert lines == [2, 4]
    assert faults == [(line, "at", "not_a_time") for line in (3, 5, 6, 7)]


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("General", "46307.5"), ("0.00", "46307.5"), ('0.0"d"', "46307.5"), ("[Red]0.0", "46307.5"), ("@", "46307.5"),
        ("0.00E+00", "46307.5"), ("#,##0.00_);[Red](#,##0.00)", "46307.5"), ("0%", "46307.5"),
        ("yyyy-mm-dd", "2026-10-12 12:00:00"), ('[$-804]yyyy"年"m"月"d"日";@', "2026-10-12 12:00:00"),
        ("m/d/yy h:mm", "2026-10-12 12:00:00"),
    ],
)  # fmt: skip
def test_the_format_says_whether_a_number_is_a_day(book: Path, form: str, shown: str) -> None:
    save(book, [["a", 46307.5, 1]], B=form)
    assert read(book)[1][0][1] == shown


@pytest.mark.parametrize("form", ["[h]:mm:ss", "[mm]:ss", "mm:ss"])
def test_a_duration_is_no_value(book: Path, form: str) -> None:
    save(book, [["a", 1.5, 1]], B=form)
    assert read(book)[2] in ([(2, "at", "not_a_value")], [])


def test_of_merged_cells_the_first_holds_the_value_and_nothing_is_counted_twice(book: Path) -> None:
    made = openpyxl.Workbook()
    for row in [list(COLUMNS), ["a", "x", 1], [None, "y", 2]]:
        made.active.append(row)
    made.active.merge_cells("A2:A3")
    made.save(book)
    assert read(book)[1] == [["a", "x", "1"], [None, "y", "2"]]


def test_empty_rows_are_no_rows_and_keep_the_numbers_of_the_others(book: Path) -> None:
    save(book, [["a", "x", 1], [], [None, None, None], ["b", "y", 2], []])
    assert read(book)[0] == [2, 5]


def test_a_job_goes_on_behind_any_row(book: Path) -> None:
    save(book, [[f"c{n}", "x", n] for n in range(10)])
    assert read(book, after_line=5)[0] == list(range(6, 12))
    assert read(book, batch_rows=3)[0] == list(range(2, 12))
    assert read(book, after_line=11)[0] == []


def test_a_header_further_down_is_found_and_a_wrong_one_named(book: Path) -> None:
    made = openpyxl.Workbook()
    for row in [["2026 年 10 月"], [], ["metres", " card ", "else", "at"], [7, "a", "?", "x"]]:
        made.active.append(row)
    made.save(book)
    assert read(book, header_row=3)[1] == [["a", "x", "7"]]
    with pytest.raises(HeaderMismatch) as refused:
        read(book)
    assert refused.value.missing == "card, at, metres"
    with pytest.raises(HeaderMismatch):
        read(book, header_row=2)


def test_one_sheet_is_read_and_where_there_are_several_it_has_to_be_named(book: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "行程"
    for row in [list(COLUMNS), ["a", "x", 1]]:
        made.active.append(row)
    other = made.create_sheet("notes")
    made.save(book)
    with pytest.raises(SheetNeeded) as refused:
        read(book)
    assert refused.value.found == 2
    assert read(book, sheet="行程")[1] == [["a", "x", "1"]]
    with pytest.raises(SheetNeeded):
        read(book, sheet="none")
    other.sheet_state = "hidden"
    made.save(book)
    assert read(book)[1] == [["a", "x", "1"]]


def changed(library: Library, file_type: str) -> Pack:
    """The mapping of a bike share's trips, for files of another type."""
    return parse(library.find("bike-share-distance").text.replace('"csv"', file_type).encode())


def test_a_mapping_reads_a_workbook_from_sheet_to_acts(book: Path, library: Library) -> None:
    mapping = mapping_of(changed(library, '"xlsx"\nsheet = "Sheet"\nheader_row = 2'))
    assert (mapping.type, mapping.sheet, mapping.header_row) == ("xlsx", "Sheet", 2)
    made = openpyxl.Workbook()
    start = dt.datetime(2026, 10, 12, 8)  # noqa: DTZ001
    for row in [
        ["trips"],
        ["trip_id", "account_no", "started_at", "ended_at", "distance_m"],
        ["T1", "13800000001", start, start + dt.timedelta(minutes=20), 10_000],
        ["T2", 6222021234567890123, start, start + dt.timedelta(minutes=20), 10_000],
        ["T3", "13800000003", start, start - dt.timedelta(minutes=20), 10_000],
    ]:
        made.active.append(row)
    made.save(book)
    converter = converter_for(mapping, library)
    done = [
        converter.convert(batch)
        for batch in read_rows(
            book, file_type="xlsx", encoding="utf-8", columns=mapping.columns, sheet="Sheet", header_row=2
        )
    ]
    faults = [(fault.line, fault.code) for part in done for fault in part.faults]
    assert sum(part.rows for part in done) == 1
    assert faults == [(4, "digits_lost"), (5, "not_after")]


def test_what_is_for_workbooks_is_a_fault_in_the_mapping_of_another_file(library: Library) -> None:
    assert [fault.code for fault in changed(library, '"csv"\nsheet = "Sheet"').faults] == ["not_allowed"]


def test_random_sheets_are_read_as_another_program_reads_them(book: Path) -> None:
    dice = random.Random(20261122)
    options = [
        None, "", " x ", "中文 <&>", "0012", 0, -5, 17, 123456789012345, 0.1, -2.5, 1 / 3, 1e-9, 99999.99,
    ]  # fmt: skip
    rows = [[dice.choice(options) for _ in COLUMNS] for _ in range(400)]
    save(book, rows)
    theirs = openpyxl.load_workbook(book, read_only=True).active
    found: dict[int, list[object]] = {}
    for number, row in enumerate(theirs.iter_rows(min_row=2, values_only=True), start=2):
        found[number] = list(row)
    lines, ours, faults = read(book)
    assert faults == []
    for line, row in zip(lines, ours, strict=True):
        for mine, other in zip(row, found.pop(line), strict=True):
            if isinstance(other, int | float):
                assert mine is not None
                assert float(mine) == other
            else:
                assert (mine or None) == other
    assert all(not any(value is not None for value in row) for row in found.values())


# --- files that were made to hurt ---------------------------------------------------------------------------------

TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def raw(path: Path, sheet: str | bytes, **parts: str | bytes) -> Path:
    """A workbook of hand-made parts."""
    contents: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships><Relationship Id="r" Type="{TYPES}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{TYPES}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{TYPES}/worksheet" '
        f'Target="/xl/worksheets/sheet1.xml"/><Relationship Id="r2" Type="{TYPES}/sharedStrings" Target="strings.xml"/>'
        f'<Relationship Id="r3" Type="{TYPES}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
        **{name.replace("__", "/") + ".xml": content for name, content in parts.items()},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


HEAD = '<row r="1">' + "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in COLUMNS) + "</row>"


def sheet_of(*rows: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{HEAD}{''.join(rows)}</sheetData></worksheet>"


def test_cells_without_addresses_are_read_in_their_order(book: Path) -> None:
    raw(book, sheet_of("<row><c><v>1</v></c><c/><c><v>3</v></c></row>"))
    assert read(book) == ([2], [["1", None, "3"]], [])


def test_hints_on_pronunciation_are_not_part_of_a_text(book: Path) -> None:
    strings = (
        f"<sst {MAIN}><si><r><t>东</t></r><rPh sb='0' eb='1'><t>dong</t></rPh><r><t>站</t></r></si></sst>"
    )
    raw(book, sheet_of('<row><c t="s"><v>0</v></c></row>'), xl__strings=strings)
    assert read(book)[1] == [["东站", None, None]]


HURTFUL: dict[str, str | bytes] = {
    "rows_backwards": sheet_of('<row r="5"><c><v>1</v></c></row><row r="4"><c><v>1</v></c></row>'),
    "a_row_twice": sheet_of('<row r="5"><c><v>1</v></c></row><row r="5"><c><v>1</v></c></row>'),
    "a_row_beyond_the_last": sheet_of('<row r="1048577"><c><v>1</v></c></row>'),
    "a_row_number_that_is_huge": sheet_of(f'<row r="{"9" * 50}"><c><v>1</v></c></row>'),
    "a_column_beyond_the_last": sheet_of('<row r="2"><c r="XFE2"><v>1</v></c></row>'),
    "a_cell_of_another_row": sheet_of('<row r="2"><c r="A3"><v>1</v></c></row>'),
    "a_column_twice": sheet_of('<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>'),
    "a_text_that_is_not_there": sheet_of('<row r="2"><c t="s"><v>7</v></c></row>'),
    "a_cell_of_no_kind": sheet_of('<row r="2"><c t="zz"><v>7</v></c></row>'),
    "a_cell_that_never_ends": sheet_of(f'<row r="2"><c t="str"><v>{"x" * 70_000}</v></c></row>'),
    "an_open_tag": sheet_of()[:-20],
    "no_xml": b"\x00\x01\x02",
    "nothing": b"",
    "entities": '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    + sheet_of('<row><c t="str"><v>&b;</v></c></row>'),
    "an_outside_entity": '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + sheet_of('<row><c t="str"><v>&x;</v></c></row>'),
    "a_style_that_is_no_number": sheet_of('<row r="2"><c s="x"><v>1</v></c></row>'),
}


@pytest.mark.parametrize("name", HURTFUL)
def test_a_sheet_made_to_hurt_is_refused(book: Path, name: str) -> None:
    raw(book, HURTFUL[name])
    with pytest.raises(FileUnreadable):
        read(book)


def test_numbers_that_are_none_refuse_their_row_only(book: Path) -> None:
    values = ["1e999", "NaN", "Infinity", "0x10", "1_0", "１", "9" * 500, "-", "1e-999"]
    raw(book, sheet_of(*(f"<row><c><v>{value}</v></c></row>" for value in values)))
    lines, rows, faults = read(book)
    assert (lines, rows) == ([10], [["0", None, None]])
    assert {code for _, _, code in faults} == {"not_a_number", "digits_lost"}


def test_a_bomb_is_refused_before_it_unpacks(book: Path) -> None:
    bomb = b"<worksheet>" + b" " * (200 << 20) + b"</worksheet>"
    raw(book, bomb)
    del bomb
    assert book.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(FileUnreadable) as refused:
        read(book)
    assert "unpacks" in refused.value.reason
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_a_size_that_lies_is_found(book: Path) -> None:
    raw(book, sheet_of(*(f'<row r="{n}"><c><v>1</v></c></row>' for n in range(2, 5000))))
    content = bytearray(book.read_bytes())
    size = len(sheet_of(*(f'<row r="{n}"><c><v>1</v></c></row>' for n in range(2, 5000)))).to_bytes(
        4, "little"
    )
    assert content.count(size) == 2  # beside the part, and in the list of parts
    book.write_bytes(bytes(content).replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(FileUnreadable):
        read(book)


def test_many_elements_take_no_memory(book: Path) -> None:
    raw(book, sheet_of("<x/>" * 500_000))
    tracemalloc.start()
    assert read(book)[0] == []
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("limit", ["LARGEST_STRINGS", "LARGEST_PART", "LARGEST_DESCRIPTION"])
def test_each_kind_of_part_has_its_limit(book: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    strings = f"<sst {MAIN}>{'<si><t>text</t></si>' * 10}</sst>"
    raw(
        book,
        sheet_of('<row><c t="s"><v>9</v></c></row>'),
        xl__strings=strings,
        xl__styles=f"<styleSheet {MAIN}/>",
    )
    assert read(book)[1] == [["text", None, None]]
    monkeypatch.setattr(workbook, limit, 50)
    with pytest.raises(FileUnreadable):
        read(book)


def test_what_is_no_workbook_is_refused(book: Path) -> None:
    for content in (b"", b"PK", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0" + bytes(2000)):
        book.write_bytes(content)
        with pytest.raises(FileUnreadable):
            read(book)
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    book.write_bytes(empty.getvalue())
    with pytest.raises(FileUnreadable):
        read(book)
    with pytest.raises(FileUnreadable):
        read(book.parent / "none")


def test_hundreds_of_spoilt_workbooks_meet_refusals_only(book: Path) -> None:
    save(book, [[f"card{n}", dt.datetime(2026, 10, 12), n] for n in range(20)], A=numbers.FORMAT_TEXT)  # noqa: DTZ001
    sound = book.read_bytes()
    dice = random.Random(7)
    seen = set()
    for _ in range(400):
        spoilt = bytearray(sound)
        for _ in range(dice.choice([1, 1, 3, 30])):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        book.write_bytes(spoilt[: dice.randrange(len(spoilt))] if dice.random() < 0.1 else spoilt)
        try:
            read(book)
        except (FileUnreadable, HeaderMismatch, SheetNeeded) as error:
            seen.add(type(error))
    assert FileUnreadable in seen
