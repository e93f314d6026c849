"""What a programme tells everybody."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend.engagement import news
from backend.identity import Role, organisations, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Features, Name, NewsItem
from tests.engagement.social.conftest import with_features

TEXT = Name("文", "text")


async def test_news_is_read_from_its_day_until_it_is_withdrawn(
    db: Database, settings: Settings, programme: Registered
) -> None:
    today = clock.today()
    items = (NewsItem("opening", today - dt.timedelta(days=3), TEXT, TEXT),)
    running = with_features(programme, Features(switches=frozenset({"news"}), news=items))
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="gd-operator", name_zh="运营", name_en="Operator", roles=[Role.OPERATOR]
        )
        clerk = (
            await staff.create_staff(
                session,
                settings.keys,
                organisation_code="gd-operator",
                login=f"s{ids.uuid7().hex[-12:]}",
                password="correct horse battery",
                roles=[Role.OPERATOR],
            )
        ).staff.id

        async def publish(on: dt.date) -> str:
            made = await news.publish(
                session, programme=running, on=on, title=TEXT, body=TEXT, staff_id=clerk
            )
            return made.id

        async def read(limit: int = 9, after: tuple[dt.date, str] | None = None) -> list[str]:
            return [one.id for one in await news.items(session, programme=running, limit=limit, after=after)]

        first, later = await publish(today), await publish(today + dt.timedelta(days=1))
        assert await read() == [first, "opening"]
        assert await read(after=(today, first)) == ["opening"]
        assert {one.id for one in await news.published(session, programme=running)} == {first, later}
        with clock.travel(clock.now() + dt.timedelta(days=1)):
            assert await read(limit=1) == [later]
        await news.withdraw(session, programme=running, item_id=UUID(first), staff_id=clerk)
        assert await read() == ["opening"]
        with pytest.raises(news.NewsUnknown):
            await news.withdraw(session, programme=running, item_id=UUID(first), staff_id=clerk)
        with pytest.raises(FeatureOff):
            await news.items(session, programme=with_features(programme, Features()), limit=9)
