"""The city's teahouse, its shop and a till there, suspended by the operator and let go on, and what breaks the invariant of that.
Also a clerk and a key of the shop's own software.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from backend.kit.db import Database
from backend.kit.keys import Keys
from merchant import suspension, tills
from tests import contracts

OTHER = "gen_random_uuid()"

CASES: dict[str, list[tuple[str, ...]]] = {
    "merchants.suspended": [
        (f"UPDATE suspension SET merchant_id = {OTHER} WHERE kind = 'shop'",),
        (f"UPDATE suspension SET subject_id = {OTHER} WHERE kind = 'shop'",),
        ("DELETE FROM suspension WHERE number = 1",),
        ("UPDATE suspension SET stepped_at = stepped_at - interval '1 year' WHERE number = 2",),
        ("UPDATE suspension SET stepped_by = (SELECT id FROM staff WHERE login = 'till') WHERE number = 1",),
        (f"UPDATE suspension SET stepped_by = {OTHER} WHERE number = 2",),
        (
            """UPDATE suspension s SET stepped_by = b.stepped_by FROM suspension b
               WHERE s.number = 2 AND b.subject_id = s.subject_id AND b.number = 1""",
        ),
        ("UPDATE suspension SET stepped_at = stepped_at - interval '1 year' WHERE number = 1",),
    ],
}


async def build(db: Database, keys: Keys) -> None:
    """Each is suspended by one person of the operator, and let go on by another."""
    first, second = await contracts.operators(db, keys)
    async with db.transaction() as session:
        found = await session.execute(
            text("""
                SELECT w.id, w.organisation_id, s.id FROM staff w JOIN shop s ON s.merchant_id = w.organisation_id
                WHERE w.login = 'till'
            """)
        )
        manager, merchant, shop = found.one()
    till = await _stand(db, keys, {"merchant_id": merchant, "shop_id": shop, "made_by": manager})
    for kind, subject in (("merchant", merchant), ("shop", shop), ("till", till)):
        async with db.transaction() as session:
            await suspension.suspend(
                session, kind=suspension.Kind(kind), subject_id=subject, reason="checked", by=first
            )
        async with db.transaction() as session:
            await suspension.resume(session, subject_id=subject, reason="nothing found", by=second)


async def _stand(db: Database, keys: Keys, of_it: dict[str, Any]) -> UUID:
    key = Ed25519PrivateKey.generate()
    async with db.transaction() as session:
        await tills.add_clerk(session, **of_it, label="01", pin="592781")
        await tills.make_key(session, keys, **of_it, label="own", sandbox=False, scopes=["read"])
        code, _ = await tills.invite_till(session, keys, **of_it, label="till 1")
        till = await tills.enrol(
            session, keys, code=code, signature=key.sign(b"puhui-till:" + code.encode()),
            public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        )  # fmt: skip
    return till.id
