"""A programme whose points wait to be collected: an owner and two friends collect, and a prop ends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

from backend import intake, packs, programmes
from backend.engagement import circle, collecting, rewards
from backend.identity import consent, means, people
from backend.intake import mapping_of, source_by_mapping
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import Registered, pending
from tests.audit.games import LIBRARY, PACK, SINCE

CODE, SOURCE = "audited-garden", "garden-bikes"
OWNER, FIRST, SECOND = range(3)
TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE)
SECTIONS = """
[switches]
earning    = true
collecting = true

[claim]
ripens_after_days    = 0
collect_within_hours = 72
by                   = "citizen"
source               = "programme policy"

[sharing]
share           = "0.4"
most_per_friend = "30"
most_per_day    = "50"
source          = "programme policy"

[[reward]]
id = "shield"
kind = "prop"
title_zh = "保护罩"
title_en = "A shield"
price = "5"
protects_hours = "24"
source = "programme policy"

[[example]]
"""


def pack() -> str:
    """The pack of the games with other sections, under another name."""
    head, rest = PACK.split("\n[switches]", 1)
    return (head + SECTIONS + rest.split("[[example]]\n", 1)[1]).replace("audited-games", CODE)


class Garden:
    """The steps, each in a transaction of its own."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.settings, self.folder = db, settings, folder
        self.people: list[UUID] = []
        self.programme: Registered

    async def build(self) -> None:
        path = self.folder / f"{CODE}.toml"
        path.write_text(pack(), encoding="utf-8")
        async with self.db.transaction() as session:
            self.programme = await programmes.register(session, pack=packs.load(path))
        for number in range(3):
            await self.person(f"1390000000{number}")
        for friend in (FIRST, SECOND):
            await self.befriend(friend)
        await self.rides()
        for friend in (FIRST, SECOND):
            async with self.db.transaction() as session:
                await collecting.take(
                    session,
                    programme=self.programme,
                    owner=self.people[OWNER],
                    taker=self.people[friend],
                )
        async with self.db.transaction() as session:
            await pending.collect(
                session,
                programme=self.programme,
                participant_id=self.people[OWNER],
                posting_id=ids.uuid7(),
            )
        async with self.db.transaction() as session:
            await rewards.take(
                session,
                programme=self.programme,
                reward_id="shield",
                participant_id=self.people[OWNER],
            )

    async def person(self, phone: str) -> None:
        async with self.db.transaction() as session:
            made = await people.citizen_with_phone(session, self.settings.keys, phone=phone)
            await circle.show(
                session,
                self.settings.keys,
                programme=self.programme,
                participant_id=made,
                display_name="小园",
                text_sha256=TEXT.sha256,
            )
        self.people.append(made)

    async def befriend(self, friend: int) -> None:
        async with self.db.transaction() as session:
            made = await circle.invite(session, programme=self.programme, participant_id=self.people[OWNER])
            await circle.accept(
                session,
                self.settings.keys,
                programme=self.programme,
                participant_id=self.people[friend],
                code=made.code,
            )

    async def rides(self) -> None:
        """A ride of the owner and of one friend: a hundred points each, ripe at once."""
        mapping = mapping_of(LIBRARY.find("bike-share-distance"))
        rows = ["account_no,started_at,ended_at,distance_m"]
        for number in (OWNER, FIRST):
            async with self.db.transaction() as session:
                await means.link(
                    session, self.settings.keys, participant_id=self.people[number], kind="bike_account",
                    operator="gz-bikes", number=f"N{number}", held_from=SINCE, proof_reference="list",
                )  # fmt: skip
            rows.append(f"N{number},2026-11-05 09:00:00,2026-11-05 09:20:00,5000")
        path = self.folder / f"{SOURCE}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        async with self.db.transaction() as session:
            await intake.register_source(
                session,
                replace(source_by_mapping(SOURCE, mapping), programme=CODE),
                programme_id=self.programme.id,
            )
        await intake.ingest(
            self.db, self.settings, path=path, source=SOURCE, mapping=mapping, library=LIBRARY
        )
