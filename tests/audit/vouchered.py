"""Vouchers of the city's teahouse: one used, one given back, one good; and what breaks their invariant."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from backend.kit.db import Database
from backend.kit.keys import Keys
from backend.programmes import wallets
from merchant import redemption, vouchers
from merchant.catalogue import Offer, Terms
from merchant.redemption import At, Says
from tests import offers

PROGRAMME = "gd-green-travel"
STRANGER = "(SELECT id FROM staff WHERE login <> 'till' ORDER BY login LIMIT 1)"
USED = "(SELECT redemption_id FROM voucher_use)"
DEAD = "(SELECT f.redemption_id FROM redemption_refund f JOIN voucher v ON v.redemption_id = f.redemption_id)"
TEAHOUSE = "(SELECT organisation_id FROM staff WHERE login = 'till')"

CASES: dict[str, list[tuple[str, ...]]] = {
    "vouchers.used": [
        ("DELETE FROM voucher",),
        (f"UPDATE voucher SET redemption_id = gen_random_uuid() WHERE redemption_id = {DEAD}",),
        (
            f"""UPDATE redemption_end SET captured_by = (SELECT id FROM staff WHERE login = 'till')
                WHERE redemption_id = {USED}""",
        ),
        ("UPDATE voucher SET face_fen = face_fen + 1",),
        ("UPDATE voucher SET minimum_fen = NULL",),
        ("UPDATE voucher SET valid_until = valid_until + 1",),
        (f"DELETE FROM voucher WHERE redemption_id = {USED}",),
        (f"UPDATE voucher_use SET used_by = {STRANGER}",),
        ("UPDATE voucher_use SET merchant_id = (SELECT id FROM organisation WHERE code = 'authority')",),
        ("UPDATE voucher_use SET shop_id = gen_random_uuid()",),
        ("UPDATE voucher_use SET till_id = gen_random_uuid()",),
        (
            f"""INSERT INTO offer_shop (offer_id, shop_id)
                SELECT offer_id, gen_random_uuid() FROM redemption WHERE id = {USED}""",
            f"UPDATE voucher_use SET shop_id = (SELECT id FROM shop WHERE merchant_id = {TEAHOUSE} LIMIT 1)",
        ),
        ("UPDATE voucher_use SET used_at = used_at - interval '1 day'",),
        ("UPDATE voucher_use SET used_at = used_at + interval '31 days'",),
        ("UPDATE voucher_use SET purchase_fen = NULL",),
        ("UPDATE voucher_use SET purchase_fen = purchase_fen - 1",),
        (f"UPDATE redemption_refund SET redemption_id = {USED} WHERE redemption_id = {DEAD}",),
        (
            f"""INSERT INTO redemption_part (redemption_id, part_id, posting_id, points, reason, refunded_by, refunded_at, asked_by)
                SELECT {USED}, 'p', gen_random_uuid(), 1, 'x', refunded_by, refunded_at, refunded_by
                FROM redemption_refund LIMIT 1""",
        ),
    ],
}  # fmt: skip


async def build(db: Database, keys: Keys, citizens: Sequence[UUID]) -> None:
    """Three vouchers of people who have points."""
    async with db.transaction() as session:
        found = await session.execute(text("SELECT id, organisation_id FROM staff WHERE login = 'till'"))
        clerk, merchant = found.one()
    offer = await offers.offer(
        db, keys, by=clerk, merchant_id=merchant, programme=PROGRAMME, title_zh="代金券", title_en="Ten yuan off",
        price_points=1, items=None, gives="voucher", terms=Terms(face_fen=1_000, minimum_fen=3_000, valid_days=30),
    )  # fmt: skip
    used, dead, _ = [await _bought(db, keys, offer, citizens) for _ in range(3)]
    async with db.transaction() as session:
        await redemption.refund(
            session, merchant_id=merchant, staff_id=clerk, redemption_id=dead[1], reason="not wanted"
        )
    async with db.transaction() as session:
        mine = await vouchers.voucher_of(session, keys, participant_id=used[0], redemption_id=used[1])
        assert mine.code is not None
        at = At(merchant, clerk)
        answer = await vouchers.use(db, session, keys, at=at, code=mine.code, purchase_fen=3_000)
        assert answer.says is Says.YES


async def _bought(db: Database, keys: Keys, offer: Offer, citizens: Sequence[UUID]) -> tuple[UUID, UUID]:
    for citizen in citizens:
        async with db.transaction() as session:
            wallet = await wallets.wallet_of(session, participant_id=citizen, programme=PROGRAMME)
            if wallet.spendable > 1:
                issued = await redemption.redeem(
                    session,
                    keys,
                    participant_id=citizen,
                    offer_id=offer.id,
                    voucher=vouchers.new_code(keys),
                )
                return citizen, issued.redemption_id
    raise AssertionError("nobody has a point")
