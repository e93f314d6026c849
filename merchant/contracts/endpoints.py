"""What we agreed with programmes."""

from __future__ import annotations

from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.contracts import service
from merchant.contracts.schemas import EditionTold

router = Router(tags=["contracts"])


@router.get("/contracts", responses=problems(Unauthenticated, Forbidden))
async def list_contracts(person: MerchantStaff, session: ReadSession) -> list[EditionTold]:
    """My organisation's contracts, all editions, by programme, the last one first."""
    found = await service.editions_of(session, merchant_id=merchant_of(person))
    return [EditionTold.of(one) for one in found]
