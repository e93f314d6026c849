"""Leaderboards of a programme, and where I stand."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import Field

from backend import programmes
from backend.engagement import boards
from backend.engagement.boards import Ranking
from backend.kit import i18n
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown
from backend.programmes.features import Board

router = Router(prefix="/programmes/{programme}/boards", tags=["boards"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff)


class BoardTold(Told):
    """A leaderboard: the sum of `measure` by person, team or district over a period that begins anew."""

    id: str
    title: str
    measure: str = Field(description="`acts`, `grams` (gCO2e) or `points`.")
    by: str = Field(description="`person`, `team` or `district`.")
    period: str = Field(
        description="`week` (from Monday), `month`, `season` or `all`, by days of Asia/Shanghai."
    )

    @classmethod
    def of(cls, one: Board) -> BoardTold:
        return cls(
            id=one.id,
            title=one.title.zh if i18n.language() == "zh" else one.title.en,
            measure=one.measure,
            by=one.by,
            period=one.period,
        )


class PlaceTold(Told):
    """One place. Equal values share a rank: 1, 2, 2, 4."""

    rank: int
    member: str = Field(description="A person's handle, a team's id, or a district's code.")
    name: str | None
    value: int
    mine: bool


class RankingTold(Told):
    """A board as it stands. Only people who agree to be shown are in it, and only groups of enough people."""

    board: BoardTold
    first_day: date | None = Field(description="Null where no season holds the day.")
    last_day: date | None = Field(description="Counted to its end; teams and districts count to yesterday.")
    places: list[PlaceTold]
    shown: int = Field(description="How many there are in all.")
    own_value: int | None
    own_rank: int | None = Field(description="Where that stands among the shown; null while nobody is shown.")

    @classmethod
    def of(cls, one: Ranking) -> RankingTold:
        return cls(
            board=BoardTold.of(one.board),
            first_day=one.span.first if one.span else None,
            last_day=one.span.last if one.span else None,
            places=[PlaceTold.model_validate(place) for place in one.places],
            shown=one.shown,
            own_value=one.own_value,
            own_rank=one.own_rank,
        )


@router.get("", responses=problems(*_REFUSED))
async def list_boards(programme: Code, _citizen: SignedInCitizen, session: ReadSession) -> list[BoardTold]:
    """The programme's leaderboards."""
    running = await programmes.programme_of(session, code=programme)
    return [BoardTold.of(one) for one in boards.boards(running)]


@router.get("/{board}", responses=problems(*_REFUSED, boards.BoardUnknown))
async def get_board(
    programme: Code,
    board: Code,
    citizen: SignedInCitizen,
    *,
    settings: AppSettings,
    session: ReadSession,
    on: Annotated[
        date | None, Query(description="The period that holds this day of Asia/Shanghai; by default today.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=boards.MOST_PLACES)] = 20,
) -> RankingTold:
    """The first places of a leaderboard, and mine."""
    running = await programmes.programme_of(session, code=programme)
    found = await boards.ranking(
        session,
        settings,
        programme=running,
        board_id=board,
        participant_id=citizen.id,
        on=on,
        limit=limit,
    )
    return RankingTold.of(found)
