"""Honest days: how people who cheat nobody move, with everything odd that honest people do.

The rare cases are here on purpose: bikes returned at once, bikes left unlocked for hours, friends on one account, a card
tapped twice for a companion, couriers, family phones, night shifts, transfers so quick that two clocks disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from simulation.ground import Place, anywhere, away, great_circle_m, nearest
from simulation.trips import Person, Trip

HOUR_S, DAY_S = 3600, 86_400


class Days:
    """Lives the days of a city's people. Each person has dice of their own, so that one more changes nobody else."""

    def __init__(self, metro: list[Place], stops: list[Place], docks: list[Place]) -> None:
        self._metro, self._stops, self._docks = metro, stops, docks

    def live(self, who: Person, midnight_s: int, weekday: int, dice: Random) -> Iterator[Trip]:
        """One day (from `midnight_s`, local midnight by the true clock) of one person, in no particular order."""
        if who.courier:
            yield from self._deliver(who, midnight_s, dice)
            return
        if weekday < 5 and dice.random() < 0.72:
            leave = 21.5 if who.nights else dice.triangular(6.6, 9.8, 8.1)
            yield from self._go(who, who.home, who.work, midnight_s + int(leave * HOUR_S), dice, "commute")
            back = (leave + 2.0) if who.nights else dice.triangular(17.2, 22.5, 18.4)
            yield from self._go(who, who.work, who.home, midnight_s + int(back * HOUR_S), dice, "commute")
        elif weekday >= 5 and who.bikes and dice.random() < 0.03:
            yield from self._together(who, midnight_s, dice)
        elif dice.random() < 0.55:
            there = away(who.home, dice.lognormvariate(7.7, 0.7), dice)
            leave = dice.triangular(9, 19, 14)
            yield from self._go(who, who.home, there, midnight_s + int(leave * HOUR_S), dice, "outing")
            yield from self._go(
                who,
                there,
                who.home,
                midnight_s + int((leave + dice.uniform(1.5, 3.5)) * HOUR_S),
                dice,
                "outing",
            )
        if who.walker and dice.random() < 0.5:
            yield walk(
                who, midnight_s + int(dice.triangular(19.0, 22.0, 20.5) * HOUR_S) + 5 * HOUR_S // 2, dice
            )
        if dice.random() < 0.012:
            yield from self._midnight(who, midnight_s, dice)

    def _go(self, who: Person, start: Place, end: Place, at: int, dice: Random, kind: str) -> Iterator[Trip]:
        """From door to door by what this person has; several legs where one is not enough."""
        far = great_circle_m(start, end)
        if far < 4_500 and (who.bikes or who.more_bikes or who.member) and dice.random() < 0.75:
            yield from self._ride(who, start, end, at, dice, kind)
        elif who.card and far > 2_500 and dice.random() < 0.68:
            yield from self._by_metro(who, start, end, at, dice, kind)
        elif who.card:
            yield from self._by_bus(who, start, end, at, dice, kind)

    def _by_metro(
        self, who: Person, start: Place, end: Place, at: int, dice: Random, kind: str
    ) -> Iterator[Trip]:
        first, last = nearest(start, self._metro), nearest(end, self._metro)
        if first == last:
            yield from self._by_bus(who, start, end, at, dice, kind)
            return
        if (who.bikes or who.more_bikes) and great_circle_m(start, first) > 500 and dice.random() < 0.5:
            for leg in self._ride(who, start, first, at, dice, "transfer"):
                yield leg
                at = leg.ended_s
            at += dice.randint(5, 150)  # the gate is beside the racks; the clocks may say otherwise
        else:
            at += int(great_circle_m(start, first) / 1.2)
        trip = self._underground(who, first, last, at, dice, kind)
        yield trip
        if (who.bikes or who.more_bikes) and great_circle_m(last, end) > 500 and dice.random() < 0.5:
            yield from self._ride(who, last, end, trip.ended_s + dice.randint(10, 200), dice, "transfer")

    def _underground(self, who: Person, first: Place, last: Place, at: int, dice: Random, kind: str) -> Trip:
        metres = great_circle_m(first, last) * dice.uniform(1.1, 1.45)
        seconds = metres / dice.uniform(8.0, 10.5) + dice.randint(150, 540)  # 29 to 38 km/h and the platforms
        return Trip(
            partner="metro", person=who.id, number=who.card, device=None, started_s=at,
            ended_s=at + int(seconds), start=first, end=last,
            distance_m=round(metres) if metres > 18_000 else None, kind=kind,
        )  # fmt: skip

    def _by_bus(
        self, who: Person, start: Place, end: Place, at: int, dice: Random, kind: str
    ) -> Iterator[Trip]:
        first, last = nearest(start, self._stops), nearest(end, self._stops)
        metres = great_circle_m(first, last) * dice.uniform(1.2, 1.7) + 300
        seconds = int(metres / dice.uniform(3.2, 6.5)) + 60
        tap = Trip("bus", who.id, who.card, None, at, at + seconds, first, last, None, kind=kind)
        yield tap
        chance = dice.random()
        if chance < 0.02:  # one card for two people
            late = dice.randint(2, 6)
            yield Trip(
                "bus", who.id, who.card, None, at + late, at + seconds, first, last, None, kind="companion"
            )
        elif chance < 0.20:
            then = tap.ended_s + dice.randint(60, 900)
            yield Trip("bus", who.id, who.card, None, then, then + 600, last, end, None, kind="transfer")

    def _ride(
        self, who: Person, start: Place, end: Place, at: int, dice: Random, kind: str
    ) -> Iterator[Trip]:
        if who.member and (not (who.bikes or who.more_bikes) or dice.random() < 0.4):
            yield self._docked(who, start, end, at, dice, kind)
            return
        if dice.random() < 0.025:  # it squeaks: put back at once, and the next one taken
            stay = away(start, dice.uniform(0, 25), dice)
            seconds = dice.randint(15, 95)
            yield self._bike(
                who, start, stay, at, seconds, round(great_circle_m(start, stay)), dice, "put_back"
            )
            at += seconds + dice.randint(10, 60)
        metres = great_circle_m(start, end) * dice.uniform(1.12, 1.55) + 30
        speed = min(max(dice.gauss(3.3, 0.65), 1.6), 6.6)
        seconds = max(int(metres / speed) + dice.randint(0, 150), 60)
        if dice.random() < 0.004:  # walked away without locking it
            seconds += dice.randint(2 * HOUR_S, 9 * HOUR_S)
            kind = "left_unlocked"
        yield self._bike(who, start, end, at, seconds, round(metres * dice.gauss(1, 0.03)), dice, kind)

    def _bike(
        self,
        who: Person,
        start: Place,
        end: Place,
        at: int,
        seconds: int,
        metres: int,
        dice: Random,
        kind: str,
    ) -> Trip:
        first = bool(who.bikes) and (not who.more_bikes or dice.random() < 0.6)
        return Trip(
            partner="bikes" if first else "more-bikes", person=who.id,
            number=who.bikes[0] if first else who.more_bikes[0], device=who.phone,
            started_s=at, ended_s=at + seconds, start=start, end=end, distance_m=max(metres, 0), kind=kind,
        )  # fmt: skip

    def _docked(self, who: Person, start: Place, end: Place, at: int, dice: Random, kind: str) -> Trip:
        first, last = nearest(start, self._docks), nearest(end, self._docks)
        metres = great_circle_m(first, last) * dice.uniform(1.12, 1.55)
        if first == last:  # once around the lake
            metres, kind = dice.uniform(800, 6_000), "round_trip"
        seconds = max(int(metres / dice.uniform(2.2, 4.6)) + dice.randint(0, 300), 70)
        return Trip(
            "docks", who.id, who.member, None, at, at + seconds, first, last, round(metres), kind=kind
        )

    def _midnight(self, who: Person, midnight_s: int, dice: Random) -> Iterator[Trip]:
        at = midnight_s + DAY_S - dice.randint(60, 900)
        if who.bikes or who.more_bikes:
            metres = dice.randint(2_500, 5_500)
            there = away(who.home, metres / 1.3, dice)
            yield self._bike(who, there, who.home, at, int(metres / 3.2), metres, dice, "midnight")
        elif who.card:
            last = nearest(who.home, self._metro)
            first = max(self._metro[:20], key=lambda place: great_circle_m(place, last))
            yield self._underground(who, first, last, at, dice, "midnight")

    def _together(self, who: Person, midnight_s: int, dice: Random) -> Iterator[Trip]:
        """Friends without an account: one phone unlocks two to four bikes, seconds apart."""
        at = midnight_s + int(dice.triangular(10, 17, 15) * HOUR_S)
        end = away(who.home, dice.uniform(1_500, 6_000), dice)
        start = away(who.home, 200, dice)
        metres = great_circle_m(start, end) * 1.3
        seconds = int(metres / dice.uniform(2.4, 3.4))
        for _ in range(dice.randint(2, 4)):
            noise = round(metres * dice.gauss(1, 0.03))
            yield Trip(
                "bikes", who.id, who.bikes[0], who.phone, at, at + seconds + dice.randint(-40, 90), start, end, noise,
                kind="together",
            )  # fmt: skip
            at += dice.randint(6, 45)

    def _deliver(self, who: Person, midnight_s: int, dice: Random) -> Iterator[Trip]:
        """A courier on shared bikes: many short rides with short breaks, all of them true."""
        at, here = midnight_s + int(dice.uniform(9.5, 11) * HOUR_S), who.home
        until = midnight_s + int(dice.uniform(19, 21) * HOUR_S)
        while at < until:
            there = away(here, dice.uniform(400, 2_600), dice)
            if great_circle_m(there, who.home) > 6_000:
                there = away(who.home, dice.uniform(200, 2_000), dice)
            metres = great_circle_m(here, there) * dice.uniform(1.15, 1.5)
            seconds = max(int(metres / dice.uniform(3.4, 5.6)), 60)
            yield self._bike(who, here, there, at, seconds, round(metres), dice, "courier")
            at, here = at + seconds + dice.randint(120, 1_500), there


def walk(who: Person, at: int, dice: Random) -> Trip:
    """A walk as a phone counts it: 1.0 to 1.6 m/s, 0.62 to 0.80 m a step."""
    seconds = dice.randint(600, 4_200)
    metres = seconds * dice.uniform(1.0, 1.6)
    start = away(who.home, dice.uniform(0, 300), dice)
    return Trip(
        partner="walks", person=who.id, number=who.walker, device=who.phone, started_s=at, ended_s=at + seconds,
        start=start, end=away(start, metres * dice.uniform(0.02, 0.6), dice), distance_m=round(metres),
        steps=round(metres / dice.uniform(0.62, 0.80)), kind="walk",
    )  # fmt: skip


def strangers_place(dice: Random) -> Place:
    """Where somebody works: anywhere, though mostly in the middle."""
    return anywhere(dice, spread_m=9_000)
