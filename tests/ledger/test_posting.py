"""Postings: once, whole, within their guards and the chart."""

from __future__ import annotations

from tests.ledger.conftest import Play


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
