"""The programme kind of pack: how a file becomes a programme. `docs/programmes.md` explains each key."""

from __future__ import annotations

from pathlib import Path as FilePath

from backend.packs import Pack, load
from backend.packs.pack import PackKind, register
from backend.programmes import settled
from backend.programmes.building import build
from backend.programmes.checking import check
from backend.programmes.keys import SHAPE
from backend.programmes.paths import values_of
from backend.programmes.proving import prove
from backend.programmes.referring import refers
from backend.programmes.rules import Programme


def load_programme(path: FilePath | str) -> Programme:
    """Read a programme from a file; `PackFaulty` with every fault when it is not sound."""
    return programme_of(load(path))


def programme_of(pack: Pack) -> Programme:
    """The programme in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Programme)


register(PackKind("programme", SHAPE, check, build, prove, refers, values_of, settled.tries))
