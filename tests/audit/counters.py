"""A shop of the city's teahouse, of which something else was said later, and what breaks the invariant of shops."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import text

from backend.kit.db import Database
from backend.kit.keys import Keys
from merchant import catalogue, onboarding, shops
from tests import contracts

PROGRAMME = "gd-green-travel"
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
    "merchants.admitted": [
        (f"UPDATE application_submission SET application_id = {OTHER} WHERE number = 2",),
        ("UPDATE application_submission SET body = jsonb_set(body, '{documents}', '[]') WHERE number = 1",),
        ("DELETE FROM application_end WHERE ended = 'sent_back'",),
        (f"UPDATE application_end SET ended_by = {STRANGER}",),
        ("UPDATE application_end SET ended_at = ended_at - interval '1 year'",),
        ("UPDATE application_submission SET subject_sha256 = sha256('another') WHERE number = 2",),
        (
            "UPDATE application_submission SET body = jsonb_set(body, '{name_en}', '\"Another\"') WHERE number = 2",
        ),
        ("UPDATE organisation SET name_zh = '另一家' WHERE code = 'newcomer'",),
        ("UPDATE application_end SET credit_code = '91350100M000100Y44' WHERE ended = 'admitted'",),
        (
            "DELETE FROM two_person_decision WHERE act_id = (SELECT act_id FROM application_end WHERE ended = 'admitted')",
        ),
    ],
}


async def build(db: Database, keys: Keys) -> None:
    """One shop in two editions, and the draft of an offer that is given there; and a merchant that was admitted at the second try."""
    await _admit(db, keys)
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
        await catalogue.draft_offer(
            session, merchant_id=merchant, programme=PROGRAMME, title_zh="面", title_en="Noodles", price_points=9,
            items=None, terms=catalogue.Terms(period="week", per_period=2, shops=[made.id]), created_by=clerk,
        )  # fmt: skip


async def _admit(db: Database, keys: Keys) -> None:
    about = onboarding.Particulars(
        code="newcomer", name_zh="新商户", name_en="Newcomer", credit_code="91350100M000100Y43",
        contact={"name": "值班经理"},
    )  # fmt: skip
    first, second = await contracts.operators(db, keys)
    async with db.transaction() as session:
        application_id, secret = await onboarding.apply(session, keys, about=about)
        mine: dict[str, Any] = {"application_id": application_id, "secret": secret}
        await onboarding.add_document(
            session, keys, **mine, kind=onboarding.DocumentKind.LICENCE, content=b"%PDF-1.7 %%EOF"
        )
        await onboarding.submit(session, keys, **mine)
    async with db.transaction() as session:
        await onboarding.send_back(
            session, keys, application_id=application_id, sent_back_by=first, reason="unreadable"
        )
    async with db.transaction() as session:
        submitted = await onboarding.submit(session, keys, **mine)
        assert submitted.subject_sha256 is not None
        about_it: dict[str, Any] = {
            "application_id": application_id,
            "subject_sha256": submitted.subject_sha256,
        }
        act = await onboarding.propose(session, proposed_by=first, **about_it)
    async with db.transaction() as session:
        await onboarding.approve(session, act_id=act.id, approved_by=second, **about_it)
