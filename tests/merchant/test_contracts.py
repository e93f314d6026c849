"""What programmes and merchants agree on, and what a capture is worth by it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text

from backend.kit import clock
from backend.kit.db import Database
from merchant import contracts
from tests.contracts import agree
from tests.merchant.conftest import PROGRAMME, Arrive, OpenShop, Shop


def funding(**shares: str) -> list[dict[str, Any]]:
    return [{"id": "standard", "funding": [{"funder": k, "share": v} for k, v in shares.items()]}]


async def value_of(db: Database, redemption_id: Any) -> tuple[int, dict[str, int]]:
    async with db.transaction() as session:
        row = (
            await session.execute(
                text("SELECT value_fen, funded FROM capture_value WHERE redemption_id = :id"),
                {"id": redemption_id},
            )
        ).one()
    return row.value_fen, row.funded


@pytest.mark.parametrize(
    "wrong",
    [
        {"fen_per_point": "a lot"},
        {"fen_per_point": "NaN"},
        {"fen_per_point": "-1"},
        {"terms": funding(programme="0.5", merchant="0.4")},
        {"terms": funding(programme="0.5", somebody="0.5")},
        {"terms": [{"id": "summer", "funding": [{"funder": "programme", "share": "1"}]}]},
        {"fees": [{"id": "scan", "kind": "per_capture", "payer": "merchant"}]},
        {"fees": [{"id": "part", "kind": "share", "payer": "merchant", "share": "1.5"}]},
        {
            "fees": [
                {
                    "id": "part",
                    "kind": "share",
                    "payer": "merchant",
                    "share": "0.1",
                    "floor_fen": 9,
                    "cap_fen": 8,
                }
            ]
        },
    ],
)
def test_a_contract_whose_words_do_not_fit_together_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(contracts.ContractInvalid):
        contracts.parse(**{"fen_per_point": "1", "terms": funding(programme="1"), "fees": [], **wrong})


async def test_a_capture_is_worth_what_the_edition_of_its_day_says_and_who_funds_it_adds_up(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, buyer = await open_shop(contract=None), await arrive(100)
    terms = funding(programme="0.333", government="0.333", **{"partner:bank": "0.25", "merchant": "0.084"})
    edition = await agree(
        db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, fen_per_point="3.35", terms=terms
    )
    tea = await shop.offer(price=30)
    receipt = await shop.capture((await buyer.redeem(tea)).code)
    # 30 × 3.35 is 100.5: 100 fen; 33 + 33 + 25 + 8, and the one that is left goes to the funder named first
    assert await value_of(db, receipt.redemption_id) == (
        100, {"programme": 34, "government": 33, "partner:bank": 25, "merchant": 8},
    )  # fmt: skip
    tomorrow = clock.today() + dt.timedelta(days=1)
    with pytest.raises(contracts.ContractInvalid):
        await agree(db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, valid_from=clock.today())
    later = await agree(db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, valid_from=tomorrow)
    async with db.transaction() as session:
        now = clock.now()
        given: dict[str, Any] = {"merchant_id": shop.id, "programme": PROGRAMME}
        assert await contracts.in_force(session, at=now, **given) == edition
        assert await contracts.in_force(session, at=now + dt.timedelta(days=1), **given) == later


async def test_parts_that_come_back_take_the_whole_value_and_nothing_more(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, buyer = await open_shop(contract=None), await arrive(100)
    terms = funding(programme="0.7", merchant="0.3")
    await agree(db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, fen_per_point="3.7", terms=terms)
    tea = await shop.offer(price=7)  # 25 fen: 18 by the programme, 7 by the merchant
    receipt = await shop.capture((await buyer.redeem(tea)).code)
    for number, points in enumerate((1, 2, 4)):
        await shop.refund_part(receipt.redemption_id, str(number), points)
    async with db.transaction() as session:
        rows = (
            await session.execute(
                text(
                    "SELECT value_fen, funded FROM refund_value WHERE redemption_id = :id ORDER BY points_before"
                ),
                {"id": receipt.redemption_id},
            )
        ).all()
    assert [row.value_fen for row in rows] == [3, 7, 15]
    assert {name: sum(row.funded[name] for row in rows) for name in rows[0].funded} == {
        "programme": 18,
        "merchant": 7,
    }


async def test_without_a_contract_nothing_is_captured_and_the_code_stays_good(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, buyer = await open_shop(contract=None), await arrive(100)
    issued = await buyer.redeem(await shop.offer())
    with pytest.raises(contracts.NoContract):
        await shop.capture(issued.code)
    assert await buyer.state(issued) == "held"
    await agree(db, shop.keys, merchant_id=shop.id, programme=PROGRAMME)
    assert (await shop.capture(issued.code)).points == 30


async def test_two_people_stand_behind_an_edition_and_the_account_is_in_no_proposal(
    db: Database, shop: Shop
) -> None:
    account = contracts.Account("茶馆有限公司", "中国银行", "6222020200112233445")
    tomorrow = clock.today() + dt.timedelta(days=1)
    edition = await agree(
        db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, account=account, valid_from=tomorrow
    )
    async with db.transaction() as session:
        assert edition.account_tail == "3445"
        assert await contracts.account_of(session, shop.keys, edition_id=edition.id) == account
        bodies = (await session.execute(text("SELECT body::text FROM two_person_act"))).scalars().all()
    assert not any("6222020200" in body for body in bodies)
