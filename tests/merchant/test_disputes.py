"""Disputes over HTTP: what is corrected, by whom, how far, and what both sides see of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes.checks import points as points_check
from merchant.settlement import checks
from tests import contracts
from tests.merchant.conftest import PROGRAMME, Arrive, OpenShop, Shop
from tests.merchant.settling import SETTLING, Desk, desk_of
from tests.merchant.test_settlement import FEES, SHARED, a_month

LATER = dt.timedelta(days=31)


@pytest.fixture(scope="module")
async def desk(db: Database, settings: Settings, programme: str) -> AsyncIterator[Desk]:
    del programme
    async with desk_of(db, settings) as made:
        yield made


async def a_closed_month(desk: Desk, open_shop: OpenShop, arrive: Arrive) -> tuple[Shop, dict[str, Any]]:
    shop = await open_shop(contract=None)
    await contracts.agree(
        shop.db,
        shop.keys,
        merchant_id=shop.id,
        programme=PROGRAMME,
        fen_per_point="2.5",
        terms=SHARED,
        fees=FEES,
    )
    await a_month(shop, arrive)
    return shop, await desk.close(shop)


async def dispute(desk: Desk, shop: Shop, statement: dict[str, Any], line: int) -> str:
    asked = {"statement_id": statement["id"], "line": line, "reason": "货已取走，不应退还"}
    return str((await desk.of(shop).post("/disputes", asked, 201))["id"])


async def lines_of(desk: Desk, shop: Shop, statement: dict[str, Any]) -> list[dict[str, Any]]:
    told = await desk.of(shop).get(f"/statements/{statement['id']}/lines")
    return list(told["items"])


async def whole_refund(desk: Desk, shop: Shop, statement: dict[str, Any]) -> dict[str, Any]:
    return next(line for line in await lines_of(desk, shop, statement) if line["points"] == -33)


async def books_hold(db: Database) -> None:
    async with db.transaction() as session:
        for check in (checks.values, checks.closed, checks.paid, checks.owed, points_check):
            found = await check(session)
            assert found.found == 0, found.violations


async def test_a_dispute_that_is_right_is_a_line_of_the_next_statement_in_points_and_in_fen(
    desk: Desk, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, one = await a_closed_month(desk, open_shop, arrive)
    merchant, line = desk.of(shop), await whole_refund(desk, shop, one)
    wrong = await dispute(desk, shop, one, line["line"])
    assert wrong in {told["id"] for told in await desk.first.get(f"{SETTLING}/disputes")}
    asked = {"words": "顾客确已取货", "correction_points": 33, "correction_fen": 66, "funder": "government"}
    where = f"{SETTLING}/disputes/{wrong}/corrections/proposals"
    act = await desk.first.post(where, asked, 201)
    assert act["body"]["correction_points"] == 33
    approval = f"{SETTLING}/corrections/proposals/{act['id']}/approval"
    shown = {"subject_sha256": act["subject_sha256"]}
    assert await desk.first.refused(approval, shown) == (403, "identity.act_needs_second_person")
    before = (await merchant.get("/payable"))[0]["payable_points"]
    await desk.second.post(approval, shown)

    # no second answer of either kind, and no second correction of what was given whole
    assert await desk.first.refused(where, asked) == (409, "merchant.dispute_answered")
    assert await desk.first.refused(f"{SETTLING}/disputes/{wrong}/answer", {"words": "no"}) == (
        409, "merchant.dispute_answered",
    )  # fmt: skip
    assert (await desk.second.refused(approval, shown))[0] == 409
    again = await dispute(desk, shop, one, line["line"])
    for more in ({"correction_points": 1}, {"correction_fen": 17}):
        assert await desk.first.refused(
            f"{SETTLING}/disputes/{again}/corrections/proposals", {"words": "more", **more}
        ) == (409, "merchant.correction_beyond_line")

    # the statement stays as it was; what is owed has grown at once, and is open until the next one
    assert await merchant.get(f"/statements/{one['id']}") == one
    assert (await merchant.get("/payable"))[0]["payable_points"] == before + 33
    (open_now,) = await merchant.get("/accruals")
    assert (open_now["totals"]["corrections_points"], open_now["totals"]["corrections_fen"]) == (33, 66)
    told = next(each for each in await merchant.get("/disputes") if each["id"] == wrong)
    assert (told["answer"], told["correction_points"], told["correction_fen"], told["funder"]) == (
        "顾客确已取货", 33, 66, "government",
    )  # fmt: skip
    assert told["corrected_in"] is None
    await books_hold(shop.db)

    with clock.travel(clock.now() + LATER):
        two = await desk.close(shop)
        (corrected, *fees) = await lines_of(desk, shop, two)
        assert (corrected["kind"], corrected["about"], corrected["redemption_id"]) == (
            "correction", wrong, line["redemption_id"],
        )  # fmt: skip
        assert (corrected["points"], corrected["payable_fen"], corrected["funded"]) == (
            33,
            66,
            {"government": 66},
        )
        totals = two["totals"]
        assert (totals["corrections_points"], totals["payable_points"]) == (33, 33)
        assert totals["payable_fen"] == 66 + sum(fee["payable_fen"] for fee in fees)
        told = next(each for each in await merchant.get("/disputes") if each["id"] == wrong)
        assert told["corrected_in"] == two["id"]
    with clock.travel(clock.now() + 2 * LATER):  # and of no further one
        three = await desk.close(shop)
        assert "correction" not in {each["kind"] for each in await lines_of(desk, shop, three)}
        await books_hold(shop.db)


async def test_a_dispute_that_is_turned_down_moves_nothing_and_is_told_with_its_reason(
    desk: Desk, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, one = await a_closed_month(desk, open_shop, arrive)
    merchant, line = desk.of(shop), await whole_refund(desk, shop, one)
    before = await merchant.get("/payable")
    wrong = await dispute(desk, shop, one, line["line"])
    where = f"{SETTLING}/disputes/{wrong}"
    # the second person does not agree to what the first would give
    act = await desk.first.post(
        f"{where}/corrections/proposals", {"words": "so it was", "correction_points": 33}, 201
    )
    rejection, shown = (
        f"{SETTLING}/corrections/proposals/{act['id']}/rejection",
        {"subject_sha256": act["subject_sha256"]},
    )
    assert await desk.first.refused(rejection, shown) == (403, "identity.act_needs_second_person")
    await desk.second.post(rejection, shown)
    (told,) = await merchant.get("/disputes")
    assert (told["answer"], told["answered_at"]) == (None, None)
    assert (await desk.second.refused(rejection.replace("rejection", "approval"), shown))[0] == 409

    await desk.first.post(f"{where}/answer", {"words": "监控显示未取货"})
    assert await desk.first.refused(f"{where}/answer", {"words": "twice"}) == (
        409,
        "merchant.dispute_answered",
    )
    (told,) = await merchant.get("/disputes")
    assert (told["answer"], told["correction_points"], told["correction_fen"]) == ("监控显示未取货", 0, 0)
    assert await merchant.get("/payable") == before
    with clock.travel(clock.now() + LATER):
        two = await desk.close(shop)
        assert "correction" not in {each["kind"] for each in await lines_of(desk, shop, two)}
    await books_hold(shop.db)


async def test_what_may_be_corrected_ends_at_the_line_its_merchant_and_its_funders(
    desk: Desk, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, one = await a_closed_month(desk, open_shop, arrive)
    other = await open_shop()
    line = await whole_refund(desk, shop, one)
    asked = {"statement_id": one["id"], "line": 1, "reason": "mine"}
    assert await desk.of(other).refused("/disputes", asked) == (404, "merchant.statement_unknown")
    assert await desk.of(shop).refused("/disputes", asked | {"line": 99}) == (
        404,
        "merchant.line_unknown",
    )
    wrong = [await dispute(desk, shop, one, line["line"]) for _ in range(2)]
    where = f"{SETTLING}/disputes/{wrong[0]}/corrections/proposals"
    for beyond in ({"correction_points": 34}, {"correction_points": -34}, {"correction_fen": 83}):
        assert await desk.first.refused(where, {"words": "much", **beyond}) == (
            409, "merchant.correction_beyond_line",
        )  # fmt: skip
    for nothing in ({}, {"correction_fen": 5, "funder": "merchant"}):
        assert await desk.first.refused(where, {"words": "nothing", **nothing}) == (
            422, "merchant.correction_invalid",
        )  # fmt: skip
    # two proposals, each within the line, together beyond it: the second one fails when it is agreed to
    acts = [
        await desk.first.post(
            f"{SETTLING}/disputes/{each}/corrections/proposals",
            {"words": "some", "correction_points": 20},
            201,
        )
        for each in wrong
    ]
    path = SETTLING + "/corrections/proposals/{}/approval"
    await desk.second.post(path.format(acts[0]["id"]), {"subject_sha256": acts[0]["subject_sha256"]})
    assert await desk.second.refused(
        path.format(acts[1]["id"]), {"subject_sha256": acts[1]["subject_sha256"]}
    ) == (409, "merchant.correction_beyond_line")
    # what was given may be taken back again, by the same two
    await desk.agreed(f"disputes/{wrong[1]}/corrections", {"words": "less", "correction_points": -20})
    await books_hold(shop.db)
