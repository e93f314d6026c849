"""The permission that every operation of merchants asks for."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from backend.identity import Role
from backend.kit.access import Principal, requires

MerchantStaff = Annotated[Principal, requires(Role.MERCHANT)]


def merchant_of(person: Principal) -> UUID:
    """The organisation that the person acts for."""
    assert person.organisation_id is not None
    return person.organisation_id
