"""Credits pass on, cross the bridge, are sold against money, pledged, surrendered, or given up for good."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from hypothesis import strategies
from hypothesis.stateful import precondition, rule

from backend.kit.clock import SHANGHAI
from backend.ledger import SerialRange
from offset_bridge import bridge, cash, market, surrender
from offset_bridge import credits as credit_holding
from offset_bridge.cash import Direction
from offset_bridge.surrender import AskedLot, PledgeAnswer
from tests.properties.path.founding import (
    APPLY_BY,
    CEMENT,
    EMISSIONS,
    MARKET,
    OPERATOR,
    SHARED_POOL,
    STEEL,
    STRANGER,
    SURRENDER_BY,
    YEAR,
)
from tests.properties.path.model import ALLOWANCES, CROSSED, ORIGIN, Crossing, Pledge, Sale, Tonne
from tests.properties.path.stage import DONE, Answer, Stage, one_of, picks

PARTIES = (OPERATOR, STEEL, CEMENT)
_DESK = {OPERATOR: "anna", STEEL: "steel-desk", CEMENT: "cement-desk"}
_OFFER_STANDS = dt.timedelta(days=3)
_NO_MORE = "ledger.insufficient_balance"

parties = strategies.sampled_from(PARTIES)
entities = strategies.sampled_from([STEEL, CEMENT])
ALL, ONE_MORE = -1, 0  # of what an account holds
tonnes = strategies.sampled_from([1, 2, 3, ALL, ONE_MORE])


def numbers(serials: Sequence[SerialRange]) -> list[int]:
    return [number for one in serials for number in range(one.low, one.high)]


class Complying(Stage):
    @property
    def issued(self) -> bool:
        """True once the book of credits is there."""
        return any(book == ORIGIN for book, _ in self.model.tonnes)

    @property
    def crossed(self) -> bool:
        """True once the market's book of credits is there: it is opened by the first crossing."""
        return bool(self.model.crossings)

    def meant(self, wanted: int, account: str, book: str) -> int:
        """So many tonnes of an account, one at least: those it has, all, or one more than there are."""
        held = self.model.holds(account, book)
        return {ALL: max(1, held), ONE_MORE: held + 1}.get(wanted, min(wanted, max(1, held)))

    # --- in the book that issued them

    @rule(giver=parties, taker=strategies.sampled_from([*PARTIES, "teahouse"]), quantity=tonnes)
    def pass_on(self, giver: str, taker: str, quantity: int) -> None:
        source = f"holder:{ORIGIN}:{giver}"
        quantity = self.meant(quantity, source, ORIGIN)
        chosen = self.model.lowest(source, ORIGIN, quantity)
        expected = DONE if chosen is not None else _NO_MORE
        if giver == taker:
            expected = "credits.transfer_to_oneself"
        elif not self.issued:
            expected = "credits.book_unknown"
        elif taker == "teahouse":
            expected = "credits.taker_cannot_hold"
        answer = self.ask(
            credit_holding.transfer, book=ORIGIN, giver=giver, taker=taker, quantity_t=quantity, price_fen=100,
            asked_by=self.person(_DESK[giver]),
        )  # fmt: skip
        if self.agrees(answer, expected):
            assert chosen is not None
            self.is_so(numbers(answer.value.serials) == chosen, answer, chosen)
            self.model.move(ORIGIN, chosen, source=source, target=f"holder:{ORIGIN}:{taker}")

    @rule(owner=parties, here=strategies.booleans(), allowances=strategies.booleans())
    def give_up_for_good(self, owner: str, here: bool, allowances: bool) -> None:
        """One tonne, in the book that issued it or in the market's; allowances are nobody's to give up."""
        book = ORIGIN if here else ALLOWANCES if allowances else CROSSED
        source = f"{'holder' if here else 'entity'}:{book}:{owner}"
        chosen = self.model.lowest(source, book, 1)
        if here:
            expected = DONE if chosen else _NO_MORE if self.issued else "credits.book_unknown"
            answer = self.ask(
                credit_holding.cancel, book=book, owner=owner, quantity_t=1, purpose="a concert",
                asked_by=self.person(_DESK[owner]),
            )  # fmt: skip
        else:
            expected = DONE if chosen else "surrender.units_not_held"
            if chosen and allowances:
                expected = "surrender.only_credits_cancelled"
            answer = self.ask(
                surrender.cancel, account=self.town.accounts[owner], asked=AskedLot(book, quantity_t=1),
                purpose="a concert", cancelled_by=self.person(_DESK[owner]),
            )  # fmt: skip
        if self.agrees(answer, expected):
            assert chosen is not None
            self.is_so(numbers(answer.value.serials) == chosen, answer, chosen)
            self.model.move(book, chosen, source=source, target=f"cancelled:{book}")

    # --- over the bridge

    @rule(owner=strategies.sampled_from([OPERATOR, OPERATOR, STEEL, STRANGER]), quantity=tonnes)
    def lock(self, owner: str, quantity: int) -> None:
        source = f"holder:{ORIGIN}:{owner}"
        quantity = self.meant(quantity, source, ORIGIN)
        chosen = self.model.lowest(source, ORIGIN, quantity)
        expected = DONE if chosen is not None else _NO_MORE
        if not self.issued:
            expected = "bridge.book_not_bridged"
        elif owner == STRANGER:
            expected = "bridge.account_missing"
        answer = self.ask(
            bridge.lock, book=ORIGIN, market=MARKET, owner=owner, asked_by=self.person("anna"),
            quantity_t=quantity,
        )  # fmt: skip
        if self.agrees(answer, expected):
            assert chosen is not None
            self.is_so(numbers(answer.value.serials) == chosen, answer, chosen)
            self.model.move(ORIGIN, chosen, source=source, target=f"locked:{ORIGIN}:{MARKET}")
            self.model.crossings.append(Crossing(answer.value.id, owner, chosen))

    @precondition(lambda self: self.model.crossings)
    @rule(pick=picks, workers=strategies.integers(1, 2))
    def deposit(self, pick: int, workers: int) -> None:
        """By one worker or by two at once; what has happened does not happen again."""
        one = one_of(self.model.crossings, pick)
        for answer in self.at_once(*(self.send(bridge.deposit, bridge_id=one.id) for _ in range(workers))):
            self.agrees(answer, DONE)
        if one.state == "locked":
            one.state = "deposited"
            for number in one.numbers:
                self.is_so((CROSSED, number) not in self.model.tonnes, number)
                self.model.tonnes[CROSSED, number] = f"entity:{CROSSED}:{one.owner}"

    @precondition(lambda self: self.model.crossings)
    @rule(pick=picks, workers=strategies.integers(1, 2))
    def confirm(self, pick: int, workers: int) -> None:
        """Nothing happens before the deposit, nor the second time."""
        one = one_of(self.model.crossings, pick)
        for answer in self.at_once(*(self.send(bridge.confirm, bridge_id=one.id) for _ in range(workers))):
            self.agrees(answer, DONE)
        if one.state == "deposited":
            one.state = "confirmed"
            where = f"locked:{ORIGIN}:{MARKET}", f"bridged_out:{ORIGIN}:{MARKET}"
            self.model.move(ORIGIN, one.numbers, source=where[0], target=where[1])

    # --- against money

    @rule(
        organisation=strategies.sampled_from([*PARTIES, STRANGER]), fen=strategies.sampled_from([900, 7_000])
    )
    def money_comes_in(self, organisation: str, fen: int) -> None:
        answer = self.ask(
            cash.record, market=MARKET, organisation=organisation, direction=Direction.DEPOSITED,
            amount_fen=fen, reference="bank slip", recorded_by=self.person("first"),
        )  # fmt: skip
        if self.agrees(answer, DONE if organisation != STRANGER else "registry.account_unknown"):
            self.model.cash[organisation] += fen

    @rule(organisation=parties, fen=strategies.sampled_from([500, 3_000]))
    def money_goes_out(self, organisation: str, fen: int) -> None:
        answer = self.ask(
            cash.record, market=MARKET, organisation=organisation, direction=Direction.WITHDRAWN,
            amount_fen=fen, reference="bank slip", recorded_by=self.person("first"),
        )  # fmt: skip
        if self.agrees(answer, DONE if self.model.cash[organisation] >= fen else _NO_MORE):
            self.model.cash[organisation] -= fen

    @rule(
        seller=strategies.sampled_from([OPERATOR, OPERATOR, STEEL, STRANGER]),
        buyer=strategies.sampled_from([STEEL, CEMENT, STRANGER]),
        quantity=tonnes,
        price=strategies.sampled_from([800, 5_000]),
    )
    def offer(self, seller: str, buyer: str, quantity: int, price: int) -> None:
        source = f"entity:{CROSSED}:{seller}"
        quantity = self.meant(quantity, source, CROSSED)
        chosen = self.model.lowest(source, CROSSED, quantity)
        expires_at = self.model.now + _OFFER_STANDS
        expected = DONE if chosen is not None else _NO_MORE
        if seller == buyer:
            expected = "market.self_trade"
        elif not self.crossed or seller == STRANGER:
            expected = "market.book_not_traded"
        elif buyer == STRANGER:
            expected = "market.party_has_no_account"
        answer = self.ask(
            market.offer, book=CROSSED, seller=seller, buyer=buyer, quantity_t=quantity, price_fen=price,
            expires_at=expires_at, offered_by=self.person("anna"),
        )  # fmt: skip
        if self.agrees(answer, expected):
            assert chosen is not None
            self.is_so(numbers(answer.value.serials) == chosen, answer, chosen)
            self.model.move(CROSSED, chosen, source=source, target=f"offered:{CROSSED}:{seller}")
            self.model.sales.append(Sale(answer.value.id, seller, buyer, chosen, price, expires_at))

    @precondition(lambda self: self.model.sales)
    @rule(pick=picks, foreign=strategies.booleans(), clicks=strategies.integers(1, 2))
    def accept(self, pick: int, foreign: bool, clicks: int) -> None:
        """By its buyer, also twice at once: one of the two is told that it has ended."""
        sale = one_of(self.model.sales, pick)
        buyer = sale.buyer if not foreign else next(who for who in PARTIES if who != sale.buyer)
        expected = DONE
        if foreign:
            expected = "market.sale_unknown"
        elif sale.outcome is None and self.model.now >= sale.expires_at:
            expected = "market.sale_expired"
        elif sale.outcome is not None:
            expected = "market.sale_ended"
        elif self.model.cash[sale.buyer] < sale.price_fen:
            expected = _NO_MORE
        asked = {"sale_id": sale.id, "buyer": buyer, "accepted_by": self.person(_DESK[buyer])}
        answers = self.at_once(*(self.send(market.accept, **asked) for _ in range(clicks)))
        codes = sorted(answer.code for answer in answers)
        if expected == DONE:
            self.is_so(codes == [DONE, "market.sale_ended"][:clicks], codes)
            self.settle(sale)
        else:
            self.is_so(codes == [expected] * clicks, codes, expected)

    def settle(self, sale: Sale) -> None:
        sale.outcome = "settled"
        self.model.cash[sale.buyer] -= sale.price_fen
        self.model.cash[sale.seller] += sale.price_fen
        where = f"offered:{CROSSED}:{sale.seller}", f"entity:{CROSSED}:{sale.buyer}"
        self.model.move(CROSSED, sale.numbers, source=where[0], target=where[1])

    @precondition(lambda self: self.model.sales)
    @rule(pick=picks, how=strategies.sampled_from(["withdrawn", "declined", "foreign"]))
    def take_back(self, pick: int, how: str) -> None:
        """By the seller, by the buyer who does not want it, or by somebody whose offer it is not."""
        sale = one_of(self.model.sales, pick)
        expected = DONE if sale.outcome is None else "market.sale_ended"
        if how == "declined":
            answer = self.ask(
                market.decline, sale_id=sale.id, buyer=sale.buyer, declined_by=self.person(_DESK[sale.buyer])
            )
        else:
            seller = sale.seller if how == "withdrawn" else sale.buyer
            expected = expected if how == "withdrawn" else "market.sale_unknown"
            answer = self.ask(
                market.withdraw, sale_id=sale.id, seller=seller, withdrawn_by=self.person(_DESK[seller])
            )
        if self.agrees(answer, expected):
            self.end(sale, how)

    def end(self, sale: Sale, outcome: str) -> None:
        sale.outcome = outcome
        where = f"offered:{CROSSED}:{sale.seller}", f"entity:{CROSSED}:{sale.seller}"
        self.model.move(CROSSED, sale.numbers, source=where[0], target=where[1])

    @precondition(lambda self: self.model.sales)
    @rule()
    def offers_lapse(self) -> None:
        due = [one for one in self.model.sales if not one.outcome and one.expires_at <= self.model.now]
        self.is_so(self.run(market.expire_all(self.db)) == len(due), due)
        for sale in due:
            self.end(sale, "expired")

    # --- for the year

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
    @rule(wanted=strategies.sampled_from([1, 2, ALL]))
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
            pledged_by=self.person(_DESK[owner]),
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
    def release(self, pick: int, foreign: bool) -> None:
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
            released_by=self.person(_DESK[owner]),
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
