"""A compliance year over HTTP, each step by the role that does it, from opening accounts to the closed year."""

from __future__ import annotations

from typing import Any

import httpx

from backend.identity.organisations import Role
from backend.kit import clock
from tests.offset_bridge.conftest import SignIn
from tests.offset_bridge.stage import CCER_FACTS, MARKET, Stage
from tests.operator_api.conftest import Person


async def agreed(first: Person, second: Person, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Proposed by one, approved by the other; what came of it."""
    proposed = await first.post(f"/proposals/{kind}", body)
    assert proposed.status_code == 201, proposed.text
    act = proposed.json()
    assert act in (await second.get("/proposals")).json()
    shown = {"subject_sha256": act["subject_sha256"]}
    alone = await first.post(f"/proposals/{act['id']}/approval", shown)
    assert alone.json()["code"] == "identity.act_needs_second_person"
    done = await second.post(f"/proposals/{act['id']}/approval", shown)
    assert done.status_code == 200, done.text
    found: dict[str, Any] = done.json()
    return found


async def enterprise(first: Person, signed_in: SignIn, *, regulated: bool = True) -> tuple[str, Person]:
    person = await signed_in(Role.ENTERPRISE)
    me = (await person.get("/me")).json()
    body = {
        "market": MARKET,
        "organisation": me["organisation_code"],
        "region": "CN-GD-GZ",
        "regulated": regulated,
    }
    made = await first.post("/accounts", body)
    assert made.status_code == 201, made.text
    again = await first.post("/accounts", body)
    assert again.json()["code"] == "registry.account_exists"
    return me["organisation_code"], person


async def test_a_year_from_the_accounts_to_the_close(stage: Stage, signed_in: SignIn) -> None:
    first, second = await signed_in(Role.AUTHORITY), await signed_in(Role.AUTHORITY)
    code, plant = await enterprise(first, signed_in)
    rival, other = await enterprise(first, signed_in)
    year, today = stage.year, clock.today().isoformat()
    figures = {"issued_t": 950, "initial_t": 950, "confirmed_emissions_t": 1000, "obligation_t": 1000}
    named = {"market": MARKET, "compliance_year": year}
    fixed = await agreed(
        first, second, "obligation", {**named, "organisation": code, **figures, "reason": "verified"}
    )
    assert (fixed["obligation"]["revision"], fixed["recount"]) == (1, None)
    rules = {
        **named,
        "edition": "handbook",
        "pools": {"p": 1_000_000},
        "apply_by": today,
        "surrender_by": today,
    }
    assert (await agreed(first, second, "rules", rules))["rules"]["edition"] == "handbook"
    allotted = await agreed(
        first, second, "allocation", {**named, "allotments": [{"organisation": code, "quantity_t": 950}]}
    )
    (allowances,) = allotted["units"]
    assert (allowances["book"], allowances["quantity_t"]) == (f"guangdong-gdea-{year}", 950)
    registered = await agreed(
        first,
        second,
        "registration",
        {
            "market": MARKET,
            "organisation": code,
            "quantity_t": 120,
            "facts": CCER_FACTS,
            "outer_reference": "CCER-1",
        },
    )
    assert registered["units"][0]["facts"]["project_type"] == "forestry"

    seen = (await plant.get("/offsets", params={"compliance_year": year})).json()
    assert (seen["cap_t"], seen["usable_t"], seen["open_t"]) == (100, 100, 1000)
    assert seen["lines"][0]["reasons"][0]["code"] == "cap"
    assert (await other.get("/offsets", params={"compliance_year": year, "organisation": code})).json()[
        "code"
    ] == "registry.account_unknown"
    same = await first.get("/offsets", params={"compliance_year": year, "organisation": code})
    assert same.json() == seen

    lots = [
        {"book": "guangdong-ccer", "quantity_t": 120},
        {"book": f"guangdong-gdea-{year}", "quantity_t": 950},
    ]
    refused = await plant.post("/pledges", {"compliance_year": year, "lots": lots})
    assert (refused.status_code, refused.json()["pledge_id"]) == (200, None)
    asked = {"compliance_year": year, "lots": lots, "accept_partial": True}
    pledged = await plant.post("/pledges", asked)
    assert (pledged.status_code, pledged.json()["pledged_t"]) == (201, 1000)
    cut = {line["unit"]: (line["refused_t"], line["reasons"]) for line in pledged.json()["lines"]}
    assert cut["CCER"][0] == 20
    assert {"code", "message_zh", "message_en", "source"} == set(cut["CCER"][1][0])
    assert [reason["code"] for reason in cut["GDEA"][1]] == ["obligation"]
    pledge_id = pledged.json()["pledge_id"]
    assert (await other.get(f"/pledges/{pledge_id}")).status_code == 404
    assert (await other.post(f"/pledges/{pledge_id}/release")).status_code == 404
    assert (await first.get(f"/pledges/{pledge_id}")).json()["offset_t"] == 100
    assert [one["id"] for one in (await plant.get("/pledges")).json()["items"]] == [pledge_id]
    assert (await other.get("/pledges")).json()["items"] == []

    cancelled = await plant.post(
        "/cancellations", {"book": "guangdong-ccer", "quantity_t": 5, "purpose": "a carbon neutral meeting"}
    )
    assert cancelled.json()["quantity_t"] == 5
    closed = await agreed(first, second, "close", named)
    assert [
        (one["organisation"], one["offset_t"], one["allowance_t"], one["shortfall_t"])
        for one in closed["surrenders"]
    ] == [(code, 100, 900, 0)]
    late = await plant.post(f"/pledges/{pledge_id}/release")
    assert late.json()["code"] == "registry.year_closed"
    assert len((await plant.get("/surrenders")).json()) == 1
    assert (await other.get("/surrenders")).json() == []
    held = {one["book"]: one["quantity_t"] for one in (await plant.get("/holdings")).json()}
    assert held == {"guangdong-ccer": 15, f"guangdong-gdea-{year}": 50}
    assert rival != code


async def test_staff_of_the_authority_cannot_act_for_an_enterprise(stage: Stage, signed_in: SignIn) -> None:
    first = await signed_in(Role.AUTHORITY)
    code, _ = await enterprise(first, signed_in)
    lots = [{"book": "guangdong-ccer", "quantity_t": 1}]
    for path, body in (
        ("/pledges", {"compliance_year": stage.year, "lots": lots}),
        ("/cancellations", {"book": "guangdong-ccer", "quantity_t": 1, "purpose": "x"}),
    ):
        assert (await first.post(path, body)).json()["code"] == "kit.forbidden"
    office = (await first.get("/me")).json()["organisation_code"]
    own = {"market": MARKET, "organisation": office, "region": "CN-GD", "regulated": False}
    assert (await first.post("/accounts", own)).json()["code"] == "registry.account_not_fitting"
    body = {"market": MARKET, "organisation": code, "region": "CN-GD", "regulated": False}
    plant = await signed_in(Role.ENTERPRISE)
    assert (await plant.post("/accounts", body)).json()["code"] == "kit.forbidden"


async def test_money_comes_and_goes_as_the_authority_records_it(
    stage: Stage, signed_in: SignIn, at_market: httpx.AsyncClient
) -> None:
    assert stage.year
    first = await signed_in(Role.AUTHORITY)
    code, plant = await enterprise(first, signed_in)
    plant.client = first.client = at_market
    paid = {"market": MARKET, "organisation": code, "amount_fen": 500, "reference": "transfer 1"}
    assert (await plant.post("/deposits", paid)).json()["code"] == "kit.forbidden"
    assert (await first.post("/deposits", paid)).status_code == 201
    assert (await plant.get("/cash")).json() == [{"market": MARKET, "balance_fen": 500}]
    too_much = await first.post("/withdrawals", paid | {"amount_fen": 501})
    assert too_much.json()["code"] == "ledger.insufficient_balance"
    assert (await first.post("/withdrawals", paid | {"amount_fen": 200})).status_code == 201
    assert (await plant.get("/cash")).json()[0]["balance_fen"] == 300
    listed = (await first.get("/cash-records")).json()["items"]
    assert [(one["direction"], one["amount_fen"]) for one in listed] == [
        ("withdrawn", 200),
        ("deposited", 500),
    ]
