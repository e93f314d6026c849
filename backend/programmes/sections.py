"""The keys of a programme's sections: what may stand in each, and within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.packs.faults import Faults, Path
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.schema import ADDRESS, PACK_ID, REGION, Day, Figure, Flag, Items, Shape, Table, Text, Whole

FEATURES = (
    "earning", "levels", "tasks", "achievements", "campaigns", "referral", "planting", "collecting",
    "teams", "leaderboards", "feed", "news", "events", "lotteries",
)  # fmt: skip
EVIDENCE = ("operator_feed", "receipt_upload", "self_report")
MEASURES = ("acts", "grams", "points", "days")
PERIODS = ("day", "week", "month", "season", "once")
MONTH_DAY = r"\d\d-\d\d"
MOST = 10**12  # of anything that is counted


@dataclass(frozen=True)
class Bounded(Figure):
    """A figure between two bounds, both included; `whole` lets no fraction pass."""

    low: int = 0
    high: int = 10**6
    whole: bool = False

    def check(self, value: object, at: Path, faults: Faults) -> None:
        Figure.check(self, value, at, faults)
        if type(value) is not str or faults.touches(at) or value == UNKNOWN:
            return
        figure = Fraction(parse_figure(value))
        if not self.low <= figure <= self.high:
            faults.add(at, "out_of_range", found=value, low=self.low, high=self.high)
        elif self.whole and figure.denominator != 1:
            faults.add(at, "not_whole", found=value)


@dataclass(frozen=True)
class Chosen:
    """A table whose further keys depend on what its key `by` says; `default` holds where that key is left out."""

    by: str
    common: Table
    more: Mapping[str, Table]
    default: str | None = None

    def table(self, value: Mapping[str, Any]) -> Table:
        """The keys that hold for this table; every choice's, all optional, where the choice itself is wrong."""
        choice = value.get(self.by, self.default)
        own = self.more.get(choice) if isinstance(choice, str) else None
        if own is None:
            every = {k: v for one in self.more.values() for k, v in {**one.keys, **one.optional}.items()}
            own = Table({}, every)
        among = Text(among=tuple(self.more))
        by = {self.by: among}
        needed = {**self.common.keys, **own.keys, **({} if self.default else by)}
        return Table(needed, {**self.common.optional, **own.optional, **(by if self.default else {})})

    def check(self, value: object, at: Path, faults: Faults) -> None:
        (self.table(value) if isinstance(value, dict) else self.common).check(value, at, faults)


SOURCE: Mapping[str, Shape] = {"source": Text()}
NOTES: Mapping[str, Shape] = {"notes_zh": Text(), "notes_en": Text(), "source_url": Text(ADDRESS)}
TITLED: Mapping[str, Shape] = {"id": Text(PACK_ID), "title_zh": Text(), "title_en": Text()}
COUNT = Bounded(low=1, high=MOST, whole=True)
AMOUNT = Bounded(low=0, high=MOST, whole=True)
DAYS = Bounded(low=0, high=3_660, whole=True)


def _list(
    keys: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None, *, unique: str = "id"
) -> Items:
    return Items(Table(keys, {**NOTES, **(optional or {})}), unique=unique)


ACTIVITIES = Items(Text(PACK_ID), least=1)

EARN = Chosen(
    "per",
    Table(
        {"id": Text(PACK_ID), "methodology": Text(PACK_ID), "activity": Text(PACK_ID), **SOURCE},
        {"seasons": Items(Text(PACK_ID), least=1), **NOTES},
    ),
    {
        "act": Table({"points": Bounded()}),
        "gram": Table({"points": Bounded()}),
        "tier": Table(
            {
                "input": Text(r"[a-z][a-z0-9_]*"),
                "tiers": Items(
                    Table({"at_least": Bounded(high=MOST), "points": Bounded()}, {"source": Text(), **NOTES}),
                    least=1,
                ),
            }
        ),
    },
)

POINTS = Chosen(
    "expiry",
    Table({"unit_zh": Text(), "unit_en": Text(), **SOURCE}, {"money": Flag(), **NOTES}),
    {
        "rolling": Table(
            {"expires_after_months": Whole(1, 1200)}, {"expires_at": Text(among=("month-end",))}
        ),
        "calendar": Table({"expires_on": Text(MONTH_DAY), "years": Whole(0, 100)}),
        "none": Table({}),
    },
    default="rolling",
)

