"""The figures of a programme's pack by their dotted paths, as refusals name them and overlays set them.

A list's item goes by its id (`earn.bike-trip.points`, `evidence.self_report.weight`), or by its place where it has none
(`earn.steps.tiers.0.at_least`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.packs.faults import Path
from backend.packs.schema import Figure, Items, Shape, Table
from backend.programmes.keys import SHAPE
from backend.programmes.sections import Chosen


@dataclass(frozen=True, slots=True)
class Place:
    """Where a figure stands in the document, and what is written there."""

    path: Path
    value: str


def figures_of(data: Mapping[str, Any]) -> dict[str, Place]:
    """Every figure of a sound document, in the order of the file."""
    return {".".join(names): place for names, place in _walk(SHAPE.table(data), data, (), ())}


def values_of(data: Mapping[str, Any]) -> dict[str, str]:
    """What is written for each figure."""
    return {parameter: place.value for parameter, place in figures_of(data).items()}


def _walk(
    shape: Shape, value: Any, path: Path, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Place]]:
    if isinstance(shape, Chosen) and isinstance(value, dict):
        shape = shape.table(value)
    if isinstance(shape, Figure) and isinstance(value, str):
        yield names, Place(path, value)
    elif isinstance(shape, Table) and isinstance(value, dict):
        shapes = {**shape.keys, **shape.optional}
        for key, item in value.items():
            if key in shapes:
                yield from _walk(shapes[key], item, (*path, key), (*names, key))
    elif isinstance(shape, Items) and isinstance(value, list):
        for number, item in enumerate(value):
            own = item.get(shape.unique) if shape.unique and isinstance(item, dict) else None
            name = own if isinstance(own, str) else str(number)
            yield from _walk(shape.item, item, (*path, number), (*names, name))
