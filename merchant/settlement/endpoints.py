"""What we are owed."""

from __future__ import annotations

from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Told
from merchant.access import MerchantStaff, merchant_of
from merchant.settlement import service

router = Router(tags=["settlement"])


class PayableTold(Told):
    """Points that a programme owes us: captured, less refunded, less settled. Programmes settle apart."""

    programme: str
    payable_points: int


@router.get("/payable", responses=problems(Unauthenticated, Forbidden))
async def list_payables(person: MerchantStaff, session: ReadSession) -> list[PayableTold]:
    """What each programme owes my organisation now, in points, by the ledger."""
    found = await service.payables_of(session, merchant_id=merchant_of(person))
    return [PayableTold(programme=one.programme, payable_points=one.points) for one in found]
