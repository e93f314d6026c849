"""November: the compliance registry opens, credits cross the bridge, two enterprises buy them, pledge and surrender."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import offset_bridge.bridge.tasks  # noqa: F401 - what the outbox owes for a transfer is done by its handlers
from backend.identity import Role
from backend.kit import clock
from puhui.demo.stage import (
    CLOSING,
    COMPLIANCE_YEAR,
    MARKET,
    OPERATOR,
    PLEDGING,
    REGION,
    REGISTRY_OPENS,
    Stage,
    Step,
)

STEEL, CEMENT = "demo-steel", "demo-cement"
ENTERPRISES = {
    STEEL: ("演示钢铁（虚构）", "Demo steel works (fictional)"),
    CEMENT: ("演示水泥（虚构）", "Demo cement works (fictional)"),
}
AUTHORITY = ("authority-1", "authority-2")
PROPOSALS = "/registry/v1/proposals"
CREDITS = f"{MARKET}-phcer"
PRICE_FEN = 4_000  # a tonne; the demo's own figure
_EMISSIONS = {STEEL: 30_000, CEMENT: 18_000}
_ALLOWANCES = {STEEL: 28_500, CEMENT: 17_998}
_BOUGHT = {STEEL: 5, CEMENT: 2}
_FROM_ALLOWANCES = {STEEL: 27_000, CEMENT: 17_998}
# What the national registry holds for the steel works: usable, beyond the local share, of an excluded type, beyond the cap.
# All of it is younger than the credits that were bought, which are therefore used before it.
_CCER = (
    (2_000, "forestry", "CN-GD"),
    (1_200, "wind", "CN-NM"),
    (400, "hydro", "CN-YN"),
    (300, "biogas", "CN-GD"),
)


async def complying(stage: Stage, step: Step) -> None:
    """From an empty registry to a closed year."""
    step("履约登记簿与桥", "the compliance registry and the bridge")
    with clock.travel(REGISTRY_OPENS):
        await _sign_in(stage)
        await _open_registry(stage)
        await _allot(stage)
        await _cross(stage)
    step("协议转让与质押", "agreed sales and pledges")
    with clock.travel(PLEDGING):
        await _sign_in(stage)
        for buyer in (STEEL, CEMENT):
            await _buy(stage, buyer)
        for entity in (STEEL, CEMENT):
            await _pledge(stage, entity)
    step("清缴", "the year is closed, units are surrendered")
    with clock.travel(CLOSING):
        await _sign_in(stage)
        closed = await _decide(stage, "close", {"market": MARKET, "compliance_year": COMPLIANCE_YEAR})
        stage.told.compliance.surrenders = closed["surrenders"]


async def _sign_in(stage: Stage) -> None:
    for login in (*AUTHORITY, "operator-1", f"{STEEL}-desk", f"{CEMENT}-desk"):
        if login in stage.staff:
            await stage.sign_in(login)


async def _decide(stage: Stage, what: str, body: dict[str, Any]) -> Any:
    """Two people of the authority."""
    return await stage.agree(AUTHORITY, f"{PROPOSALS}/{what}", PROPOSALS + "/{act}/approval", body)


async def _open_registry(stage: Stage) -> None:
    """The registry is live, the operator and two enterprises have accounts, the year has its rules."""
    told = stage.told.compliance
    await _decide(stage, "mode", {"market": MARKET, "mode": "live"})
    for code, names in ENTERPRISES.items():
        await stage.admit_organisation(AUTHORITY, code, names, Role.ENTERPRISE)
        await stage.admit_staff(AUTHORITY, code, f"{code}-desk", Role.ENTERPRISE)
    for code in (OPERATOR, *ENTERPRISES):
        account = {"market": MARKET, "organisation": code, "region": REGION, "regulated": code in ENTERPRISES}
        told.accounts.append(await stage.callers["authority-1"].ask("POST", "/registry/v1/accounts", account))
    rules = {
        "market": MARKET,
        "compliance_year": COMPLIANCE_YEAR,
        "edition": "handbook",
        "parameters": {"gd_local_includes_sz": False},
        "apply_by": (PLEDGING + timedelta(days=1)).date().isoformat(),
        "surrender_by": CLOSING.date().isoformat(),
    }
    told.rules = (await _decide(stage, "rules", rules))["rules"]


async def _allot(stage: Stage) -> None:
    """The year's figures, allowances, and what the national registry holds."""
    year = {"market": MARKET, "compliance_year": COMPLIANCE_YEAR}
    for code in ENTERPRISES:
        figures = {
            **year,
            "organisation": code,
            "issued_t": _ALLOWANCES[code],
            "initial_t": _ALLOWANCES[code],
            "confirmed_emissions_t": _EMISSIONS[code],
            "obligation_t": _EMISSIONS[code],
            "reason": "演示数值 figures of the demonstration",
        }
        fixed = await _decide(stage, "obligation", figures)
        stage.told.compliance.obligations.append(fixed["obligation"])
    allotments = [{"organisation": code, "quantity_t": _ALLOWANCES[code]} for code in ENTERPRISES]
    await _decide(stage, "allocation", {**year, "allotments": allotments})
    for quantity, sort, region in _CCER:
        facts = {
            "project_id": f"demo-{sort}",
            "project_type": sort,
            "project_region": region,
            "gases": {"CO2": "1"},
            "vintage_start": "2026-07-01",
            "vintage_end": "2026-09-30",
            "filed": True,
        }
        await _decide(
            stage,
            "registration",
            {
                "market": MARKET,
                "organisation": STEEL,
                "quantity_t": quantity,
                "facts": facts,
                "outer_reference": f"虚构 fictional {sort}",
            },
        )


