"""Redemptions that tills ask about: confirmed, refused, withdrawn, waiting; and captures refunded in parts."""

from __future__ import annotations

from uuid import UUID

from backend.identity import Role, organisations, staff
from backend.kit.db import Database
from backend.kit.settings import Settings
from merchant import redemption, shops
from merchant.redemption import At, Issued, Says
from tests import contracts, offers

CODE = "audited-games"


async def build(db: Database, settings: Settings, players: list[UUID]) -> None:
    """Four redemptions of six points each, in a programme that has everything above four confirmed on the phone."""
    keys = settings.keys
    async with db.transaction() as session:
        shop = await organisations.create_organisation(
            session, code="arcade", name_zh="游艺厅", name_en="Arcade", roles=[Role.MERCHANT]
        )
        hired = await staff.create_staff(
            session, keys, organisation_code="arcade", login="arcade-till", password="correct horse battery",
            roles=[Role.MERCHANT],
        )  # fmt: skip
    await contracts.agree(db, keys, merchant_id=shop.id, programme=CODE)
    offer = await offers.offer(
        db, keys, merchant_id=shop.id, programme=CODE, title_zh="门票", title_en="A ticket", price_points=6, items=9,
        by=hired.staff.id,
    )  # fmt: skip
    about = shops.About("一厅", "Hall One", "", "天河区", None, {}, {})
    async with db.transaction() as session:
        hall = await shops.open_shop(session, merchant_id=shop.id, about=about, made_by=hired.staff.id)
    at = At(shop.id, hired.staff.id, hall.id)

    async def asked(player: UUID, actor: UUID | None = None) -> tuple[Issued, UUID]:
        async with db.transaction() as session:
            issued = await redemption.redeem(
                session, keys, participant_id=player, offer_id=offer.id, actor_id=actor, stepped_up=True
            )
        return issued, await ask(issued)

    async def ask(issued: Issued) -> UUID:
        answer = await redemption.scan(db, keys, at=at, code=issued.code)
        assert answer.says is Says.WAITING, answer
        assert answer.scan_id is not None
        return answer.scan_id

    async def answer(player: UUID, issued: Issued, scan_id: UUID, *, yes: bool) -> None:
        async with db.transaction() as session:
            await redemption.answer(
                session, participant_id=player, redemption_id=issued.redemption_id, scan_id=scan_id, yes=yes
            )

    for parts in ((2,), (1, 2, 3)):
        issued, scan_id = await asked(players[1], players[0])
        await answer(players[1], issued, scan_id, yes=True)
        for number, points in enumerate(parts):
            async with db.transaction() as session:
                await redemption.refund_part(
                    session, merchant_id=shop.id, staff_id=hired.staff.id, redemption_id=issued.redemption_id,
                    part_id=f"line-{number}", points=points, reason="broken",
                )  # fmt: skip
    issued, scan_id = await asked(players[2])
    await answer(players[2], issued, scan_id, yes=False)
    async with db.transaction() as session:
        await redemption.cancel(session, participant_id=players[2], redemption_id=issued.redemption_id)
    issued, scan_id = await asked(players[3])
    async with db.transaction() as session:
        await redemption.withdraw(session, at=at, scan_id=scan_id)
    async with db.transaction() as session:
        another = await redemption.renew(
            session, keys, participant_id=players[3], redemption_id=issued.redemption_id
        )
    await ask(another)
