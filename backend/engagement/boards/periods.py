"""Which days a board counts: periods begin and end at midnight in Shanghai."""

from __future__ import annotations

import calendar
import datetime as dt

from backend.engagement.boards.model import Span
from backend.programmes.features import Board, Features

BEGINNING = dt.date(2000, 1, 1)  # before any programme


def span_of(board: Board, features: Features, *, on: dt.date, today: dt.date) -> Span | None:
    """The board's period that holds the day `on`, as far as it counts `today`; None where no season holds that day.

    People count to this moment. Teams and districts count to the end of yesterday: a sum that moved with each act would
    tell, to whoever keeps looking, what single people just did.
    """
    counted = today if board.by == "person" else today - dt.timedelta(days=1)
    if board.period == "week":
        first = on - dt.timedelta(days=on.weekday())
        last = first + dt.timedelta(days=6)
    elif board.period == "month":
        first = on.replace(day=1)
        last = on.replace(day=calendar.monthrange(on.year, on.month)[1])
    elif board.period == "season":
        season = features.season_on(on)
        if season is None:
            return None
        first, last = season.first, season.last
    else:
        first, last = BEGINNING, counted
    return Span(first, min(last, counted))
