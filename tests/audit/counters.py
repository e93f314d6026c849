"""A shop of the city's teahouse, of which something else was said later, and what breaks the invariant of shops."""

from __future__ import annotations

import dataclasses

from sqlalchemy import text

from backend.kit.db import Database
from merchant import shops

OTHER = "gen_random_uuid()"
STRANGER = "(SELECT id FROM staff WHERE login <> 'till' ORDER BY login LIMIT 1)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "shops.own": [
        ("UPDATE shop SET merchant_id = (SELECT id FROM organisation WHERE code = 'authority')",),
        (f"UPDATE shop SET made_by = {STRANGER}",),
        ("DELETE FROM shop_edition WHERE number = 1",),
        (f"UPDATE shop_edition SET said_by = {STRANGER} WHERE number = 2",),
        ("UPDATE shop_edition SET number = 3 WHERE number = 2",),
        (f"UPDATE shop_edition SET shop_id = {OTHER} WHERE number = 2",),
    ],
}


async def build(db: Database) -> None:
    """One shop in two editions."""
    about = shops.About(
        name_zh="茶馆一店",
        name_en="Teahouse One",
        address="中山路 1 号",
        district="天河区",
        place=(23.13, 113.26),
        hours={"1": ((540, 1260),)},
        except_days={"2026-10-01": ()},
    )
    async with db.transaction() as session:
        found = await session.execute(text("SELECT id, organisation_id FROM staff WHERE login = 'till'"))
        clerk, merchant = found.one()
        made = await shops.open_shop(session, merchant_id=merchant, about=about, made_by=clerk)
    async with db.transaction() as session:
        await shops.change_shop(
            session, merchant_id=merchant, shop_id=made.id, about=dataclasses.replace(about, closed=True),
            said_by=clerk,
        )  # fmt: skip
