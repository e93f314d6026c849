"""A statement as JSON, workbook and PDF, line for line; and from each line to its redemption, and back."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook

from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from merchant.settlement import endpoints, printing, sheets
from tests import contracts
from tests.concurrency.conftest import Superuser
from tests.merchant.conftest import PROGRAMME, Arrive, OpenShop, Shop
from tests.merchant.papers import pages_of
from tests.merchant.settling import SETTLING, Desk, Person, desk_of
from tests.merchant.test_settlement import FEES, LAST_MONTH, SHARED, a_month, close, lines

SUMS = ("points", "value_fen", "own_fen", "payable_fen")


@pytest.fixture(scope="module")
async def desk(db: Database, settings: Settings, programme: str) -> AsyncIterator[Desk]:
    del programme
    async with desk_of(db, settings) as made:
        yield made


async def all_lines(person: Person, where: str) -> list[dict[str, Any]]:
    """Every line, page by page."""
    found: list[dict[str, Any]] = []
    path = f"{where}/lines?limit=100"
    while True:
        told = await person.get(path)
        found += told["items"]
        if told["next_cursor"] is None:
            return found
        path = f"{where}/lines?limit=100&cursor={told['next_cursor']}"


def rows_of(workbook: bytes) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """The first page as names and values, and the lines."""
    book = load_workbook(io.BytesIO(workbook), read_only=True)
    front = {str(name): value for name, value in book.worksheets[0].iter_rows(values_only=True)}
    return front, list(book.worksheets[1].iter_rows(min_row=2, values_only=True))


def in_print(pages: list[str], name: str) -> str:
    """What is printed beside a name of the summary."""
    words = pages[0].replace(" \n", " ").split("\n")
    return words[words.index(name) + 1]


async def closed(desk: Desk, open_shop: OpenShop, arrive: Arrive) -> tuple[Shop, dict[str, Any], list[UUID]]:
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
    bought = await a_month(shop, arrive)
    return shop, await desk.close(shop), bought


async def test_every_line_leads_to_its_redemption_and_back_for_both_sides(
    desk: Desk, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, statement, bought = await closed(desk, open_shop, arrive)
    other = await open_shop()
    merchant = desk.of(shop)
    told = await all_lines(merchant, f"/statements/{statement['id']}")
    assert told == await all_lines(desk.first, f"{SETTLING}/statements/{statement['id']}")
    assert len(told) == statement["lines"]
    led = {line["redemption_id"] for line in told if line["kind"] in {"capture", "refund"}}
    assert led == {str(one) for one in bought}
    for redemption_id in led:
        receipt = await merchant.get(f"/redemptions/{redemption_id}")
        found = await merchant.get(f"/redemptions/{redemption_id}/settlement")
        assert found == await desk.first.get(f"{SETTLING}/redemptions/{redemption_id}")
        for name in ("redemption_id", "offer_id", "title_zh", "points", "refunded_points", "captured_at"):
            assert found[name] == receipt[name], name
        assert (found["merchant"], found["edition_id"]) == (shop.code, statement["edition_id"])
        about = [line for line in told if line["redemption_id"] == redemption_id]
        assert [(one["statement_id"], one["line"], one["points"]) for one in found["lines"]] == [
            (statement["id"], line["line"], line["points"]) for line in about
        ]
        assert sum(one["points"] for one in found["lines"]) == receipt["points"] - receipt["refunded_points"]
        answer = await desk.of(other).ask("GET", f"/redemptions/{redemption_id}/settlement")
        assert (answer.status_code, answer.json()["code"]) == (404, "merchant.redemption_unknown")


async def test_the_workbook_and_the_print_say_what_the_statement_says(
    desk: Desk, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, statement, _ = await closed(desk, open_shop, arrive)
    merchant, where = desk.of(shop), f"/statements/{statement['id']}"
    told, totals = await all_lines(merchant, where), statement["totals"]
    front, rows = rows_of(await merchant.get(f"{where}/xlsx"))
    pages = pages_of(await merchant.get(f"{where}/pdf"))
    for name, value in {
        "核销笔数 captures": totals["captures"],
        "核销价值(分) captured fen": totals["captured_fen"],
        "退还价值(分) refunded fen": totals["refunded_fen"],
        "费用(分) fees fen": totals["fees_fen"],
        "商户自身让利(分) own concession fen": totals["own_fen"],
        "应付积分 payable points": totals["payable_points"],
        "应付(分) payable fen": totals["payable_fen"],
        **{f"付款(分) paid by {funder}": fen for funder, fen in totals["pays"].items()},
    }.items():
        assert (front[name], in_print(pages, name)) == (value, f"{value:,}")
    words = "\n".join(pages).split("\n")
    assert len(rows) == len(told)
    for row, line in zip(rows, told, strict=True):
        assert (row[0], row[1], row[3] or None) == (line["line"], line["kind"], line["redemption_id"])
        assert row[6:10] == tuple(line[name] for name in SUMS)
        assert (row[11] or None) == line["money_fen"]
        what = line["redemption_id"] or line["about"]
        if line["part_id"]:
            what += f" / {line['part_id']}"
        at = words.index(what, words.index("另付"))
        assert words[at + 1 : at + 5] == [f"{line[name]:,}" for name in SUMS]
        words[at] = ""


MANY = """
    INSERT INTO capture_value (redemption_id, merchant_id, programme, edition_id, term, points, value_fen, funded, captured_at)
    SELECT gen_random_uuid(), v.merchant_id, v.programme, v.edition_id, v.term, v.points, v.value_fen, v.funded, v.captured_at
    FROM capture_value v, generate_series(1, $2) WHERE v.redemption_id = $1
