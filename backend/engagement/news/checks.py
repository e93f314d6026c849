"""What must hold of news: the programme's operator published and withdrew it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_OPERATES = """EXISTS (SELECT FROM staff s JOIN organisation o ON o.id = s.organisation_id
    JOIN programme p ON p.id = i.programme_id WHERE s.id = {0} AND o.code = p.operator_code)"""
_ITEMS = Rule.single(
    "news_item",
    f"SELECT i.id AS place FROM news_item i WHERE NOT {_OPERATES.format('i.published_by')}",  # noqa: S608 - constants
    en="no person of the programme's operator published it",
    zh="并非该计划运营方人员所发布",
)
_WITHDRAWALS = Rule.single(
    "news_withdrawal",
    f"""
        SELECT w.item_id AS place FROM news_withdrawal w LEFT JOIN news_item i ON i.id = w.item_id
        WHERE i.id IS NULL OR w.withdrawn_at < i.published_at OR NOT {_OPERATES.format("w.withdrawn_by")}
    """,  # noqa: S608 - put together from constants
    en="no person of the programme's operator withdrew an item after it was published",
    zh="并非该计划运营方人员在发布后撤回",
)


async def published(session: AsyncSession) -> Checked:
    """News comes from the programme's operator, and so does its withdrawal."""
    rows = await count_rows(session, "SELECT count(*) FROM news_item")
    return await look_for(session, Checked(rows=rows), [_ITEMS, _WITHDRAWALS])
