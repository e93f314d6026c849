"""A programme whose points ripen the next day and may be collected for three days, people with gardens, and friends."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from uuid import UUID

import pytest

from backend import ledger, packs, programmes
from backend.engagement import circle
from backend.identity import consent, people
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import ClawedBack, Registered, pending, purses, wallets
from backend.programmes.features import ClaimWindow, Features, Name, Reward, Sharing
from backend.programmes.pending import Collected

CODE = "gd-green-travel"
TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE)
CLAIM = ClaimWindow(ripens_after_days=1, collect_within_hours=72, by="citizen")
SHARING = Sharing(share=Fraction(3, 10), most_per_friend=Fraction(20), most_per_day=Fraction(25))
SHIELD = Reward("shield", "prop", Name("防护罩", "A shield"), Fraction(0), protects_hours=Fraction(24))
FEATURES = Features(
    switches=frozenset({"earning", "collecting", "planting"}), claim=CLAIM, sharing=SHARING, rewards=(SHIELD,)
)
_phones = count(13_700_000_000)
DAY = dt.date(2029, 5, 7)  # of earning; ripe on the 8th, to be collected up to and on the 10th


def at(day: int, hour: int = 12, minute: int = 0) -> dt.datetime:
    """A moment in Shanghai, so many days after the day of earning."""
    return dt.datetime.combine(DAY + dt.timedelta(days=day), dt.time(hour, minute), clock.SHANGHAI)


def with_features(registered: Registered, **changed: object) -> Registered:
    features = dataclasses.replace(FEATURES, **changed)  # type: ignore[arg-type]
    return dataclasses.replace(registered, pack=dataclasses.replace(registered.pack, features=features))


@dataclass(frozen=True)
class Gardener:
    """A citizen of the programme; every verb is a transaction of its own."""

    db: Database
    programme: Registered
    id: UUID

    async def earn(self, points: int) -> None:
        """Earn today what ripens tomorrow."""
        async with self.db.transaction() as session:
            await purses.put(
                session,
                participant_id=self.id,
                programme=CODE,
                amount=points,
                purse=purses.purse_of(self.programme.pack, clock.today()),
                posting_id=ids.uuid7(),
                happened_at=clock.now(),
            )

    async def collect(self, ripe_on: dt.date | None = None, posting_id: UUID | None = None) -> Collected:
        async with self.db.transaction() as session:
            return await pending.collect(
                session,
                programme=self.programme,
                participant_id=self.id,
                posting_id=posting_id or ids.uuid7(),
                ripe_on=ripe_on,
            )

    async def claw_back(self, points: int) -> ClawedBack:
        async with self.db.transaction() as session:
            return await wallets.claw_back(
                session,
                participant_id=self.id,
                programme=CODE,
                points=points,
                posting_id=ids.uuid7(),
                happened_at=clock.now(),
            )

    async def waiting(self) -> list[int]:
        async with self.db.transaction() as session:
            lots = await pending.pending_of(session, participant_id=self.id, programme=CODE)
        return [lot.points for lot in lots]

    async def has(self) -> dict[str, int]:
        """Every account that holds something, by kind."""
        async with self.db.transaction() as session:
            found: dict[str, int] = {}
            for kind in ("pending", "wallet", "debt"):
                for code, points in (await ledger.balances_by_code(session, f"{kind}:{self.id}:")).items():
                    if points:
                        found[code.split(":")[0]] = found.get(kind, 0) + points
            return found


Arrive = Callable[..., Awaitable[Gardener]]


@pytest.fixture(scope="module")
async def programme(db: Database) -> Registered:
    """The sample programme, with a claim window that its own pack does not have."""
    async with db.transaction() as session:
        registered = await programmes.register(session, pack=packs.load_all().find(CODE))
    return with_features(registered)


@pytest.fixture(autouse=True)
async def nothing_waits(db: Database) -> None:
    """What other tests left uncollected has lapsed."""
    with clock.travel(at(20)):
        await wallets.expire_all(db)


@pytest.fixture
def arrive(db: Database, settings: Settings, programme: Registered) -> Arrive:
    """A new citizen, shown under a name unless it is None; with points that were earned on `DAY`."""

    async def one(points: int = 0, name: str | None = "小林") -> Gardener:
        async with db.transaction() as session:
            made = await people.citizen_with_phone(session, settings.keys, phone=str(next(_phones)))
            if name is not None:
                await circle.show(
                    session,
                    settings.keys,
                    programme=programme,
                    participant_id=made,
                    display_name=name,
                    text_sha256=TEXT.sha256,
                )
        gardener = Gardener(db, programme, made)
        if points:
            with clock.travel(at(0)):
                await gardener.earn(points)
        return gardener

    return one


Befriend = Callable[[Gardener, Gardener], Awaitable[None]]


@pytest.fixture
def befriend(db: Database, settings: Settings, programme: Registered) -> Befriend:
    async def both(one: Gardener, other: Gardener) -> None:
        async with db.transaction() as session:
            made = await circle.invite(session, programme=programme, participant_id=one.id)
            await circle.accept(
                session, settings.keys, programme=programme, participant_id=other.id, code=made.code
            )

    return both


@pytest.fixture
async def owner(arrive: Arrive) -> Gardener:
    """Somebody with a hundred points that are ripe the day after `DAY`."""
    return await arrive(100)
