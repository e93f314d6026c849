"""Rides that only a phone's false position ever made, and steps that only a cradle made."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.fraud.pattern import Cheat
from simulation.ground import Place, away, great_circle_m
from simulation.trips import Trip


def _ride(
    cheat: Cheat, start: Place, end: Place, at: int, seconds: int, metres: int, label: str, kind: str
) -> Trip:
    return Trip(
        partner="bikes", person=cheat.who.id, number=cheat.who.bikes[0], device=cheat.who.phone, started_s=at,
        ended_s=at + seconds, start=start, end=end, distance_m=metres, label=label, kind=kind,
    )  # fmt: skip


def too_fast(cheat: Cheat) -> Iterator[Trip]:
    """A bike ride from the seat of a car: 22 to 90 km/h from door to door."""
    dice = cheat.dice
    for _ in range(dice.randint(4, 14)):
        speed = dice.triangular(22, 90, 36) / 3.6
        seconds = dice.randint(400, 2_400)
        metres = round(speed * seconds)
        start = away(cheat.who.home, dice.uniform(100, 3_000), dice)
        end = away(start, metres / dice.uniform(1.15, 1.5), dice)
        yield _ride(cheat, start, end, cheat.hour(7, 22), seconds, metres, "spoof_fast", "by_car")


def teleports(cheat: Cheat) -> Iterator[Trip]:
    """Two good-looking rides minutes apart, the second beginning where nobody could have got to."""
    dice = cheat.dice
    for _ in range(dice.randint(3, 9)):
        at, here = cheat.hour(7, 21), away(cheat.who.home, dice.uniform(100, 1_500), dice)
        for _ in range(dice.randint(2, 4)):
            seconds = dice.randint(300, 1_500)
            metres = round(seconds * dice.uniform(2.4, 4.2))
            end = away(here, metres / 1.3, dice)
            yield _ride(cheat, here, end, at, seconds, metres, "spoof_teleport", "jump")
            at += seconds + dice.randint(20, 600)
            here = away(end, dice.lognormvariate(9.3, 0.6), dice)  # 11 km in the middle


def ruled_lines(cheat: Cheat) -> Iterator[Trip]:
    """A script's rides: as the crow flies, at one speed that never changes by a centimetre, all day long."""
    dice = cheat.dice
    speed = dice.choice((3.0, 3.5, 4.0, 4.5, 5.0))
    for midnight in dice.sample(list(cheat.midnights_s), k=min(6, len(cheat.midnights_s))):
        at = midnight + 8 * 3600
        for _ in range(dice.randint(2, 8)):
            seconds = dice.choice((600, 900, 1_200))
            start = away(cheat.who.home, dice.uniform(0, 2_000), dice)
            end = away(start, speed * seconds, dice)
            metres = round(great_circle_m(start, end))
            yield _ride(cheat, start, end, at, seconds, metres, "spoof_straight", "script")
            at += seconds + 300


def going_nowhere(cheat: Cheat) -> Iterator[Trip]:
    """A bike unlocked and locked where it stands, to be counted as a ride: no metre, or the metre that GPS invents."""
    dice = cheat.dice
    for _ in range(dice.randint(6, 20)):
        start = away(cheat.who.home, dice.uniform(0, 300), dice)
        end = away(start, dice.uniform(0, 4), dice)
        metres = dice.choice((0, 0, 1, 3, dice.randint(5, 40)))
        seconds = dice.randint(61, 900)
        yield _ride(cheat, start, end, cheat.hour(6, 23), seconds, metres, "spoof_zero", "standing")


def swung_still(cheat: Cheat) -> Iterator[Trip]:
    """A phone in a cradle: thousands of steps on a desk."""
    dice = cheat.dice
    for _ in range(dice.randint(3, 10)):
        seconds = dice.randint(1_200, 10_800)
        yield Trip(
            partner="walks", person=cheat.who.id, number=cheat.who.walker, device=cheat.who.phone,
            started_s=(at := cheat.hour(0, 22)), ended_s=at + seconds, start=cheat.who.home,
            end=away(cheat.who.home, dice.uniform(0, 15), dice), distance_m=dice.randint(0, 60),
            steps=round(seconds / 60 * dice.uniform(85, 150)), label="steps_still", kind="cradle",
        )  # fmt: skip


def swung_fast(cheat: Cheat) -> Iterator[Trip]:
    """A cradle turned up: more steps a minute than legs can make, with the distance that the phone infers from them."""
    dice = cheat.dice
    for _ in range(dice.randint(3, 10)):
        seconds = dice.randint(600, 5_400)
        steps = round(seconds / 60 * dice.triangular(210, 620, 280))
        yield Trip(
            partner="walks", person=cheat.who.id, number=cheat.who.walker, device=cheat.who.phone,
            started_s=(at := cheat.hour(0, 22)), ended_s=at + seconds, start=cheat.who.home,
            end=away(cheat.who.home, dice.uniform(0, 40), dice), distance_m=round(steps * 0.7),
            steps=steps, label="steps_cadence", kind="cradle",
        )  # fmt: skip
