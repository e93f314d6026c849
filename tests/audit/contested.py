"""Rides that several sources report, that are corrected, taken back and appealed: every fate a report can have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from backend import intake, packs, programmes
from backend.identity import consent, means, people, staff
from backend.intake import holding, mapping_of, source_by_mapping
from backend.intake.holding import Correction
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings

LIBRARY = packs.load_all()
PROGRAMME, MAPPING = "gd-green-travel", "bike-share-distance"
SINCE = dt.datetime(2026, 1, 1, tzinfo=clock.SHANGHAI)
DOCKS, PHONES, RECEIPTS = "gz-docks", "gz-phones", "gz-receipts"


def ride(hour: int, *, metres: int = 5_000, account: str = "D0") -> dict[str, Any]:
    """One ride of an hour of 9 November, as an event."""
    day = "2026-11-09"
    return {
        "account_no": account,
        "started_at": f"{day} {hour:02}:00:00",
        "ended_at": f"{day} {hour:02}:20:00",
        "distance_m": str(metres),
    }


class Contested:
    """The steps in their order; the city has its programme, its filings and the operator's staff already."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.settings, self.folder = db, settings, folder
        self.sent = 0

    async def build(self) -> None:
        async with self.db.transaction() as session:
            self.anna = (await staff.staff_by_login(session, login="anna")).id
            self.who = await people.citizen_with_phone(session, self.settings.keys, phone="13800138000")
            await consent.assign_right_list(session, participant_ids=[self.who], covers_from=SINCE)
            await means.link(
                session, self.settings.keys, participant_id=self.who, kind="bike_account", operator="gz-bikes",
                number="D0", held_from=SINCE, proof_reference="list",
            )  # fmt: skip
        for code, evidence in (
            (DOCKS, "operator_feed"),
            (PHONES, "operator_feed"),
            (RECEIPTS, "receipt_upload"),
        ):
            await self.register(code, evidence)
        await self.send(RECEIPTS, [ride(6), ride(7)])
        await self.send(DOCKS, [ride(6, metres=5_100)])  # takes its place
        await self.send(DOCKS, [ride(hour) for hour in range(8, 16)])
        await self.send(RECEIPTS, [ride(8, metres=5_200)])  # is refused
        await self.send(PHONES, [ride(hour, metres=4_000) for hour in (9, 10, 11, 12, 13)])  # waits
        await self.decided()
        await self.corrected()
        await self.appealed()

    async def register(self, code: str, evidence: str) -> None:
        async with self.db.transaction() as session:
            running = await programmes.programme_of(session, code=PROGRAMME)
            source = replace(source_by_mapping(code, mapping_of(LIBRARY.find(MAPPING))), evidence=evidence)
            await intake.register_source(session, source, programme_id=running.id)

    async def send(self, source: str, rides: Sequence[dict[str, Any]]) -> None:
        self.sent += 1
        path = self.folder / f"{source}-{self.sent}.csv"
        lines = [",".join(rides[0]), *(",".join(one.values()) for one in rides)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        summary = await intake.ingest(
            self.db, self.settings, path=path, source=source, mapping=mapping_of(LIBRARY.find(MAPPING)),
            library=LIBRARY,
        )  # fmt: skip
        await holding.resolve_by_rule(self.db, self.settings.keys, job_id=summary.job_id)

    async def decided(self) -> None:
        """The operator accepts one and refuses another; the others wait."""
        await self.decide(9, "accepted")
        await self.decide(10, "refused")
        await self.decide(12, "refused")

    async def corrected(self) -> None:
        """An event is corrected twice, one withdrawn, one corrected where it waits; the operator takes one back."""
        for metres in (4_500, 4_600):
            await self.correct(
                DOCKS, Correction("meter", event=ride(14), replacement=ride(14, metres=metres))
            )
        await self.correct(RECEIPTS, Correction("never", event=ride(7)))
        await self.correct(
            PHONES, Correction("wheel", event=ride(11, metres=4_000), replacement=ride(11, metres=3_900))
        )
        async with self.db.transaction() as session:
            await holding.take_back(session, key=await self.key(15), staff_id=self.anna, reason="farmed")

    async def appealed(self) -> None:
        """One appeal waits, one is dismissed, and one each about a refused row and a withdrawn act is upheld."""
        await self.appeal(13, None)
        await self.appeal(12, "dismissed")
        await self.appeal(10, "upheld")
        keys, about = self.settings.keys, {"participant_id": self.who, "key": await self.key(15)}
        async with self.db.transaction() as session:
            asked = await holding.appeal_withdrawn(session, keys, **about, words="it was me")
        await self.answer(asked.id, "upheld")

    async def correct(self, source: str, one: Correction) -> None:
        (done,) = await holding.correct_events(
            self.db, self.settings, source=source, corrections=[one], library=LIBRARY
        )
        assert done.outcome in {"corrected", "withdrawn"}, done

    async def decide(self, hour: int, outcome: Literal["accepted", "refused"]) -> None:
        job, line = await self.row(hour)
        async with self.db.transaction() as session:
            await holding.decide(
                session,
                self.settings.keys,
                job_id=job,
                line=line,
                outcome=outcome,
                staff_id=self.anna,
                reason="seen",
            )

    async def appeal(self, hour: int, outcome: Literal["upheld", "dismissed"] | None) -> None:
        job, line = await self.row(hour)
        async with self.db.transaction() as session:
            asked = await holding.appeal_held(
                session,
                self.settings.keys,
                participant_id=self.who,
                job_id=job,
                line=line,
                words="I did ride",
            )
        if outcome is not None:
            await self.answer(asked.id, outcome)

    async def answer(self, appeal: UUID, outcome: Literal["upheld", "dismissed"]) -> None:
        async with self.db.transaction() as session:
            await holding.answer_appeal(
                session,
                self.settings.keys,
                appeal_id=appeal,
                outcome=outcome,
                staff_id=self.anna,
                reason="looked at",
            )

    async def row(self, hour: int) -> tuple[UUID, int]:
        """The held report of the phones for an hour."""
        async with self.db.transaction() as session:
            rows = await holding.held_rows(
                session, programmes=[PROGRAMME], source=PHONES, decided=True, limit=100
            )
        (found,) = [one for one in rows if one.facts.happened_at.astimezone(clock.SHANGHAI).hour == hour]
        return found.job_id, found.line

    async def key(self, hour: int) -> UUID:
        """The docks' first act of an hour."""
        at = dt.datetime(2026, 11, 9, hour, tzinfo=clock.SHANGHAI)
        async with self.db.transaction() as session:
            found = await session.execute(_FIRST, {"who": self.who, "at": at, "source": DOCKS})
            key: UUID = found.scalar_one()
        return key


_FIRST = text("""
    SELECT a.claim_key FROM action a JOIN intake_source s ON s.id = a.source_id
    WHERE a.participant_id = :who AND a.happened_at = :at AND s.code = :source
    ORDER BY a.xid LIMIT 1
""")
