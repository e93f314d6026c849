"""Units are pledged for the year, released, and surrendered when it is closed."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from hypothesis import strategies
from hypothesis.stateful import precondition, rule

from backend.kit.clock import SHANGHAI
from offset_bridge import surrender
from offset_bridge.surrender import AskedLot, PledgeAnswer
from tests.properties.path.founding import (
    APPLY_BY,
    CEMENT,
    EMISSIONS,
    MARKET,
    SHARED_POOL,
    STEEL,
    SURRENDER_BY,
    YEAR,
)
from tests.properties.path.model import ALLOWANCES, CROSSED, Pledge, Tonne
from tests.properties.path.stage import DONE, Answer, one_of, picks
from tests.properties.path.trading import ALL, DESK, ONE_MORE, Trading, tonnes

entities = strategies.sampled_from([STEEL, CEMENT])


class Complying(Trading):
    @rule(
        owner=entities,
        credits_t=strategies.one_of(strategies.none(), tonnes),
        allowances_t=strategies.sampled_from([None, 1, 20, ALL, ONE_MORE]),
        partial=strategies.booleans(),
    )
    def pledge(self, owner: str, credits_t: int | None, allowances_t: int | None, partial: bool) -> None:
        """Credits within the cap, the shared pool and what is owed; then allowances for what is still owed."""
        model = self.model
        asked = {
            book: self.meant(wanted, f"entity:{book}:{owner}", book)
            for book, wanted in ((CROSSED, credits_t), (ALLOWANCES, allowances_t))
            if wanted is not None
        }
        if not asked:
            return
        chosen = {
            book: model.lowest(f"entity:{book}:{owner}", book, wanted) for book, wanted in asked.items()
        }
        answer = self.run(self.send_pledge(owner, asked, partial=partial))
        expected = DONE
        if model.closed:
            expected = "registry.year_closed"
        elif None in chosen.values():
            expected = "surrender.units_not_held"
        if not self.agrees(answer, expected):
            return
        usable = self.usable(owner, asked)
        said = self.said(answer)
        self.is_so(said == usable, said, usable)
        self.keep(owner, answer, asked, chosen, partial=partial)

    @precondition(lambda self: not self.model.closed and self.crossed)
    @rule(wanted=strategies.sampled_from([1, 2]))
    def two_pledge_at_once(self, wanted: int) -> None:
        """Both draw on what the province has left: as if one had come after the other, whichever it was."""
        owners = sorted(EMISSIONS)
        asked = {who: {CROSSED: self.meant(wanted, f"entity:{CROSSED}:{who}", CROSSED)} for who in owners}
        chosen = {
            who: {CROSSED: self.model.lowest(f"entity:{CROSSED}:{who}", CROSSED, asked[who][CROSSED])}
            for who in owners
        }
        if any(held[CROSSED] is None for held in chosen.values()):
            return
        told = self.at_once(*(self.send_pledge(who, asked[who], partial=True) for who in owners))
        answers = dict(zip(owners, told, strict=True))
        said = {who: self.said(answer)[CROSSED] for who, answer in answers.items()}
        possible = []
        for first, second in (owners, owners[::-1]):
            alone = self.usable(first, asked[first])[CROSSED]
            after = self.usable(second, asked[second], elsewhere=alone)[CROSSED]
            possible.append({first: alone, second: after})
        self.is_so(said in possible, said, possible)
        for who, answer in answers.items():
            self.agrees(answer, DONE)
            self.keep(who, answer, asked[who], chosen[who], partial=True)

    async def send_pledge(self, owner: str, asked: dict[str, int], *, partial: bool) -> Answer:
        return await self.send(
            surrender.pledge,
            account=self.town.accounts[owner],
            compliance_year=YEAR,
            asked=[AskedLot(book, quantity_t=wanted) for book, wanted in asked.items()],
            accept_partial=partial,
            pledged_by=self.person(DESK[owner]),
        )

    def said(self, answer: Answer) -> Counter[str]:
        """The tonnes of each book that may be used, as the platform says."""
        found = Counter[str]()
        for line in answer.value.lines if answer.code == DONE else ():
            found[line.book] += line.usable_t
        return found

    def keep(
        self,
        owner: str,
        answer: Answer,
        asked: dict[str, int],
        chosen: dict[str, list[int] | None],
        *,
        partial: bool,
    ) -> None:
        """Note what was pledged: all that was asked, or as much as may be used where that is accepted, or nothing."""
        told: PledgeAnswer = answer.value
        usable = self.said(answer)
        pledged = usable if partial or usable == Counter(asked) else Counter[str]()
        if not pledged.total():
            self.is_so(told.pledge_id is None, told)
            return
        assert told.pledge_id is not None
        taken = self.taken(told)
        for book, wanted in pledged.items():
            mine = [number for own, number in taken if own == book]
            self.is_so(len(mine) == wanted and set(mine) <= set(chosen[book] or ()), mine, chosen)
            where = f"entity:{book}:{owner}", f"pledged:{book}:{owner}:{YEAR}"
            self.model.move(book, mine, source=where[0], target=where[1])
        self.model.pledges.append(Pledge(told.pledge_id, owner, taken))

    def usable(self, owner: str, asked: dict[str, int], *, elsewhere: int = 0) -> Counter[str]:
        """Tonnes of each book that may be used: 10% of what was emitted, what the province has left (`elsewhere` are
        gone from it), never more than is owed.
        """
        model, owed = self.model, EMISSIONS[owner]
        pledged = [tonne for one in model.pledges if not one.released for tonne in one.tonnes]
        left = owed - model.standing(owner)
        room = min(
            owed // 10 - model.standing(owner, CROSSED),
            SHARED_POOL - sum(book == CROSSED for book, _ in pledged) - elsewhere,
            left,
        )
        if model.today > APPLY_BY:
            room = 0
        found = Counter[str]()
        for book, wanted in asked.items():  # credits come first
            found[book] = min(wanted, max(0, room if book == CROSSED else left))
            left -= found[book]
        return found

    def taken(self, told: PledgeAnswer) -> list[Tonne]:
        """Which of the asked tonnes were pledged, where not all were, is the platform's choice: the first of each run."""
        return [
            (line.book, number)
            for line in told.lines
            for number in range(line.serials.low, line.serials.low + line.pledged_t)
        ]

    @precondition(lambda self: self.model.pledges)
    @rule(pick=picks, foreign=strategies.booleans())
    def take_a_pledge_back(self, pick: int, foreign: bool) -> None:
        one = one_of(self.model.pledges, pick)
        owner = one.owner if not foreign else next(who for who in EMISSIONS if who != one.owner)
        expected = DONE
        if foreign:
            expected = "surrender.pledge_unknown"
        elif self.model.closed:
            expected = "registry.year_closed"
        elif one.released:
            expected = "surrender.pledge_released_already"
        answer = self.ask(
            surrender.release, account=self.town.accounts[owner], pledge_id=one.id,
            released_by=self.person(DESK[owner]),
        )  # fmt: skip
        if self.agrees(answer, expected):
            one.released = True
            for book, number in one.tonnes:
                where = f"pledged:{book}:{owner}:{YEAR}", f"entity:{book}:{owner}"
                self.model.move(book, [number], source=where[0], target=where[1])

    def closing(self) -> str:
        if self.model.closed:
            return "registry.year_closed"
        return DONE if self.model.today >= SURRENDER_BY else "surrender.too_early_to_close"

    @precondition(lambda self: self.model.pledges)
    @rule()
    def the_last_day_comes(self) -> None:
        last = dt.datetime.combine(SURRENDER_BY, dt.time(10), SHANGHAI)
        self.model.now = max(self.model.now, last)

    @precondition(lambda self: self.model.pledges)
    @rule(by=strategies.sampled_from(["first", "second", "anna"]))
    def propose_close(self, by: str) -> None:
        expected = self.closing()
        if expected == DONE and by == "anna":
            expected = "identity.act_needs_role"
        answer = self.ask(
            surrender.propose_close, market=MARKET, compliance_year=YEAR, proposed_by=self.person(by)
        )
        if self.agrees(answer, expected):
            self.model.close_act = self.proposed(answer, by)

    @precondition(lambda self: self.model.close_act)
    @rule(by=strategies.sampled_from(["first", "second", "anna"]))
    def approve_close(self, by: str) -> None:
        """What is pledged is surrendered: it was never more than is owed and allowed."""
        model, act = self.model, self.model.close_act
        assert act is not None
        expected = self.decision(act, by, ("first", "second"))
        if expected == DONE:
            expected = self.closing()
        answer = self.ask(
            surrender.approve_close, act_id=act.id, approved_by=self.person(by), subject_sha256=act.shown
        )
        if not self.agrees(answer, expected):
            return
        act.decided = model.closed = True
        _, surrendered = answer.value
        short = {one.organisation: one.shortfall_t for one in surrendered}
        self.is_so(short == {who: owed - model.standing(who) for who, owed in EMISSIONS.items()}, short)
        for one in model.pledges:
            for book, number in [] if one.released else one.tonnes:
                where = (f"{place}:{book}:{one.owner}:{YEAR}" for place in ("pledged", "surrendered"))
                model.move(book, [number], source=next(where), target=next(where))
