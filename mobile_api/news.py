"""News of a programme."""

from __future__ import annotations

from datetime import date

from backend import programmes
from backend.engagement import news
from backend.engagement.news import Item
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown

router = Router(prefix="/programmes/{programme}", tags=["news"])


class NewsTold(Told):
    """Something to read, in the caller's language."""

    id: str
    on: date
    title: str
    body: str

    @classmethod
    def of(cls, one: Item) -> NewsTold:
        zh = i18n.language() == "zh"
        return cls(
            id=one.id,
            on=one.on,
            title=one.title.zh if zh else one.title.en,
            body=one.body.zh if zh else one.body.en,
        )


@router.get("/news", responses=problems(Unauthenticated, ProgrammeUnknown, FeatureOff, paging.CursorUnusable))
async def list_news(
    programme: Code, _citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[NewsTold]:
    """What the programme tells everybody, the newest first."""
    running = await programmes.programme_of(session, code=programme)
    after = asked.after(date, str)
    rows = await news.items(
        session,
        programme=running,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.on, row.id), show=NewsTold.of)
