"""`docs/methodologies.md` explains every key that a file may have, no other, and its example works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from backend import methodologies, packs
from backend.methodologies.keys import SHAPE
from backend.methodologies.rows import _REASONS
from backend.packs.schema import Items, Keyed, Shape, Table
from backend.packs.units import _WORDS, COUNTED

TEXT = (Path(__file__).parents[2] / "docs" / "methodologies.md").read_text("utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)[0]


def keys(shape: Shape, section: str) -> Iterator[tuple[str, str, bool]]:
    """Each key with its section and whether it is required."""
    match shape:
        case Items(item=item):
            yield from keys(item, section)
        case Keyed(item=item):
            yield from keys(item, section)
        case Table(keys=required, optional=optional):
            for name, inner in {**required, **optional}.items():
                yield section or "(file)", name, name in required
                yield from keys(inner, f"{section}.{name}".strip("."))


def documented() -> dict[tuple[str, str], str]:
    """The mark of each key, by section, of the tables whose first column is headed `key`."""
    found = {}
    for section, body in re.findall(r"^### `([^`]+)`[^\n]*\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL):
        table = re.search(r"^\| key \|.*?\n\|[-|]+\|\n((?:\|.*\n)+)", body, re.MULTILINE)
        assert table, section
        for row in table[1].splitlines():
            names, mark, _ = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:4])
            for name in re.findall(r"`([^`]+)`", names):
                found[section.strip("[]"), name] = mark
    return found


def test_every_key_is_explained_in_its_section_and_no_other() -> None:
    told, known = documented(), {(section, name): needed for section, name, needed in keys(SHAPE, "")}
    assert sorted(known.keys() - told.keys()) == []
    assert sorted(told.keys() - known.keys()) == []
    wrong = [place for place, needed in known.items() if needed and told[place] != "●"]
    assert wrong == []


def test_the_example_is_sound_and_is_of_the_whole_format() -> None:
    pack = packs.parse(EXAMPLE.encode(), "docs/methodologies.md")
    assert [str(fault) for fault in pack.faults] == []
    assert pack.data["format"] == 2
    assert methodologies.methodology_of(pack).edition_on(pack.data["edition"][0]["valid_from"]).caps


def test_every_unit_and_every_reason_is_named() -> None:
    units = TEXT[TEXT.index("## 单位") : TEXT.index("## 为什么")]
    plain = {word for word in _WORDS if not re.search(r"CO2|CH4|N2O|HFC|PFC|SF6|NF3|SO2|NOx|C$", word)}
    assert sorted(word for word in plain | set(COUNTED) if f"`{word}`" not in units) == []
    reasons = TEXT[TEXT.index("## 为什么") : TEXT.index("## 因子包")]
    assert sorted(code for code in _REASONS if f"`{code}`" not in reasons) == []
