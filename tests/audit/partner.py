"""A partner with three keys in a row, one of its sandbox, a revocation and two quotas, for the audit to read."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.identity import Role, organisations, partners, staff
from backend.identity.partners import Quota
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.partner_api.conftest import register


async def build(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        metro = await organisations.create_organisation(
            session, code="metro", name_zh="地铁", name_en="Metro", roles=[Role.PARTNER]
        )
        first, second = [
            (
                await staff.create_staff(
                    session,
                    settings.keys,
                    organisation_code="metro",
                    login=login,
                    password="correct horse battery",
                    roles=[Role.PARTNER],
                )
            ).staff.id
            for login in ("metro-first", "metro-second")
        ]
    for seed, sandbox, days in ((11, False, 0), (12, True, 0), (13, False, 0), (14, False, 8)):
        await register(
            db,
            first,
            second,
            sandbox=sandbox,
            key=Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32),
            valid_from=clock.now() + timedelta(days=days),
        )
    async with db.transaction() as session:
        last = (await partners.keys_of(session, organisation_id=metro.id))[0]
        await partners.revoke_key(session, key_id=last.id, revoked_by=first, reason="lost")
        for events in (5_000, 10_000):
            await partners.set_quota(
                session,
                organisation_id=metro.id,
                quota=Quota(events_per_day=events, requests_per_minute=60),
                reason="agreed",
                set_by=first,
            )