"""


async def test_more_lines_than_are_printed_are_all_in_the_workbook_and_the_print_says_so(
    desk: Desk, open_shop: OpenShop, arrive: Arrive, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, buyer = await open_shop("2.5"), await arrive(100)
    offer = await shop.offer(price=33, first_day=LAST_MONTH.date())
    with clock.travel(LAST_MONTH):
        bought = (await shop.capture((await buyer.redeem(offer)).code)).redemption_id
    await superuser.execute(MANY, bought, 2_104)
    statement = await desk.close(shop)
    totals, where = statement["totals"], f"/statements/{statement['id']}"
    assert (statement["lines"], totals["captures"], totals["captured_points"]) == (2_105, 2_105, 2_105 * 33)
    assert (totals["payable_points"], totals["payable_fen"]) == (2_105 * 33, 2_105 * 82)
    front, rows = rows_of(await desk.of(shop).get(f"{where}/xlsx"))
    assert [row[0] for row in rows] == list(range(1, 2_106))
    assert sum(row[9] for row in rows) == front["应付(分) payable fen"] == 2_105 * 82
    pages = pages_of(await desk.of(shop).get(f"{where}/pdf"))
    assert in_print(pages, "应付(分) payable fen") == "172,610"
    said = pages[0].replace("\n", "").replace(" ", "")
    assert "本件只列前2000行，其余105行见XLSX或接口。" in said
    assert "Theother105linesareintheworkbook." in said
    printed = "\n".join(pages).split("\n")
    assert printed.count("核销") == printing.MOST_PRINTED
    # a workbook has an end, too, and tells it
    monkeypatch.setattr(endpoints, "MOST_IN_A_FILE", 2_000)
    _, rows = rows_of(await desk.of(shop).get(f"{where}/xlsx"))
    assert len(rows) == 2_001
    assert "The other 105 lines" in rows[-1][0]


async def test_a_workbook_is_written_without_having_all_lines_in_memory(
    open_shop: OpenShop, arrive: Arrive
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    one = await close(shop)
    few = await lines(shop, one)

    def peak(many: int) -> int:
        made = sheets.Sheets(replace(one, lines=many))
        tracemalloc.start()
        made.add(replace(few[at % len(few)], number=at + 1) for at in range(many))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        made.finish()
        return most

    assert peak(2_000) < 2 * peak(500) + 200_000
