"""Organisations and staff for the tests of identity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import pyotp
import pytest

from backend.identity import organisations, staff
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Hired:
    """A member of staff together with their authenticator."""

    id: UUID
    login: str
    authenticator: pyotp.TOTP

    def code(self) -> str:
        return self.authenticator.at(clock.now())


Hire = Callable[..., Awaitable[Hired]]


@pytest.fixture
def hire(db: Database, settings: Settings) -> Hire:
    """Make a member of staff, of a new organisation of their own unless one is named."""

    async def hire_one(*roles: Role, organisation: str | None = None) -> Hired:
        code = organisation or f"org-{uuid4().hex[:8]}"
        login = f"s{uuid4().hex[:10]}"
        async with db.transaction() as session:
            if organisation is None:
                await organisations.create_organisation(
                    session, code=code, name_zh="机构", name_en="Organisation", roles=roles
                )
            new = await staff.create_staff(
                session, settings.keys, organisation_code=code, login=login, password=PASSWORD, roles=roles
            )
        parsed = pyotp.parse_uri(new.totp_uri)
        assert isinstance(parsed, pyotp.TOTP)
        return Hired(new.staff.id, login, parsed)

    return hire_one
