"""Boards 排行榜: who did most, by person, team and district.

Holds    nothing but versions; places are sums of `acted_day`, and Redis holds them in sorted sets under the version of
         the rows that they were made from.
Promises a place shown is the place that the rows give; equal values share a rank; whoever does not agree at the moment of
         reading is not shown and takes no place; fewer people than the programme's smallest group are never shown, nor
         is a group with fewer active members who agree; Redis may lose everything at any time.
Ignores  why acts count or count no longer: late acts and acts taken back change `acted_day`, and so the places.
"""

from backend.engagement.boards.errors import BoardUnknown
from backend.engagement.boards.held import opened
from backend.engagement.boards.model import Place, Ranking, Span
from backend.engagement.boards.periods import span_of
from backend.engagement.boards.service import (
    MOST_PLACES,
    board_of,
    boards,
    computed,
    ranking,
    rebuild,
)

__all__ = [
    "MOST_PLACES",
    "BoardUnknown",
    "Place",
    "Ranking",
    "Span",
    "board_of",
    "boards",
    "computed",
    "opened",
    "ranking",
    "rebuild",
    "span_of",
]
