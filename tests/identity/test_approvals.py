"""Acts that take two people take two people, whatever is tried."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from backend.identity import approvals, staff
from backend.identity.approvals import ActKind, Decision, TwoPersonAct
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from tests.identity.conftest import Hire

FILING = ActKind("test.filing", Role.AUTHORITY)
SHOWN = hashlib.sha256(b"what both saw").digest()


async def _propose(db: Database, by: UUID, kind: ActKind = FILING) -> TwoPersonAct:
    async with db.transaction() as session:
        return await approvals.propose(
            session, kind, proposed_by=by, subject_sha256=SHOWN, body={"pack": "单车"}
        )


async def _approve(
    db: Database, act: TwoPersonAct, by: UUID, shown: bytes = SHOWN, kind: ActKind = FILING
) -> TwoPersonAct:
    async with db.transaction() as session:
        return await approvals.approve(session, kind, act_id=act.id, approved_by=by, subject_sha256=shown)


async def test_the_second_person_approves_what_the_first_proposed(db: Database, hire: Hire) -> None:
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    act = await _propose(db, first.id)
    async with db.transaction() as session:
        assert act in await approvals.open_acts(session, kinds=[FILING])
    decided = await _approve(db, act, second.id)
    assert (decided.decision, decided.decided_by, decided.body) == (
        Decision.APPROVED,
        second.id,
        {"pack": "单车"},
    )
    async with db.transaction() as session:
        assert await approvals.act(session, FILING, act_id=act.id) == decided
        assert act.id not in {one.id for one in await approvals.open_acts(session, kinds=[FILING])}


async def test_one_person_twice_is_refused_by_us_and_by_the_database(
    db: Database, hire: Hire, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    first = await hire(Role.AUTHORITY)
    act = await _propose(db, first.id)
    with pytest.raises(approvals.ActNeedsSecondPerson):
        await _approve(db, act, first.id)
    with pytest.raises(asyncpg.CheckViolationError, match="two_people"):
        await superuser.execute(
            "INSERT INTO two_person_decision (act_id, proposed_by, expires_at, decided_by, decided_at, decision)"
            " SELECT id, proposed_by, expires_at, $2, now(), 'approved' FROM two_person_act WHERE id = $1",
            act.id,
            first.id,
        )


async def test_the_role_of_the_kind_is_needed_on_both_sides_at_the_time(db: Database, hire: Hire) -> None:
    authority, operator, leaver = (
        await hire(Role.AUTHORITY),
        await hire(Role.OPERATOR),
        await hire(Role.AUTHORITY),
    )
    with pytest.raises(approvals.ActNeedsRole):
        await _propose(db, operator.id)
    act = await _propose(db, authority.id)
    with pytest.raises(approvals.ActNeedsRole):
        await _approve(db, act, operator.id)
    async with db.transaction() as session:
        await staff.set_active(session, staff_id=leaver.id, active=False)
    with pytest.raises(approvals.ActNeedsRole):
        await _approve(db, act, leaver.id)


async def test_approval_is_of_exactly_what_was_shown(db: Database, hire: Hire) -> None:
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    act = await _propose(db, first.id)
    with pytest.raises(approvals.ActShownDiffers):
        await _approve(db, act, second.id, shown=hashlib.sha256(b"something else").digest())
    with pytest.raises(approvals.ActUnknown):
        await _approve(db, act, second.id, kind=ActKind("test.other", Role.AUTHORITY))


async def test_a_proposal_is_decided_at_most_once_by_whoever_is_first(db: Database, hire: Hire) -> None:
    first, second, third = [await hire(Role.AUTHORITY) for _ in range(3)]
    act = await _propose(db, first.id)

    async def reject() -> TwoPersonAct:
        async with db.transaction() as session:
            return await approvals.reject(
                session, FILING, act_id=act.id, rejected_by=third.id, subject_sha256=SHOWN
            )

    results = await asyncio.gather(
        *(_approve(db, act, second.id) for _ in range(4)),
        *(reject() for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, TwoPersonAct) for result in results) == 1
    assert sum(isinstance(result, approvals.ActDecidedAlready) for result in results) == 7


@pytest.mark.parametrize(("late_by", "good"), [(timedelta(seconds=-30), True), (timedelta(0), False)])
async def test_a_proposal_stands_until_it_expires(
    db: Database, hire: Hire, late_by: timedelta, good: bool
) -> None:
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    act = await _propose(db, first.id)
    with clock.travel(act.expires_at + late_by):
        if good:
            assert (await _approve(db, act, second.id)).decision is Decision.APPROVED
        else:
            with pytest.raises(approvals.ActExpired):
                await _approve(db, act, second.id)


async def test_an_act_is_never_rewritten_after_the_fact(
    db: Database, hire: Hire, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    first, second, third = [await hire(Role.AUTHORITY) for _ in range(3)]
    act = await _propose(db, first.id)
    for change in (
        "UPDATE two_person_act SET body = '{}' WHERE id = $1",
        "UPDATE two_person_act SET expires_at = 'infinity' WHERE id = $1",
        "DELETE FROM two_person_act WHERE id = $1",
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await superuser.execute(change, act.id)
        assert refused.value.sqlstate == "PK001"
    await _approve(db, act, second.id)
    for change in (
        "UPDATE two_person_decision SET decision = 'rejected' WHERE act_id = $1",
        f"UPDATE two_person_decision SET decided_by = '{third.id}' WHERE act_id = $1",
        "DELETE FROM two_person_decision WHERE act_id = $1",
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await superuser.execute(change, act.id)
        assert refused.value.sqlstate == "PK001"
    with pytest.raises(asyncpg.ForeignKeyViolationError):  # nor by naming another proposer
        await superuser.execute(
            "INSERT INTO two_person_decision (act_id, proposed_by, expires_at, decided_by, decided_at, decision)"
            " SELECT gen_random_uuid(), $2, expires_at, proposed_by, now(), 'approved' FROM two_person_act"
            " WHERE id = $1",
            act.id,
            third.id,
        )
