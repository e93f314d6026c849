"""What citizens are told of their redemptions: that a till waits for them, that points came back, that one lapsed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.inbox import Kind, Topic
from merchant.redemption import queries

ASKED = Kind(
    "redemption.asked",
    Topic.REDEMPTIONS,
    "$merchant_zh 请您在手机上确认支付 $points 积分。",
    "$merchant_en asks you to confirm $points points on the phone.",
)
REFUNDED = Kind(
    "redemption.refunded",
    Topic.REDEMPTIONS,
    "$merchant_zh 退还了 $points 积分。",
    "$merchant_en gave $points points back.",
)
LAPSED = Kind(
    "redemption.lapsed",
    Topic.REDEMPTIONS,
    "您在 $merchant_zh 的兑换码未使用，$points 积分已退回。",
    "Your code for $merchant_en was not used: its $points points are yours to spend again.",
)
inbox.register(ASKED, REFUNDED, LAPSED)


async def tell(
    session: AsyncSession, kind: Kind, *, redemption_id: UUID, refers_to: UUID, points: int
) -> None:
    """Tell the citizen of a redemption, in the transaction of what happened."""
    row = (await session.execute(queries.WHOSE, {"redemption": redemption_id})).one()
    facts = {"points": points, "merchant_zh": row.name_zh, "merchant_en": row.name_en}
    await inbox.tell(
        session, participant_id=row.participant_id, kind=kind.name, refers_to=str(refers_to), facts=facts
    )
