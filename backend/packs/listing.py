"""What a pack rests on, told at a glance: where it holds, whether it is official, its weakest figure, what is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.packs.figures import UNKNOWN
from backend.packs.pack import Pack, kind_of

_WORST_FIRST = ("low", "medium", "high")


@dataclass(frozen=True)
class Listed:
    """One pack of a list. `confidence` and `source` are those of its weakest known figure: `unknown` when it has figures
    and knows none of them, empty when it has no figures. `unknown_figures` are ids, or paths in a programme; `open_points` is what a review left.
    """

    id: str
    kind: str
    version: str
    sha256: str
    file: str
    status: str
    official: bool
    region: str
    title_zh: str
    title_en: str
    confidence: str
    source: str
    unknown_figures: tuple[str, ...]
    open_points: tuple[str, ...]
    sound: bool


def listed(pack: Pack) -> Listed:
    """The facts of one pack, whatever its kind; of one with faults, as far as it could be read."""
    header, review = _table(pack.data.get("pack")), _table(pack.data.get("review"))
    figures = list(_figures(pack.data))
    known = [one for one in figures if one["value"] != UNKNOWN]
    unknown = [str(one.get("id")) for one in figures if one["value"] == UNKNOWN]
    kind = kind_of(pack.kind)
    if kind is not None and kind.figures is not None:
        unknown = [path for path, value in kind.figures(pack.data).items() if value == UNKNOWN]
    own = {"confidence": header.get("confidence", ""), "source_title": header.get("source", "")}
    weakest = min(known, key=lambda one: _rank(one["confidence"]), default=own)
    only_unknown = bool(figures) and not known
    return Listed(
        id=pack.id,
        kind=pack.kind,
        version=pack.version,
        sha256=pack.sha256,
        file=pack.file,
        status=str(header.get("status", "")),
        official=header.get("official") is True,
        region=str(header.get("jurisdiction", "")),
        title_zh=str(header.get("title_zh", "")),
        title_en=str(header.get("title_en", "")),
        confidence=UNKNOWN if only_unknown else str(weakest["confidence"]),
        source=str((figures[0] if only_unknown else weakest)["source_title"]),
        unknown_figures=tuple(dict.fromkeys(unknown)),
        open_points=tuple(map(str, review.get("unknowns", ()))),
        sound=not pack.faults,
    )


def _rank(confidence: str) -> int:
    return _WORST_FIRST.index(confidence) if confidence in _WORST_FIRST else 0


def _figures(value: Any, above: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Everything with a value and a source; the cells of a table take what they do not say from their table."""
    if isinstance(value, list):
        for item in value:
            yield from _figures(item, above)
    elif isinstance(value, dict):
        whole = {**(above or {}), **value}
        if "value" in value and {"confidence", "source_title"} <= whole.keys():
            yield whole
        sourced = {key: whole[key] for key in ("id", "confidence", "source_title") if key in whole}
        for item in value.values():
            yield from _figures(item, sourced)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
