"""A whole batch over HTTP: the operator closes and certifies, the body verifies, the authority issues."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.identity.organisations import Role
from backend.kit.db import Database
from tests.certification.conftest import BIKE, PROJECT, Town, rides_of
from tests.identity.conftest import Hire
from tests.operator_api.conftest import Person, sign_in

PERIOD = {
    "project": PROJECT,
    "methodology": BIKE,
    "first_month": "2026-01",
    "last_month": "2026-01",
    "benefit_split": "notice 2026-1",
    "benefit_split_published_on": "2026-01-05",
}


@pytest.fixture
async def people(
    hire: Hire, client: httpx.AsyncClient, staff_client: httpx.AsyncClient, town: Town
) -> dict[str, Person]:
    """Two of the operator, one of each of two verification bodies, two of the authority, one of another operator."""
    del town
    found = {}
    for name, organisation, role in (
        ("anna", "gd-operator", Role.OPERATOR),
        ("boris", "gd-operator", Role.OPERATOR),
        ("olga", "other-operator", Role.OPERATOR),
        ("vera", "verifier", Role.VERIFICATION_BODY),
        ("xenia", "other-verifier", Role.VERIFICATION_BODY),
        ("first", "authority", Role.AUTHORITY),
        ("second", "authority", Role.AUTHORITY),
    ):
        hired = await hire(role, organisation=organisation)
        by = client if role is Role.VERIFICATION_BODY else staff_client
        found[name] = Person(hired, (await sign_in(by, hired)).json(), by)
    return found


def told(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_batch_goes_all_its_way_over_http(  # noqa: PLR0915 - it is one way
    town: Town, people: dict[str, Person]
) -> None:
    await town.ride("2026-01", rides_of(1_008_000))
    pools = told(await people["anna"].get(f"/certification/pools?project={PROJECT}"))
    assert pools == [
        {
            "project": PROJECT,
            "methodology": BIKE,
            "vintage_year": 2026,
            "demo": False,
            "month": "2026-01",
            "pooled_g": 1_008_000,
        }
    ]
    assert (await people["olga"].get(f"/certification/pools?project={PROJECT}")).status_code == 404
    refused = await people["olga"].post("/certification/batches", PERIOD)
    assert refused.status_code == 403
    key = str(uuid4())
    batch = told(await people["anna"].post("/certification/batches", PERIOD, key=key), 201)
    assert told(await people["anna"].post("/certification/batches", PERIOD, key=key), 201) == batch
    at, verifying = f"/certification/batches/{batch['id']}", f"/batches/{batch['id']}"
    assert (batch["stage"], batch["frozen_g"], batch["acts"]) == ("frozen", 1_008_000, 252)
    assert (await people["olga"].get(at)).status_code == 404

    report = told(await people["boris"].get(f"{at}/report"))
    assert report["document"]["by_evidence"] == [
        {"evidence": "operator_feed", "acts": 252, "grams": 1_008_000}
    ]
    act = told(await people["anna"].post(f"{at}/report/proposals"), 201)
    assert act["subject_sha256"] == report["sha256"]
    shown = {"subject_sha256": act["subject_sha256"]}
    same = await people["anna"].post(f"{at}/report/proposals/{act['id']}/approval", shown)
    assert same.json()["code"] == "identity.act_needs_second_person"
    told(await people["boris"].post(f"{at}/report/proposals/{act['id']}/approval", shown))

    assert (await people["vera"].get(verifying)).status_code == 404
    told(await people["first"].post(f"{at}/assignments", {"verification_body": "verifier"}), 201)
    assert told(await people["vera"].get("/batches"))["items"][0]["id"] == batch["id"]
    for path in ("", "/report", "/samples", "/acts/0", "/findings", "/statements", "/projection"):
        assert (await people["xenia"].get(verifying + path)).status_code == 404, path
    assert (await people["xenia"].post(f"{verifying}/samples", {"draws": 3})).status_code == 404
    assert told(await people["vera"].get(f"{verifying}/report")) == report

    sample = told(await people["vera"].post(f"{verifying}/samples", {"draws": 20}), 201)
    position = sample["draws"][0]["position"]
    evidence = told(await people["vera"].get(f"{verifying}/acts/{position}"))
    assert evidence["agrees"]
    assert evidence["facts"]["inputs"]["distance_m"] == 82_136
    assert str(town.rider) not in str(evidence)
    finding = {"position": position, "keeps_g": 1_000, "reason": "overstated", "remark": "骑行记录更短"}
    told(await people["vera"].post(f"{verifying}/findings", finding), 201)
    projection = told(await people["vera"].get(f"{verifying}/projection"))
    assert projection["rejected_g"] == 3_000
    stated = {
        "deduction_g": 2_000,
        "deduction_basis": "mean of the sample",
        "assurance": "reasonable",
        "materiality_percent": "5",
    }
    statement = told(await people["vera"].post(f"{verifying}/statements", stated), 201)
    assert statement["certified_g"] == 1_003_000

    proposal = told(await people["first"].post(f"{at}/issuance/proposals"), 201)
    assert proposal["body"]["quantity_t"] == 1
    shown = {"subject_sha256": proposal["subject_sha256"]}
    approval = f"{at}/issuance/proposals/{proposal['id']}/approval"
    assert (await people["anna"].post(approval, shown)).status_code == 403
    assert (await people["first"].post(approval, shown)).json()["code"] == "identity.act_needs_second_person"
    issued = told(await people["second"].post(approval, shown), 201)
    assert (issued["quantity_t"], issued["carry_out_g"]) == (1, 3_000)
    assert issued["first_printed"] == "PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000001"
    assert told(await people["boris"].get(f"{at}/issuance")) == issued
    again = await people["vera"].post(f"{verifying}/statements", stated)
    assert again.json()["code"] == "certification.issued_already"


async def test_what_is_no_position_or_quantity_is_refused(
    town: Town, people: dict[str, Person], db: Database
) -> None:
    del town, db
    (batch,) = told(await people["vera"].get("/batches"))["items"]
    at = f"/batches/{batch['id']}"
    assert (await people["vera"].get(f"{at}/acts/252")).status_code == 404
    assert (await people["vera"].get(f"{at}/acts/-1")).status_code == 422
    assert (await people["vera"].get(f"{at}/acts/99999999999999")).status_code == 422
    for draws in (0, 2001, "3", True):
        assert (await people["vera"].post(f"{at}/samples", {"draws": draws})).status_code == 422
