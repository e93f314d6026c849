"""What all rules stand on: a database of the example's own, a clock, and one way to ask."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.settings import Settings
from puhui import embedded
from tests.audit.conftest import own_database
from tests.conftest import settings_for
from tests.properties.path.founding import Town
from tests.properties.path.model import Act, Model

T = TypeVar("T")
DONE = "done"
STEP = dt.timedelta(seconds=7)  # between two verbs; no number of them makes exactly the minute of a code
picks = strategies.integers(0, 999)  # one of whatever there is, by its place


@dataclass
class Beginning:
    """A database from which examples start, and the model of it."""

    database: str
    town: Town
    model: Model


@dataclass
class Answer:
    """`done` and what the verb gave back, or the code of the refusal."""

    code: str
    value: Any = None


class Stage(RuleBasedStateMachine):
    """Rules are in the classes beside this one; each asks the real verb, asks the model, and compares the answers."""

    loop: asyncio.AbstractEventLoop
    servers: embedded.Servers
    beginnings: dict[str, Beginning]
    folder: Path

    database: str
    db: Database
    settings: Settings
    town: Town
    model: Model
    asked_at: dt.datetime

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self.copy: Any = None

    # --- the example's own database

    def begin_at(self, name: str) -> None:
        """Start from a copy of one of the beginnings."""
        beginning = self.beginnings[name]
        self.town, self.model = beginning.town, deepcopy(beginning.model)
        self.look(self.open(beginning.database))

    async def open(self, template: str) -> None:
        self.copy = own_database(self.servers, template)
        self.database = await self.copy.__aenter__()
        self.settings = settings_for(self.servers, self.database)
        self.db = Database(self.settings)

    async def leave(self) -> None:
        if self.copy is not None:
            await self.db.close()
            await self.copy.__aexit__(None, None, None)

    # --- asking

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the real thing happen at the model's moment, `asked_at`; the next one happens a little later."""
        self.asked_at = self.model.now
        found = self.look(work)
        self.model.now += STEP
        return found

    def look(self, work: Coroutine[Any, Any, T]) -> T:
        """The same without time going by."""
        try:
            return self.loop.run_until_complete(self.at_this_moment(work))
        except BaseException:
            self.failed = True
            raise

    async def at_this_moment(self, work: Awaitable[T]) -> T:
        with clock.travel(self.model.now):
            return await work

    def ask(self, verb: Callable[..., Awaitable[Any]], *args: Any, **facts: Any) -> Answer:
        """Ask a verb in a transaction of its own."""
        return self.run(self.send(verb, *args, **facts))

    async def send(self, verb: Callable[..., Awaitable[Any]], *args: Any, **facts: Any) -> Answer:
        try:
            async with self.db.transaction() as session:
                return Answer(DONE, await verb(session, *args, **facts))
        except DomainError as error:
            return Answer(error.code)

    def at_once(self, *asked: Awaitable[T]) -> list[T]:
        """Several requests at the same time."""

        async def together() -> list[T]:
            return list(await asyncio.gather(*asked))

        return self.run(together())

    def agrees(self, answer: Answer, expected: str) -> bool:
        """True when the thing was done; the answer must be the expected one either way."""
        if answer.code != expected:
            self.failed = True
        assert answer.code == expected, f"{answer.code} instead of {expected}; {self.model.facts()}"
        return answer.code == DONE

    def is_so(self, so: bool, *shown: object) -> None:
        """A fact that both the platform and the model must know."""
        if not so:
            self.failed = True
        assert so, shown

    # --- two people

    def proposed(self, answer: Answer, by: str, *, revision: int = 0) -> Act:
        act = answer.value
        return Act(act.id, by, act.subject_sha256, act.expires_at, revision)

    def decision(self, act: Act, by: str, entitled: Sequence[str]) -> str:
        """What comes of a second person's approval, as far as it is only about persons and time."""
        if by not in entitled:
            return "identity.act_needs_role"
        if act.decided:
            return "identity.act_decided_already"
        if act.by == by:
            return "identity.act_needs_second_person"
        return "identity.act_expired" if act.expires_at <= self.model.now else DONE

    def person(self, login: str) -> UUID:
        return self.town.staff[login]


def one_of(things: Sequence[T], pick: int) -> T:
    """The thing at this place, counted round and round; the newest first, since what is new has not ended."""
    return things[-1 - pick % len(things)]


Session = AsyncSession
