"""The methodology kind of pack: how a file becomes a methodology."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from backend.methodologies import factors
from backend.methodologies.checking import check
from backend.methodologies.keys import SHAPE
from backend.methodologies.model import Methodology, read_methodology
from backend.methodologies.proving import prove
from backend.packs.pack import Pack, PackKind, load, register


def load_methodology(path: FilePath | str) -> Methodology:
    """Read a methodology from a file; `PackFaulty` with every fault when it is not sound."""
    return methodology_of(load(path))


def methodology_of(pack: Pack) -> Methodology:
    """The methodology in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Methodology)


def build(data: Mapping[str, Any], sha256: str) -> Methodology:
    """The methodology of a sound document."""
    return read_methodology(data, sha256=sha256)


register(PackKind("methodology", SHAPE, check, build, prove, factors.refers))