_PLANTED = Table(  # without a partner nobody plants: it grows on screen only
    {}, {"partner": Text(), "species_zh": Text(), "species_en": Text(), "region": Text(REGION)}
)
_PLAIN = Table({}, {"merchant": Text(PACK_ID)})
REWARD = Chosen(
    "kind",
    Table(
        {**TITLED, "price": AMOUNT, **SOURCE},
        {"stock": Whole(0, MOST), "most_per_person": Whole(1, 10**6), **NOTES},
    ),
    {
        "goods": _PLAIN,
        "voucher": _PLAIN,
        "lottery": Table(
            {
                "prizes": Items(
                    Table({**TITLED, "count": Whole(1, 10**6)}, {"source": Text(), **NOTES}),
                    least=1,
                    unique="id",
                )
            },
            {"merchant": Text(PACK_ID)},
        ),
        "planting": _PLANTED,
        "adoption": _PLANTED,
        "prop": Table({"protects_hours": COUNT}),
        "public_service": _PLAIN,
        "public_welfare": _PLAIN,
        "privilege": _PLAIN,
        "event": _PLAIN,
    },
)


# The sections that format 2 adds, each of them optional.
SECTIONS: Mapping[str, Shape] = {
    "switches": Table({}, {**{name: Flag() for name in FEATURES}, "source": Text(), **NOTES}),
    "season": _list({**TITLED, "first": Day(), "last": Day()}, {"source": Text()}),
    "budget": Table(
        {"amount": COUNT, "floor": Whole(0, MOST), "per": Text(among=("year", "programme")), **SOURCE},
        NOTES,
    ),
    "claim": Table(
        {
            "ripens_after_days": Whole(0, 365),
            "by": Text(among=("citizen", "platform")),
            **SOURCE,
        },
        {"collect_within_hours": Whole(1, 24 * 3650), **NOTES},
    ),
    "sharing": Table(
        {"share": Bounded(high=1), "most_per_friend": COUNT, "most_per_day": COUNT, **SOURCE}, NOTES
    ),
    "level": _list({**TITLED, "of": Text(PACK_ID), "count": COUNT, **SOURCE}),
    "task": _list(
        {
            **TITLED,
            "measure": Text(among=MEASURES),
            "count": COUNT,
            "period": Text(among=PERIODS),
            "points": AMOUNT,
            **SOURCE,
        },
        {"activities": ACTIVITIES, "accept": Flag()},
    ),
    "achievement": _list(
        {**TITLED, "measure": Text(among=MEASURES), "count": COUNT, **SOURCE},
        {"activities": ACTIVITIES},
    ),
    "referral": Table(
        {
            "after_acts": Whole(1, 10_000),
            "within_days": Whole(1, 3660),
            "to_referrer": AMOUNT,
            "to_referred": AMOUNT,
            "most": Whole(1, 10_000),
            **SOURCE,
        },
        NOTES,
    ),
    "campaign": _list(
        {
            **TITLED,
            "first": Day(),
            "last": Day(),
            "multiplier": Bounded(low=1, high=1000),
            "budget": COUNT,
            **SOURCE,
        },
        {"activities": ACTIVITIES},
    ),
    "reward": Items(REWARD, unique="id"),
    "news": _list({**TITLED, "on": Day(), "body_zh": Text(), "body_en": Text()}, {"source": Text()}),
    "merchant": _list(
        {"id": Text(PACK_ID), "name_zh": Text(), "name_en": Text()},
        {"code": Text(PACK_ID), "source": Text()},
    ),
    "board": _list(
        {
            **TITLED,
            "measure": Text(among=("acts", "grams", "points")),
            "by": Text(among=("person", "team", "district")),
            "period": Text(among=("week", "month", "season", "all")),
        },
        {"source": Text()},
    ),
    "redeem": Table(
        SOURCE,
        {
            "matures_after_days": DAYS,
            "confirm_above_points": AMOUNT,
            "step_up_above_points": AMOUNT,
            "refund_within_days": DAYS,
            **NOTES,
        },
    ),
    "groups": Table({"smallest": Whole(5, 10**6)}, {"source": Text(), **NOTES}),
}
