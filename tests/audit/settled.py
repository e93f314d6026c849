"""A merchant that is settled with: a month closed, disputed, let go, failed and paid, and what came after it."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from backend.identity import Role, organisations, staff
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from merchant import catalogue, redemption, settlement
from merchant.contracts import Account
from tests import contracts, offers

PROGRAMME = "gd-green-travel"
TERMS = ({"id": "standard", "funding": [
    {"funder": "programme", "share": "0.6"}, {"funder": "government", "share": "0.2"}, {"funder": "merchant", "share": "0.2"},
]},)  # fmt: skip
FEES = ({"id": "scan", "kind": "per_capture", "payer": "merchant", "fen": 3},)


async def build(db: Database, settings: Settings, citizen: UUID) -> None:
    """Three months: one paid after a payment that failed, one with a correction carried forward, one that is open."""
    keys, now = settings.keys, clock.now()
    async with db.transaction() as session:
        shop = await organisations.create_organisation(
            session, code="noodles", name_zh="面馆", name_en="Noodles", roles=[Role.MERCHANT]
        )
        clerk = await staff.create_staff(
            session, keys, organisation_code="noodles", login="noodles-till", password="correct horse battery",
            roles=[Role.MERCHANT],
        )  # fmt: skip
    by = clerk.staff.id
    first, second = await contracts.operators(db, keys)
    await contracts.agree(
        db, keys, merchant_id=shop.id, programme=PROGRAMME, fen_per_point="9.5", terms=TERMS, fees=FEES,
        account=Account("面馆", "银行", "6222020200112233445"),
    )  # fmt: skip
    await contracts.agree(
        db, keys, merchant_id=shop.id, programme=PROGRAMME, valid_from=clock.today() + dt.timedelta(days=400),
        valid_until=clock.today() + dt.timedelta(days=800),
    )  # fmt: skip

    async def capture(offer: catalogue.Offer) -> Any:
        async with db.transaction() as session:
            issued = await redemption.redeem(session, keys, participant_id=citizen, offer_id=offer.id)
        async with db.transaction() as session:
            receipt = await redemption.capture(session, keys, at=redemption.At(shop.id, by), code=issued.code)
        return receipt.redemption_id

    async def close() -> settlement.Statement:
        async with db.transaction() as session:
            act = await settlement.propose_close(
                session, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
            )
        async with db.transaction() as session:
            return await settlement.approve_close(
                session,
                programme=PROGRAMME,
                act_id=act.id,
                approved_by=second,
                subject_sha256=act.subject_sha256,
            )

    last_month = now.astimezone(clock.SHANGHAI).replace(day=1, hour=12) - dt.timedelta(days=40)
    with clock.travel(last_month):
        bowl = await offers.offer(
            db, keys, merchant_id=shop.id, programme=PROGRAMME, title_zh="面", title_en="Noodles", price_points=9,
            items=None, by=by,
        )  # fmt: skip
        captured = [await capture(bowl) for _ in range(3)]
        about: dict[str, Any] = {"merchant_id": shop.id, "staff_id": by, "reason": "cold"}
        async with db.transaction() as session:
            await redemption.refund_part(
                session, redemption_id=captured[0], part_id="half", points=3, **about
            )
            await redemption.refund(session, redemption_id=captured[1], **about)
    one = await close()
    for paid in (False, True):
        async with db.transaction() as session:
            act = await settlement.propose_payout(session, keys, programme=PROGRAMME, proposed_by=first)
        async with db.transaction() as session:
            made = await settlement.approve_payout(
                session,
                programme=PROGRAMME,
                act_id=act.id,
                approved_by=second,
                subject_sha256=act.subject_sha256,
            )
        async with db.transaction() as session:
            await settlement.confirm(
                session,
                programme=PROGRAMME,
                payout_id=made.id,
                statement_id=one.id,
                paid=paid,
                words="said",
                told_by=first,
            )
    with clock.travel(last_month + dt.timedelta(days=20)):
        async with db.transaction() as session:
            await settlement.note_invoice(
                session, merchant_id=shop.id, statement_id=one.id, number="244420001", given_by=by
            )
            wrong = [
                await settlement.open_dispute(
                    session, merchant_id=shop.id, statement_id=one.id, line=line, reason="no", opened_by=by
                )
                for line in (1, 2)
            ]
            await settlement.turn_down(
                session, programme=PROGRAMME, dispute_id=wrong[0].id, words="yes", answered_by=first
            )
            act = await settlement.propose_correction(
                session, programme=PROGRAMME, dispute_id=wrong[1].id, words="so it was", correction_fen=-7,
                correction_points=2, funder="programme", proposed_by=first,
            )  # fmt: skip
            await settlement.approve_correction(
                session,
                programme=PROGRAMME,
                act_id=act.id,
                approved_by=second,
                subject_sha256=act.subject_sha256,
            )
    await close()
    await capture(bowl)
