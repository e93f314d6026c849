"""Where one act's grams went, told to its holder: the pool, the batch, the serial number, and who used it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend import log
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


async def _logged(town: Town, kind: str, **body: Any) -> None:
    async with town.db.transaction() as session:
        await log.append(session, kind=kind, body=body)


async def test_my_grams_are_followed_from_the_pool_to_the_enterprise_that_surrendered_them(
    town: Town, client: httpx.AsyncClient, rider: dict[str, str]
) -> None:
    await town.ride("2026-01", rides_of(1_000_000))
    (act, *_) = (await client.get("/acts?limit=1", headers=rider)).json()["items"]

    async def asked() -> dict[str, Any]:
        answer = await client.get(f"/acts/{act['id']}/journey", headers=rider | {"Accept-Language": "en"})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    told = await asked()
    assert (told["stage"], told["steps"], told["counted_g"]) == ("pooled", [], None)
    batch = await town.close("2026-01")
    assert (await asked())["stage"] == "batched"  # no head of the log vouches for the batch yet
    await town.seal()
    told = await asked()
    assert (told["stage"], told["counted_g"]) == ("batched", act["reduction_g"])
    assert [(step["kind"], step["tonnes"]) for step in told["steps"]] == [("batch.frozen", [])]
    await town.verify(batch)
    await town.issue(batch)
    await town.seal()
    told = await asked()
    (step,) = told["steps"]
    (tonne,) = step["tonnes"]
    assert (told["stage"], tonne["first_serial"], tonne["status"]) == ("issued", "PHCER-000000001", "held")

    await _logged(
        town, "credit.transferred", transfer="t1", book="phcer", serials=[[1, 2]], to="steelworks",
        price_fen=5000, **{"from": "gd-operator"},
    )  # fmt: skip
    names = {"bridge": "b1", "from_book": "phcer", "to_book": "guangdong-phcer", "market": "guangdong"}
    for moved in ("locked", "deposited", "confirmed"):
        await _logged(town, f"bridge.{moved}", **names, owner="steelworks", serials=[[1, 2]])
    lots = [{"book": "guangdong-phcer", "unit": "PHCER", "serials": [[1, 2]]}]
    used = {"market": "guangdong", "compliance_year": 2026, "entity": "steelworks", "lots": lots}
    await _logged(town, "unit.pledged", **used)
    await _logged(
        town, "unit.surrendered", **used, edition="handbook", returned=[], pack_sha256="00" * 32, cap_t=9, offset_t=1
    )  # fmt: skip
    told = await asked()
    (tonne,) = told["steps"][0]["tonnes"]
    assert told["stage"] == "surrendered"
    assert (tonne["holder"], tonne["compliance_year"]) == ("steelworks", 2026)
    assert told["text"] == "The grams were surrendered by an enterprise."
    assert str(town.rider) not in str(told)


async def test_the_journey_of_another_citizens_act_is_unknown(
    client: httpx.AsyncClient, rider: dict[str, str], alice: Citizen
) -> None:
    (act, *_) = (await client.get("/acts?limit=1", headers=rider)).json()["items"]
    answer = await alice.get(f"/acts/{act['id']}/journey")
    assert (answer.status_code, answer.json()["code"]) == (404, "intake.act_unknown")
