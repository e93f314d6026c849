"""Every key of a TOML text has the line where it stands, whatever form it is written in."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from backend.packs import builtin_root, files_below
from backend.packs.lines import index_lines


def paths(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [at]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths(item, (*at, key))
    return found


def test_every_form_of_key_is_found_on_its_line() -> None:
    text = '''# a comment
top = 1
"quoted key" = [1, 2,
  3, # three
  { a = 1, b.c = "x]}" }]
[table.sub]
dotted.key = """
several
lines with [brackets] and = signs"""
after = 'literal # no comment'
[[many]]
id = "first"
[[many.inner]]
v = 1
[[many.inner]]
v = 2
[[many]]
id = "second"
inner = []
long = \'\'\'
[not.a.table]
\'\'\'
end = 2020-01-01
'''
    lines = index_lines(text)
    assert lines["top",] == 2
    assert lines["quoted key",] == 3
    assert lines["quoted key", 2] == 4
    assert lines["quoted key", 3, "b", "c"] == 5
    assert lines["table", "sub", "dotted", "key"] == 7
    assert lines["table", "sub", "after"] == 10
    assert lines["many", 0, "id"] == 12
    assert lines["many", 0, "inner", 1, "v"] == 16
    assert lines["many", 1, "id"] == 18
    assert lines["many", 1, "end"] == 23
    assert set(paths(tomllib.loads(text))) <= lines.keys()


@pytest.mark.parametrize("file", files_below(builtin_root()), ids=lambda file: file.stem)
def test_each_key_of_a_shipped_pack_stands_on_the_line_that_is_named(file: Any) -> None:
    text = file.read_text("utf-8")
    lines, written = index_lines(text), text.split("\n")
    for path in paths(tomllib.loads(text)):
        key = path[-1] if path else ""
        if isinstance(key, str):
            assert key in written[lines[path] - 1], path


def test_a_text_whose_quotes_end_in_quotes_is_read_to_its_end() -> None:
    text = "a = \"\"\"x\\\"\"\"\"\"\nb = '''y'''''\nc = 1\n"
    assert tomllib.loads(text)["c"] == 1
    assert index_lines(text)["c",] == 3
