"""What screens and caps mean, written as plainly as can be: every act beside every act that was let pass before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone

from backend.intake.screening import Cap, Screen, ScreenRules
from backend.methodologies import MISSING
from tests.intake.screening.lines import DAY, SECOND, Act

SHANGHAI = timezone(timedelta(hours=8))
Point = tuple[int, int]


def verdicts(acts: Sequence[Act], rules: ScreenRules, now: int) -> list[tuple[str, int]]:
    """For each act, in the order of arrival, the id of what stops it, and the points that caps leave."""
    passed: list[tuple[Act, int]] = []
    said = []
    for act in acts:
        stop = _window(act, rules, now) or _stop(act, [other for other, _ in passed], rules)
        points = act.points if stop else _capped(act, passed, rules.caps)
        if not stop:
            passed.append((act, points))
        said.append((stop, points))
    return said


def _window(act: Act, rules: ScreenRules, now: int) -> str:
    if (
        rules.early_s is not None
        and act.at > now + max(rules.early_s, rules.clocks.get(act.activity, 0)) * SECOND
    ):
        return "early"
    if rules.late_days is not None and (_day(now) - _day(act.at)).days > rules.late_days:
        return "late"
    return ""


def _stop(act: Act, others: Sequence[Act], rules: ScreenRules) -> str:
    wanted = [one for one in rules.screens if one.looks_at(act.activity)]
    by_itself = (one.id for one in wanted if _alone(one, act))
    beside = (one.id for one in wanted if _beside(one, act, others, rules))
    return next(by_itself, "") or next(beside, "")


def _alone(one: Screen, act: Act) -> bool:
    if one.kind == "speed" and act.took is not None:
        way = max(0 if act.metres == MISSING else act.metres, _metres(act.begins, act.ends))
        return way * 3_600 * SECOND / 1_000 > act.took * (one.above or 0)
    value = None
    if one.kind == "distance" and act.metres != MISSING:
        value = act.metres
    elif one.kind == "duration" and act.took is not None:
        value = act.took // SECOND
    return value is not None and (
        (one.above is not None and value > one.above) or (one.below is not None and value < one.below)
    )


def _beside(one: Screen, act: Act, others: Sequence[Act], rules: ScreenRules) -> bool:
    others = [other for other in others if one.looks_at(other.activity)]
    if one.kind == "person_burst":
        return act.person >= 0 and _most(one, act, [o for o in others if o.person == act.person])
    if one.kind in {"device_burst", "device_people"}:
        return act.device >= 0 and _most(one, act, [o for o in others if o.device == act.device])
    if act.person < 0 or act.activity not in rules.travel:
        return False
    own = [o for o in others if o.person == act.person and o.activity in rules.travel]
    if one.kind == "overlap":
        return any(_share(one, act, o, rules) for o in own if o.source != act.source)
    if one.kind == "overlap_within_source":
        return any(_share(one, act, o, rules) for o in own if o.source == act.source)
    return one.kind == "teleport" and _teleports(one, act, own)


def _end(act: Act) -> int:
    return act.at + (act.took or 0)


def _share(one: Screen, a: Act, b: Act, rules: ScreenRules) -> bool:
    if abs(a.at - b.at) > DAY:
        return False
    slack = max(one.slack, *(rules.clocks.get(act.activity, 0) for act in (a, b))) * SECOND
    for point, other in ((a, b), (b, a)):
        if not point.took:
            return other.at + slack < point.at < _end(other) - slack
    return min(_end(a), _end(b)) - max(a.at, b.at) > slack


def _teleports(one: Screen, act: Act, own: Iterable[Act]) -> bool:
    somewhere = [o for o in own if o.begins or o.ends]
    if not (act.begins or act.ends):
        return False
    before = [o for o in somewhere if o.at == max((x.at for x in somewhere if x.at < act.at), default=None)]
    after = [o for o in somewhere if o.at == min((x.at for x in somewhere if x.at > act.at), default=None)]
    at_once = [o for o in somewhere if o.at == act.at]
    return (
        any(_too_far(one, o, act) for o in before + at_once)
        or any(_too_far(one, act, o) for o in after + at_once)
    )  # fmt: skip


def _too_far(one: Screen, first: Act, second: Act) -> bool:
    if second.at - first.at > DAY:
        return False
    left = first.ends or (first.begins if first.took is None else None)
    entered = second.begins or (second.ends if second.took is None else None)
    gap = max(second.at - _end(first), 0)
    return _metres(left, entered) - one.slack > gap * (one.above or 0) / 3.6e6 + 1e-3


def _most(one: Screen, act: Act, others: Sequence[Act]) -> bool:
    """Whether some time of that length that begins with an act, and holds this one, holds too many."""
    near = [act, *others]
    for first in near:
        inside = [o for o in near if first.at <= o.at < first.at + one.within * SECOND]
        if act in inside and first.at <= act.at < first.at + one.within * SECOND:
            count = len({o.person for o in inside}) if one.kind == "device_people" else len(inside)
            if count > (one.above or 0):
                return True
    return False


def _capped(act: Act, passed: Sequence[tuple[Act, int]], caps: Sequence[Cap]) -> int:
    left = act.points
    if act.person < 0 or not act.own:
        return left
    for cap in caps:
        if cap.activities is not None and act.activity not in cap.activities:
            continue
        spent = [
            points
            for other, points in passed
            if other.person == act.person and other.own and points > 0
            and (cap.activities is None or other.activity in cap.activities)
            and _period(cap, other.at) == _period(cap, act.at)
        ]  # fmt: skip
        if cap.of == "acts":
            left = left if len(spent) < cap.limit else 0
        elif left > cap.limit - sum(spent):
            left = max(cap.limit - sum(spent), 0) if cap.over == "trim" else 0
    return left


def _day(at: int) -> datetime:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return moment.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def _period(cap: Cap, at: int) -> datetime:
    return _day(at).replace(day=1) if cap.per == "month" else _day(at)


def _metres(a: Point | None, b: Point | None) -> float:
    if a is None or b is None:
        return 0.0
    lat_a, lon_a, lat_b, lon_b = (math.radians(value / 1e7) for value in (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(min(half, 1)))
