"""A citizen's receipt over HTTP: before and after the issuance, and nobody else's."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from backend.certification import proofs
from backend.identity import tokens
from backend.identity.tokens import Audience
from tests.certification.conftest import Town, rides_of, town
from tests.mobile_api.conftest import Citizen

__all__ = ["town"]


@pytest.fixture
async def rider(town: Town) -> dict[str, str]:
    """The headers of the town's rider."""
    async with town.db.transaction() as session:
        pair = await tokens.start_session(session, town.settings, Audience.CITIZEN, subject=town.rider)
    return {"Authorization": f"Bearer {pair.access_token}"}


async def test_my_receipt_leads_from_the_ride_to_its_serial_number(
    town: Town, client: httpx.AsyncClient, rider: dict[str, str]
) -> None:
    await town.ride("2026-01", rides_of(1_000_000))
    (act, *_) = (await client.get("/acts?limit=1", headers=rider)).json()["items"]

    async def asked() -> Any:
        return await client.get(f"/acts/{act['id']}/receipt", headers=rider)

    assert (await asked()).json()["code"] == "certification.not_frozen_yet"
    batch = await town.close("2026-01")
    assert (await asked()).json()["code"] == "certification.head_not_signed"
    await town.seal()
    early = (await asked()).json()
    assert (early["stage"], early["steps"], early["counted_g"]) == ("frozen", [], act["reduction_g"])
    await town.verify(batch)
    await town.issue(batch)
    await town.seal()
    told = (await asked()).json()
    assert (told["stage"], told["reduced_because"]) == ("issued", None)
    (step,) = told["steps"]
    assert (step["book"], step["first_serial"], step["last_serial"], step["carried_on_g"]) == (
        "phcer",
        1,
        1,
        0,
    )
    assert step["first_printed"] == "PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000001"
    proof = proofs.read(json.dumps(told["proof"], ensure_ascii=False).encode())
    assert proofs.verify(proof).proven
    assert str(town.rider) not in str(told)


async def test_another_citizens_act_is_unknown(
    client: httpx.AsyncClient, rider: dict[str, str], alice: Citizen
) -> None:
    (act, *_) = (await client.get("/acts?limit=1", headers=rider)).json()["items"]
    answer = await alice.get(f"/acts/{act['id']}/receipt")
    assert (answer.status_code, answer.json()["code"]) == (404, "intake.act_unknown")
