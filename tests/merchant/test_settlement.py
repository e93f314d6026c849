"""Statements: what a month comes to, what is closed when, what is carried forward, disputed and paid."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook

from backend import ledger
from backend.identity import approvals
from backend.kit import clock
from backend.kit.db import Database
from merchant import catalogue, redemption, settlement
from merchant.contracts import Account
from merchant.settlement import Statement, printing, sheets
from merchant.settlement.model import Kind
from tests import contracts
from tests.merchant.conftest import PROGRAMME, Arrive, OpenShop, Shop

SHARED = ({"id": "standard", "funding": [
    {"funder": "programme", "share": "0.6"}, {"funder": "government", "share": "0.2"}, {"funder": "merchant", "share": "0.2"},
]},)  # fmt: skip
FEES = (
    {"id": "scan", "kind": "per_capture", "payer": "merchant", "fen": 3},
    {"id": "service", "kind": "share", "payer": "merchant", "share": "0.1", "floor_fen": 1, "cap_fen": 4},
    {"id": "desk", "kind": "monthly", "payer": "programme", "fen": 500},
)
LAST_MONTH = clock.now().astimezone(clock.SHANGHAI).replace(day=1, hour=12) - dt.timedelta(days=20)


async def close(shop: Shop) -> Statement:
    first, second = await contracts.operators(shop.db, shop.keys)
    async with shop.db.transaction() as session:
        act = await settlement.propose_close(
            session, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
        )
    return await agree_to_close(shop, act, second)


async def agree_to_close(shop: Shop, act: approvals.TwoPersonAct, by: UUID) -> Statement:
    async with shop.db.transaction() as session:
        return await settlement.approve_close(
            session, programme=PROGRAMME, act_id=act.id, approved_by=by, subject_sha256=act.subject_sha256
        )


async def lines(shop: Shop, one: Statement) -> list[settlement.Numbered]:
    async with shop.db.transaction() as session:
        return await settlement.lines_of(session, statement_id=one.id, limit=1000)


async def owed(shop: Shop) -> tuple[int, int]:
    """Points by statements that are not paid and what is open, and by the ledger."""
    async with shop.db.transaction() as session:
        (open_now,) = await settlement.accruals_of(session, merchant_id=shop.id)
        closed = await settlement.statements(session, merchant_id=shop.id)
    waiting = sum(one.totals.payable_points for one in closed if one.state in ("payable", "on_its_way"))
    return waiting + open_now.totals.payable_points, await shop.payable()


async def a_month(shop: Shop, arrive: Arrive) -> list[UUID]:
    """Three captures last month, one of which came back in part, one whole."""
    buyer = await arrive(200)
    with clock.travel(LAST_MONTH):
        tea = await replace(shop, contracted=True).offer(price=33, terms=catalogue.Terms(money_fen=880))
        done = [(await shop.capture((await buyer.redeem(tea)).code)).redemption_id for _ in range(3)]
        await shop.refund_part(done[0], "a", 10)
        await shop.refund(done[1])
    return done


async def test_a_month_adds_up_line_by_line_and_is_paid_once(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop = await open_shop(contract=None)
    account = Account("=cmd()|茶馆", "中国银行", "6222020200112233445")
    await contracts.agree(
        db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, fen_per_point="2.5", terms=SHARED, fees=FEES,
        account=account,
    )  # fmt: skip
    captured = await a_month(shop, arrive)
    async with db.transaction() as session:
        (before,) = await settlement.accruals_of(session, merchant_id=shop.id)
    one = await close(shop)
    totals = one.totals
    assert (before.totals.fees_fen, before.totals.payable_fen) == (totals.fees_fen, totals.payable_fen)
    # 33 × 2.5 is 82 fen: 50 by the programme with what is left over, 16 by the government, 16 the merchant's own
    assert (totals.captures, totals.captured_points, totals.captured_fen) == (3, 99, 246)
    # a third came back: 15 of 50, 4 of 16, 4 of 16; and all of another capture
    assert (totals.refunds, totals.refunded_points, totals.refunded_fen) == (2, 43, 82 + 23)
    assert (totals.payable_points, totals.own_fen) == (56, 28)
    # three scans at 3 fen, a tenth of 113 fen but at most 4; the desk is the programme's to pay
    assert (totals.fees_fen, totals.payable_fen) == (13, 113 - 13)
    assert sum(totals.pays.values()) == 100
    told = await lines(shop, one)
    assert {line.line.redemption_id for line in told if line.line.points} == set(captured)
    assert sum(line.line.payable_fen for line in told) == 100
    assert await owed(shop) == (56, 56)

    book = load_workbook(io.BytesIO(sheets.as_workbook(one, told)))
    assert {row[0].value: row[1].value for row in book.worksheets[0].rows}["应付(分) payable fen"] == 100
    assert sum(row[9].value for row in book.worksheets[1].iter_rows(min_row=2)) == 100
    # what the shop asked beside the points is told with each capture, and paid by nobody
    beside = {line.line.kind: line.money_fen for line in told}
    assert (beside[Kind.CAPTURE], beside[Kind.REFUND], beside[Kind.FEE]) == (880, None, None)
    assert [row[11].value for row in book.worksheets[1].iter_rows(min_row=2)].count(880) == 3

    first, second = await contracts.operators(db, shop.keys)
    async with db.transaction() as session:
        act = await settlement.propose_payout(session, shop.keys, programme=PROGRAMME, proposed_by=first)
    assert "6222020200" not in str(act.body)
    async with db.transaction() as session:
        with pytest.raises(approvals.ActNeedsSecondPerson):
            await settlement.approve_payout(
                session,
                programme=PROGRAMME,
                act_id=act.id,
                approved_by=first,
                subject_sha256=act.subject_sha256,
            )
        paid = await settlement.approve_payout(
            session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
        )
        content = await settlement.payout_file(session, shop.keys, programme=PROGRAMME, payout_id=paid.id)
    assert "'=cmd()|茶馆,中国银行,6222020200112233445,100," in content.decode()
    told_of: dict[str, Any] = {
        "programme": PROGRAMME,
        "payout_id": paid.id,
        "statement_id": one.id,
        "words": "REF 1",
        "told_by": first,
    }
    for _ in range(2):
        async with db.transaction() as session:
            await settlement.confirm(session, **told_of, paid=True)
    async with db.transaction() as session:
        with pytest.raises(settlement.PayoutEnded):
            await settlement.confirm(session, **told_of, paid=False)
        banked = await ledger.balances_by_code(session, f"banked:{shop.code}")
        assert (await settlement.statement_of(session, statement_id=one.id)).state == "paid"
    assert banked == {f"banked:{shop.code}": 100}
    assert await owed(shop) == (0, 0)


async def test_a_statement_is_printed_with_long_names_and_many_lines_and_says_what_it_leaves_out(
    open_shop: OpenShop, arrive: Arrive
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    one = await close(shop)
    few = await lines(shop, one)
    long_name = "广州市越秀区榕荫里老字号茶馆与点心铺连锁经营有限责任公司第一分公司（#strong[虚构]）" * 3
    many = [replace(few[at % len(few)], number=at + 1) for at in range(printing.MOST_PRINTED + 1)]
    made = await printing.as_pdf(replace(one, merchant_zh=long_name, lines=len(many)), many)
    assert made.startswith(b"%PDF-")
    assert len(made) > len(await printing.as_pdf(one, few))


async def test_a_payment_that_failed_waits_for_the_next_payout(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    one = await close(shop)
    first, second = await contracts.operators(db, shop.keys)
    for paid in (False, True):
        async with db.transaction() as session:
            act = await settlement.propose_payout(session, shop.keys, programme=PROGRAMME, proposed_by=first)
        async with db.transaction() as session:
            made = await settlement.approve_payout(
                session,
                programme=PROGRAMME,
                act_id=act.id,
                approved_by=second,
                subject_sha256=act.subject_sha256,
            )
            assert (await settlement.statement_of(session, statement_id=one.id)).state == "on_its_way"
            await settlement.confirm(
                session,
                programme=PROGRAMME,
                payout_id=made.id,
                statement_id=one.id,
                paid=paid,
                words="said",
                told_by=first,
            )
    async with db.transaction() as session:
        assert (await settlement.statement_of(session, statement_id=one.id)).state == "paid"
    assert await owed(shop) == (0, 0)


async def test_a_capture_that_was_open_while_a_period_was_closed_is_in_the_next_one_only(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop, buyer = await open_shop(), await arrive(200)
    offer = await shop.offer(price=30, first_day=LAST_MONTH.date())
    with clock.travel(LAST_MONTH):
        before = (await shop.capture((await buyer.redeem(offer)).code)).redemption_id
        issued = await buyer.redeem(offer)
    first, second = await contracts.operators(db, shop.keys)
    async with held_open(shop, issued.code) as kept, db.transaction() as session:
        act = await settlement.propose_close(
            session, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
        )
    # it is there by now, and happened before the cut; what was agreed to stands as it was shown
    one = await agree_to_close(shop, act, second)
    assert [line.line.redemption_id for line in await lines(shop, one)] == [before]
    assert await owed(shop) == (60, 60)
    with clock.travel(clock.now() + dt.timedelta(days=31)):
        two = await close(shop)
    assert [line.line.redemption_id for line in await lines(shop, two)] == [kept]
    assert await owed(shop) == (60, 60)


@asynccontextmanager
async def held_open(shop: Shop, code: str) -> AsyncIterator[UUID]:
    """A capture of last month in a transaction that ends only with the block."""
    with clock.travel(LAST_MONTH):
        transaction = shop.db.transaction()
        session = await transaction.__aenter__()
        receipt = await redemption.capture(session, shop.keys, at=shop.till(), code=code)
    yield receipt.redemption_id
    await transaction.__aexit__(None, None, None)


async def test_two_who_close_one_period_at_once_close_it_once(open_shop: OpenShop, arrive: Arrive) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    first, second = await contracts.operators(shop.db, shop.keys)
    acts = []
    for _ in range(2):
        async with shop.db.transaction() as session:
            acts.append(
                await settlement.propose_close(
                    session, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
                )
            )
    done = await asyncio.gather(*(agree_to_close(shop, act, second) for act in acts), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Statement", "StatementChanged"] or sorted(
        type(one).__name__ for one in done
    ) == ["SettlementPeriodNotOver", "Statement"]


async def test_a_dispute_becomes_a_line_of_the_next_statement_and_less_than_nothing_is_carried_forward(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    one = await close(shop)
    first, second = await contracts.operators(db, shop.keys)
    about: dict[str, Any] = {
        "merchant_id": shop.id,
        "statement_id": one.id,
        "opened_by": shop.clerk,
        "reason": "33 cups",
    }
    async with db.transaction() as session:
        with pytest.raises(settlement.LineUnknown):
            await settlement.open_dispute(session, line=99, **about)
        wrong = [await settlement.open_dispute(session, line=line, **about) for line in (1, 2)]
        await settlement.turn_down(
            session, programme=PROGRAMME, dispute_id=wrong[0].id, words="it was three", answered_by=first
        )
        act = await settlement.propose_correction(
            session, programme=PROGRAMME, dispute_id=wrong[1].id, words="so it was", correction_fen=-7,
            funder="programme", proposed_by=first,
        )  # fmt: skip
    async with db.transaction() as session:
        await settlement.approve_correction(
            session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
        )
    with clock.travel(clock.now() + dt.timedelta(days=31)):
        two = await close(shop)
        with pytest.raises(settlement.SettlementPeriodNotOver):
            await close(shop)
    assert (two.number, two.state, two.totals.corrections_fen, two.totals.payable_fen) == (
        2,
        "carried",
        -7,
        -7,
    )
    with clock.travel(clock.now() + dt.timedelta(days=62)):
        three = await close(shop)
    assert (three.totals.opening_fen, three.totals.payable_fen, three.state) == (-7, -7, "carried")
    async with db.transaction() as session:
        assert (await settlement.statement_of(session, statement_id=one.id)).totals == one.totals
        noted = await settlement.note_invoice(
            session,
            merchant_id=shop.id,
            statement_id=one.id,
            number="24442000000123456789",
            given_by=shop.clerk,
        )
        assert noted.invoice == "24442000000123456789"
        with pytest.raises(settlement.InvoiceGiven):
            await settlement.note_invoice(
                session, merchant_id=shop.id, statement_id=one.id, number="2", given_by=shop.clerk
            )
