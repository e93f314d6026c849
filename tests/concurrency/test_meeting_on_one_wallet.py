"""Two verbs meet on one wallet, in every interleaving that can be forced.

The first transaction is stopped after each of its statements and then committed or rolled back; the second runs
against it, and waits where it must. What comes out is one of the two serial orders, to the point.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.programmes import points_identity, wallets
from tests.concurrency.conftest import (
    GivenUp,
    Pause,
    Superuser,
    Verb,
    done_or_waiting,
    statements_of,
    transaction,
)

MAY, JULY = dt.date(2027, 5, 31), dt.date(2027, 7, 31)
AUGUST, OCTOBER = dt.date(2027, 8, 31), dt.date(2027, 10, 31)
BEFORE = dt.datetime(2027, 5, 1, 12, tzinfo=clock.SHANGHAI)
MEANWHILE = dt.datetime(2027, 7, 1, 12, tzinfo=clock.SHANGHAI)
VERBS = (
    "hold 85",
    "hold 45",
    "hold 20",
    "capture",
    "release",
    "refund",
    "claw back 110",
    "earn new lot",
    "earn",
    "reverse",
    "expire",
)


class Meeting:
    """A participant with a lapsed lot of 10, two live ones of 40, an open hold of 10 and a captured one of 30."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.id = ids.uuid7()
        self.programme = f"p{ids.uuid7().hex[-12:]}"
        self.about: dict[str, Any] = {"participant_id": self.id, "programme": self.programme}

    def key(self, name: str) -> Any:
        return ids.derive(self.id, name)

    def at(self, name: str) -> dict[str, Any]:
        return {"posting_id": self.key(name), "happened_at": clock.now()}

    async def begin(self) -> None:
        with clock.travel(BEFORE):
            async with self.db.transaction() as session:
                for name, points, last in (("may", 50, MAY), ("july", 40, JULY), ("october", 40, OCTOBER)):
                    await wallets.earn(session, **self.about, points=points, expires_on=last, **self.at(name))
                await wallets.hold(session, **self.about, points=30, **self.at("captured"))
                await wallets.capture(
                    session, hold=self.key("captured"), merchant=self.programme, **self.at("the capture")
                )
                await wallets.hold(session, **self.about, points=10, **self.at("open"))

    def verb(self, name: str, turn: str) -> Verb:
        at = self.at(f"{name} {turn}")

        async def run(session: AsyncSession) -> object:  # noqa: PLR0911 - a verb each
            match name.split():
                case ["hold", points]:
                    return await wallets.hold(session, **self.about, points=int(points), **at)
                case ["capture"]:
                    return await wallets.capture(
                        session, hold=self.key("open"), merchant=self.programme, **at
                    )
                case ["release"]:
                    return await wallets.release(session, hold=self.key("open"), **at)
                case ["refund"]:
                    return await wallets.refund(session, capture=self.key("the capture"), **at)
                case ["claw", "back", points]:
                    taken = await wallets.claw_back(session, **self.about, points=int(points), **at)
                    return taken.drawn, taken.owed
                case ["earn", "new", "lot"]:
                    earned = await wallets.earn(session, **self.about, points=15, expires_on=AUGUST, **at)
                    return earned.repaid
                case ["earn"]:
                    earned = await wallets.earn(session, **self.about, points=15, expires_on=JULY, **at)
                    return earned.repaid
                case ["reverse"]:
                    return await wallets.reverse_earning(session, earning=self.key("july"), **at)
                case _:
                    await wallets.expire(session)
                    return None

        return run

    async def alone(self, name: str, turn: str, pause: Pause | None = None, *, keep: bool = True) -> object:
        """Run a verb in its own transaction: what it answered, or the code of its refusal."""
        try:
            async with transaction(self.db, pause) as session:
                result = await self.verb(name, turn)(session)
                if not keep:
                    raise GivenUp  # noqa: TRY301 - what rolls the transaction back
                return result
        except GivenUp:
            return "rolled back"
        except DomainError as error:
            return error.code

    async def state(self) -> tuple[object, ...]:
        async with self.db.transaction() as session:
            lots = await ledger.balances_by_code(session, f"wallet:{self.id}:")
            wallet = await wallets.wallet_of(session, **self.about)
            identity = await points_identity(session, programme=self.programme)
        assert identity.holds, identity
        found = {code.rsplit(":", 1)[1]: points for code, points in lots.items() if points}
        return found, wallet.held, wallet.owed, identity.payable, identity.expired, identity.issued


