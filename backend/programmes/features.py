"""What a programme's pack says beyond earning: seasons, budgets, levels, tasks, games, rewards and what people see of each other.

Everything here is policy of the programme. A figure that its source does not publish is `UNKNOWN`, and whatever needs it
refuses with `ParameterUnknown`; `known()` does that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from backend.packs import ParameterUnknown
from backend.packs.figures import UNKNOWN, Known

Feature = Literal[
    "earning", "levels", "tasks", "achievements", "campaigns", "referral", "planting", "collecting",
    "teams", "leaderboards", "feed", "news", "events", "lotteries",
]  # fmt: skip
RewardKind = Literal[
    "goods", "voucher", "lottery", "planting", "adoption", "prop", "public_service", "public_welfare",
    "privilege", "event",
]  # fmt: skip
Period = Literal["day", "week", "month", "season", "once"]
Measure = Literal["acts", "grams", "points", "days"]
BoardPeriod = Literal["week", "month", "season", "all"]


@dataclass(frozen=True, slots=True)
class Name:
    """A text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Season:
    """A named span of Shanghai days, both included."""

    id: str
    title: Name
    first: dt.date
    last: dt.date

    def holds(self, day: dt.date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Budget:
    """Points (or fen) that may be given out in each `per`; earning stops, politely, where less than `floor` would be left."""

    amount: Known
    floor: int
    per: Literal["year", "programme"]


@dataclass(frozen=True, slots=True)
class ClaimWindow:
    """Points wait `ripens_after_days` after the day of earning, then may be collected for `collect_within_hours` (None: for
    ever), from midnight in Shanghai on. `by`: the citizen collects, or the platform does when they are ripe.
    """

    ripens_after_days: int
    collect_within_hours: int | None
    by: Literal["citizen", "platform"]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What friends may collect of somebody's ripe points: at most `share` of what ripened for one day, `most_per_friend`
    of one person's and day's points by one friend, `most_per_day` by one friend of everybody's in a day.
    """

    share: Known
    most_per_friend: Known
    most_per_day: Known


@dataclass(frozen=True, slots=True)
class Level:
    """A rung: `count` of what `of` names: `points` (all that was ever earned and stands), `grams`, or an earlier level."""

    id: str
    title: Name
    of: str
    count: Known


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do in a period: `count` of `measure` among acts of `activities` (empty: all). `accept`: only acts after
    the citizen took the task on count. `points` are the reward, once per period.
    """

    id: str
    title: Name
    measure: Measure
    count: Known
    period: Period
    activities: tuple[str, ...]
    points: Known
    accept: bool


@dataclass(frozen=True, slots=True)
class Achievement:
    """A badge for `count` of `measure` among acts of `activities` (empty: all), ever. It goes when the acts go."""

    id: str
    title: Name
    measure: Measure
    count: Known
    activities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Referral:
    """A friend who came with a code and did `after_acts` acts within `within_days` of joining: both are rewarded, the one
    who referred at most `most` times.
    """

    after_acts: int
    within_days: int
    to_referrer: Known
    to_referred: Known
    most: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """Acts of `activities` (empty: all) from `first` to `last` earn `multiplier` times their points; what is beyond the
    points themselves comes from the campaign's own `budget` of points, in the order of the acts, until it is used up.
    """

    id: str
    title: Name
    first: dt.date
    last: dt.date
    activities: tuple[str, ...]
    multiplier: Known
    budget: Known


@dataclass(frozen=True, slots=True)
class Prize:
    """One of a lottery's prizes, and how many of it there are."""

    id: str
    title: Name
    count: int


@dataclass(frozen=True, slots=True)
class Reward:
    """What points are spent on. `merchant` names who gives it where that is not the programme; `partner` who really plants.

    `stock` None: as many as are asked for. `protects_hours` is what a prop does: nobody else collects for so long.
    `prizes` are a lottery's, `most_per_person` its entries of one person.
    """

    id: str
    kind: RewardKind
    title: Name
    price: Known  # points
    stock: int | None = None
    most_per_person: int | None = None
    merchant: str | None = None
    partner: str | None = None
    species: Name | None = None
    region: str | None = None
    protects_hours: Known | None = None
    prizes: tuple[Prize, ...] = ()


@dataclass(frozen=True, slots=True)
class NewsItem:
    """Something to read, from a day on."""

    id: str
    on: dt.date
    title: Name
    body: Name


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant that the programme's source names; `code` is the organisation here, once there is one."""

    id: str
    name: Name
    code: str | None


@dataclass(frozen=True, slots=True)
class Redeem:
    """How points are redeemed. Accounts redeem from `matures_after_days` after the day they were made; what costs more than
    `confirm_above_points` is confirmed on the phone, more than `step_up_above_points` needs a code besides (None: nothing
    does); shops refund within so many days.
    """

    matures_after_days: Known = Fraction(0)
    confirm_above_points: Known | None = None
    step_up_above_points: Known | None = None
    refund_within_days: Known = Fraction(7)


@dataclass(frozen=True, slots=True)
class Board:
    """A leaderboard: the sum of `measure` by person, team or district over a period that begins anew."""

    id: str
    title: Name
    measure: Literal["acts", "grams", "points"]
    by: Literal["person", "team", "district"]
    period: BoardPeriod


@dataclass(frozen=True)
class Features:
    """All of it; what a pack leaves out is empty. Only what `switches` holds is switched on."""

    switches: frozenset[str] = frozenset({"earning"})
    seasons: tuple[Season, ...] = ()
    budget: Budget | None = None
    claim: ClaimWindow | None = None
    sharing: Sharing | None = None
    levels: tuple[Level, ...] = ()
    tasks: tuple[Task, ...] = ()
    achievements: tuple[Achievement, ...] = ()
    referral: Referral | None = None
    campaigns: tuple[Campaign, ...] = ()
    rewards: tuple[Reward, ...] = ()
    news: tuple[NewsItem, ...] = ()
    merchants: tuple[Merchant, ...] = ()
    boards: tuple[Board, ...] = ()
    redeem: Redeem = field(default_factory=Redeem)
    smallest_group: int = 5  # a group of fewer people is never shown
    overlays: Mapping[str, str] = field(
        default_factory=dict
    )  # parameter to the id of the overlay that set it

    def on(self, feature: Feature) -> bool:
        """True when the programme switched this on."""
        return feature in self.switches

    def season_on(self, day: dt.date) -> Season | None:
        """The season that holds a Shanghai day."""
        return next((season for season in self.seasons if season.holds(day)), None)


def known(figure: Known, *, pack: str, parameter: str) -> Fraction:
    """The figure; `ParameterUnknown` with its path in the pack (`level.leaf.count`) when it is unknown."""
    if figure == UNKNOWN:
        raise ParameterUnknown(pack=pack, parameter=parameter)
    assert isinstance(figure, Fraction)
    return figure
