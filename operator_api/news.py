"""What my programme tells everybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.engagement import news
from backend.engagement.news import Item
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown
from backend.programmes.features import Name
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}/news", tags=["news"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)
_Title = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
_Body = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]


class NewsAsked(Asked):
    """Something to tell everybody from a day of Asia/Shanghai on, in both languages."""

    on: date
    title_zh: _Title
    title_en: _Title
    body_zh: _Body
    body_en: _Body


class NewsItemTold(Told):
    """What was published and not withdrawn."""

    id: str
    on: date = Field(description="It is read from this day on.")
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str

    @classmethod
    def of(cls, one: Item) -> NewsItemTold:
        return cls(
            id=one.id,
            on=one.on,
            title_zh=one.title.zh,
            title_en=one.title.en,
            body_zh=one.body.zh,
            body_en=one.body.en,
        )


@router.get("", responses=problems(*_NOT_LET_IN))
async def list_published_news(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[NewsItemTold]:
    """What we published, for later days too; items of the pack are in the pack."""
    programme = await programme_in_sight(session, person, code)
    return [NewsItemTold.of(one) for one in await news.published(session, programme=programme)]


@router.post("", status_code=201, responses=problems(*_NOT_LET_IN, FeatureOff))
async def publish_news(code: Code, asked: NewsAsked, person: Operator, session: WriteSession) -> NewsItemTold:
    """Tell everybody."""
    programme = await programme_in_sight(session, person, code)
    made = await news.publish(
        session,
        programme=programme,
        on=asked.on,
        title=Name(asked.title_zh, asked.title_en),
        body=Name(asked.body_zh, asked.body_en),
        staff_id=person.id,
    )
    return NewsItemTold.of(made)


@router.post("/{item_id}/withdrawal", status_code=204, responses=problems(*_NOT_LET_IN, news.NewsUnknown))
async def withdraw_news(code: Code, item_id: UUID, person: Operator, session: WriteSession) -> None:
    """Tell it no longer."""
    programme = await programme_in_sight(session, person, code)
    await news.withdraw(session, programme=programme, item_id=item_id, staff_id=person.id)
