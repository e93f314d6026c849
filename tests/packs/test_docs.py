"""What `docs/packs.md` shows is a pack that works."""

from __future__ import annotations

import re
from pathlib import Path

from backend import methodologies, packs

TEXT = (Path(__file__).parents[2] / "docs" / "packs.md").read_text("utf-8")


def test_every_pack_in_the_documentation_is_sound() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for block in blocks:
        pack = packs.parse(block.encode(), "docs/packs.md")
        assert [str(fault) for fault in pack.faults] == []
        assert methodologies.methodology_of(pack)
