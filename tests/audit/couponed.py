"""Codes of the city's teahouse, one of them given, and what breaks the invariant of coupons."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy import text

from backend.kit.db import Database
from backend.kit.keys import Keys
from backend.programmes import wallets
from merchant import catalogue, coupons, images, redemption
from merchant.coupons import Line
from tests import offers

PROGRAMME = "gd-green-travel"
STRANGER = "(SELECT id FROM staff WHERE login <> 'till' ORDER BY login LIMIT 1)"
GIVEN = "(SELECT coupon_id FROM coupon_given LIMIT 1)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "coupons.given": [
        ("UPDATE coupon_import SET offer_id = (SELECT id FROM offer WHERE gives IS NULL LIMIT 1)",),
        (f"UPDATE coupon_import SET imported_by = {STRANGER}",),
        ("UPDATE coupon_import SET codes = codes + 1",),
        ("DELETE FROM coupon_given",),
        ("UPDATE coupon_given SET redemption_id = gen_random_uuid()",),
        ("UPDATE offer SET gives = NULL WHERE gives = 'coupon'",),
        (f"UPDATE coupon_code SET valid_until = '2001-01-01' WHERE id = {GIVEN}",),
        (
            """UPDATE redemption_end SET captured_by = (SELECT id FROM staff WHERE login = 'till')
               WHERE captured_by IS NULL AND ended = 'captured'""",
        ),
        (  # the same code once more
            "ALTER TABLE coupon_given DROP CONSTRAINT coupon_given_coupon_id_key",
            f"""INSERT INTO coupon_given (redemption_id, coupon_id) SELECT redemption_id, {GIVEN} FROM redemption_end
                WHERE redemption_id NOT IN (SELECT redemption_id FROM coupon_given) LIMIT 1""",
        ),
        ("DELETE FROM coupon_left",),
        ("UPDATE coupon_left SET valid_until = '2001-01-01'",),
        (f"INSERT INTO coupon_left (coupon_id, offer_id, valid_until) SELECT {GIVEN}, offer_id, 'infinity' FROM coupon_left LIMIT 1",),
    ],
    "offers.images": [
        ("UPDATE image SET content = 'another'",),
        ("UPDATE offer_image SET sha256 = sha256('another')",),
        (f"UPDATE offer_image SET added_by = {STRANGER}",),
        (f"UPDATE offer_image_removal SET removed_by = {STRANGER}",),
        ("UPDATE offer_image SET added_at = added_at + interval '1 year'",),
        ("UPDATE offer_image_removal SET removed_at = removed_at + interval '1 year'",),
    ],
}  # fmt: skip


async def build(db: Database, keys: Keys, citizens: Sequence[UUID]) -> None:
    """Two codes, one of which somebody drew who has a point."""
    async with db.transaction() as session:
        found = await session.execute(text("SELECT id, organisation_id FROM staff WHERE login = 'till'"))
        clerk, merchant = found.one()
    offer = await offers.offer(
        db, keys, by=clerk, merchant_id=merchant, programme=PROGRAMME, title_zh="券", title_en="Voucher",
        price_points=1, items=None, gives="coupon",
    )  # fmt: skip
    await _pictured(db, keys, merchant=merchant, clerk=clerk)
    lines = [Line(1, "CITY-0001"), Line(2, "CITY-0002", "2099-12-31"), Line(3, "CITY-0003", "2098-12-31")]
    async with db.transaction() as session:
        await coupons.bring_in(
            session, keys, merchant_id=merchant, offer_id=offer.id, lines=lines, imported_by=clerk
        )
    for citizen in citizens:
        async with db.transaction() as session:
            wallet = await wallets.wallet_of(session, participant_id=citizen, programme=PROGRAMME)
            if wallet.spendable > 1:
                await redemption.redeem(session, keys, participant_id=citizen, offer_id=offer.id)
                return
    raise AssertionError("nobody has a point")


async def _pictured(db: Database, keys: Keys, *, merchant: UUID, clerk: UUID) -> None:
    """An offer on the shelf with a picture, of which another one was taken off before."""
    own: dict[str, Any] = {"merchant_id": merchant}
    async with db.transaction() as session:
        draft = await catalogue.draft_offer(
            session, **own, programme=PROGRAMME, title_zh="茶具", title_en="Tea set", price_points=500,
            items=None, created_by=clerk,
        )  # fmt: skip
        names = []
        for colour in ("red", "blue"):
            made = io.BytesIO()
            Image.new("RGB", (4, 3), colour).save(made, "PNG")
            name, _ = await images.add_image(
                session,
                **own,
                offer_id=draft.id,
                media_type="image/png",
                content=made.getvalue(),
                added_by=clerk,
            )
            names.append(name)
        await images.remove_image(session, **own, offer_id=draft.id, name=names[0], removed_by=clerk)
    await offers.publish(db, keys, offer=draft, by=clerk)
