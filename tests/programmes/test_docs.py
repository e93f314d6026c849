"""What `docs/programmes.md` says of a programme's file is so, and nothing that may stand in one is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from backend import packs
from backend.packs.schema import Items, Shape, Table
from backend.programmes import settled
from backend.programmes.keys import SECOND
from backend.programmes.sections import Chosen
from puhui.pack_kinds import register_kinds

register_kinds()
PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docs" / "programmes.md").read_text("utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def keys(shape: Shape) -> Iterator[str]:
    """Every key that may stand anywhere in a file of this shape."""
    if isinstance(shape, Items):
        yield from keys(shape.item)
    tables = [shape] if isinstance(shape, Table) else []
    if isinstance(shape, Chosen):
        tables = [shape.common, *shape.more.values()]
        yield shape.by
    for table in tables:
        for key, item in {**table.keys, **table.optional}.items():
            yield key
            yield from keys(item)


def test_the_examples_of_the_sections_are_one_whole_programme_and_its_overlay() -> None:
    programme = packs.parse("\n".join(BLOCKS[:-1]).encode(), "docs/programmes.md")
    overlay = packs.parse(BLOCKS[-1].encode(), "docs/programmes.md")
    found = packs.gather([programme, overlay])
    faults = [*found.faults, *packs.check_references(found, beside=packs.load_all())]
    assert [str(fault) for fault in faults] == []
    whole = settled.settle(programme, [packs.overlay_of(overlay)])
    assert set(whole.features.overlays) == {"earn.bus.points", "level.bush.count"}


def test_every_key_of_a_programme_is_described() -> None:
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    code = "\n".join([*BLOCKS, *re.findall(r"`([^`]+)`", prose)])
    described = set(re.findall(r"[a-z_]+", code))
    assert set(keys(SECOND)) - described == set()


def test_the_optional_sections_of_the_scaffold_only_want_filling() -> None:
    text = (PROJECT / "puhui" / "scaffolds" / "programme.toml").read_text("utf-8").replace("{id}", "a-draft")
    every = packs.parse(
        re.sub(r"^#: ", "", text, flags=re.MULTILINE)
        .replace("collecting   = false", "collecting   = true")
        .encode()
    )
    assert {fault.code for fault in every.faults} == {"to_fill"}
    assert {"budget", "claim", "level", "task", "reward", "cap"} <= set(every.data)
