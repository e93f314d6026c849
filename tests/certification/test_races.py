"""What happens at once: closers, files coming in, approvers, a new statement. One of them waits, and nothing is half done."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import certification
from backend.identity import approvals
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.certification.conftest import BIKE, PROJECT, Town, rides_of
from tests.concurrency.conftest import (
    GivenUp,
    Pause,
    Superuser,
    Verb,
    done_or_waiting,
    statements_of,
    transaction,
)

TABLES = (
    "batch", "batch_leaf", "batch_node", "batch_report", "batch_statement", "batch_issuance", "ledger_transfer",
    "ledger_account", "serial_movement", "serial_block", "log_entry", "two_person_decision",
)  # fmt: skip


class HeldOpen(Database):
    """A database whose transactions that store a chunk of a file stay open until they are let go."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            stored = text(
                "SELECT EXISTS (SELECT FROM intake_chunk WHERE xid = pg_current_xact_id_if_assigned())"
            )
            if (await session.execute(stored)).scalar_one():
                self.reached.set()
                await self.go.wait()


async def counts(town: Town) -> dict[str, int]:
    async with town.db.transaction() as session:
        return {
            name: int((await session.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one())
            for name in TABLES
        }


async def waits(task: asyncio.Task[object], superuser: Superuser) -> None:
    assert await done_or_waiting(task, superuser), "it did not wait"


@asynccontextmanager
async def abandoned(db: Database, pause: Pause) -> AsyncIterator[AsyncSession]:
    """A transaction that pauses, and is never committed."""
    with contextlib.suppress(GivenUp):
        async with transaction(db, pause) as session:
            yield session
            raise GivenUp


def closing(town: Town, month: str) -> Verb:
    async def verb(session: AsyncSession) -> certification.Batch:
        return await close_in(town, session, month)

    return verb


async def close_in(town: Town, session: AsyncSession, month: str) -> certification.Batch:
    day = dt.date.fromisoformat(f"{month}-01")
    return await certification.close_period(
        session, town.settings.keys, project=PROJECT, methodology=BIKE, first_month=day, last_month=day,
        benefit_split="notice", benefit_split_published_on=day, closed_by=town.staff["anna"],
    )  # fmt: skip


async def test_of_two_closers_the_second_waits_and_finds_the_batch_open(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    await town.ride("2018-01", rides_of(9_000))
    async with town.db.transaction() as session:
        batch = await close_in(town, session, "2018-01")
        second = asyncio.create_task(town.close("2018-01"))
        await waits(second, superuser)
    with pytest.raises(certification.BatchOpen):
        await second
    async with town.db.transaction() as session:
        assert [one.id for one in await certification.batches(session, project=PROJECT)] == [batch.id]


async def test_a_file_that_is_still_being_stored_is_left_whole_for_the_next_batch(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    """The chunk holds its pool's account; the closing has read the acts before, waits there, and takes none of it."""
    await town.ride("2019-01", rides_of(9_000))
    held = HeldOpen(town.settings)
    late = Town(held, town.settings, town.folder / "late")
    late.folder.mkdir()
    late.files = 7
    storing = asyncio.create_task(late.ride("2019-01", rides_of(5_000)))
    await held.reached.wait()
    closing_now = asyncio.create_task(town.close("2019-01"))
    await waits(closing_now, superuser)
    held.go.set()
    await storing
    batch = await closing_now
    await held.engine.dispose()
    assert (batch.acts, batch.frozen_g) == (3, 9_000)
    assert await town.balance(f"pool:{PROJECT}:{BIKE}:2019-01") == 5_000
    await town.verify(batch)
    await town.issue(batch)
    assert (await town.close("2019-01")).frozen_g == 5_000


async def test_a_file_stored_between_reading_and_posting_stays_in_its_pool(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    del superuser
    await town.ride("2020-01", rides_of(9_000))
    total = await statements_of(town.db, closing(town, "2020-01"))
    for after in range(1, total + 1):  # wherever the closing stands when the file comes in whole
        pause = Pause(after)
        before = await town.balance(f"pool:{PROJECT}:{BIKE}:2020-01")
        async with abandoned(town.db, pause) as session:
            running = asyncio.create_task(close_in(town, session, "2020-01"))
            await pause.reached.wait()
            storing = asyncio.create_task(town.ride("2020-01", rides_of(1_000)))
            await asyncio.wait({storing}, timeout=1.5)
            pause.go.set()
            batch = await running
            assert batch.frozen_g in {before, before + 1_000}, after
        await storing
    found = await town.violations("batches.acts", "batches.grams", "grams.posted", "ledger.balances")
    assert not found


async def test_of_two_second_people_one_issues(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    await town.ride("2021-01", rides_of(1_000_000))
    batch = await town.close("2021-01")
    await town.verify(batch)
    act = await town.propose(batch)
    before = await counts(town)
    async with town.db.transaction() as session:
        await certification.approve_issuance(
            session, batch_id=batch.id, act_id=act.id, approved_by=town.staff["second"],
            subject_sha256=act.subject_sha256,
        )  # fmt: skip
        other = asyncio.create_task(town.approve(batch, act, "third"))
        again = asyncio.create_task(town.approve(batch, act, "second"))
        await waits(other, superuser)
    for task in (other, again):
        with pytest.raises(approvals.ActDecidedAlready):
            await task
    after = await counts(town)
    assert after["batch_issuance"] - before["batch_issuance"] == 1
    assert after["serial_movement"] - before["serial_movement"] == 1
    assert await town.balance("holder:phcer:gd-operator") == 1


async def test_of_two_proposals_of_one_batch_only_one_issues(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    await town.ride("2022-01", rides_of(1_000_000))
    batch = await town.close("2022-01")
    await town.verify(batch)
    one, two = await town.propose(batch, "first"), await town.propose(batch, "second")
    async with town.db.transaction() as session:
        await certification.approve_issuance(
            session, batch_id=batch.id, act_id=one.id, approved_by=town.staff["third"],
            subject_sha256=one.subject_sha256,
        )  # fmt: skip
        other = asyncio.create_task(town.approve(batch, two, "first"))
        await waits(other, superuser)
    with pytest.raises(certification.IssuedAlready):
        await other
    assert await town.balance("holder:phcer:gd-operator") == 2


async def test_a_statement_that_comes_during_the_approval_waits_and_is_too_late(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    await town.ride("2023-01", rides_of(1_000_000))
    batch = await town.close("2023-01")
    await town.verify(batch)
    act = await town.propose(batch)
    async with town.db.transaction() as session:
        await certification.approve_issuance(
            session, batch_id=batch.id, act_id=act.id, approved_by=town.staff["second"],
            subject_sha256=act.subject_sha256,
        )  # fmt: skip
        statement = asyncio.create_task(town.state(batch))
        await waits(statement, superuser)
    with pytest.raises(certification.IssuedAlready):
        await statement


async def test_a_crash_anywhere_in_closing_and_issuing_leaves_nothing_half_done(town: Town) -> None:
    await town.ride("2024-01", rides_of(1_000_000))
    await crash_everywhere(town, closing(town, "2024-01"))
    batch = await town.close("2024-01")
    await town.verify(batch)
    act = await town.propose(batch)

    async def approving(session: AsyncSession) -> object:
        return await certification.approve_issuance(
            session, batch_id=batch.id, act_id=act.id, approved_by=town.staff["second"],
            subject_sha256=act.subject_sha256,
        )  # fmt: skip

    await crash_everywhere(town, approving)
    assert (await town.approve(batch, act)).quantity_t == 1
    found = await town.violations()
    assert not found, "\n".join(found)


async def crash_everywhere(town: Town, verb: Verb) -> None:
    """End the verb's transaction behind each of its statements; everything is as it was every time."""
    before = await counts(town)
    total = await statements_of(town.db, verb)
    assert total > 10
    for after in range(1, total + 1):
        pause = Pause(after)
        async with abandoned(town.db, pause) as session:
            running = asyncio.ensure_future(verb(session))
            await pause.reached.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert await counts(town) == before, after
