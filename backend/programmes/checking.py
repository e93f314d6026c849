"""What a programme's pack may not say, beyond its shape: every fault of a file, found in one pass.

Each check bears any value: what has the wrong shape was reported already and is skipped here.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from backend.packs.faults import Faults, Path
from backend.packs.figures import UNKNOWN, parse_figure

Data = Mapping[str, Any]

# What a switch cannot do without: the section, and for rewards one of these kinds.
_NEEDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "levels": ("level", ()),
    "tasks": ("task", ()),
    "achievements": ("achievement", ()),
    "campaigns": ("campaign", ()),
    "referral": ("referral", ()),
    "collecting": ("claim", ()),
    "leaderboards": ("board", ()),
    "planting": ("reward", ("planting", "adoption")),
    "lotteries": ("reward", ("lottery",)),
}
_SUMS = ("points", "grams")


def check(data: Data, faults: Faults) -> None:
    """All checks of a file that stand beside the shape; `faults` already holds what the shape found."""
    _Check(data, faults).run()


class _Check:
    def __init__(self, data: Data, faults: Faults) -> None:
        self.data, self.faults = data, faults

    def run(self) -> None:
        self.earns()
        self.acts()
        if self.data.get("format") != 2:
            return
        self.points()
        self.tiers()
        self.seasons()
        self.switches()
        self.budget()
        self.claim()
        self.levels()
        self.activities()
        self.campaigns()
        self.news()
        self.rewards()
        self.boards()

    # --- reading -----------------------------------------------------------------------------------------------

    def each(self, section: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The items of a list that are tables, with their places."""
        found = self.data.get(section)
        for place, item in enumerate(found if isinstance(found, list) else []):
            if isinstance(item, dict):
                yield place, item

    def table(self, section: str) -> dict[str, Any]:
        found = self.data.get(section)
        return found if isinstance(found, dict) else {}

    def ids(self, section: str) -> dict[str, int]:
        return {item["id"]: n for n, item in reversed([*self.each(section)]) if type(item.get("id")) is str}

    def sound(self, path: Path, value: object, kind: type) -> bool:
        return type(value) is kind and not self.faults.touches(path)

    def figure(self, path: Path, value: object) -> Fraction | None:
        """A figure that is sound and known."""
        if type(value) is not str or self.faults.touches(path) or value == UNKNOWN:
            return None
        return Fraction(parse_figure(value))

    def wrong(self, path: Path, why: str, why_zh: str, code: str = "inconsistent") -> None:
        self.faults.add(path, code, why=why, why_zh=why_zh)

    # --- what format 1 has too ---------------------------------------------------------------------------------

    def earns(self) -> None:
        seen: set[tuple[str, str]] = set()
        for place, earn in self.each("earn"):
            key = (earn.get("methodology"), earn.get("activity"))
            if not all(type(part) is str for part in key):
                continue
            if key in seen:
                self.faults.add(("earn", place, "activity"), "duplicate", name=" ".join(map(str, key)))
            seen.add(key)  # type: ignore[arg-type]

    def acts(self) -> None:
        first, last = self.days("acts", self.table("acts"), "from", "until")
        if last < first:
            self.wrong(("acts", "until"), "acts end before they begin", "行为的截止日早于起始日", "bad_order")

    def days(
        self, section: str, item: Data, first: str, last: str, place: int | None = None
    ) -> tuple[dt.date, dt.date]:
        """Both days of a span; the ends of time where one is missing or wrong."""
        at: Path = (section,) if place is None else (section, place)
        low, high = item.get(first), item.get(last)
        return (
            low if isinstance(low, dt.date) and self.sound((*at, first), low, dt.date) else dt.date.min,
            high if isinstance(high, dt.date) and self.sound((*at, last), high, dt.date) else dt.date.max,
        )

    # --- the sections ------------------------------------------------------------------------------------------

    def points(self) -> None:
        day = self.table("points").get("expires_on")
        if self.sound(("points", "expires_on"), day, str):
            month, number = map(int, str(day).split("-"))
            if not 1 <= month <= 12 or not 1 <= number <= calendar.monthrange(2001, month)[1]:
                self.wrong(("points", "expires_on"), "no year has this day", "并非每年都有这一天")

    def tiers(self) -> None:
        for place, earn in self.each("earn"):
            tiers = earn.get("tiers")
            known = []
            for number, tier in enumerate(tiers if isinstance(tiers, list) else []):
                path = ("earn", place, "tiers", number, "at_least")
                least = self.figure(path, tier.get("at_least")) if isinstance(tier, dict) else None
                if least is not None:
                    known.append((path, least))
            for (_, before), (path, after) in pairwise(known):
                if after <= before:
                    self.wrong(path, "the tiers do not rise", "档位没有逐级升高", "bad_order")

    def seasons(self) -> None:
        seasons = self.ids("season")
        for place, earn in self.each("earn"):
            self.names(("earn", place, "seasons"), earn.get("seasons"), seasons)
        spans = []
        for place, item in self.each("season"):
            if self.span("season", place, item):
                spans.append((item["first"], item["last"], place, item.get("id")))
        spans.sort(key=lambda span: span[:3])
        for before, after in pairwise(spans):
            if after[0] <= before[1]:
                self.faults.add(
                    ("season", after[2], "first"), "span_overlap", first=before[3], second=after[3]
                )

    def span(self, section: str, place: int, item: Data) -> bool:
        """Report a span that ends before it begins or leaves the days of the acts; True when it has both days."""
        first, last = self.days(section, item, "first", "last", place)
        if dt.date.min == first or dt.date.max == last:
            return False
        if last < first:
            self.wrong((section, place, "last"), "it ends before it begins", "结束日早于起始日", "bad_order")
            return False
        low, high = self.days("acts", self.table("acts"), "from", "until")
        for key, day in (("first", first), ("last", last)):
            if not low <= day <= high:
                self.wrong((section, place, key), "no acts count on this day", "这一天的行为不计入该计划")
        return True

    def switches(self) -> None:
        rewards = {item.get("kind") for _, item in self.each("reward") if type(item.get("kind")) is str}
        for name, on in self.table("switches").items():
            section, kinds = _NEEDS.get(name, ("", ()))
            if on is not True or not section:
                continue
            if not self.data.get(section) or (kinds and not rewards & set(kinds)):
                wanted = f"[[{section}]] kind = {' | '.join(kinds)}" if kinds else section
                self.faults.add(("switches", name), "no_section", name=wanted)

    def budget(self) -> None:
        budget = self.table("budget")
        amount, floor = self.figure(("budget", "amount"), budget.get("amount")), budget.get("floor")
        if amount is not None and isinstance(floor, int) and floor > amount:
            self.wrong(("budget", "floor"), "the floor lies above the budget", "下限高于预算")

    def claim(self) -> None:
        hours = self.table("claim").get("collect_within_hours")
        if isinstance(hours, int) and hours % 24:
            self.wrong(
                ("claim", "collect_within_hours"), "the hours are not whole days of 24", "小时数不是24的倍数"
            )
        if "sharing" in self.data and "claim" not in self.data:
            self.faults.add(("sharing",), "no_section", name="claim")
        if "collecting" in self.table("switches") or "claim" not in self.data:
            return
        if "switches" in self.data:
            self.wrong(("claim",), "collecting is not switched on", "有领取期限，却没有打开 collecting 开关")

    def levels(self) -> None:
        ids = self.ids("level")
        of = {item["id"]: item.get("of") for _, item in self.each("level") if type(item.get("id")) is str}
        for place, item in self.each("level"):
            path, below = ("level", place, "of"), item.get("of")
            if not self.sound(path, below, str) or below in _SUMS:
                continue
            if below not in ids:
                self.faults.add(path, "bad_reference", name=repr(below))
                continue
            way = [item.get("id")]
            while below in of and below not in way:
                way.append(below)
                below = of[below]
            if below in way:
                self.faults.add(path, "name_cycle", cycle=" → ".join(map(str, (*way, below))))
            elif ids[str(item["of"])] > place:
                self.wrong(
                    path, "it stands before the level that it counts", "排在它所计数的等级之前", "bad_order"
                )
        for place, item in self.each("level"):
            if item.get("id") in _SUMS:
                self.faults.add(("level", place, "id"), "duplicate", name=repr(item["id"]))

    def activities(self) -> None:
        """Tasks, badges and campaigns look at activities that earn here."""
        earning: dict[str, int] = {
            str(earn["activity"]): n for n, earn in self.each("earn") if type(earn.get("activity")) is str
        }
        for section in ("task", "achievement", "campaign"):
            for place, item in self.each(section):
                self.names((section, place, "activities"), item.get("activities"), earning)
        seasons = self.data.get("season")
        for place, item in self.each("task"):
            if item.get("period") == "season" and not seasons:
                self.faults.add(("task", place, "period"), "no_section", name="season")

    def campaigns(self) -> None:
        for place, item in self.each("campaign"):
            self.span("campaign", place, item)

    def news(self) -> None:
        low, _ = self.days("acts", self.table("acts"), "from", "until")
        for place, item in self.each("news"):
            day = item.get("on")
            if isinstance(day, dt.date) and self.sound(("news", place, "on"), day, dt.date) and day < low:
                self.wrong(("news", place, "on"), "the programme has not begun", "计划尚未开始")

    def rewards(self) -> None:
        known = self.ids("merchant")
        for place, item in self.each("reward"):
            for one, other in (("species_zh", "species_en"), ("species_en", "species_zh")):
                if one in item and other not in item:
                    self.faults.add(("reward", place, other), "missing_key")
            merchant = item.get("merchant")
            if self.sound(("reward", place, "merchant"), merchant, str) and merchant not in known:
                self.faults.add(("reward", place, "merchant"), "bad_reference", name=repr(merchant))

    def boards(self) -> None:
        seasons, switches = self.data.get("season"), self.table("switches")
        for place, item in self.each("board"):
            if item.get("period") == "season" and not seasons:
                self.faults.add(("board", place, "period"), "no_section", name="season")
            if item.get("by") == "team" and switches.get("leaderboards") and not switches.get("teams"):
                self.wrong(("board", place, "by"), "teams are not switched on", "没有打开 teams 开关")

    def names(self, path: Path, found: object, known: Mapping[str, object]) -> None:
        for number, name in enumerate(found if isinstance(found, list) else []):
            if type(name) is str and name not in known:
                self.faults.add((*path, number), "bad_reference", name=repr(name))
