"""A small town whose rides are pooled, frozen, verified and issued, each step by whoever may take it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from backend import certification, intake, ledger, log, methodologies, packs, programmes
from backend.certification import Assurance, Batch, FindingReason, Issuance, Series, Statement
from backend.identity import Role, consent, means, organisations, people, staff
from backend.identity.approvals import TwoPersonAct
from backend.intake import mapping_of, source_by_mapping
from backend.kit import clock
from backend.kit.checks import Checked
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui.audit import INVARIANTS, audit
from tests.unscreened import unscreened

LIBRARY = packs.load_all()
PROJECT, BIKES, BIKE = "gd-green-travel", "gz-bikes", "cn-shared-bike-km"
SINCE = dt.datetime(2018, 1, 1, tzinfo=clock.SHANGHAI)
FULL_RIDE_G = 4_000


def distance_for(grams: int) -> int:
    """The metres of a ride that avoids exactly so many grams (48.7 g/km, floored)."""
    metres = -(-grams * 10_000 // 487)
    assert metres * 487 // 10_000 == grams
    return metres


def rides_of(total_g: int) -> list[int]:
    """Rides that avoid exactly so many grams together."""
    full, rest = divmod(total_g, FULL_RIDE_G)
    return [FULL_RIDE_G] * full + ([rest] if rest else [])


class Town:
    """The people of the story by name, and its steps, each in a transaction of its own."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.settings, self.folder = db, settings, folder
        self.staff: dict[str, UUID] = {}
        self.rider: UUID
        self.files = 0

    async def found(self, *, filed: bool = True) -> None:
        for code, roles, logins in (
            ("authority", [Role.AUTHORITY], ["first", "second", "third"]),
            ("gd-operator", [Role.OPERATOR, Role.AUTHORITY], ["anna", "boris"]),
            ("other-operator", [Role.OPERATOR], ["olga"]),
            ("verifier", [Role.VERIFICATION_BODY, Role.AUTHORITY], ["vera", "viktor"]),
            ("other-verifier", [Role.VERIFICATION_BODY], ["xenia"]),
        ):
            await self.hire(code, roles, logins)
        async with self.db.transaction() as session:
            await programmes.register(session, pack=unscreened(LIBRARY.find(PROJECT)))
        await self.register()
        await (self.file() if filed else self.override())
        async with self.db.transaction() as session:
            (self.rider,) = await people.register_many(session, count=1)
            await consent.assign_right_list(session, participant_ids=[self.rider], covers_from=SINCE)
        async with self.db.transaction() as session:
            await means.link(
                session, self.settings.keys, participant_id=self.rider, kind="bike_account", operator=BIKES,
                number="B1", held_from=SINCE, proof_reference="list",
            )  # fmt: skip

    async def register(self) -> None:
        """Let the bikes send."""
        async with self.db.transaction() as session:
            registered = await programmes.programme_of(session, code=PROJECT)
            source = source_by_mapping(BIKES, mapping_of(LIBRARY.find("bike-share-distance")))
            await intake.register_source(session, source, programme_id=registered.id)

    async def hire(self, code: str, roles: Sequence[Role], logins: Sequence[str]) -> None:
        async with self.db.transaction() as session:
            await organisations.create_organisation(
                session, code=code, name_zh="机构", name_en="Organisation", roles=roles
            )
            for login in logins:
                made = await staff.create_staff(
                    session, self.settings.keys, organisation_code=code, login=login,
                    password="correct horse battery", roles=roles,
                )  # fmt: skip
                self.staff[login] = made.staff.id

    async def file(
        self, methodology: str = BIKE, *, since: dt.date = dt.date(2018, 1, 1), region: str = "CN-GD"
    ) -> None:
        async with self.db.transaction() as session:
            act = await methodologies.propose_filing(
                session, pack=LIBRARY.find(methodology), region=region, valid_from=since,
                proposed_by=self.staff["first"],
            )  # fmt: skip
        async with self.db.transaction() as session:
            await methodologies.approve_filing(
                session,
                act_id=act.id,
                approved_by=self.staff["second"],
                subject_sha256=act.subject_sha256,
            )

    async def override(self, methodology: str = BIKE) -> None:
        async with self.db.transaction() as session:
            await methodologies.override_for_demo(
                session, pack=LIBRARY.find(methodology), region="CN-GD", reason="test", set_by=self.staff["first"]
            )  # fmt: skip

    async def ride(self, month: str, grams: Sequence[int], *, account: str = "B1", a_day: int = 100) -> None:
        """Rides of these grams, so many a day from the first of the month on."""
        rows = ["account_no,started_at,ended_at,distance_m"]
        for number, amount in enumerate(grams):
            day, place = divmod(number, a_day)
            at = f"{month}-{1 + day:02d} {5 + place // 50:02d}:{self.files:02d}:{place % 50:02d}"
            end = f"{month}-{1 + day:02d} 23:30:00"
            rows.append(f"{account},{at},{end},{distance_for(amount)}")
        path = self.folder / f"rides-{self.files}.csv"
        self.files += 1
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        summary = await intake.ingest(
            self.db, self.settings, path=path, source=BIKES, mapping=mapping_of(LIBRARY.find("bike-share-distance")),
            library=LIBRARY,
        )  # fmt: skip
        assert summary.accepted == len(grams)

    async def close(
        self,
        first: str,
        last: str | None = None,
        *,
        demo: bool = False,
        by: str = "anna",
        methodology: str = BIKE,
    ) -> Batch:
        async with self.db.transaction() as session:
            return await certification.close_period(
                session, self.settings.keys, project=PROJECT, methodology=methodology,
                first_month=dt.date.fromisoformat(f"{first}-01"),
                last_month=dt.date.fromisoformat(f"{last or first}-01"), demo=demo,
                benefit_split="notice 1", benefit_split_published_on=dt.date(2026, 1, 5), closed_by=self.staff[by],
            )  # fmt: skip

    async def certify(self, batch: Batch) -> Batch:
        async with self.db.transaction() as session:
            act = await certification.propose_report(
                session, batch_id=batch.id, proposed_by=self.staff["anna"]
            )
        async with self.db.transaction() as session:
            return await certification.certify_report(
                session,
                batch_id=batch.id,
                act_id=act.id,
                approved_by=self.staff["boris"],
                subject_sha256=act.subject_sha256,
            )

    async def assign(self, batch: Batch, body: str = "verifier", *, by: str = "first") -> Batch:
        async with self.db.transaction() as session:
            return await certification.assign_body(
                session, batch_id=batch.id, organisation_code=body, assigned_by=self.staff[by]
            )

    async def sample(self, batch: Batch, draws: int = 5) -> certification.Sample:
        async with self.db.transaction() as session:
            return await certification.draw_sample(
                session, batch_id=batch.id, draws=draws, drawn_by=self.staff["vera"]
            )

    async def find(self, batch: Batch, position: int, keeps_g: int) -> None:
        async with self.db.transaction() as session:
            await certification.record_finding(
                session, batch_id=batch.id, position=position, keeps_g=keeps_g, reason=FindingReason.OVERSTATED,
                remark="the operator's record says less", found_by=self.staff["vera"],
            )  # fmt: skip

    async def state(self, batch: Batch, *, deduction_g: int = 0, by: str = "vera") -> Statement:
        async with self.db.transaction() as session:
            return await certification.issue_statement(
                session, batch_id=batch.id, deduction_g=deduction_g, deduction_basis="sample", issued_by=self.staff[by],
                assurance=Assurance.REASONABLE, materiality_percent="5",
            )  # fmt: skip

    async def verify(
        self, batch: Batch, *, findings: dict[int, int] | None = None, deduction_g: int = 0
    ) -> Statement:
        """All of the verification: assigned, drawn, found, stated."""
        await self.certify(batch)
        await self.assign(batch)
        await self.sample(batch)
        for position, keeps_g in (findings or {}).items():
            await self.find(batch, position, keeps_g)
        return await self.state(batch, deduction_g=deduction_g)

    async def propose(self, batch: Batch, by: str = "first") -> TwoPersonAct:
        async with self.db.transaction() as session:
            return await certification.propose_issuance(
                session, batch_id=batch.id, proposed_by=self.staff[by]
            )

    async def approve(self, batch: Batch, act: TwoPersonAct, by: str = "second") -> Issuance:
        async with self.db.transaction() as session:
            return await certification.approve_issuance(
                session,
                batch_id=batch.id,
                act_id=act.id,
                approved_by=self.staff[by],
                subject_sha256=act.subject_sha256,
            )

    async def issue(self, batch: Batch) -> Issuance:
        return await self.approve(batch, await self.propose(batch))

    async def whole(
        self, month: str, grams: Sequence[int], *, demo: bool = False, **verified: object
    ) -> Issuance:
        """From rides to credits."""
        await self.ride(month, grams)
        batch = await self.close(month, demo=demo)
        await self.verify(batch, **verified)  # type: ignore[arg-type]
        return await self.issue(batch)

    async def balance(self, code: str) -> int:
        async with self.db.transaction() as session:
            return (await ledger.balances_by_code(session, code)).get(code, 0)

    async def entries(self, kind: str) -> list[dict[str, object]]:
        async with self.db.transaction() as session:
            found = await log.entries(session, low=0, high=await log.size(session), kind=kind)
        return [entry.body for entry in found]

    async def seal(self) -> None:
        """Seal and sign the log, as the scheduled jobs do."""
        await log.seal_and_publish(self.db, settings=self.settings)

    async def violations(self, *names: str) -> list[str]:
        """What the audit names, of all invariants about rows or of those named."""
        chosen = [one for one in INVARIANTS if (one.name in names if names else one.name != "seals.tables")]
        report = await audit(self.db, self.settings, invariants=chosen)
        return [str(one) for result in report.results for one in result.checked.violations]


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose methodology is filed."""
    made = Town(db, settings, tmp_path_factory.mktemp("rides"))
    await made.found()
    return made


__all__ = ["Checked", "Series", "Town"]
