"""Reads a pack file: bytes to values with lines, values checked against the kind's shape, examples run.

A kind of pack belongs to the noun that uses it; the noun registers the kind's shape, its checks and how to build its
body. A file with a fault becomes a `Pack` with `faults` and without a body: it can be shown, and never used.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, TypeVar

from backend.packs.errors import PackFaulty, PackUnknown
from backend.packs.faults import Fault, Faults, Path
from backend.packs.lines import index_lines
from backend.packs.schema import (
    ADDRESS,
    PACK_ID,
    REGION,
    VERSION,
    Flag,
    FloatFound,
    Items,
    Shape,
    Table,
    Text,
    Whole,
    find_floats,
    find_marks,
)

ENGINE_VERSION = "1"  # changes whenever the same pack and inputs could give another result
MAX_BYTES = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True)
class Pack:
    """One pack file as read. `body` is what its kind built from it, None when there are faults."""

    kind: str
    id: str
    version: str
    text: str
    sha256: str
    file: str
    data: Mapping[str, Any] = field(repr=False)
    faults: tuple[Fault, ...]
    body: Any = field(repr=False)

    def body_as(self, kind: type[T]) -> T:
        """The body, when the pack is sound and of this kind; else `PackFaulty`."""
        if self.faults or not isinstance(self.body, kind):
            reasons = tuple(str(fault) for fault in self.faults) or (
                f"a {self.kind} pack was not expected here",
            )
            raise PackFaulty(pack=self.id or self.file, faults=reasons)
        return self.body


@dataclass(frozen=True)
class PackKind:
    """How one kind of pack is read.

    `check` sees every file that is TOML and adds the faults that a shape cannot see; it must bear any value.
    `build` sees only files without faults, with the SHA-256 of their bytes. `prove` runs the examples on the body.
    `refers` looks at a sound pack beside the others and reports what it names and is not there.
    `figures` gives what overlays may set in a sound document, by path; `tries` the faults that it would have with some
    of them set, each with the path that is to blame.
    """

    name: str
    shape: Shape
    check: Callable[[Mapping[str, Any], Faults], None]
    build: Callable[[Mapping[str, Any], str], Any]
    prove: Callable[[Any, Mapping[str, Any], Faults], None]
    refers: Callable[[Mapping[str, Any], Mapping[str, Pack], Faults], None] | None = None
    figures: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    tries: Callable[[Mapping[str, Any], Mapping[str, str]], Sequence[tuple[str, Fault]]] | None = None


_kinds: dict[str, PackKind] = {}


def register(kind: PackKind) -> None:
    """Let files with `kind = "<name>"` be read; called once, by the noun that owns the kind."""
    _kinds[kind.name] = kind


def kind_of(name: str) -> PackKind | None:
    """The kind of this name, once its noun registered it."""
    return _kinds.get(name)


def header(
    *, required: Mapping[str, Shape] | None = None, optional: Mapping[str, Shape] | None = None
) -> Table:
    """The shape of `[pack]`, the same in every kind, with a kind's own keys added."""
    return Table(
        {
            "id": Text(PACK_ID),
            "version": Text(VERSION),
            "title_zh": Text(),
            "title_en": Text(),
            "status": Text(among=("demo", "draft", "filed", "retired")),
            **(required or {}),
        },
        {
            "based_on_zh": Text(),
            "based_on_en": Text(),
            "notes_zh": Text(),
            "notes_en": Text(),
            "source": Text(),
            "source_url": Text(ADDRESS),
            "confidence": Text(among=("high", "medium", "low")),
            **(optional or {}),
        },
    )


JURISDICTION: Mapping[str, Shape] = {"jurisdiction": Text(REGION), "official": Flag()}
EXCLUDES: Mapping[str, Shape] = {"excludes_jurisdictions": Items(Text(REGION))}
REVIEW = Table({"unknowns": Items(Text())}, {"notes_zh": Items(Text()), "notes_en": Items(Text())})


def document(keys: Mapping[str, Shape], optional: Mapping[str, Shape], *, formats: int = 1) -> Table:
    """The shape of a whole file: `kind`, `format` (1 to `formats`), and the kind's own keys."""
    return Table({"kind": Text(), "format": Whole(1, formats), **keys}, optional)


