"""A state machine from the ride to the surrendered tonne, over the real verbs, against the plainest model there is.

Points, grams, tonnes and money are numbers in dictionaries (`path/model.py`); every verb is also asked where it may not
happen, and must refuse as the model says. On a failure hypothesis prints the steps that led there, shortened, and the
blob that replays them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import initialize, run_state_machine_as_test

from backend.kit.db import Database
from puhui import embedded
from tests.audit.conftest import own_database
from tests.conftest import TEMPLATE, settings_for
from tests.properties.path.comparing import Comparing
from tests.properties.path.complying import Complying
from tests.properties.path.crediting import Crediting
from tests.properties.path.earning import Earning
from tests.properties.path.founding import CEMENT, EARLY, OPERATOR, START, STEEL, Town, found
from tests.properties.path.model import Model
from tests.properties.path.stage import Beginning

STARTS = ("founded", "issued", "traded")


class WholePath(Earning, Crediting, Complying, Comparing):
    """Every rule does one thing to the real platform and the same to the model, and compares the answers."""

    @initialize(start=strategies.sampled_from([*STARTS, STARTS[-1]]))
    def begin(self, start: str) -> None:
        """Nothing has happened yet, or credits are issued, or some of them were sold already."""
        self.begin_at(start)


def ride_early(story: WholePath) -> None:
    """Everybody has some points that lapse soon after the examples begin."""
    story.model.now = EARLY
    story.rides_come_in(month="2025-01", crowd=(0, 1, 2), rides=30, metres=60_000)
    story.model.now = START


def issue_credits(story: WholePath) -> None:
    """Six tonnes and a rest; further rides wait in the pools."""
    for month in ("2025-01", "2025-02", "2025-01", "2025-02", "2025-02"):
        story.rides_come_in(month=month, crowd=(0, 1), rides=300, metres=92_000)
    for _ in range(8):
        story.certification_goes_on(deducted=True)
    story.rides_come_in(month="2025-02", crowd=(1,), rides=200, metres=92_000)


def trade(story: WholePath) -> None:
    """Most of them cross the bridge, some are sold, one is on its way; the next batch waits for its second signature."""
    for quantity in (3, 2):
        story.lock(owner=OPERATOR, quantity=quantity)
        story.deposit(pick=0, workers=1)
    story.confirm(pick=1, workers=1)
    for buyer, quantity in ((STEEL, 2), (CEMENT, 1)):
        story.offer(seller=OPERATOR, buyer=buyer, quantity=quantity, price=800)
        story.money_comes_in(organisation=buyer, fen=900)
        story.accept(pick=0, foreign=False, clicks=1)
    story.lock(owner=OPERATOR, quantity=1)
    for _ in range(7):
        story.certification_goes_on(deducted=False)


@pytest.fixture(scope="module")
def machine(servers: embedded.Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[WholePath]]:
    """The machine on an event loop of its own, and the stories told that examples may begin behind."""
    loop = asyncio.new_event_loop()
    WholePath.loop, WholePath.servers = loop, servers
    WholePath.folder = tmp_path_factory.mktemp("rides")
    WholePath.beginnings = {}
    stories: list[WholePath] = []
    founded = own_database(servers, TEMPLATE)
    try:
        name = loop.run_until_complete(founded.__aenter__())
        town, model = loop.run_until_complete(found_in(servers, name))
        WholePath.beginnings["empty"] = Beginning(name, town, model)
        for start, behind, tell in zip(
            STARTS, ("empty", *STARTS), (ride_early, issue_credits, trade), strict=False
        ):
            stories.append(tell_story(behind, tell))
            told = stories[-1]
            WholePath.beginnings[start] = Beginning(told.database, town, told.model)
        yield WholePath
    finally:
        for story in stories:
            loop.run_until_complete(story.leave())
        loop.run_until_complete(founded.__aexit__(None, None, None))
        loop.close()


async def found_in(servers: embedded.Servers, name: str) -> tuple[Town, Model]:
    own = settings_for(servers, name)
    db = Database(own)
    try:
        return await found(db, own)
    finally:
        await db.close()


def tell_story(behind: str, tell: Callable[[WholePath], None]) -> WholePath:
    """A database in which a story has happened, by the machine's own rules."""
    story = WholePath()
    story.begin_at(behind)
    tell(story)
    story.the_books_say_what_the_model_says()
    story.run(story.seal())
    story.run(story.db.close())
    return story


@pytest.mark.timeout(900)  # a failure is shortened for up to five minutes before it is told
def test_from_the_ride_to_the_surrendered_tonne(machine: type[WholePath]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=16,
            stateful_step_count=45,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
