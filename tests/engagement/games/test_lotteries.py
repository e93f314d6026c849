"""Lotteries drawn from two commitments: fixed before anybody can know, drawn once, redone by anybody."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import secrets
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend.engagement import lotteries, rewards
from backend.engagement.lotteries import Lottery, Prize, commitment_to
from backend.engagement.lotteries.drawing import below, digest_of, winners
from backend.kit import clock
from backend.kit.db import Database
from backend.programmes import Registered
from tests.concurrency.conftest import Pause, Superuser, done_or_waiting, no_deadlock, transaction
from tests.concurrency.test_many_at_once import all_of
from tests.engagement.games.conftest import CODE, Arrive, Player

__all__ = ["no_deadlock"]

SCRIPT = Path(__file__).parents[3] / "docs" / "lottery_draw.py"
HOUR = dt.timedelta(hours=1)


class Game:
    """One lottery, and what its parties and players do, each in a transaction of its own."""

    def __init__(self, db: Database, programme: Registered, clerk: UUID, witness: UUID) -> None:
        self.db, self.programme = db, programme
        self.staff = {"operator": clerk, "second": witness}
        self.secrets = {"operator": secrets.token_bytes(32), "second": secrets.token_bytes(32)}
        self.start = clock.now()
        self.lottery: Lottery

    async def open(self, *, one_prize: bool = True, second: str = "authority") -> Lottery:
        async with self.db.transaction() as session:
            self.lottery = await lotteries.open_lottery(
                session,
                programme=self.programme,
                reward_id="spring",
                second=second,
                enter_from=self.start,
                enter_until=self.start + HOUR,
                reveal_until=self.start + 2 * HOUR,
                one_prize_per_person=one_prize,
                opened_by=self.staff["operator"],
            )
        return self.lottery

    async def commit(self, party: str, commitment: bytes | None = None) -> Lottery:
        given = commitment or commitment_to(self.secrets[party], self.lottery.id)
        async with self.db.transaction() as session:
            return await lotteries.commit(
                session, lottery_id=self.lottery.id, staff_id=self.staff[party], commitment=given
            )

    async def enter(self, player: Player) -> lotteries.Entry:
        async with self.db.transaction() as session:
            return await lotteries.enter(
                session, programme=self.programme, lottery_id=self.lottery.id, participant_id=player.id
            )

    async def reveal(self, party: str, secret: bytes | None = None) -> Lottery:
        async with self.db.transaction() as session:
            return await lotteries.reveal(
                session,
                lottery_id=self.lottery.id,
                staff_id=self.staff[party],
                secret=secret or self.secrets[party],
            )

    async def settle(self) -> Lottery:
        async with self.db.transaction() as session:
            return await lotteries.settle(session, lottery_id=self.lottery.id)

    async def published(self) -> dict[str, object]:
        async with self.db.transaction() as session:
            return await lotteries.published(session, lottery_id=self.lottery.id)

    def closed(self) -> dt.datetime:
        return self.start + HOUR

    async def begin(self) -> None:
        await self.open()
        await self.commit("operator")
        await self.commit("second")


@pytest.fixture
def game(db: Database, programme: Registered, clerk: UUID, witness: UUID) -> Game:
    return Game(db, programme, clerk, witness)


def redone(told: dict[str, object], folder: Path) -> subprocess.CompletedProcess[str]:
    """What the independent script says of a published lottery."""
    file = folder / "lottery.json"
    file.write_text(json.dumps(told))
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, file], capture_output=True, text=True, check=False, cwd=folder
    )


async def test_a_draw_is_redone_by_a_script_that_knows_nothing_of_ours(
    db: Database, game: Game, arrive: Arrive, tmp_path: Path
) -> None:
    await game.begin()
    crowd = [await arrive() for _ in range(5)]
    for one in crowd:
        for _ in range(2):
            await game.enter(one)
    with clock.travel(game.closed()):
        half = await game.reveal("operator")
        assert (half.outcome, (await game.published())["winners"]) == (None, [])
        drawn = await game.reveal("second")
    assert drawn.outcome == "drawn"
    told = await game.published()
    assert redone(told, tmp_path).returncode == 0
    assert isinstance(told["winners"], list)
    assert [one["prize"] for one in told["winners"]] == ["bike", "cup", "cup"]
    assert len({one["entry"].split("-")[0] for one in told["winners"]}) == 3, "one prize a person"
    assert len(SCRIPT.read_text().splitlines()) <= 50
    for one in crowd:
        assert str(one.id) not in json.dumps(told)
        assert await one.points() == 92
    async with db.transaction() as session:
        found = await lotteries.winners_of(session, lottery_id=drawn.id)
        grants = [
            await rewards.grant_of(session, programme=game.programme, grant_id=one.grant_id) for one in found
        ]
    assert [(one.place, one.label) for one in found] == [
        (one["place"], one["entry"]) for one in told["winners"]
    ]
    assert [(one.reward, one.state, one.points) for one in grants] == [
        ("spring/bike", "waiting", 0), ("spring/cup", "waiting", 0), ("spring/cup", "waiting", 0)
    ]  # fmt: skip


async def test_the_script_finds_every_change(game: Game, arrive: Arrive, tmp_path: Path) -> None:
    await game.begin()
    for _ in range(3):
        one = await arrive()
        await game.enter(one)
        await game.enter(one)
    with clock.travel(game.closed()):
        await game.reveal("operator")
        await game.reveal("second")
    told = json.loads(json.dumps(await game.published()))
    other = secrets.token_hex(32)
    changes = (
        {"winners": [told["winners"][0] | {"entry": told["winners"][1]["entry"]}, *told["winners"][1:]]},
        {"winners": told["winners"][:-1]},
        {"entries": told["entries"][1:]},
        {"secrets": told["secrets"] | {"second": other}},
        {"secrets": {"operator": told["secrets"]["second"], "second": told["secrets"]["operator"]}},
        {"lottery": str(uuid4())},
        {"one_prize_per_person": False, "entries": [*told["entries"], "0123456789abcdef-1"]},
    )
    assert redone(told, tmp_path).returncode == 0
    for change in changes:
        assert redone(told | change, tmp_path).returncode == 1, change


@pytest.mark.parametrize("left", [1, 2, 3, 7, 10, 2**32 - 1, 2**63 + 1])
def test_a_number_above_the_last_whole_multiple_is_drawn_again(left: int) -> None:
    """2**64 numbers do not divide by most counts: what is left over would favour the first entries, and is passed over."""
    edge = 2**64 // left * left  # the first number that would favour somebody
    assert below(left, iter([edge - 1])) == left - 1
    if edge < 2**64:
        assert below(left, iter([edge, 2**64 - 1, edge - 1])) == left - 1
        with pytest.raises(StopIteration):
            below(left, iter([edge, 2**64 - 1]))
    else:
        assert below(left, iter([2**64 - 1])) == left - 1


def test_every_entry_wins_as_often_as_any_other_and_prizes_may_remain() -> None:
    labels = [f"{number:016x}-1" for number in range(5)]
    prizes = [Prize("first", "一", "one", 1), Prize("rest", "余", "rest", 9)]
    won = Counter(
        winners(hashlib.sha256(str(n).encode()).digest(), labels, prizes, one_prize_per_person=True)[0].label
        for n in range(2000)
    )
    assert all(330 < won[label] < 470 for label in labels), won
    found = winners(b"s" * 32, labels, prizes, one_prize_per_person=True)
    assert [one.prize for one in found] == ["first"] + ["rest"] * 4
    assert sorted(one.label for one in found) == labels
    two = [*labels, "0000000000000000-2"]
    assert len(winners(b"s" * 32, two, prizes, one_prize_per_person=True)) == 5
    assert len(winners(b"s" * 32, two, prizes, one_prize_per_person=False)) == 6
    assert winners(b"s" * 32, [], prizes, one_prize_per_person=True) == []


async def test_nobody_enters_before_both_have_committed_or_after_the_time_is_over(
    game: Game, player: Player
) -> None:
    await game.open()
    await game.commit("operator")
    with pytest.raises(lotteries.NotEntering):
        await game.enter(player)
    await game.commit("second")
    with clock.travel(game.closed() - dt.timedelta(seconds=20)):
        first = await game.enter(player)
    with clock.travel(game.closed()), pytest.raises(lotteries.NotEntering):
        await game.enter(player)
    for _ in range(2):
        again = await game.enter(player)
        assert again.handle == first.handle
    with pytest.raises(lotteries.EntriesExhausted):
        await game.enter(player)
    assert await player.points() == 88


async def test_a_commitment_is_made_once_by_each_party_in_time_and_is_not_the_others(
    game: Game, gardener: UUID
) -> None:
    await game.open()
    await game.commit("operator")
    with pytest.raises(lotteries.CommitmentRefused):
        await game.commit("operator", secrets.token_bytes(32))
    with pytest.raises(lotteries.CommitmentRefused):
        await game.commit("second", commitment_to(game.secrets["operator"], game.lottery.id))
    with clock.travel(game.closed()), pytest.raises(lotteries.CommitmentRefused):
        await game.commit("second")
    game.staff["second"] = gardener
    with pytest.raises(lotteries.LotteryUnknown):
        await game.commit("second")


async def test_the_second_party_is_another_organisation_that_can_watch(game: Game) -> None:
    with pytest.raises(lotteries.SecondPartyUnfit):
        await game.open(second="gd-operator")
    game.start -= 3 * HOUR
    with pytest.raises(lotteries.TimesOutOfOrder):
        await game.open()


async def test_a_secret_is_revealed_after_entries_are_fixed_in_time_and_as_committed(
    game: Game, player: Player
) -> None:
    await game.begin()
    await game.enter(player)
    with pytest.raises(lotteries.RevealRefused):
        await game.reveal("operator")
    with clock.travel(game.closed()):
        with pytest.raises(lotteries.RevealRefused):
            await game.reveal("operator", secrets.token_bytes(32))
        await game.reveal("operator")
        with pytest.raises(lotteries.RevealRefused):
            await game.reveal("operator")
    with clock.travel(game.closed() + HOUR), pytest.raises(lotteries.RevealRefused):
        await game.reveal("second")


@pytest.mark.parametrize("silent", ["operator", "second"])
async def test_who_stays_silent_is_named_and_everybody_gets_the_exact_lots_back(
    db: Database, game: Game, arrive: Arrive, silent: str
) -> None:
    await game.begin()
    crowd = [await arrive() for _ in range(3)]
    before = [await one.lots() for one in crowd]
    for one in crowd:
        await game.enter(one)
        await game.enter(one)
    with clock.travel(game.closed()):
        await game.reveal("second" if silent == "operator" else "operator")
    with clock.travel(game.closed() + HOUR - dt.timedelta(seconds=20)):
        await lotteries.settle_due(db)
        assert (await game.settle()).outcome is None, "there is still time"
    with clock.travel(game.closed() + HOUR):
        await lotteries.settle_due(db)
        failed = await game.settle()
    told = await game.published()
    assert (failed.outcome, failed.failed_by) == ("failed", (silent,))
    assert told["failed_by"] == ["gd-operator" if silent == "operator" else "authority"]
    assert told["winners"] == []
    assert [await one.lots() for one in crowd] == before


async def test_without_both_commitments_it_fails_at_once_and_names_who_did_not_commit(
    game: Game,
) -> None:
    await game.open()
    await game.commit("operator")
    with clock.travel(game.closed()):
        await game.settle()
        failed = await game.settle()
    assert (failed.outcome, failed.failed_by) == ("failed", ("second",))


@pytest.mark.usefixtures("no_deadlock")
async def test_drawn_by_many_at_once_a_lottery_has_exactly_one_result(
    db: Database, game: Game, arrive: Arrive, superuser: Superuser
) -> None:
    await game.begin()
    for _ in range(4):
        await game.enter(await arrive())
    with clock.travel(game.closed()):
        await game.reveal("operator")
        pause = Pause(after=1)

        async def revealed() -> None:
            async with transaction(db, pause) as session:
                await lotteries.reveal(
                    session,
                    lottery_id=game.lottery.id,
                    staff_id=game.staff["second"],
                    secret=game.secrets["second"],
                )

        first = asyncio.create_task(revealed())
        await pause.reached.wait()
        second = asyncio.create_task(game.settle())
        assert await done_or_waiting(second, superuser), "the second draw waits for the first"
        pause.go.set()
        await first
        results = await all_of([game.settle() for _ in range(8)])
        results.append(await second)
    assert {one.outcome for one in results if isinstance(one, Lottery)} == {"drawn"}
    assert (
        await superuser.fetchval("SELECT count(*) FROM lottery_result WHERE lottery_id = $1", game.lottery.id)
        == 1
    )
    assert (
        await superuser.fetchval("SELECT count(*) FROM lottery_winner WHERE lottery_id = $1", game.lottery.id)
        == 3
    )


async def test_an_entry_under_way_when_the_time_is_over_is_in_the_list_and_a_later_one_is_not(
    db: Database, game: Game, arrive: Arrive, superuser: Superuser
) -> None:
    await game.begin()
    player = await arrive()
    pause = Pause(after=2)

    async def entered() -> None:
        async with transaction(db, pause) as session:
            await lotteries.enter(
                session, programme=game.programme, lottery_id=game.lottery.id, participant_id=player.id
            )

    with clock.travel(game.closed() - dt.timedelta(seconds=20)):
        entering = asyncio.create_task(entered())
        await pause.reached.wait()
        await asyncio.sleep(0)
        closing = asyncio.create_task(game.settle())
        assert await done_or_waiting(closing, superuser)
        pause.go.set()
        await entering
        await closing
    with clock.travel(game.closed()):
        await game.settle()
    told = await game.published()
    assert isinstance(told["entries"], list)
    assert len(told["entries"]) == 1
    assert told["entries_sha256"] == digest_of(told["entries"]).hex()


async def test_points_withdrawn_after_entering_leave_the_entry_standing(
    db: Database, game: Game, arrive: Arrive
) -> None:
    from backend.kit import ids
    from backend.programmes import wallets

    await game.begin()
    player = await arrive(4)
    await game.enter(player)
    async with db.transaction() as session:
        taken = await wallets.claw_back(
            session,
            participant_id=player.id,
            programme=CODE,
            points=4,
            posting_id=ids.uuid7(),
            happened_at=clock.now(),
        )
    assert taken.owed == 4
    with clock.travel(game.closed()):
        await game.settle()
    told = await game.published()
    assert isinstance(told["entries"], list)
    assert len(told["entries"]) == 1
