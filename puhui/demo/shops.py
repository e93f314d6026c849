"""1 November, noon: three shops take points. A code is captured once, goods come back, a code lapses, stock runs out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backend.identity import Role
from backend.kit import clock
from merchant import redemption
from puhui.demo.people import Caller, Phone
from puhui.demo.stage import PHONES, PROGRAMME, SHOPPING, Redeemed, Stage, Step

SHOPS = {
    "demo-teahouse": ("榕荫茶馆（虚构）", "Banyan tea house (fictional)"),
    "demo-bakery": ("晨光面包（虚构）", "Morning bakery (fictional)"),
    "demo-bookshop": ("街角书店（虚构）", "Corner bookshop (fictional)"),
}
OFFERS = {
    "demo-teahouse": {"title_zh": "一壶茶", "title_en": "a pot of tea", "price_points": 300, "items": 20},
    "demo-bakery": {"title_zh": "一条面包", "title_en": "a loaf of bread", "price_points": 200},
    "demo-bookshop": {
        "title_zh": "手作书签",
        "title_en": "a handmade bookmark",
        "price_points": 150,
        "items": 1,
    },
}
CONTRACT = {  # figures of the demonstration: nobody pays anybody
    "fen_per_point": "1",
    "terms": [{"id": "standard", "funding": [{"funder": "programme", "share": "1"}]}],
    "valid_from": "2026-01-01",
    "period": "weekly",
}
_LAPSE = timedelta(minutes=2)  # a code is good for one


async def shopping(stage: Stage, step: Step) -> None:
    """Shops come in, offer, and take points at their tills."""
    step("三家商户与兑换", "three shops take points")
    with clock.travel(SHOPPING):
        for login in ("operator-1", "operator-2"):
            await stage.sign_in(login)
        offers = {code: await _open(stage, code) for code in SHOPS}
        citizens = {
            name: (await Phone(number).sign_in(stage.client, stage.phones))[0]
            for name, number in PHONES.items()
        }
        await _tea(stage, citizens["甲"], offers)
        await _bread_comes_back(stage, citizens["甲"], offers)
        await _the_last_bookmark(stage, citizens, offers)
        held = await _redeem(citizens["丙"], offers["demo-teahouse"])
    with clock.travel(SHOPPING + _LAPSE):
        await _too_late(stage, held)
        for code in SHOPS:
            till = stage.callers[f"{code}-till"]
            for owed in await till.ask("GET", "/merchant/v1/payable"):
                stage.told.payable[code] = owed["payable_points"]
            stage.told.offers.append(await till.ask("GET", f"/merchant/v1/offers/{offers[code]['id']}"))


async def _open(stage: Stage, code: str) -> dict[str, Any]:
    by = ("operator-1", "operator-2")
    await stage.admit_organisation(by, code, SHOPS[code], Role.MERCHANT)
    till = f"{code}-till"
    await stage.admit_staff(by, code, till, Role.MERCHANT)
    path = f"/operator/v1/programmes/{PROGRAMME}/contracts/proposals"
    await stage.agree(by, path, path + "/{act}/approval", {"merchant": code, **CONTRACT})
    offer = {"programme": PROGRAMME, **OFFERS[code]}
    made: dict[str, Any] = await stage.callers[till].ask("POST", "/merchant/v1/offers", offer)
    await stage.callers[till].ask("POST", f"/merchant/v1/offers/{made['id']}/submission")
    review = f"/operator/v1/programmes/{PROGRAMME}/offers/{made['id']}/publication"
    published: dict[str, Any] = await stage.callers[by[0]].ask("POST", review)
    return published


async def _redeem(citizen: Caller, offer: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = await citizen.ask("POST", "/mobile/v1/redemptions", {"offer_id": offer["id"]})
    return told


async def _scan(stage: Stage, shop: str, held: dict[str, Any]) -> Any:
    till = stage.callers[f"{shop}-till"]
    return await till.ask("POST", "/merchant/v1/scans", {"code": held["code"]})


def _tell(stage: Stage, citizen: str, shop: str, how: str, answer: str = "") -> None:
    price = OFFERS[shop]["price_points"]
    assert isinstance(price, int)
    stage.told.redeemed.append(Redeemed(citizen, shop, str(OFFERS[shop]["title_zh"]), price, how, answer))


async def _tea(stage: Stage, citizen: Caller, offers: dict[str, dict[str, Any]]) -> None:
    """One till captures; the same till may scan again; another shop's till has never heard of the code."""
    held = await _redeem(citizen, offers["demo-teahouse"])
    foreign = await _scan(stage, "demo-bakery", held)
    first = await _scan(stage, "demo-teahouse", held)
    again = await _scan(stage, "demo-teahouse", held)
    assert first["answer"] == again["answer"] == "yes"
    assert first["receipt"] == again["receipt"]
    _tell(stage, "甲", "demo-teahouse", "captured")
    _tell(stage, "甲", "demo-teahouse", "foreign", foreign["reason"])


async def _bread_comes_back(stage: Stage, citizen: Caller, offers: dict[str, dict[str, Any]]) -> None:
    """The goods come back, and the very lots that paid have their points again."""
    before = await citizen.ask("GET", f"/mobile/v1/wallets/{PROGRAMME}")
    receipt = await _scan(stage, "demo-bakery", await _redeem(citizen, offers["demo-bakery"]))
    await stage.callers["demo-bakery-till"].ask(
        "POST",
        f"/merchant/v1/redemptions/{receipt['receipt']['redemption_id']}/refund",
        {"reason": "售罄，未能交付 out of stock at the counter"},
        word=stage.staff["demo-bakery-till"].code(ahead=1),
    )
    after = await citizen.ask("GET", f"/mobile/v1/wallets/{PROGRAMME}")
    stage.told.refund_exact = before == after
    _tell(stage, "甲", "demo-bakery", "refunded")


async def _the_last_bookmark(
    stage: Stage, citizens: dict[str, Caller], offers: dict[str, dict[str, Any]]
) -> None:
    """There is one; who comes second is told so before any points are set aside."""
    await _scan(stage, "demo-bookshop", await _redeem(citizens["乙"], offers["demo-bookshop"]))
    _tell(stage, "乙", "demo-bookshop", "captured")
    asked = {"offer_id": offers["demo-bookshop"]["id"]}
    refused = await citizens["丙"].ask("POST", "/mobile/v1/redemptions", asked, expect=409)
    _tell(stage, "丙", "demo-bookshop", "sold_out", refused["code"])


async def _too_late(stage: Stage, held: dict[str, Any]) -> None:
    """A minute later the code is good for nothing, and the scheduled job gives the points back."""
    refused = await _scan(stage, "demo-teahouse", held)
    await redemption.lapse_due(stage.db)
    _tell(stage, "丙", "demo-teahouse", "lapsed", refused["reason"])
