"""A programme with rewards, people with points, and the staff of an operator, an authority and a partner."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from backend import ledger, packs, programmes
from backend.identity import Role, organisations, people, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs.figures import UNKNOWN, Known
from backend.programmes import Registered, wallets
from backend.programmes.features import Features, Name, Prize, Reward

CODE = "gd-green-travel"
LATER = dt.date(2030, 12, 31)
SOONER = dt.date(2030, 6, 30)


def reward(reward_id: str, kind: str, price: int | None = 10, **about: Any) -> Reward:
    """A reward; a price of None is unknown."""
    known: Known = UNKNOWN if price is None else Fraction(price)
    return Reward(reward_id, kind, Name("奖励", "A reward"), known, **about)  # type: ignore[arg-type]


REWARDS = (
    reward("bag", "goods", stock=3, most_per_person=2),
    reward("tea", "goods", merchant="teahouse"),
    reward("ride", "voucher", None),
    reward("library", "public_service", 0),
    reward("reed-bed", "public_welfare", 7),
    reward("shield", "prop", 5, protects_hours=Fraction(24)),
    reward("saxaul", "planting", 20, partner="desert", species=Name("梭梭", "Haloxylon ammodendron")),
    reward("sapling", "planting", 3),
    reward("old-oak", "adoption", 15, partner="desert", stock=1),
    reward("spring", "lottery", 4, most_per_person=3,
           prizes=(Prize("bike", Name("自行车", "A bicycle"), 1), Prize("cup", Name("杯子", "A cup"), 2))),
    reward("concert", "event", 6),
)  # fmt: skip
SWITCHES = frozenset({"earning", "lotteries", "planting", "events"})


@dataclass(frozen=True)
class Player:
    """A citizen of the programme."""

    db: Database
    id: UUID

    async def earn(self, points: int, expires_on: dt.date | None = LATER) -> None:
        async with self.db.transaction() as session:
            await wallets.earn(
                session,
                participant_id=self.id,
                programme=CODE,
                points=points,
                expires_on=expires_on,
                posting_id=ids.uuid7(),
                happened_at=clock.now(),
            )

    async def lots(self) -> dict[str, int]:
        """Every lot that holds something, by expiry."""
        async with self.db.transaction() as session:
            found = await ledger.balances_by_code(session, f"wallet:{self.id}:{CODE}:")
        return {code.rsplit(":", 1)[1]: points for code, points in found.items() if points}

    async def points(self) -> int:
        return sum((await self.lots()).values())


Arrive = Callable[..., Awaitable[Player]]


@pytest.fixture(scope="module")
async def programme(db: Database) -> Registered:
    """The sample programme, with rewards that its own pack does not have."""
    async with db.transaction() as session:
        registered = await programmes.register(session, pack=packs.load_all().find(CODE))
    features = Features(switches=SWITCHES, rewards=REWARDS)
    return dataclasses.replace(registered, pack=dataclasses.replace(registered.pack, features=features))


@pytest.fixture
def arrive(db: Database) -> Arrive:
    """A new citizen with so many points, half of them lapsing sooner."""

    async def one(points: int = 100) -> Player:
        async with db.transaction() as session:
            made = await people.register(session)
        player = Player(db, made.id)
        if points:
            await player.earn(points - points // 2)
        if points // 2:
            await player.earn(points // 2, SOONER)
        return player

    return one


@pytest.fixture
async def player(arrive: Arrive) -> Player:
    return await arrive()


async def _hired(db: Database, settings: Settings, code: str, role: Role) -> UUID:
    async with db.transaction() as session:
        try:
            await organisations.organisation_by_code(session, code=code)
        except organisations.OrganisationUnknown:
            await organisations.create_organisation(
                session, code=code, name_zh=f"机构{code}", name_en=code, roles=[role]
            )
        made = await staff.create_staff(
            session, settings.keys, organisation_code=code, login=f"s{ids.uuid7().hex[-12:]}",
            password="correct horse battery", roles=[role],
        )  # fmt: skip
    return made.staff.id


@pytest.fixture(scope="module")
async def clerk(db: Database, settings: Settings) -> UUID:
    """Somebody of the operator."""
    return await _hired(db, settings, "gd-operator", Role.OPERATOR)


@pytest.fixture(scope="module")
async def witness(db: Database, settings: Settings) -> UUID:
    """Somebody of the authority."""
    return await _hired(db, settings, "authority", Role.AUTHORITY)


@pytest.fixture(scope="module")
async def gardener(db: Database, settings: Settings) -> UUID:
    """Somebody of the partner who plants."""
    return await _hired(db, settings, "desert", Role.PARTNER)
