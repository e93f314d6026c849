"""What citizens are told of their vouchers: that one was used, and that one ends soon."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.identity import joining
from backend.inbox import Kind, Topic
from merchant.vouchers import queries
from merchant.vouchers.model import Answer

USED = Kind(
    "voucher.used",
    Topic.REDEMPTIONS,
    zh="您的代金券「$title_zh」（面值 $face_yuan 元）已在 $merchant_zh 使用。",
    en="Your voucher “$title_en”, worth $face_yuan yuan, was used at $merchant_en.",
)
ENDING = Kind(
    "voucher.ending",
    Topic.REDEMPTIONS,
    zh="您在 $merchant_zh 的代金券「$title_zh」（面值 $face_yuan 元）最后可用日为 $last_day；过期作废，所用积分不退。",
    en="Your voucher “$title_en” of $merchant_en, worth $face_yuan yuan, is good up to $last_day; its points do not come back after that.",
)
inbox.register(USED, ENDING)


def yuan(fen: int) -> str:
    """An amount as people read it: 1250 fen are 12.50."""
    return f"{fen // 100}.{fen % 100:02}"


async def tell_used(session: AsyncSession, answer: Answer) -> None:
    """Tell the citizen of a voucher that it was used, in the transaction of the use."""
    assert answer.face_fen is not None
    row = (await session.execute(queries.WHOSE, {"redemption": answer.redemption_id})).one()
    facts = {
        "title_zh": str(answer.title_zh),
        "title_en": str(answer.title_en),
        "face_yuan": yuan(answer.face_fen),
        "merchant_zh": row.merchant_zh,
        "merchant_en": row.merchant_en,
    }
    await inbox.tell(
        session,
        participant_id=await joining.survivor_of(session, participant_id=row.participant_id),
        kind=USED.name,
        refers_to=str(answer.redemption_id),
        facts=facts,
    )