Outcome = tuple[dict[str, object], tuple[object, ...]]
_serial: dict[tuple[str, ...], Outcome] = {}


async def serial(db: Database, *order: tuple[str, str]) -> Outcome:
    """What the verbs answer, by turn, and what is left, when one follows the other."""
    names = tuple(name for _, name in order)
    if names not in _serial:
        meeting = Meeting(db)
        await meeting.begin()
        answers = {str(place): await meeting.alone(name, str(place)) for place, name in enumerate(names)}
        _serial[names] = answers, await meeting.state()
    found, state = _serial[names]
    return {turn: found[str(place)] for place, (turn, _) in enumerate(order)}, state


@pytest.mark.usefixtures("no_deadlock")
@pytest.mark.parametrize("first", VERBS)
async def test_what_meets_on_one_wallet_ends_as_if_one_had_followed_the_other(
    db: Database, superuser: Superuser, first: str
) -> None:
    with clock.travel(MEANWHILE):
        waited = 0
        for second in VERBS:
            expected = [
                await serial(db, ("1st", first), ("2nd", second)),
                await serial(db, ("2nd", second), ("1st", first)),
            ]
            only_second = await serial(db, ("2nd", second))
            probe = Meeting(db)
            await probe.begin()
            for statement in range(1, await statements_of(db, probe.verb(first, "1st")) + 1):
                for keep in (True, False):
                    meeting = Meeting(db)
                    await meeting.begin()
                    pause = Pause(after=statement)
                    one = asyncio.create_task(meeting.alone(first, "1st", pause, keep=keep))
                    reached = asyncio.create_task(pause.reached.wait())
                    await asyncio.wait({one, reached}, return_when=asyncio.FIRST_COMPLETED)
                    two = asyncio.create_task(meeting.alone(second, "2nd"))
                    waited += await done_or_waiting(two, superuser)
                    pause.go.set()
                    reached.cancel()
                    answers = {"1st": await one, "2nd": await two}
                    case = f"{first} stopped after statement {statement}, {second}, {keep=}"
                    if keep or answers["1st"] != "rolled back":
                        assert (answers, await meeting.state()) in expected, case
                    else:
                        assert ({"2nd": answers["2nd"]}, await meeting.state()) == only_second, case
        if first != "hold 85":  # which is refused before it locks anything for long
            assert waited, "nothing ever waited, so nothing was held open in its way"


@pytest.mark.usefixtures("no_deadlock")
async def test_the_second_of_two_spends_is_seen_waiting_and_then_draws_what_the_first_left(
    db: Database, superuser: Superuser
) -> None:
    with clock.travel(MEANWHILE):
        meeting = Meeting(db)
        await meeting.begin()
        assert await meeting.alone("hold 85", "never") == "ledger.insufficient_balance"
        pause = Pause(after=2)
        one = asyncio.create_task(meeting.alone("hold 45", "1st", pause))
        await pause.reached.wait()
        two = asyncio.create_task(meeting.alone("hold 20", "2nd"))
        three = asyncio.create_task(meeting.alone("hold 20", "3rd"))
        assert await done_or_waiting(two, superuser)
        assert not three.done()
        pause.go.set()
        answers = sorted([str(await one), str(await two), str(await three)])
        assert answers == ["ledger.insufficient_balance", "posted", "posted"]
        assert (await meeting.state())[:2] == ({"2027-05-31": 10, "2027-10-31": 15}, 75)
