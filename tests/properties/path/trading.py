"""Credits pass on, cross the bridge, are sold against money, or given up for good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from hypothesis import strategies
from hypothesis.stateful import precondition, rule

from backend.ledger import SerialRange
from offset_bridge import bridge, cash, market, surrender
from offset_bridge import credits as credit_holding
from offset_bridge.cash import Direction
from offset_bridge.surrender import AskedLot
from tests.properties.path.founding import (
    CEMENT,
    MARKET,
    OPERATOR,
    STEEL,
    STRANGER,
)
from tests.properties.path.model import ALLOWANCES, CROSSED, ORIGIN, Crossing, Sale
from tests.properties.path.stage import DONE, Stage, one_of, picks

PARTIES = (OPERATOR, STEEL, CEMENT)
DESK = {OPERATOR: "anna", STEEL: "steel-desk", CEMENT: "cement-desk"}
_OFFER_STANDS = dt.timedelta(days=3)
_NO_MORE = "ledger.insufficient_balance"

parties = strategies.sampled_from(PARTIES)
ALL, ONE_MORE = -1, 0  # of what an account holds
tonnes = strategies.sampled_from([1, 2, 3, ALL, ONE_MORE])


def numbers(serials: Sequence[SerialRange]) -> list[int]:
    return [number for one in serials for number in range(one.low, one.high)]


class Trading(Stage):
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
            asked_by=self.person(DESK[giver]),
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
                asked_by=self.person(DESK[owner]),
            )  # fmt: skip
        else:
            expected = DONE if chosen else "surrender.units_not_held"
            if chosen and allowances:
                expected = "surrender.only_credits_cancelled"
            answer = self.ask(
                surrender.cancel, account=self.town.accounts[owner], asked=AskedLot(book, quantity_t=1),
                purpose="a concert", cancelled_by=self.person(DESK[owner]),
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
        asked = {"sale_id": sale.id, "buyer": buyer, "accepted_by": self.person(DESK[buyer])}
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
                market.decline, sale_id=sale.id, buyer=sale.buyer, declined_by=self.person(DESK[sale.buyer])
            )
        else:
            seller = sale.seller if how == "withdrawn" else sale.buyer
            expected = expected if how == "withdrawn" else "market.sale_unknown"
            answer = self.ask(
                market.withdraw, sale_id=sale.id, seller=seller, withdrawn_by=self.person(DESK[seller])
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
