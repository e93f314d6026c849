"""A partner's bike share: a source, its riders, and their rides as rows of a file and as events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from uuid import UUID

from backend import intake, ledger, programmes
from backend.identity import consent, means, people
from backend.intake.mapping import Mapping, mapping_of
from backend.kit import ids
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Library, load_all

SINCE = dt.datetime(2020, 1, 1, tzinfo=SHANGHAI)
HEADER = "trip_id,account_no,started_at,ended_at,distance_m\n"


def ride(account: str, minute: int = 0, *, metres: int = 10_000, day: str = "2026-10-12") -> str:
    """One row, with its end of line."""
    return ",".join(str(value) for value in event(account, minute, metres=metres, day=day).values()) + "\n"


def event(
    account: str, minute: int = 0, *, metres: int = 10_000, day: str = "2026-10-12"
) -> dict[str, object]:
    """The same as an event."""
    start = dt.datetime.fromisoformat(day) + dt.timedelta(minutes=minute)
    end = start + dt.timedelta(minutes=20)
    return {
        "trip_id": f"T{minute}",
        "account_no": account,
        "started_at": str(start),
        "ended_at": str(end),
        "distance_m": metres,
    }


@dataclass
class Bikes:
    """One programme's source of one partner."""

    db: Database
    settings: Settings
    partner: str
    library: Library = field(default_factory=load_all)
    source: str = field(default_factory=lambda: f"bikes-{ids.uuid7().hex[-8:]}")

    @property
    def mapping(self) -> Mapping:
        return mapping_of(self.library.find("bike-share-distance"))

    async def open(self, **facts: object) -> None:
        async with self.db.transaction() as session:
            running = await programmes.register(session, pack=self.library.find("gd-green-travel"))
            suggested = intake.source_by_mapping(self.source, self.mapping)
            source = replace(suggested, partner=self.partner, **facts)  # type: ignore[arg-type]
            await intake.register_source(session, source, programme_id=running.id)

    async def rider(self, account: str) -> UUID:
        """Somebody who holds an account and assigned the right to the grams."""
        async with self.db.transaction() as session:
            (who,) = await people.register_many(session, count=1)
            await means.link_list(
                session,
                self.settings.keys,
                kind="bike_account",
                operator="gz-bikes",
                lines=[means.Listed(number=account, participant_id=who, held_from=SINCE)],
                proof_reference="test",
            )
            await consent.assign_right_list(session, participant_ids=[who], covers_from=SINCE)
        return who

    async def points(self, who: UUID) -> int:
        async with self.db.transaction() as session:
            return sum((await ledger.balances_by_code(session, f"wallet:{who}:")).values())
