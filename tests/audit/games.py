"""A second programme in which people take rewards, enter lotteries, have trees planted and come to an event."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from backend import intake, packs, programmes
from backend.engagement import causes, events, lotteries, planting, rewards
from backend.engagement.events import codes
from backend.identity import Role, means, organisations, people, staff
from backend.intake import mapping_of, source_by_mapping
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import Registered
from tests.audit import redeemed

CODE, SOURCE = "audited-games", "games-bikes"
LIBRARY = packs.load_all()
SINCE = dt.datetime(2026, 1, 1, tzinfo=clock.SHANGHAI)
HOUR = dt.timedelta(hours=1)
PACK = """
kind   = "programme"
format = 2

[pack]
id           = "audited-games"
version      = "1.0.0"
title_zh     = "受审计的游戏"
title_en     = "Audited games"
jurisdiction = "CN-GD"
operator     = "gd-operator"
sample       = true
status       = "demo"
official     = false

[acts]
from   = 2018-01-01
source = "programme policy"

[certification]
project = "audited-games"
source  = "programme policy"

[points]
unit_zh              = "分"
unit_en              = "point"
expires_after_months = 24
expires_at           = "month-end"
source               = "programme policy"

[[evidence]]
tier   = "operator_feed"
weight = "1"
source = "programme policy"

[[earn]]
id          = "cycling"
methodology = "cn-shared-bike-km"
activity    = "cycling"
per         = "act"
points      = "100"
source      = "programme policy"

[redeem]
confirm_above_points = "4"
step_up_above_points = "5"
source               = "programme policy"

[switches]
earning   = true
lotteries = true
planting  = true
events    = true

[[reward]]
id = "bag"
kind = "goods"
title_zh = "布袋"
title_en = "A cloth bag"
price = "10"
stock = 3
most_per_person = 2
source = "programme policy"

[[reward]]
id = "reed-bed"
kind = "public_welfare"
title_zh = "芦苇湿地"
title_en = "A reed bed"
price = "7"
source = "programme policy"

[[reward]]
id = "shield"
kind = "prop"
title_zh = "保护罩"
title_en = "A shield"
price = "5"
protects_hours = "24"
source = "programme policy"

[[reward]]
id = "saxaul"
kind = "planting"
title_zh = "梭梭树"
title_en = "A saxaul tree"
price = "20"
partner = "desert"
species_zh = "梭梭"
species_en = "Haloxylon ammodendron"
source = "programme policy"

[[reward]]
id = "sapling"
kind = "planting"
title_zh = "线上树苗"
title_en = "A sapling on screen"
price = "3"
source = "programme policy"

[[reward]]
id = "old-oak"
kind = "adoption"
title_zh = "老橡树"
title_en = "An old oak"
price = "15"
partner = "desert"
source = "programme policy"

[[reward]]
id = "spring"
kind = "lottery"
title_zh = "春季抽奖"
title_en = "Spring draw"
price = "4"
stock = 50
most_per_person = 3
prizes = [
    { id = "bike", title_zh = "自行车", title_en = "A bicycle", count = 1 },
    { id = "cup", title_zh = "杯子", title_en = "A cup", count = 2 },
]
source = "programme policy"

