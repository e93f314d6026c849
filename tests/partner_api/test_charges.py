"""Partners report small charges, by which the holder of an account proves that it is theirs."""

from __future__ import annotations

from uuid import uuid4

import httpx

from backend.identity import means, people
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.partner_api.conftest import NewPartner


async def test_a_charge_that_its_operator_reported_links_the_account_of_that_operator(
    client: httpx.AsyncClient, new_partner: NewPartner, db: Database, settings: Settings
) -> None:
    metro, number = await new_partner(), f"C-{uuid4().hex[:8]}"
    body = {"kind": "charging_account", "number": number, "amount_fen": 321}
    headers = {"idempotency-key": str(uuid4())}
    made = await client.post("/means/charges", json=body, headers=headers, auth=metro.live)
    assert made.status_code == 201, made.text
    assert set(made.json()) == {"charge_id", "expires_at"}
    again = await client.post("/means/charges", json=body, headers=headers, auth=metro.live)
    assert again.json() == made.json()
    for wrong in ({"amount_fen": 0}, {"amount_fen": 1000}, {"kind": "nothing"}):
        refused = await client.post(
            "/means/charges", json=body | wrong, headers={"idempotency-key": str(uuid4())}, auth=metro.live
        )
        assert refused.status_code == 422
    sandbox = await client.post(
        "/means/charges", json=body, headers={"idempotency-key": str(uuid4())}, auth=metro.sandbox
    )
    assert (sandbox.status_code, sandbox.json()["code"]) == (403, "identity.sandbox_key")
    async with db.transaction() as session:
        who = await people.citizen_without_phone(session, settings.keys)
        linked = await means.link_by_charge(
            session,
            settings.keys,
            participant_id=who,
            kind="charging_account",
            operator=metro.code,
            number=number,
            amount_fen=321,
        )
    assert (linked.proof, linked.operator) == (means.Proof.SMALL_CHARGE, metro.code)
