"""Two sources of one programme that report rides of the same people, and acts held between them."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import intake
from backend.identity import Role, organisations, staff
from backend.intake import holding
from backend.intake.holding import NewHeld
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from puhui import audit as auditing
from tests.intake.test_pipeline import City, filed, ride

__all__ = ["filed", "ride"]


# What reads nothing of intake, or what these tests do not make (a hold without a redemption, an unsealed log).
_ELSEWHERE = {
    "log.consistent",
    "seals.tables",
    "seals.rows",
    "audits.recorded",
    "acts.two_people",
    "redemptions.held",
}


class Town(City):
    """A city whose acts are held, decided and withdrawn."""

    staff_id: UUID

    async def keys_of(self, who: UUID) -> list[UUID]:
        """The acts of a participant that stand, newest first."""
        async with self.db.transaction() as session:
            acts = await intake.acts_of(session, participant_id=who)
        return [act.key for act in acts if act.withdrawn_at is None]

    async def sums(self, who: UUID) -> tuple[int, int, int]:
        async with self.db.transaction() as session:
            day = dt.date(2026, 10, 12)
            sums = await intake.sums_of(session, participant_id=who, first=day, last=day)
        return sums.acts, sums.grams, sums.points

    async def withdraw(self, *keys: UUID) -> list[holding.Withdrawn]:
        async with self.db.transaction() as session:
            done = [
                await holding.take_back(session, key=key, staff_id=self.staff_id, reason="test")
                for key in keys
            ]
        return [one for one in done if one is not None]

    async def beside(self, evidence: str) -> Town:
        """Another source of the same programme, of this evidence."""
        other = Town(self.db, self.settings, self.library, self.folder)
        await other.open(evidence=evidence)
        other.staff_id = self.staff_id
        return other

    async def hold_like(
        self, key: UUID, *, kind: str = "overlap", minutes: int = 5, code: str = "", own: UUID | None = None
    ) -> tuple[UUID, int]:
        """Hold a report of this source that collides with the act `key`: its claim itself, or a ride begun later."""
        async with self.db.transaction() as session:
            (row,) = (
                await session.execute(
                    text("SELECT a.*, j.mapping_sha256 FROM action a JOIN intake_job j ON j.id = a.job_id "
                         "WHERE claim_key = :key"), {"key": key},
                )
            ).all()  # fmt: skip
            source = await intake.source_of(session, self.source)
            later = dt.timedelta(minutes=0 if kind == "claim" else minutes)
            own = own or UUID(bytes=row.claim_key.bytes[:4] + ids.uuid7().bytes[4:])
            job = await holding.hold_apart(
                session,
                source_id=source.id,
                mapping_sha256=row.mapping_sha256,
                label=f"held {own} {self.source}",
                rows=[
                    NewHeld(
                        line=1,
                        kind=kind,  # type: ignore[arg-type]
                        code=code,
                        bound="",
                        claim_key=row.claim_key if kind == "claim" else own,
                        against=row.claim_key if kind in {"claim", "overlap"} else None,
                        method_id=row.method_id,
                        means_token=row.means_token,
                        participant_id=row.participant_id,
                        happened_at=row.happened_at + later,
                        ended_at=row.ended_at + later,
                        inputs=row.inputs,
                        grams=row.grams,
                        points=row.points,
                    )
                ],
            )
        return job, 1

    async def audited(self) -> list[str]:
        """What the audit names of intake, points and grams."""
        named = []
        for invariant in auditing.INVARIANTS:
            if invariant.name not in _ELSEWHERE:
                async with self.db.transaction() as session:
                    found = await invariant.check(session, self.settings)
                named += [f"{invariant.name} | {one}" for one in found.violations]
        return named


@pytest.fixture
async def town(db: Database, settings: Settings, tmp_path: object, hired: UUID) -> Town:
    here = Town(db, settings, load_all(), tmp_path)  # type: ignore[arg-type]
    await here.open()
    here.staff_id = hired
    return here


@pytest.fixture(scope="module")
async def hired(db: Database, settings: Settings) -> UUID:
    """One member of the operator's staff."""
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="gd-operator", name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
        )
        made = await staff.create_staff(
            session,
            settings.keys,
            organisation_code="gd-operator",
            login="holder",
            password="a long enough password 7",
            roles=[Role.OPERATOR],
        )
    return made.staff.id
