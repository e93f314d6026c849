"""A compliance year with everything in it: rows of every table of the registry, of pledges and of money."""

from __future__ import annotations

import pyotp

from backend.identity import Role, organisations, staff
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from offset_bridge.registry import Mode
from tests.identity.conftest import PASSWORD, Hired
from tests.offset_bridge.stage import Stage, lived_through


async def build(db: Database, settings: Settings) -> None:
    """Live through a year in a live registry."""

    async def hire(*roles: Role, organisation: str | None = None) -> Hired:
        name = ids.uuid7().hex[-12:]
        async with db.transaction() as session:
            if organisation is None:
                await organisations.create_organisation(
                    session, code=f"org-{name}", name_zh="机构", name_en="Organisation", roles=roles
                )
            made = await staff.create_staff(
                session, settings.keys, organisation_code=organisation or f"org-{name}", login=f"s{name}",
                password=PASSWORD, roles=roles,
            )  # fmt: skip
        authenticator = pyotp.parse_uri(made.totp_uri)
        assert isinstance(authenticator, pyotp.TOTP)
        return Hired(made.staff.id, f"s{name}", authenticator)

    stage = Stage(db, hire)
    await stage.open(Mode.LIVE)
    await lived_through(stage)
