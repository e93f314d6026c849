"""The cells of one sheet of an XLSX workbook, row by row, in bounded memory.

A workbook is a ZIP archive of XML parts, and both may be made to hurt: every part has a limit on what it may unpack
to, a document type (and with it every entity) is refused, and the XML is read as a stream of events from which no
tree is built. Numbers stay the texts that they are in the file, so that nothing is rounded on the way; a spreadsheet
itself keeps 15 digits of a number, so a longer one is refused and not believed.

Source: ECMA-376 Part 1 (SpreadsheetML), 18.3 worksheets, 18.4 shared strings, 18.8 styles, 18.17.4 dates.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.parsers import expat

from backend.intake.errors import FileUnreadable, SheetNeeded

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
MOST_PARTS = 10_000
LONGEST_CELL = 65_536  # a spreadsheet itself ends at 32,767
LARGEST_PART = 2 << 30
LARGEST_STRINGS = 256 << 20
LARGEST_DESCRIPTION = 16 << 20  # styles, the list of sheets, relationships
HIGHEST_RATIO = 250  # of unpacked to packed, in a part of more than `RATIO_FROM` bytes
RATIO_FROM = 16 << 20

_PIECE = 1 << 16
_DAMAGE = (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})", re.ASCII)
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(50, 59)}
_ELAPSED_FORMATS = {45, 46, 47}  # minutes and seconds: a duration, or a clock without a day
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_FIRST_OF_1900 = dt.datetime(1899, 12, 31)  # noqa: DTZ001 - local times, whose zone the mapping names
_AFTER_FEBRUARY_1900 = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - 1900-02-29 is serial 60, which never was
_FIRST_OF_1904 = dt.datetime(1904, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell says: a text, or the code of the reason why it says nothing that may be used."""

    text: str
    fault: str = ""


Row = dict[int, Cell]  # by column, from 1
Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]


@dataclass(slots=True)
class _Sheet:
    name: str
    relation: str
    hidden: bool