def parse(raw: bytes, file: str = "<bytes>") -> Pack:
    """Read a pack from bytes. Never raises for what the bytes hold: everything wrong is a fault with its line."""
    faults = Faults(file)
    text = _decode(raw, faults)
    data: dict[str, Any] = {}
    if text is not None:
        data = _read_toml(text, faults)
    body = None
    if data and not faults.found:
        find_floats(data, (), faults)
        body = _build(data, hashlib.sha256(raw).hexdigest(), faults)
        find_marks(data, (), faults)
    pack = data.get("pack") if isinstance(data.get("pack"), dict) else {}
    assert isinstance(pack, dict)
    return Pack(
        kind=str(data.get("kind", "")),
        id=str(pack.get("id", "")),
        version=str(pack.get("version", "")),
        text=text or "",
        sha256=hashlib.sha256(raw).hexdigest(),
        file=file,
        data=data,
        faults=faults.sorted(),
        body=None if faults.found else body,
    )


def _decode(raw: bytes, faults: Faults) -> str | None:
    if len(raw) > MAX_BYTES:
        faults.add((), "too_large", limit=MAX_BYTES)
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        faults.add((), "not_utf8", line=raw.count(b"\n", 0, error.start) + 1)
        return None


def _read_toml(text: str, faults: Faults) -> dict[str, Any]:
    try:
        data = tomllib.loads(text, parse_float=FloatFound)
        faults.lines = index_lines(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        line = (
            int(found.group(1)) if found else text.count("\n") + 1 if "end of document" in str(error) else 1
        )
        faults.add((), "syntax", line=line, why=why)
        return {}
    if not data:
        faults.add((), "empty")
    return data


def _build(data: dict[str, Any], sha256: str, faults: Faults) -> Any:
    name = data.get("kind")
    kind = _kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        code = "missing_key" if name is None else "unknown_kind"
        faults.add(("kind",), code, found=repr(name), known=", ".join(sorted(_kinds)))
        return None
    kind.shape.check(data, (), faults)
    kind.check(data, faults)
    if faults.found:
        return None
    body = kind.build(data, sha256)
    kind.prove(body, data, faults)
    return body


def load(path: FilePath | str) -> Pack:
    """Read one pack file; a file that cannot be opened is a pack with that fault."""
    path = FilePath(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        faults = Faults(str(path))
        faults.add((), "unreadable", why=error.strerror or type(error).__name__)
        return Pack("", "", "", "", hashlib.sha256(b"").hexdigest(), str(path), {}, faults.sorted(), None)
    return parse(raw, str(path))


@dataclass(frozen=True)
class Library:
    """The packs of a folder, by id."""

    packs: Mapping[str, Pack]
    faults: tuple[Fault, ...]

    def find(self, pack_id: str) -> Pack:
        """The pack of this id, `PackUnknown` when there is none."""
        if pack_id not in self.packs:
            raise PackUnknown(pack=pack_id)
        return self.packs[pack_id]

    def of_kind(self, kind: str) -> list[Pack]:
        return [pack for pack in self.packs.values() if pack.kind == kind]


def builtin_root() -> FilePath:
    """The folder of the packs that come with the project."""
    return FilePath(__file__).resolve().parents[2] / "packs"


def files_below(root: FilePath) -> list[FilePath]:
    """Every pack file of a folder, in the order of their names; a file stands for itself."""
    return sorted(root.rglob("*.toml")) if root.is_dir() else [root]


def load_all(root: FilePath | str | None = None) -> Library:
    """Read every pack of a folder (default: those that come with the project). Two packs of one id are a fault."""
    return gather(load(path) for path in files_below(FilePath(root) if root is not None else builtin_root()))


def gather(packs: Iterable[Pack]) -> Library:
    """A library from packs already read."""
    by_id: dict[str, Pack] = {}
    found: list[Fault] = []
    for pack in packs:
        found.extend(pack.faults)
        if not pack.id:
            continue
        if pack.id in by_id:
            clash = Faults(pack.file, {("pack", "id"): _line_of_id(pack)})
            clash.add(("pack", "id"), "duplicate_pack", name=repr(pack.id), other=by_id[pack.id].file)
            found.extend(clash.found)
            continue
        by_id[pack.id] = pack
    return Library(by_id, tuple(found))


def check_references(library: Library, *, beside: Library | None = None) -> tuple[Fault, ...]:
    """The faults of sound packs that name a pack, an activity or a figure which is neither here nor `beside`."""
    known = {**(beside.packs if beside else {}), **library.packs}
    found: list[Fault] = []
    for pack in library.packs.values():
        kind = _kinds.get(pack.kind)
        if kind is not None and kind.refers is not None and not pack.faults:
            faults = Faults(pack.file, _lines(pack))
            kind.refers(pack.data, known, faults)
            found.extend(faults.sorted())
    return tuple(found)


def _lines(pack: Pack) -> Mapping[Path, int]:
    return index_lines(pack.text.replace("\r\n", "\n"))


def _line_of_id(pack: Pack) -> int:
    return _lines(pack).get(("pack", "id"), 1)
