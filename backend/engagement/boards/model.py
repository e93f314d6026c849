"""A leaderboard as it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from backend.programmes.features import Board


@dataclass(frozen=True, slots=True)
class Span:
    """The Shanghai days that a board counts, both included; none while `first` lies after `last`."""

    first: date
    last: date

    @property
    def empty(self) -> bool:
        return self.first > self.last


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a board. `member` is a person's handle, a team's id or a district's code."""

    rank: int
    member: str
    name: str | None
    value: int
    mine: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best of a board, and the caller's own. Values are in the board's measure: acts, gCO2e, points.

    `own_value` is what the caller (on a board of groups, the caller's group, where it is shown) did; `own_rank` is where
    that stands among the shown, None while nobody is shown.
    """

    board: Board
    span: Span | None
    places: tuple[Place, ...]
    shown: int
    own_value: int | None
    own_rank: int | None