class _Texts:
    """The shared strings, end to end in one buffer: a list of texts would take several times the room."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q")

    def add(self, text: str) -> None:
        self._buffer += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._buffer))

    def at(self, place: int) -> str:
        if not 0 <= place < len(self._ends):
            raise FileUnreadable(reason="a cell names a text that the workbook does not have")
        start = self._ends[place - 1] if place else 0
        return self._buffer[start : self._ends[place]].decode("utf-8", "surrogatepass")


class Workbook:
    """A workbook that is open for reading; a context manager. Raises FileUnreadable when it is none."""

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise FileUnreadable(reason="not an XLSX workbook") from None
        try:
            self._describe()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def rows(self, sheet: str = "") -> Iterator[tuple[int, Row]]:
        """The rows of the named sheet, or of the only visible one, that hold anything, with their numbers from 1.

        Raises SheetNeeded, and FileUnreadable where the file turns out not to be sound.
        """
        reader = _SheetReader(self._texts(), self._formats, since_1904=self._since_1904)
        part = self._part_of(sheet)
        for _ in self._parse(part, LARGEST_PART, reader.start, reader.end, reader.data):
            yield from reader.take()

    # --- what the workbook says of itself -------------------------------------------------------------------------

    def _describe(self) -> None:
        self._parts = {info.filename.lower(): info for info in self._archive.infolist()}
        if len(self._parts) > MOST_PARTS:
            raise FileUnreadable(reason="too many parts in the workbook")
        by_type = dict(self._relations("").values())
        self._root = by_type.get("officeDocument", "")
        if self._root not in self._parts:
            raise FileUnreadable(reason="not an XLSX workbook")
        self._sheets: list[_Sheet] = []
        self._since_1904 = False
        self._read(self._root, LARGEST_DESCRIPTION, self._on_workbook)
        self._related = self._relations(self._root)
        styles = _Styles()
        part = self._related_part("styles")
        if part:
            self._read(part, LARGEST_DESCRIPTION, styles.start, styles.end)
        self._formats = styles.formats()

    def _on_workbook(self, name: str, attributes: Attributes) -> None:
        if name == "workbookPr":
            self._since_1904 = attributes.get("date1904", "0") in {"1", "true", "on"}
        elif name == "sheet":
            hidden = attributes.get("state", "visible") != "visible"
            self._sheets.append(_Sheet(attributes.get("name", ""), attributes.get("id", ""), hidden))

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """By id: the kind of relation, as the last word of its type, and the part in the archive."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2]
                target = posixpath.normpath(posixpath.join("/" + folder, attributes.get("Target", "")))
                found[attributes.get("Id", "")] = (kind, target.lstrip("/").lower())

        where = posixpath.join(folder, "_rels", f"{name}.rels").lower()
        if where in self._parts:
            self._read(where, LARGEST_DESCRIPTION, start)
        return found

    def _related_part(self, kind: str) -> str:
        return next((part for one, part in self._related.values() if one == kind and part in self._parts), "")

    def _part_of(self, sheet: str) -> str:
        worksheets = [
            one for one in self._sheets if self._related.get(one.relation, ("", ""))[0] == "worksheet"
        ]
        if sheet:
            chosen = [one for one in worksheets if one.name == sheet]
        else:
            chosen = [one for one in worksheets if not one.hidden]
        if len(chosen) != 1:
            raise SheetNeeded(sheet=sheet, found=len(worksheets))
        return self._related[chosen[0].relation][1]

    def _texts(self) -> _Texts:
        texts = _Texts()
        part = self._related_part("sharedStrings")
        if part:
            reader = _TextReader(texts)
            self._read(part, LARGEST_STRINGS, reader.start, reader.end, reader.data)
        return texts

    # --- reading parts --------------------------------------------------------------------------------------------

    def _read(self, part: str, limit: int, start: Start, *handlers: Callable[..., None]) -> None:
        for _ in self._parse(part, limit, start, *handlers):
            pass

    def _parse(
        self,
        part: str,
        limit: int,
        start: Start,
        end: Callable[[str], None] | None = None,
        data: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Feed a part to the handlers, piece by piece; names come without their namespace."""
        info = self._parts.get(part)
        if info is None:
            raise FileUnreadable(reason="a part of the workbook is missing")
        if info.file_size > limit or (
            info.file_size > RATIO_FROM and info.file_size > HIGHEST_RATIO * max(info.compress_size, 1)
        ):
            raise FileUnreadable(reason="the workbook unpacks to more than is taken")
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.StartElementHandler = lambda name, found: start(
            name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in found.items()}
        )
        if end is not None:
            parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
        if data is not None:
            parser.CharacterDataHandler = data
        try:
            with self._archive.open(info) as stream:  # gives no more than the size that was checked
                while piece := stream.read(_PIECE):
                    parser.Parse(piece, False)
                    yield
            parser.Parse(b"", True)
            yield
        except _DAMAGE:
            raise FileUnreadable(reason="the workbook is damaged") from None


def _refuse_document_type(*_: object) -> None:
    raise FileUnreadable(reason="a workbook has no document type")


class _TextReader:
    """Shared strings: of each the runs in order, without the hints on how to pronounce them."""

    def __init__(self, texts: _Texts) -> None:
        self._texts = texts
        self._pieces: list[str] = []
        self._length = 0
        self._inside = self._hint = False

    def start(self, name: str, _attributes: Attributes) -> None:
        if name == "si":
            self._pieces, self._length = [], 0
        elif name == "rPh":
            self._hint = True
        elif name == "t":
            self._inside = not self._hint

    def data(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            if self._length > LONGEST_CELL:
                raise FileUnreadable(reason="a text longer than a cell may hold")
            self._pieces.append(text)

    def end(self, name: str) -> None:
        if name == "si":
            self._texts.add("".join(self._pieces))
        elif name == "rPh":
            self._hint = False
        elif name == "t":
            self._inside = False


@dataclass(frozen=True, slots=True)
class _Format:
    """How numbers of a style are meant: as a moment, as a duration, or padded with zeros to a width."""

    moment: bool = False
    elapsed: bool = False
    zeros: int = 0


_PLAIN = _Format()


class _Styles:
    """Which cell style shows numbers how."""

    def __init__(self) -> None:
        self._codes: dict[int, str] = {}
        self._cells: list[int] = []
        self._inside = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            self._codes[_whole(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")[:1000]
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            self._cells.append(_whole(attributes.get("numFmtId", "0")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False

    def formats(self) -> list[_Format]:
        return [self._format(number) for number in self._cells]

    def _format(self, number: int) -> _Format:
        code = self._codes.get(number)
        if code is None:
            return _Format(moment=number in _DATE_FORMATS, elapsed=number in _ELAPSED_FORMATS)
        shown = _NOT_SHOWN.sub("", code.partition(";")[0])
        if _ELAPSED.search(shown):
            return _Format(elapsed=True)
        if re.fullmatch("0{2,}", shown):
            return _Format(zeros=len(shown))
        plain = shown.lower().replace("general", "").replace("e+", "").replace("e-", "")
        return _Format(moment=any(letter in plain for letter in "ymdhs"))


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise FileUnreadable(reason="the workbook is damaged")
    return int(text)


@dataclass(slots=True)
class _Open:
    """The cell that is being read."""

    column: int = 0
    kind: str = "n"
    style: int = 0
    formula: bool = False
    pieces: list[str] = field(default_factory=list)
    length: int = 0


class _SheetReader:
    """Turns the events of a sheet into rows of cells."""

    def __init__(self, texts: _Texts, formats: list[_Format], *, since_1904: bool) -> None:
        self._texts, self._formats, self._since_1904 = texts, formats, since_1904
        self._done: list[tuple[int, Row]] = []
        self._number = 0
        self._row: Row | None = None
        self._column = 0
        self._cell: _Open | None = None
        self._inside = self._hint = False
        self._kinds: dict[str, Callable[[str, _Format], Cell]] = {
            "s": lambda text, _: Cell(self._texts.at(_whole(text.strip()))),
            "str": lambda text, _: Cell(text),
            "inlineStr": lambda text, _: Cell(text),
            "d": lambda text, _: Cell(text.strip()),
            "b": lambda _text, _: Cell("", "not_a_value"),
            "e": lambda _text, _: Cell("", "cell_error"),
            "n": self._number_of,
        }

    def take(self) -> list[tuple[int, Row]]:
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "row":
            self._begin_row(attributes)
        elif name == "c" and self._row is not None:
            self._begin_cell(attributes)
        elif self._cell is not None:
            if name == "f":
                self._cell.formula = True
            elif name == "rPh":
                self._hint = True
            elif name in {"v", "t"}:
                self._inside = not self._hint

    def data(self, text: str) -> None:
        if self._inside and self._cell is not None:
            self._cell.length += len(text)
            if self._cell.length > LONGEST_CELL:
                raise FileUnreadable(reason="a text longer than a cell may hold")
            self._cell.pieces.append(text)

    def end(self, name: str) -> None:
        if name in {"v", "t"}:
            self._inside = False
        elif name == "rPh":
            self._hint = False
        elif name == "c" and self._cell is not None and self._row is not None:
            said = self._said(self._cell)
            if said is not None:
                self._row[self._cell.column] = said
            self._cell = None
        elif name == "row" and self._row is not None:
            if self._row:
                self._done.append((self._number, self._row))
            self._row = None

    def _begin_row(self, attributes: Attributes) -> None:
        number = _whole(attributes["r"]) if "r" in attributes else self._number + 1
        if not self._number < number <= MOST_ROWS or self._row is not None:
            raise FileUnreadable(reason="the rows of the sheet are not in order")
        self._number, self._row, self._column = number, {}, 0

    def _begin_cell(self, attributes: Attributes) -> None:
        column = self._column + 1
        if "r" in attributes:
            found = _REFERENCE.fullmatch(attributes["r"])
            if found is None or int(found[2]) != self._number:
                raise FileUnreadable(reason="a cell of the sheet lies outside its row")
            column = 0
            for letter in found[1]:
                column = column * 26 + ord(letter) - 64
        if not self._column < column <= MOST_COLUMNS or self._cell is not None:
            raise FileUnreadable(reason="the cells of the sheet are not in order")
        self._column = column
        self._cell = _Open(column, attributes.get("t", "n"), _whole(attributes.get("s", "0")))

    def _said(self, cell: _Open) -> Cell | None:
        text = "".join(cell.pieces)
        if cell.formula:
            return Cell("", "formula")
        if not text:
            return None
        kind = self._kinds.get(cell.kind)
        if kind is None:
            raise FileUnreadable(reason="a cell of an unknown kind")
        return kind(text, self._formats[cell.style] if cell.style < len(self._formats) else _PLAIN)

    def _number_of(self, text: str, form: _Format) -> Cell:
        if not _NUMBER.fullmatch(text.strip()) or len(text) > 400:
            return Cell("", "not_a_number")
        number = float(text)
        if form.moment:
            return _moment(number, since_1904=self._since_1904)
        if form.elapsed:
            return Cell("", "not_a_value")
        if not abs(number) < 1e15:
            return Cell("", "digits_lost")
        plain = format(Decimal(repr(number)), "f")
        if "." in plain:
            plain = plain.rstrip("0").rstrip(".")
        return Cell(plain.zfill(form.zeros))


def _moment(serial: float, *, since_1904: bool) -> Cell:
    """A day number with its fraction as local time, to the millisecond that spreadsheets keep."""
    day, fraction = divmod(serial, 1)
    if not 0 <= serial < 2_958_466 or (int(day) == 60 and not since_1904) or serial < 1:
        return Cell("", "not_a_time")  # the last day is 9999-12-31; below one it is a clock without a day
    base = _FIRST_OF_1904 if since_1904 else _FIRST_OF_1900 if day < 60 else _AFTER_FEBRUARY_1900
    try:
        moment = base + dt.timedelta(days=day, milliseconds=round(fraction * 86_400_000))
    except OverflowError:
        return Cell("", "not_a_time")
    return Cell(moment.isoformat(sep=" ", timespec="milliseconds" if moment.microsecond else "seconds"))
