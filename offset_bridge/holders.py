"""Who may hold, bridge, sell and buy: staff of programmes' operators and of enterprises, for their own organisation."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import Role, organisations
from backend.kit.access import Principal, requires

ROLES = frozenset({Role.OPERATOR, Role.ENTERPRISE})

Holder = Annotated[Principal, requires(*sorted(ROLES))]


async def own_code(session: AsyncSession, person: Principal) -> str:
    """The code of the organisation that the person acts for."""
    assert person.organisation_id is not None
    return (await organisations.organisation(session, organisation_id=person.organisation_id)).code