[[example]]
why = "a ride earns 100 points, however long it is"
in  = { earn = "cycling", evidence = "operator_feed", grams = 487 }
out = { points = 100 }
"""


class Games:
    """The steps, each in a transaction of its own."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.settings, self.folder = db, settings, folder
        self.players: list[UUID] = []
        self.programme: Registered

    async def build(self) -> None:
        path = self.folder / f"{CODE}.toml"
        path.write_text(PACK, encoding="utf-8")
        async with self.db.transaction() as session:
            await self._organisation("gd-operator", Role.OPERATOR)
            await self._organisation("desert", Role.PARTNER)
            self.programme = await programmes.register(session, pack=packs.load(path))
            self.players = await people.register_many(session, count=4)
        self.clerk = await self._hire("gd-operator", Role.OPERATOR)
        self.witness = await self._hire("authority", Role.AUTHORITY)
        self.gardener = await self._hire("desert", Role.PARTNER)
        await self.rides()
        await self.grants()
        await self.trees()
        for silent in (False, True):
            await self.lottery(silent=silent)
        await self.evening()
        await redeemed.build(self.db, self.settings, self.players)

    async def rides(self) -> None:
        """Two rides each, in two months: 200 points in two lots."""
        mapping = mapping_of(LIBRARY.find("bike-share-distance"))
        rows = ["account_no,started_at,ended_at,distance_m"]
        for number, player in enumerate(self.players):
            async with self.db.transaction() as session:
                await means.link(
                    session, self.settings.keys, participant_id=player, kind="bike_account", operator="gz-bikes",
                    number=f"G{number}", held_from=SINCE, proof_reference="list",
                )  # fmt: skip
            rows += [f"G{number},2026-{day} 08:00:00,2026-{day} 08:20:00,5000" for day in ("10-20", "11-05")]
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

    async def _organisation(self, code: str, role: Role) -> None:
        async with self.db.transaction() as session:
            try:
                await organisations.organisation_by_code(session, code=code)
            except organisations.OrganisationUnknown:
                await organisations.create_organisation(
                    session, code=code, name_zh=code, name_en=code, roles=[role]
                )

    async def _hire(self, code: str, role: Role) -> UUID:
        async with self.db.transaction() as session:
            made = await staff.create_staff(
                session, self.settings.keys, organisation_code=code, login=f"games-{code}",
                password="correct horse battery", roles=[role],
            )  # fmt: skip
        return made.staff.id

    async def take(self, player: int, reward: str) -> rewards.Grant:
        async with self.db.transaction() as session:
            return await rewards.take(
                session, programme=self.programme, reward_id=reward, participant_id=self.players[player]
            )

    async def grants(self) -> None:
        """One delivered, one refused, one that waits; gifts and a shield."""
        taken = [await self.take(player, "bag") for player in (0, 0, 1)]
        outcomes: tuple[Literal["delivered", "refused"], ...] = ("delivered", "refused")
        for grant, outcome in zip(taken, outcomes, strict=False):
            async with self.db.transaction() as session:
                await rewards.decide(
                    session, programme=self.programme, grant_id=grant.id, outcome=outcome, words="at the desk",
                    decided_by=self.clerk,
                )  # fmt: skip
        for player, reward in ((0, "reed-bed"), (1, "reed-bed"), (2, "shield"), (2, "shield")):
            await self.take(player, reward)
        await self.handovers()

    async def handovers(self) -> None:
        """A gift larger than the smallest; two hand-overs to the cause, one of them taken back."""
        about: dict[str, Any] = {"programme": self.programme, "reward": "reed-bed", "noted_by": self.clerk}
        async with self.db.transaction() as session:
            await rewards.take(
                session, programme=self.programme, reward_id="reed-bed", participant_id=self.players[1], points=8
            )  # fmt: skip
            made = [
                await causes.hand_over(
                    session, **about, points=10, money_fen=250, recipient_zh="湿地基金会", recipient_en="Wetlands",
                    reference=f"R-{number}", handed_on=clock.today(),
                )
                for number in range(2)
            ]  # fmt: skip
            await causes.correct(session, **about, handover_id=made[0].id, reason="paid by somebody else")

    async def trees(self) -> None:
        """One planted, one failed, one adopted, one handed over, one that waits, one on screen."""
        made = []
        for player, reward in ((0, "saxaul"), (1, "saxaul"), (2, "old-oak"), (3, "saxaul"), (0, "sapling")):
            async with self.db.transaction() as session:
                made.append(
                    await planting.order(
                        session,
                        programme=self.programme,
                        reward_id=reward,
                        participant_id=self.players[player],
                    )
                )
        async with self.db.transaction() as session:
            await planting.hand_over(session, programme=self.programme, partner="desert", made_by=self.clerk)
        today = clock.today()
        for order, reference, until in (
            (made[0], "A-1", None),
            (made[2], "oak-7", today + dt.timedelta(days=364)),
        ):
            async with self.db.transaction() as session:
                await planting.planted(
                    session, programme=self.programme, order_id=order.id, reference=reference, place="民勤县",
                    planted_on=today, stands_until=until, reported_by=self.gardener,
                )  # fmt: skip
        async with self.db.transaction() as session:
            await planting.failed(
                session,
                programme=self.programme,
                order_id=made[1].id,
                reason="drought",
                reported_by=self.gardener,
            )
        async with self.db.transaction() as session:
            await planting.order(
                session, programme=self.programme, reward_id="saxaul", participant_id=self.players[3]
            )

    async def lottery(self, *, silent: bool) -> None:
        """One is drawn, the other fails because the second party stays silent."""
        start = clock.now()
        async with self.db.transaction() as session:
            opened = await lotteries.open_lottery(
                session, programme=self.programme, reward_id="spring", second="authority", enter_from=start,
                enter_until=start + HOUR, reveal_until=start + 2 * HOUR, one_prize_per_person=not silent,
                opened_by=self.clerk,
            )  # fmt: skip
        parties = ((self.clerk, b"operator's secret"), (self.witness, b"witness's secret"))
        secrets = {who: hashlib.sha256(word + opened.id.bytes).digest() for who, word in parties}
        for who, secret in secrets.items():
            async with self.db.transaction() as session:
                await lotteries.commit(
                    session, lottery_id=opened.id, staff_id=who,
                    commitment=lotteries.commitment_to(secret, opened.id),
                )  # fmt: skip
        for player in (0, 0, 1, 2):
            async with self.db.transaction() as session:
                await lotteries.enter(
                    session,
                    programme=self.programme,
                    lottery_id=opened.id,
                    participant_id=self.players[player],
                )
        with clock.travel(start + HOUR):
            for who, secret in list(secrets.items())[: 1 if silent else 2]:
                async with self.db.transaction() as session:
                    await lotteries.reveal(session, lottery_id=opened.id, staff_id=who, secret=secret)
        if silent:
            with clock.travel(start + 2 * HOUR):
                await lotteries.settle_due(self.db)

    async def evening(self) -> None:
        """Somebody comes, somebody cancels, somebody gets no seat; another event is called off."""
        begins = clock.now() + HOUR
        made = []
        for title in ("lecture", "ride"):
            async with self.db.transaction() as session:
                made.append(
                    await events.publish(
                        session, programme=self.programme, title_zh=title, title_en=title, place="市民中心",
                        starts_at=begins, ends_at=begins + HOUR, capacity=2, points=6,
                        award=9 if title == "lecture" else 0, published_by=self.clerk,
                    )
                )  # fmt: skip
        for event, player in ((made[0], 0), (made[0], 1), (made[0], 2), (made[0], 3), (made[1], 0)):
            async with self.db.transaction() as session:
                await events.sign_up(
                    session, programme=self.programme, event_id=event.id, participant_id=self.players[player]
                )
        async with self.db.transaction() as session:
            await events.cancel(
                session, programme=self.programme, event_id=made[0].id, participant_id=self.players[1]
            )
            await events.call_off(
                session,
                programme=self.programme,
                event_id=made[1].id,
                reason="storm",
                called_off_by=self.clerk,
            )
        with clock.travel(begins):
            keys = self.settings.keys
            code = codes.code_of(keys, made[0].id, codes.shown_at(clock.now()))
            async with self.db.transaction() as session:
                await events.check_in(
                    session, keys, programme=self.programme, event_id=made[0].id,
                    participant_id=self.players[0], code=code,
                )  # fmt: skip
            await events.settle_begun(self.db)
