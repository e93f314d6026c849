"""From rides to credits: frozen, certified, verified, approved, issued."""

from __future__ import annotations

from tests.certification.conftest import BIKE, PROJECT, Town, rides_of


async def test_a_tonne_of_rides_becomes_one_credit(town: Town) -> None:
    issued = await town.whole("2026-01", rides_of(1_000_000))
    assert (issued.book, issued.first_serial, issued.quantity_t, issued.carry_out_g) == ("phcer", 1, 1, 0)
    assert await town.balance("holder:phcer:gd-operator") == 1
    assert await town.balance(f"pool:{PROJECT}:{BIKE}:2026-01") == 0
    assert await town.balance(f"credited:{PROJECT}:{BIKE}") == 1_000_000
    assert await town.violations() == []
