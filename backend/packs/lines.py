"""Finds the line of every key in a TOML text that `tomllib` has already accepted.

`tomllib` gives values without places; a fault without a line is of little use to the person who wrote the figure.
The scanner follows tables, arrays of tables, dotted keys, inline tables and strings of every sort; it does not
read values beyond finding their ends.
"""

from __future__ import annotations

import bisect
import json
import re

from backend.packs.faults import Path

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")  # also comments and line ends
_SCALAR = re.compile(r"[^,\]}\r\n#]+")
_BASIC = re.compile(r'"(?:\\.|[^"\\])*"')
_LITERAL = re.compile(r"'[^']*'")
_LONG_BASIC = re.compile(r'"""(?:\\.|[^\\])*?"""(?!")"{0,2}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'''(?!')'{0,2}", re.DOTALL)


def index_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every key, table and list item of `text`, by path."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {(): 1}
        self.items: dict[Path, int] = {}  # arrays of tables: how many there are so far
        self.starts = [0] + [found.end() for found in re.finditer("\n", text)]

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self.skip(_GAP)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.skip(_GAP)
        return self.lines

    def header(self) -> Path:
        here, many = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        path: Path = ()
        keys = self.keys()
        for place, key in enumerate(keys):
            path = (*path, key)
            self.note(path, here)
            if many and place == len(keys) - 1:
                self.items[path] = self.items.get(path, 0) + 1
            if path in self.items:
                path = (*path, self.items[path] - 1)
                self.note(path, here)
        self.at += 2 if many else 1
        if not many:
            self.lines[path] = self.line(here)  # a table named after its children
        return path

    def pair(self, table: Path) -> None:
        here, path = self.at, table
        for key in self.keys():
            path = (*path, key)
            self.note(path, here)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def keys(self) -> list[str]:
        keys = []
        while True:
            self.skip(_SPACE)
            keys.append(self.key())
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def key(self) -> str:
        if self.text.startswith('"', self.at):
            return _unescape(self.take(_BASIC))
        if self.text.startswith("'", self.at):
            return self.take(_LITERAL)[1:-1]
        return self.take(_BARE_KEY)

    def value(self, path: Path) -> None:
        opening = self.text[self.at]
        if opening in "\"'":
            triple = self.text.startswith(opening * 3, self.at)
            long, short = (_LONG_BASIC, _BASIC) if opening == '"' else (_LONG_LITERAL, _LITERAL)
            self.take(long if triple else short)
        elif opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            self.take(_SCALAR)

    def array(self, path: Path) -> None:
        self.at += 1
        place = 0
        self.skip(_GAP)
        while not self.text.startswith("]", self.at):
            item = (*path, place)
            self.note(item, self.at)
            self.value(item)
            place += 1
            self.skip(_GAP)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_GAP)
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        self.skip(_SPACE)
        while not self.text.startswith("}", self.at):
            self.pair(path)
            self.skip(_SPACE)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_SPACE)
        self.at += 1

    def note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self.line(at))

    def line(self, at: int) -> int:
        return bisect.bisect_right(self.starts, at)

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"line {self.line(self.at)}: nothing readable here")
        self.at = found.end()
        return found.group()


def _unescape(quoted: str) -> str:
    wide = re.sub(r"\\U([0-9A-Fa-f]{8})", lambda found: chr(int(found.group(1), 16)), quoted)
    return str(json.loads(wide, strict=False))
