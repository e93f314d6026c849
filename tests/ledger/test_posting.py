"""Postings: once, whole, within their guards and the chart."""

from __future__ import annotations

import pytest

from backend import ledger
from backend.kit import clock
from tests.ledger.conftest import Play, Stage


async def test_a_key_moves_value_once_and_a_floor_holds(play: Play) -> None:
    await play("""
        account issuer   source
        account alice    guarded
        account pocket   hold

        post k1 issuer -> alice    100  posted
        post k1 issuer -> alice    100  repeated
        post k1 issuer -> alice    101  posting_id_reused
        post k2 alice  -> pocket   101  insufficient_balance
        post k3 alice  -> pocket   100  posted

        balance alice  0
        balance pocket 100
        balance issuer -100
    """)


async def test_the_chart_refuses_a_move_it_does_not_list(play: Play) -> None:
    await play("""
        account issuer source
        account alice  guarded
        account shop   shop

        post k1 issuer -> alice  10  posted
        post k2 alice  -> shop   10  transfer_not_allowed
        post k3 alice  -> alice  10  transfer_not_allowed
        post k4 issuer -> alice  0   transfer_not_allowed
        post k5 issuer -> alice  -5  transfer_not_allowed

        balance alice 10
    """)


async def test_a_debt_is_repaid_to_zero_and_not_beyond(play: Play) -> None:
    await play("""
        account issuer source
        account owed   debt

        post k1 issuer -> owed  1  insufficient_balance
        balance owed 0
    """)


async def test_a_hold_is_captured_once_or_released_once_and_a_refund_restores_the_lot(play: Play) -> None:
    await play("""
        account issuer source
        account alice  guarded
        account pocket hold
        account shop   shop

        post earn issuer -> alice  100  posted
        post h1   alice  -> pocket  60  posted
        post h2   alice  -> pocket  40  posted

        capture c1 h1 shop  posted
        capture c1 h1 shop  repeated
        capture c9 h1 shop  already_resolved
        reverse r1 h1       already_resolved
        reverse r2 h2       posted
        reverse r2 h2       repeated
        reverse r3 h2       already_resolved
        capture c2 h2 shop  already_resolved

        balance alice  40
        balance pocket 0
        balance shop   60

        reverse refund c1+h1  posted
        reverse refund c1+h1  repeated
        reverse again  c1+h1  already_resolved

        balance alice  100
        balance pocket 0
        balance shop   0
    """)


async def test_nothing_is_captured_or_reversed_that_was_never_posted(play: Play) -> None:
    await play("""
        account shop shop
        capture c1 ghost shop  posting_unknown
        reverse r1 ghost       posting_unknown
    """)


async def test_a_known_id_with_further_or_fewer_lines_is_another_request(stage: Stage) -> None:
    for name, kind in (("issuer", "source"), ("alice", "guarded"), ("bob", "guarded")):
        await stage.do_account(name, kind)
    issuer, alice, bob = (stage.accounts[name] for name in ("issuer", "alice", "bob"))
    lines = (ledger.Line(issuer, alice, 5), ledger.Line(issuer, bob, 5), ledger.Line(issuer, alice, 5))

    async def send(*postings: tuple[str, int]) -> set[str]:
        async with stage.db.transaction() as session:
            asked = [
                ledger.Posting(stage.key(key), "points.earned", clock.now(), lines[:count])
                for key, count in postings
            ]
            return set((await ledger.post(session, asked)).values())

    assert await send(("two", 2)) == {"posted"}
    assert await send(("two", 2)) == {"repeated"}
    assert await send(("two", 2), ("three", 3)) == {"repeated", "posted"}
    for count in (1, 3):
        with pytest.raises(ledger.PostingIdReused):
            await send(("two", count))
        with pytest.raises(ledger.PostingIdReused):
            await send(("fresh", 1), ("two", count))
    with pytest.raises(ledger.TransferNotAllowed):
        await send(("twice", 1), ("twice", 1))
    await stage.do_balance("alice", "15")
    await stage.do_balance("bob", "10")


async def test_units_are_not_mixed_and_unknown_accounts_are_refused(stage: Stage) -> None:
    await stage.do_account("issuer", "source")
    async with stage.db.transaction() as session:
        pool = (await ledger.open_accounts(session, [ledger.AccountSpec(f"pool:{stage.scope}")])).popitem()[1]
    for debit, credit in (
        (stage.accounts["issuer"], pool),
        (stage.accounts["issuer"], 10**15),
        (10**15, pool),
    ):
        line = ledger.Line(debit, credit, 5)
        posting = ledger.Posting(stage.key("k"), "points.earned", clock.now(), (line,))
        with pytest.raises(ledger.TransferNotAllowed):
            async with stage.db.transaction() as session:
                await ledger.post(session, [posting])


async def test_an_amount_beyond_the_columns_range_is_refused_and_not_wrapped(stage: Stage) -> None:
    for name, kind in (("issuer", "source"), ("alice", "guarded")):
        await stage.do_account(name, kind)
    await stage.do_post("k1", "issuer", "alice", str(2**63 - 1), "posted")
    await stage.do_post("k2", "issuer", "alice", "1", "kit.value_not_storable")
    await stage.do_post("k3", "issuer", "alice", str(2**63), "kit.value_not_storable")
    await stage.do_balance("alice", str(2**63 - 1))
