"""Rule packs that somebody sends as text: read, and refused with the line of every fault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

from backend import packs
from backend.kit.errors import DomainError, Kind
from backend.packs import Fault, Library, Pack

_FAULTS_TOLD = 50
PackText = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]


@dataclass(eq=False)
class PackNotSound(DomainError):
    """The pack has faults, listed by line and code; `puhui packs check` tells more of each."""

    code = "simulations.pack_not_sound"
    kind = Kind.INVALID
    title_zh = "规则包有错误，按行号与代码列出；puhui packs check 会逐条说明。"

    faults: tuple[str, ...]


async def read(text: str) -> Pack:
    """The pack in a text, off the event loop, for its examples are run. Raises PackNotSound."""
    pack = await asyncio.to_thread(packs.parse, text.encode(errors="replace"), "pack.toml")
    _refuse(pack.faults)
    return pack


def require_references(pack: Pack, beside: Library) -> None:
    """Raise PackNotSound where a sound pack names a pack, an activity or a figure that is not here."""
    _refuse(packs.check_references(packs.gather([pack]), beside=beside))


def _refuse(faults: tuple[Fault, ...]) -> None:
    if faults:
        raise PackNotSound(faults=tuple(f"{fault.line} {fault.code}" for fault in faults[:_FAULTS_TOLD]))
