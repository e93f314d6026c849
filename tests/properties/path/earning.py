"""Rides come in and earn points; points are set aside, captured, given back, and lapse."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter

from hypothesis import strategies
from hypothesis.stateful import precondition, rule

from backend.kit import ids
from backend.programmes import wallets
from merchant import redemption
from merchant.redemption import CODE_LIVES, REFUND_WITHIN
from tests.properties.path.founding import ASSIGNED, CITIZENS, OFFERS, PER_CITIZEN, take_in
from tests.properties.path.model import File, Redeemed
from tests.properties.path.stage import DONE, Stage, one_of, picks

MONTHS = ("2025-01", "2025-02")
# Whose rides a file holds, in turn; the fourth account is nobody's.
CROWDS = ((0, 1), (0, 1, 2), (0, 3), (1,), (2, 3))
_STRANGERS = 3


def grams_of(metres: int) -> int:
    """48.7 g/km, floored for each ride."""
    return metres * 487 // 10_000


class Earning(Stage):
    @rule(
        month=strategies.sampled_from(MONTHS),
        crowd=strategies.sampled_from(CROWDS),
        rides=strategies.integers(120, 300),
        metres=strategies.integers(60_000, 95_000),
    )
    def rides_come_in(self, month: str, crowd: tuple[int, ...], rides: int, metres: int) -> None:
        """Long rides, so that a file brings some hundred kilograms."""
        if len(self.model.files) > 50:
            return
        seconds = len(self.model.files)  # no other file's rides begin at these seconds
        found: dict[tuple[str, str], int] = {}
        for place in range(rides):
            start = (
                f"{month}-{1 + place // 120:02d} {6 + place % 120 // 40:02d}:{place % 40:02d}:{seconds:02d}"
            )
            found[f"B{crowd[place % len(crowd)]}", start] = metres + 13 * place
        self.model.files.append(File(found))
        self.take(self.model.files[-1])

    @precondition(lambda self: self.model.files)
    @rule(pick=picks, changed=strategies.booleans())
    def the_same_file_comes_again(self, pick: int, changed: bool) -> None:
        """As it was, or with other distances: nothing is accepted either way."""
        known = one_of(self.model.files, pick)
        if changed:
            known = File({ride: far - 1 for ride, far in known.metres.items()})
        self.take(known)

    def take(self, file: File) -> None:
        model = self.model
        path = self.folder / f"{ids.uuid7().hex}.csv"
        path.write_text(file.text(), encoding="utf-8")
        summary = self.run(take_in(self.db, self.settings, path))
        path.unlink()
        new = {ride: far for ride, far in file.metres.items() if ride not in model.claimed}
        held = {pair for pair in file.metres.items() if pair[0] in model.claimed} & model.contested
        same = len(held) + sum(model.claimed.get(ride) == far for ride, far in file.metres.items())
        model.contested |= {
            (ride, far) for ride, far in file.metres.items() if model.claimed.get(ride, far) != far
        }
        expected = Counter(
            received=len(file.metres),
            accepted=len(new),
            duplicates=same,
            conflicts=len(file.metres) - len(new) - same,
        )
        due = two_years_on(model.today)
        for (account, start), far in new.items():
            citizen, grams = int(account[1:]), grams_of(far)
            expected["grams"] += grams
            if citizen == _STRANGERS:
                expected["waiting"] += 1
                continue
            expected["points"] += grams // 10
            model.lots[citizen, due] += grams // 10
            model.issued_points += grams // 10
            if citizen < ASSIGNED:
                model.pools[start[:7]].append(grams)
        model.claimed.update(new)
        told = {
            name: getattr(summary, name)
            for name in ("received", "accepted", "duplicates", "conflicts", "waiting", "grams", "points")
        }
        self.is_so(told == {name: expected[name] for name in told}, told, expected)

    @rule(citizen=strategies.integers(0, CITIZENS - 1), offer=strategies.sampled_from(sorted(OFFERS)))
    def redeem(self, citizen: int, offer: str) -> None:
        model, price = self.model, OFFERS[offer][1]
        mine = [one for one in model.redeemed if (one.citizen, one.offer) == (citizen, offer)]
        standing = sum(one.ended != "released" and not one.refunded for one in mine)
        expected = DONE
        if model.stock[offer] == 0:
            expected = "merchant.sold_out"
        elif sum(model.lots[citizen, day] for day in model.spendable(citizen)) < price:
            expected = "ledger.insufficient_balance"
        elif model.stock[offer] is not None and standing >= PER_CITIZEN:
            expected = "merchant.limit_reached"
        answer = self.ask(
            redemption.redeem,
            self.settings.keys,
            participant_id=self.town.citizens[citizen],
            offer_id=self.town.offers[offer],
        )
        if self.agrees(answer, expected):
            made = answer.value
            drawn = model.take(citizen, price)
            model.redeemed.append(
                Redeemed(citizen, offer, made.redemption_id, made.code, drawn, self.asked_at)
            )
            left = model.stock[offer]
            model.stock[offer] = None if left is None else left - 1

    @precondition(lambda self: self.model.redeemed)
    @rule(pick=picks, till=strategies.sampled_from([None, *sorted(OFFERS)]), tills=strategies.integers(1, 3))
    def scan(self, pick: int, till: str | None, tills: int) -> None:
        """One till or several at once; `till` None is the right one, and it may be another shop's."""
        one = one_of(self.model.redeemed, pick)
        till = till or one.offer
        expected = DONE
        if till != one.offer:
            expected = "merchant.redemption_unknown"
        elif one.ended is None and self.model.now >= one.made_at + CODE_LIVES:
            expected = "merchant.redemption_expired"
        elif one.ended == "released" or one.refunded:
            expected = "merchant.redemption_ended"
        shop = OFFERS[till][0]
        at = redemption.At(self.town.organisations[shop], self.person(f"{till}-till"))
        asked = {"at": at, "code": one.code}
        answers = self.at_once(
            *(self.send(redemption.capture, self.settings.keys, **asked) for _ in range(tills))
        )
        for answer in answers:
            if self.agrees(answer, expected):
                self.is_so(answer.value.points == one.points and answer.value == answers[0].value, answers)
        if expected == DONE and one.ended is None:
            one.ended, one.captured_at = "captured", self.asked_at

    @precondition(lambda self: self.model.redeemed)
    @rule(pick=picks)
    def give_up(self, pick: int) -> None:
        """By its citizen; once a till was first it is too late."""
        one = one_of(self.model.redeemed, pick)
        answer = self.ask(
            redemption.cancel, participant_id=self.town.citizens[one.citizen], redemption_id=one.id
        )
        if self.agrees(answer, DONE if one.ended != "captured" else "merchant.redemption_ended"):
            self.end_hold(one)

    def end_hold(self, one: Redeemed) -> None:
        if one.ended is None:
            one.ended = "released"
            self.model.give(one)
            self.model.put_back(one.offer)

    @precondition(lambda self: self.model.redeemed)
    @rule(pick=picks, foreign=strategies.booleans())
    def refund(self, pick: int, foreign: bool) -> None:
        one = one_of(self.model.redeemed, pick)
        till = next(name for name in OFFERS if (name == one.offer) != foreign)
        expected = DONE
        if foreign:
            expected = "merchant.redemption_unknown"
        elif one.ended != "captured":
            expected = "merchant.redemption_not_captured"
        elif one.captured_at is not None and self.model.now > one.captured_at + REFUND_WITHIN:
            expected = "merchant.refund_too_late"
        elif one.refunded:
            expected = "merchant.already_refunded"
        answer = self.ask(
            redemption.refund,
            merchant_id=self.town.organisations[OFFERS[till][0]],
            staff_id=self.person(f"{till}-till"),
            redemption_id=one.id,
            reason="cold",
        )
        if self.agrees(answer, expected):
            one.refunded = True
            self.model.give(one)
            self.model.put_back(one.offer)

    @rule(days=strategies.sampled_from([0, 1, 4, 8, 20]))
    def time_goes_by(self, days: int) -> None:
        """A minute and a half at least: every code is too old then."""
        self.model.now += dt.timedelta(days=days, seconds=90)

    @rule()
    def sweep(self) -> None:
        """The jobs that give back what lapsed, and take what expired."""
        model = self.model
        due = [one for one in model.redeemed if not one.ended and one.made_at + CODE_LIVES <= model.now]
        self.is_so(self.run(redemption.lapse_due(self.db)) == len(due), due)
        for one in due:
            self.end_hold(one)
        self.run(wallets.expire_all(self.db))
        for (citizen, day), points in model.lots.items():
            if day < model.today:
                model.expired_points += points
                model.lots[citizen, day] = 0


def two_years_on(day: dt.date) -> dt.date:
    """The last day of the month two years later."""
    return dt.date(day.year + 2, day.month, calendar.monthrange(day.year + 2, day.month)[1])