async def _cross(stage: Stage) -> None:
    """All filed credits cross; a demonstration's are refused by a live registry."""
    operator, told = stage.callers["operator-1"], stage.told.compliance
    quantity = sum(
        one.issuance["quantity_t"] for one in stage.told.certified if one.issuance["book"] == "phcer"
    )
    path = "/registry/v1/bridge-transfers"
    crossing = await operator.ask("POST", path, {"book": "phcer", "market": MARKET, "quantity_t": quantity})
    await stage.deliver_promises()
    told.bridge = await operator.ask("GET", f"{path}/{crossing['id']}")
    refused = await operator.ask(
        "POST", path, {"book": "phcer-demo", "market": MARKET, "quantity_t": 1}, expect=409
    )
    told.demo_refusal = refused["code"]


async def _buy(stage: Stage, buyer: str) -> None:
    """The operator offers, the enterprise accepts once its money has arrived: units and money at once."""
    told, price = stage.told.compliance, _BOUGHT[buyer] * PRICE_FEN
    offer = {
        "book": CREDITS,
        "quantity_t": _BOUGHT[buyer],
        "buyer": buyer,
        "price_fen": price,
        "expires_at": (clock.now() + timedelta(days=2)).isoformat(),
    }
    sale = await stage.callers["operator-1"].ask("POST", "/market/v1/sales", offer)
    acceptance = f"/market/v1/sales/{sale['id']}/acceptance"
    desk = stage.callers[f"{buyer}-desk"]
    await desk.ask("POST", acceptance, expect=409)  # no money yet
    payment = {
        "market": MARKET,
        "organisation": buyer,
        "amount_fen": price + 5_000,
        "reference": f"虚构转账 fictional transfer {buyer}",
    }
    await stage.callers["authority-1"].ask("POST", "/market/v1/deposits", payment)
    told.deposited += price + 5_000
    told.sales.append(await desk.ask("POST", acceptance))
    for login, owner in ((f"{buyer}-desk", buyer), ("operator-1", OPERATOR)):
        for one in await stage.callers[login].ask("GET", "/market/v1/cash"):
            told.cash[owner] = one["balance_fen"]


async def _pledge(stage: Stage, entity: str) -> None:
    """Allowances and credits for the year; what may not be used stays, each tonne with its reason."""
    lots = [
        {"book": f"{MARKET}-gdea-{COMPLIANCE_YEAR}", "quantity_t": _FROM_ALLOWANCES[entity]},
        {"book": CREDITS, "quantity_t": _BOUGHT[entity]},
    ]
    if entity == STEEL:
        lots.append({"book": f"{MARKET}-ccer", "quantity_t": sum(quantity for quantity, *_ in _CCER)})
    asked = {"compliance_year": COMPLIANCE_YEAR, "lots": lots, "accept_partial": True}
    stage.told.compliance.pledges[entity] = await stage.callers[f"{entity}-desk"].ask(
        "POST", "/registry/v1/pledges", asked
    )
