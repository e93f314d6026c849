"""Accounts by the dozen: one phone for many, many rides in little time, and phones that go from hand to hand."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.fraud.pattern import Cheat
from simulation.ground import away
from simulation.trips import Trip


def _plausible(cheat: Cheat, number: str, phone: str, at: int, label: str, kind: str) -> Trip:
    dice = cheat.dice
    seconds = dice.randint(240, 1_500)
    metres = round(seconds * dice.uniform(2.4, 4.2))
    start = away(cheat.who.home, dice.uniform(50, 1_500), dice)
    return Trip(
        partner="bikes", person=owner_of(cheat, number), number=number, device=phone, started_s=at,
        ended_s=at + seconds, start=start, end=away(start, metres / 1.3, dice), distance_m=metres, label=label,
        kind=kind,
    )  # fmt: skip


def owner_of(cheat: Cheat, number: str) -> str:
    """On paper every farmed account is another person; only the cheat's own number is the cheat's."""
    return cheat.who.id if number in cheat.who.bikes else f"{cheat.who.id}-{number[-2:]}"


def farmed_numbers(cheat: Cheat, count: int) -> list[str]:
    return [f"LX8{cheat.number:04d}{place:02d}" for place in range(count)]


def one_phone(cheat: Cheat) -> Iterator[Trip]:
    """Five to forty accounts, signed in one after the other on one phone, each with an innocent ride or two a day."""
    accounts = farmed_numbers(cheat, cheat.dice.randint(5, 40))
    for midnight in cheat.dice.sample(list(cheat.midnights_s), k=min(3, len(cheat.midnights_s))):
        at = midnight + cheat.dice.randint(7 * 3600, 9 * 3600)
        for number in accounts:
            yield _plausible(cheat, number, cheat.who.phone, at, "farm_device", "one_phone")
            at += cheat.dice.randint(120, 1_500)


def bursts(cheat: Cheat) -> Iterator[Trip]:
    """Ten to fifty short rides of one account, begun seconds apart by a script."""
    dice = cheat.dice
    for _ in range(dice.randint(1, 4)):
        at = cheat.hour(0, 23)
        for _ in range(dice.randint(10, 50)):
            seconds = dice.randint(70, 260)
            metres = round(seconds * dice.uniform(2.4, 4.2))
            start = away(cheat.who.home, dice.uniform(0, 600), dice)
            yield Trip(
                partner="bikes", person=cheat.who.id, number=cheat.who.bikes[0], device=cheat.who.phone,
                started_s=at, ended_s=at + seconds, start=start, end=away(start, metres / 1.3, dice),
                distance_m=metres, label="farm_burst", kind="burst",
            )  # fmt: skip
            at += dice.randint(8, 75)


def hand_to_hand(cheat: Cheat) -> Iterator[Trip]:
    """A ring of accounts over a handful of phones: every account rides on every phone, so that none stands out."""
    dice = cheat.dice
    accounts = farmed_numbers(cheat, dice.randint(6, 15))
    phones = [f"{cheat.who.phone}-{place}" for place in range(dice.randint(3, 5))]
    for midnight in dice.sample(list(cheat.midnights_s), k=min(4, len(cheat.midnights_s))):
        for place, number in enumerate(accounts):
            at = midnight + dice.randint(7 * 3600, 21 * 3600)
            phone = phones[(place + midnight // 86_400) % len(phones)]
            yield _plausible(cheat, number, phone, at, "farm_ring", "ring")
