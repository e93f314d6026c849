"""One trip told more than once: moved in time, under another number, by another partner; and two trips at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulation.fraud.pattern import Cheat
from simulation.ground import away, nearest
from simulation.trips import Trip


def shifted(cheat: Cheat) -> Iterator[Trip]:
    """A ride of before, sent again as if ridden later: minutes, hours or days, the same way to the metre."""
    for place, trip in cheat.of("bikes", "more-bikes", "docks"):
        if cheat.dice.random() < 0.5:
            continue
        for _ in range(cheat.dice.choice((1, 1, 1, 2, 3))):
            later = int(60 * cheat.dice.lognormvariate(4.0, 1.6)) + 1
            yield replace(
                trip, started_s=trip.started_s + later, ended_s=trip.ended_s + later,
                label="replay_shifted", kind="shifted", twin=place,
            )  # fmt: skip


def other_number(cheat: Cheat) -> Iterator[Trip]:
    """A ride sent again under the same person's second account at the same operator, a few seconds off."""
    second = cheat.who.bikes[1]
    for place, trip in cheat.of("bikes"):
        if cheat.dice.random() < 0.6:
            skew = cheat.dice.randint(-20, 20)
            yield replace(
                trip, number=second, started_s=trip.started_s + skew, ended_s=trip.ended_s + skew,
                label="replay_other_id", kind="other_number", twin=place,
            )  # fmt: skip


def second_partner(cheat: Cheat) -> Iterator[Trip]:
    """A ride that the operator reports already, sold once more through another partner that measures a little otherwise."""
    dice = cheat.dice
    for place, trip in cheat.of("bikes"):
        if trip.number == cheat.who.bikes[0] and dice.random() < 0.6:
            yield replace(
                trip, partner="more-bikes", number=cheat.who.more_bikes[0],
                started_s=trip.started_s + dice.randint(-45, 60), ended_s=trip.ended_s + dice.randint(-45, 60),
                distance_m=round((trip.distance_m or 0) * dice.gauss(1, 0.04)),
                label="replay_second_partner", kind="second_partner", twin=place,
            )  # fmt: skip


def two_at_once(cheat: Cheat) -> Iterator[Trip]:
    """A bike in a friend's hand while the card's holder sits in the metro or on another system's bike."""
    dice = cheat.dice
    for place, trip in cheat.of("metro", "docks", "more-bikes"):
        if dice.random() < 0.4:
            continue
        at = trip.started_s + round(trip.seconds * dice.uniform(0.05, 0.6))
        seconds = dice.randint(300, 2_400)
        metres = round(seconds * dice.uniform(2.4, 3.9))
        start = away(cheat.who.home, dice.uniform(100, 3_000), dice)
        yield Trip(
            partner="bikes", person=cheat.who.id, number=cheat.who.bikes[0], device=None, started_s=at,
            ended_s=at + seconds, start=start, end=away(start, metres / 1.3, dice), distance_m=metres,
            label="overlap", kind=f"during_{trip.partner}", twin=place,
        )  # fmt: skip


def metro_elsewhere(cheat: Cheat) -> Iterator[Trip]:
    """A card lent to somebody far away: it leaves a gate across the city minutes after the holder's phone rode a bike."""
    dice = cheat.dice
    for place, trip in cheat.of("bikes", "more-bikes"):
        if dice.random() < 0.5:
            continue
        gate = nearest(away(trip.end, dice.uniform(9_000, 22_000), dice), list(cheat.metro))
        other = dice.choice([station for station in cheat.metro if station != gate])
        at = trip.ended_s + dice.randint(60, 420)
        yield Trip(
            partner="metro", person=cheat.who.id, number=cheat.who.card, device=None, started_s=at - 1_500,
            ended_s=at, start=other, end=gate, distance_m=None, label="lent_card", kind="lent_card", twin=place,
        )  # fmt: skip
