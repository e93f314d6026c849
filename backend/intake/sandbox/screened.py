"""The programme's screens, caps and windows over the events of one batch, as if nothing had happened before.

Every means is a person of its own here, since nobody lives in a sandbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from backend.intake.convert import Converted
from backend.intake.holders import Int64s
from backend.intake.placing import CORNERS
from backend.intake.planning import gather
from backend.intake.plans import Chunk
from backend.intake.screening import Lines, ScreenRules, screen
from backend.intake.taking import EventAnswer


@dataclass(frozen=True, slots=True)
class Feed:
    """What screens know of a source."""

    id: int
    activities: Sequence[str]  # by the number of the converter's method


def screened(
    answers: dict[int, EventAnswer], batch: Converted, *, feed: Feed, rules: ScreenRules | None, now: datetime
) -> None:
    """Put what the screens say into the answers, by the index of their events."""
    chunk = gather([batch])
    if rules is None or not len(chunk):
        return
    rows = np.nonzero(np.append(True, chunk.keys[1:] != chunk.keys[:-1]))[0]  # repeated events are not judged
    lines = _lines(chunk, rows, feed)
    said = screen(lines, _none(lines), rules, int(now.timestamp() * 1_000_000))
    for place, line in enumerate(lines.order.tolist()):
        answer, number = answers[line - 1], int(said.screen[place])
        name = said.screens[number]
        if not number:
            answers[line - 1] = replace(answer, points=int(said.points[place]))
        elif said.held[number]:
            answers[line - 1] = replace(answer, outcome="conflict", code=name, grams=0, points=0)
        else:
            answers[line - 1] = replace(answer, outcome="rejected", code=name, grams=0, points=0)


def _lines(chunk: Chunk, rows: Int64s, feed: Feed) -> Lines:
    n = len(rows)
    names = tuple(dict.fromkeys(feed.activities))
    codes = np.array([names.index(name) for name in feed.activities] or [0], dtype=np.int16)
    places: dict[str, int] = {}
    devices: dict[str, int] = {}
    return Lines(
        person=chunk.means_no[rows],
        activity=codes[chunk.numbers("method_no")[rows]],
        source=np.full(n, feed.id, dtype=np.int64),
        own=np.ones(n, dtype=np.bool_),
        started_us=chunk.numbers("happened_us")[rows],
        ended_us=chunk.numbers("ended_us")[rows],
        from_place=_coded(chunk.table.column("from_place"), rows, places),
        to_place=_coded(chunk.table.column("to_place"), rows, places),
        device=_coded(chunk.table.column("device"), rows, devices),
        points=chunk.numbers("points")[rows],
        order=chunk.numbers("line")[rows],
        activities=names,
        places=tuple(places),
        **{name: chunk.numbers(name)[rows] for name in ("distance_m", *CORNERS)},
    )


def _coded(column: pa.ChunkedArray, rows: Int64s, known: dict[str, int]) -> Int64s:
    """Values as indices in `known`, which grows; -1 where there is none."""
    found = [
        -1 if value is None else known.setdefault(value, len(known))
        for value in column.take(pa.array(rows)).to_pylist()
    ]
    return np.array(found, dtype=np.int64)


def _none(like: Lines) -> Lines:
    columns = {
        name: getattr(like, name)[:0] for name in Lines.__slots__ if name not in {"activities", "places"}
    }
    return replace(like, **columns)
