"""What levels, campaigns and claim windows come to, in plain numbers: what the examples of a pack are proved by."""

from __future__ import annotations

import datetime as dt
import math

from backend.programmes.features import Campaign, ClaimWindow, Level, known


def counts_of(levels: tuple[Level, ...], *, points: int, grams: int = 0, pack: str) -> dict[str, int]:
    """How many of each level somebody has: `count` of what it is `of` make one. Levels stand after what they are of.

    Raises ParameterUnknown where a level's count is, and that is asked for also by whoever has nothing yet.
    """
    found = {"points": points, "grams": grams}
    for level in levels:
        count = known(level.count, pack=pack, parameter=f"level.{level.id}.count")
        found[level.id] = math.floor(found[level.of] / count)
    return {level.id: found[level.id] for level in levels}


def count_of(levels: tuple[Level, ...], level_id: str, *, points: int, grams: int = 0, pack: str) -> int:
    """How many of one level; only its own count and those of the levels below it have to be known."""
    by_id = {level.id: level for level in levels}
    needed = [by_id[level_id]]
    while needed[0].of in by_id:
        needed.insert(0, by_id[needed[0].of])
    return counts_of(tuple(needed), points=points, grams=grams, pack=pack)[level_id]


def extra_of(campaign: Campaign, points: int, *, pack: str) -> int:
    """What an act that earns `points` gets beyond them: floor(points × multiplier) − points."""
    multiplier = known(campaign.multiplier, pack=pack, parameter=f"campaign.{campaign.id}.multiplier")
    return math.floor(points * multiplier) - points


def ripe_on(claim: ClaimWindow, earned_on: dt.date) -> dt.date:
    """The day from whose midnight in Shanghai the points of a day may be collected."""
    return earned_on + dt.timedelta(days=claim.ripens_after_days)


def collect_until(claim: ClaimWindow, earned_on: dt.date) -> dt.date | None:
    """The last day on which they may be; None: for ever."""
    if claim.collect_within_hours is None:
        return None
    return ripe_on(claim, earned_on) + dt.timedelta(days=claim.collect_within_hours // 24 - 1)
