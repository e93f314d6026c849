"""A programme whose acts are followed: tasks, a campaign and referrals, with acts withdrawn after they were rewarded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from backend import intake, packs, programmes
from backend.engagement import followers, referrals, tasks
from backend.identity import Role, means, organisations, people, staff
from backend.intake import mapping_of, source_by_mapping
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import Registered
from tests.audit import games

CODE, SOURCE = "audited-tasks", "followed-bikes"
SINCE = dt.datetime(2026, 1, 1, tzinfo=clock.SHANGHAI)
HEAD = games.PACK[: games.PACK.index("[switches]")]
EXAMPLE = games.PACK[games.PACK.index("[[example]]") :]
PACK = (
    HEAD.replace("audited-games", CODE)
    + """
[switches]
earning   = true
tasks     = true
campaigns = true
referral  = true

[budget]
amount = "3000"
floor  = 0
per    = "programme"
source = "programme policy"

[[task]]
id = "two-rides"
title_zh = "骑行两次"
title_en = "Two rides"
measure = "acts"
count = "2"
period = "once"
points = "10"
source = "programme policy"

[[task]]
id = "taken-on"
title_zh = "领取的任务"
title_en = "Taken on"
measure = "days"
count = "1"
period = "once"
points = "3"
accept = true
source = "programme policy"

[[campaign]]
id = "half-more"
title_zh = "加赠一半"
title_en = "Half as much again"
first = 2026-01-01
last = 2099-12-31
multiplier = "1.5"
budget = "220"
source = "programme policy"

[referral]
after_acts = 2
within_days = 30
to_referrer = "20"
to_referred = "5"
most = 1
source = "programme policy"

"""
    + EXAMPLE
)


async def build(db: Database, settings: Settings, folder: Path) -> None:
    """Rewards that stand, one that was undone, one given again; a campaign that ran out; two newcomers of one referrer."""
    await Ridden(db, settings, folder).build()


class Ridden:
    """The steps, each in a transaction of its own."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.settings, self.folder = db, settings, folder
        self.riders: list[UUID] = []
        self.programme: Registered
        self.clerk: UUID

    async def build(self) -> None:
        await self.open()
        today = clock.today()
        async with self.db.transaction() as session:
            await tasks.accept(
                session, programme=self.programme, task_id="taken-on", participant_id=self.riders[0]
            )
            code = (
                await referrals.own(session, programme=self.programme, participant_id=self.riders[0])
            ).code
        for newcomer in self.riders[1:3]:
            async with self.db.transaction() as session:
                await referrals.redeem(session, programme=self.programme, participant_id=newcomer, code=code)
        await self.ride([(0, today, 8), (1, today, 8), (1, today, 9), (3, today, 8), (3, today, 9)])
        await self.withdraw(3)
        await self.ride([(2, today, 8), (2, today, 9), (3, today, 11)])
        await self.withdraw(1)
        await self.ride([(1, today, 12)])

    async def open(self) -> None:
        async with self.db.transaction() as session:
            try:
                await organisations.organisation_by_code(session, code="gd-operator")
            except organisations.OrganisationUnknown:
                await organisations.create_organisation(
                    session, code="gd-operator", name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
                )
            made = await staff.create_staff(
                session, self.settings.keys, organisation_code="gd-operator", login="followed-clerk",
                password="correct horse battery", roles=[Role.OPERATOR],
            )  # fmt: skip
            self.clerk = made.staff.id
        path = self.folder / f"{CODE}.toml"
        path.write_text(PACK, encoding="utf-8")
        async with self.db.transaction() as session:
            self.programme = await programmes.register(session, pack=packs.load(path))
            self.riders = await people.register_many(session, count=4)
            for number, rider in enumerate(self.riders):
                await means.link(
                    session, self.settings.keys, participant_id=rider, kind="bike_account", operator="gz-bikes",
                    number=f"F{number}", held_from=SINCE, proof_reference="list",
                )  # fmt: skip
            mapping = mapping_of(games.LIBRARY.find("bike-share-distance"))
            await intake.register_source(
                session,
                replace(source_by_mapping(SOURCE, mapping), programme=CODE),
                programme_id=self.programme.id,
            )

    async def ride(self, rides: Sequence[tuple[int, dt.date, int]]) -> None:
        rows = ["account_no,started_at,ended_at,distance_m"]
        # At the day's beginning, so that none lies ahead: whoever came today counts from today on.
        rows += [f"F{who},{day} 00:00:{hour:02},{day} 00:00:50,5000" for who, day, hour in rides]
        path = self.folder / f"{ids.uuid7().hex}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        mapping = mapping_of(games.LIBRARY.find("bike-share-distance"))
        await intake.ingest(
            self.db, self.settings, path=path, source=SOURCE, mapping=mapping, library=games.LIBRARY
        )
        await followers.follow(self.db)

    async def withdraw(self, rider: int) -> None:
        """The rider's latest act."""
        query = text("""
            SELECT claim_key FROM action WHERE participant_id = :who ORDER BY happened_at DESC LIMIT 1
        """)
        async with self.db.transaction() as session:
            key = (await session.execute(query, {"who": self.riders[rider]})).scalar_one()
            await intake.holding.take_back(session, key=key, staff_id=self.clerk, reason="a test")
        await followers.follow(self.db)
