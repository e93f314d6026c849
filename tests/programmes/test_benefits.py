"""Benefits in money: fen for acts, taken back, owed, repaid and paid out as two people sign."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from backend import intake, programmes
from backend.identity import Role, organisations, staff
from backend.identity.approvals import ActDecidedAlready, ActNeedsSecondPerson, TwoPersonAct
from backend.intake import funded, holding, posted, recomputed
from backend.intake.holding import checks as holding_checks
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from backend.programmes import benefits, money_checks, payouts
from backend.programmes import checks as programme_checks
from backend.programmes.errors import NothingToPay, PayoutChanged
from tests.intake.test_pipeline import City
from tests.programmes.seconds import MONEY, SAMPLE, second

DAY = clock.today() - dt.timedelta(days=3)


def ride(account: str, hour: int) -> dict[str, object]:
    """A ride of 4 km: 19 fen."""
    started = dt.datetime.combine(DAY, dt.time(8), clock.SHANGHAI) + dt.timedelta(hours=hour)
    return {
        "account_no": account,
        "started_at": started.isoformat(),
        "ended_at": (started + dt.timedelta(minutes=20)).isoformat(),
        "distance_m": 4_000,
    }


class Treasury(City):
    """A city whose programme gives money, and the two people who let it go."""

    two: tuple[UUID, UUID]

    async def open(self, **facts: object) -> None:
        async with self.db.transaction() as session:
            running = await programmes.register(session, pack=second(MONEY, mark="money"))
            source = replace(intake.source_by_mapping(self.source, self.mapping), **facts)  # type: ignore[arg-type]
            await intake.register_source(session, source, programme_id=running.id)

    async def give(self, *events: dict[str, object]) -> intake.Taken:
        return await intake.take(
            self.db, self.settings, source=self.source, rows=events, library=self.library
        )

    async def benefits(self, who: UUID) -> tuple[int, int]:
        async with self.db.transaction() as session:
            mine = await benefits.benefits_of(session, participant_id=who, programme=SAMPLE)
        return mine.amount_fen, mine.owed_fen

    async def running(self) -> programmes.Registered:
        async with self.db.transaction() as session:
            return await programmes.programme_of(session, code=SAMPLE)

    async def propose(self, **asked: int) -> TwoPersonAct:
        async with self.db.transaction() as session:
            return await payouts.propose(
                session, programme=await self.running(), proposed_by=self.two[0], **asked
            )

    async def approve(self, act: TwoPersonAct, *, by: int = 1) -> payouts.Payout:
        async with self.db.transaction() as session:
            return await payouts.approve(
                session,
                programme=await self.running(),
                act_id=act.id,
                approved_by=self.two[by],
                subject_sha256=act.subject_sha256,
            )

    async def take_back_newest(self, who: UUID) -> None:
        async with self.db.transaction() as session:
            acts = await intake.acts_of(session, participant_id=who)
            key = next(act.key for act in acts if act.withdrawn_at is None)
            await holding.take_back(session, key=key, staff_id=self.two[0], reason="test")

    async def sound(self) -> None:
        checks = (
            posted.points, recomputed.grams_and_points, holding_checks.withdrawn, funded.budgets, money_checks.money,
            programme_checks.within_programmes, programme_checks.points,
        )  # fmt: skip
        async with self.db.transaction() as session:
            for check in checks:
                found = await check(session)
                assert not found.violations, found.violations[:3]


@pytest.fixture(scope="module")
async def two(db: Database, settings: Settings) -> tuple[UUID, UUID]:
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="gd-operator", name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
        )
        hired = [
            await staff.create_staff(
                session,
                settings.keys,
                organisation_code="gd-operator",
                login=login,
                password="a long enough password 7",
                roles=[Role.OPERATOR],
            )
            for login in ("cashier", "treasurer")
        ]
    return hired[0].staff.id, hired[1].staff.id


@pytest.fixture
async def treasury(db: Database, settings: Settings, tmp_path: Path, two: tuple[UUID, UUID]) -> Treasury:
    made = Treasury(db, settings, load_all(), tmp_path)
    await made.open()
    made.two = two
    return made


async def test_acts_bring_fen_and_no_points(treasury: Treasury) -> None:
    rider = await treasury.rider("paid")
    taken = await treasury.give(ride("paid", 0), ride("paid", 1))
    assert [answer.benefit_fen for answer in taken.answers] == [19, 19]
    assert [answer.points for answer in taken.answers] == [0, 0]
    assert await treasury.benefits(rider) == (38, 0)
    assert await treasury.points(rider) == 0
    await treasury.sound()


async def test_a_payout_is_let_go_by_a_second_person_and_its_file_names_pseudonyms(
    treasury: Treasury,
) -> None:
    rider = await treasury.rider("payee")
    await treasury.give(ride("payee", 0), ride("payee", 1))
    act = await treasury.propose()
    with pytest.raises(ActNeedsSecondPerson):
        await treasury.approve(act, by=0)
    await treasury.give(ride("payee", 5))  # meanwhile: waits for the next run
    done = await treasury.approve(act)
    assert await treasury.benefits(rider) == (19, 0)
    async with treasury.db.transaction() as session:
        content = await payouts.file(session, programme=await treasury.running(), payout_id=done.id)
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert rows[0] == ["programme", "participant_id", "amount_fen"]
    assert [SAMPLE, str(rider), "38"] in rows
    assert sum(int(row[2]) for row in rows[1:]) == done.amount_fen
    await treasury.sound()


async def test_what_was_paid_out_and_is_taken_back_is_owed_and_repaid_first(treasury: Treasury) -> None:
    rider = await treasury.rider("owing")
    await treasury.give(ride("owing", 0))
    await treasury.approve(await treasury.propose())
    await treasury.take_back_newest(rider)
    assert await treasury.benefits(rider) == (0, 19)
    await treasury.give(ride("owing", 5), ride("owing", 6))
    assert await treasury.benefits(rider) == (19, 0)
    await treasury.sound()


async def test_a_payout_whose_lines_no_longer_hold_pays_nobody(treasury: Treasury) -> None:
    rider, other = await treasury.rider("withdrawn"), await treasury.rider("untouched")
    await treasury.give(ride("withdrawn", 0), ride("untouched", 0))
    act = await treasury.propose()
    await treasury.take_back_newest(rider)
    with pytest.raises(PayoutChanged):
        await treasury.approve(act)
    assert await treasury.benefits(other) == (19, 0)
    await treasury.approve(await treasury.propose())
    assert await treasury.benefits(other) == (0, 0)
    with pytest.raises(NothingToPay):
        await treasury.propose()
    await treasury.sound()


async def test_no_payout_is_paid_twice(treasury: Treasury) -> None:
    await treasury.rider("once")
    await treasury.give(ride("once", 0))
    act = await treasury.propose()
    await treasury.approve(act)
    with pytest.raises(ActDecidedAlready):
        await treasury.approve(act)


async def test_benefits_lapse_behind_their_last_day(treasury: Treasury) -> None:
    rider = await treasury.rider("late")
    await treasury.give(ride("late", 0))
    assert await benefits.expire_all(treasury.db) == 0
    assert (await treasury.benefits(rider))[0] == 19
