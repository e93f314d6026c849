"""A withdrawal meets a closing, a statement, an issuance, another withdrawal: one waits, and no gram is lost between."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from backend import certification
from backend.certification import shortfalls
from tests.certification.conftest import Town, rides_of
from tests.certification.shortfalls.conftest import closed, open_g, series, withdraw, withdraw_in
from tests.certification.test_races import close_in, waits
from tests.concurrency.conftest import GivenUp, Superuser


async def test_a_closing_waits_for_a_withdrawal_and_leaves_the_act_out(
    town: Town, superuser: Superuser
) -> None:
    await town.ride("2018-01", rides_of(40_000))
    async with town.db.transaction() as session:
        await withdraw_in(town, session, "2018-01")
        closing = asyncio.create_task(town.close("2018-01"))
        await waits(closing, superuser)
    assert (await closing).acts == 9
    assert await town.violations() == []


async def test_a_withdrawal_waits_for_a_closing_and_finds_the_act_frozen(
    town: Town, superuser: Superuser
) -> None:
    await town.ride("2019-01", rides_of(40_000))
    async with town.db.transaction() as session:
        batch = await close_in(town, session, "2019-01")
        second = asyncio.create_task(withdraw(town, "2019-01", many=2))
        await waits(second, superuser)
    await second
    assert await town.balance(batch.account) == 40_000  # the grams stay in the batch
    assert (await town.verify(batch)).rejected_g == 8_000
    await town.issue(batch)
    assert await open_g(town, 2019) == 0
    assert await town.violations() == []


async def test_a_closing_that_is_given_up_leaves_the_act_to_the_withdrawal(
    town: Town, superuser: Superuser
) -> None:
    await town.ride("2020-01", rides_of(40_000))
    with contextlib.suppress(GivenUp):
        async with town.db.transaction() as session:
            await close_in(town, session, "2020-01")
            second = asyncio.create_task(withdraw(town, "2020-01", many=2))
            await waits(second, superuser)
            raise GivenUp
    await second
    assert (await town.close("2020-01")).frozen_g == 32_000
    assert await town.violations() == []


async def test_a_withdrawal_waits_for_an_issuance_and_becomes_a_shortfall(
    town: Town, superuser: Superuser
) -> None:
    batch = await closed(town, "2021-01", rides_of(40_000))
    act = await town.propose(batch)
    async with town.db.transaction() as session:
        await certification.approve_issuance(
            session,
            batch_id=batch.id,
            act_id=act.id,
            approved_by=town.staff["second"],
            subject_sha256=act.subject_sha256,
        )
        second = asyncio.create_task(withdraw(town, "2021-01", many=2))
        await waits(second, superuser)
    await second
    assert await open_g(town, 2021) == 8_000
    await town.issue(await closed(town, "2021-02", rides_of(40_000)))
    assert await open_g(town, 2021) == 0
    assert await town.violations() == []


async def test_an_issuance_waits_for_a_withdrawal_and_is_refused(town: Town, superuser: Superuser) -> None:
    batch = await closed(town, "2022-01", rides_of(40_000))
    proposed = await town.propose(batch)
    async with town.db.transaction() as session:
        await withdraw_in(town, session, "2022-01")
        approving = asyncio.create_task(town.approve(batch, proposed))
        await waits(approving, superuser)
    with pytest.raises(shortfalls.StatementOutdated):
        await approving
    await town.state(batch)
    assert (await town.issue(batch)).carry_out_g == 36_000
    assert await town.violations() == []


async def test_two_withdrawals_of_one_series_count_one_after_the_other(
    town: Town, superuser: Superuser
) -> None:
    await town.issue(await closed(town, "2023-01", rides_of(43_000)))
    async with town.db.transaction() as session:
        await withdraw_in(town, session, "2023-01")
        second = asyncio.create_task(withdraw(town, "2023-01", grams=3_000))
        await waits(second, superuser)
    await second
    await town.issue(await closed(town, "2023-02", rides_of(40_000)))
    assert await open_g(town, 2023) == 0
    assert await town.violations() == []


async def test_two_nights_at_once_cancel_once(town: Town) -> None:
    """Both see the debt; the second waits for the series and finds nothing due."""
    await town.whole("2024-01", rides_of(3_000_000))
    await withdraw(town, "2024-01")

    async def order() -> shortfalls.Cancellation | Exception:
        try:
            async with town.db.transaction() as session:
                return await shortfalls.cancel(
                    session, series=series(2024), ordered_by=town.staff["first"], reason="no batch will come"
                )
        except shortfalls.NothingOwed as refused:
            return refused

    found = await asyncio.gather(*(order() for _ in range(4)))
    assert sorted(type(one).__name__ for one in found) == ["Cancellation", *["NothingOwed"] * 3]
    assert await town.balance("cancelled:phcer") == 1
    assert await town.violations() == []
