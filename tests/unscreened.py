"""The sample programme as it is without screens, caps and windows: for stories whose trips no screen should look at."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from backend import packs
from backend.packs import Pack

_TABLES = re.compile(r"^\[\[?(?:screens|cap|windows)\]?\][^\n]*\n(?:(?!\[)[^\n]*\n)*", re.MULTILINE)


def unscreened(pack: Pack, *changed: tuple[str, str]) -> Pack:
    """The same programme without them, and with parts of its text exchanged for others."""
    text = _TABLES.sub("", pack.text)
    for old, new in changed:
        assert old in text, old
        text = text.replace(old, new)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{pack.id}.toml"
        path.write_text(text, encoding="utf-8")
        return packs.load(path)
