"""The screens kind of pack: what is implausible, for which activity, and what becomes of it. Written by people who do not
program; every figure says where it is from, and every screen explains itself to the citizen whose act it stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backend.intake.errors import ROW_REASONS
from backend.intake.screening.engine import screen
from backend.intake.screening.lines import Lines
from backend.intake.screening.pairs import TRAVELLING
from backend.intake.screening.rules import REACH_US, SECOND_US, Screen, ScreenRules
from backend.methodologies import MISSING
from backend.packs import Pack
from backend.packs.faults import Faults
from backend.packs.figures import parse_figure
from backend.packs.pack import PackKind, document, header, register
from backend.packs.schema import PACK_ID, Figure, Items, Table, Text, Whole

# Which bounds each kind of screen needs, and which it may have.
_BOUNDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "speed": (("above_kmh",), ()),
    "distance": ((), ("above_m", "below_m")),
    "duration": ((), ("above_s", "below_s")),
    "teleport": (("above_kmh",), ("slack_m",)),
    "overlap": ((), ("slack_s",)),
    "overlap_within_source": ((), ("slack_s",)),
    "person_burst": (("above_acts", "within_s"), ()),
    "device_burst": (("above_acts", "within_s"), ()),
    "device_people": (("above_people", "within_s"), ()),
    "same_station": (("above_s",), ()),
    "station_pair": (("below_s", "pairs"), ()),
}
_NUMBERS = (
    "above_kmh", "above_m", "below_m", "above_s", "below_s", "slack_m", "slack_s", "above_acts", "above_people",
    "within_s",
)  # fmt: skip
_MOST = 10**9
# What a row's code says already, so no screen may be called that; an overlap of two sources always is `overlap`.
RESERVED = frozenset({*ROW_REASONS, "screen", "duplicate", "accepted"})

_ACT = Table(
    {"activity": Text(PACK_ID), "at_s": Whole(0, _MOST)},
    {
        "person": Whole(0, 1_000),
        "source": Whole(1, 1_000),
        "took_s": Whole(0, _MOST),
        "metres": Whole(0, _MOST),
        "from": Items(Figure(unknown=False), least=2),
        "to": Items(Figure(unknown=False), least=2),
        "from_station": Text(),
        "to_station": Text(),
        "device": Whole(0, 1_000),
        "times": Whole(
            2, 1_000
        ),  # the same again and again, `every_s`; `out` then says what becomes of the last
        "every_s": Whole(0, _MOST),
    },
)


class _Said:
    """What an example expects of an act: the id of a screen, or nothing."""

    def check(self, value: object, at: tuple[str | int, ...], faults: Faults) -> None:
        if type(value) is not str:
            faults.add(at, "wrong_type", expected="a text", expected_zh="文本", found=type(value).__name__)


_SHAPE = document(
    {
        "pack": header(),
        "travel": Table({"activities": Items(Text(PACK_ID), least=1), "source": Text()}),
        "screen": Items(
            Table(
                {
                    "id": Text(PACK_ID),
                    "kind": Text(among=tuple(_BOUNDS)),
                    "consequence": Text(among=("hold", "reject")),
                    "title_zh": Text(),
                    "title_en": Text(),
                    "explanation_zh": Text(),
                    "explanation_en": Text(),
                    "source": Text(),
                },
                {
                    "activities": Items(Text(PACK_ID), least=1),
                    "pairs": Items(Items(Text(), least=2), least=1),  # of two different stations
                    "notes_zh": Text(),
                    "notes_en": Text(),
                    **{name: Whole(0, _MOST) for name in _NUMBERS},
                    "above_kmh": Whole(1, _MOST),
                    "within_s": Whole(1, REACH_US // SECOND_US),  # further back nobody looks
                },
            ),
            least=1,
            unique="id",
        ),
        "example": Items(
            Table({"why": Text(), "acts": Items(_ACT, least=1), "out": Items(_Said(), least=1)}), least=1
        ),
    },
    {
        "clock": Items(
            Table({"activities": Items(Text(PACK_ID), least=1), "slack_s": Whole(0, 3_600), "source": Text()})
        )
    },
)


def rules_of(pack: Pack) -> ScreenRules:
    """The screens in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(ScreenRules)


def _check(data: Mapping[str, Any], faults: Faults) -> None:
    screens = data.get("screen")
    for place, one in enumerate(screens if isinstance(screens, list) else []):
        if not isinstance(one, dict) or faults.touches(("screen", place)):
            continue
        needed, may = _BOUNDS[one["kind"]]
        given = {*_NUMBERS, "pairs"} & one.keys()
        for name in sorted(set(needed) - given):
            faults.add(("screen", place, name), "missing_key")
        for name in sorted(given - {*needed, *may}):
            faults.add(("screen", place, name), "unknown_key", known=", ".join((*needed, *may)) or "-")
        if not needed and may[0].startswith("above") and not given:
            faults.add(("screen", place, may[0]), "missing_key")
        _check_one(one, place, faults)
    _check_activities(data, faults)
    _check_examples(data, faults)


def _check_one(one: Mapping[str, Any], place: int, faults: Faults) -> None:
    if one["id"] in RESERVED and not one["id"] == one["kind"] == "overlap":
        faults.add(("screen", place, "id"), "duplicate", name=repr(one["id"]))
    for above, below in (("above_m", "below_m"), ("above_s", "below_s")):
        if above in one and below in one and one[below] > one[above]:
            faults.add(("screen", place, below), "out_of_range", found=one[below], low=0, high=one[above])
    for number, pair in enumerate(one.get("pairs", [])):
        if len(set(pair)) != 2 or len(pair) != 2:
            faults.add(
                ("screen", place, "pairs", number),
                "wrong_type",
                expected="two different stations",
                expected_zh="两个不同的车站",
                found=repr(pair),
            )


def _check_activities(data: Mapping[str, Any], faults: Faults) -> None:
    """A screen of people under way looks at activities of travel; an activity has one clock at most."""
    if faults.touches(("travel",)) or faults.touches(("screen",)) or faults.touches(("clock",)):
        return
    travel = set(data["travel"]["activities"])
    for place, one in enumerate(data["screen"]):
        for number, activity in enumerate(one.get("activities", [])):
            if one["kind"] in TRAVELLING and activity not in travel:
                faults.add(
                    ("screen", place, "activities", number),
                    "not_allowed",
                    found=repr(activity),
                    known=", ".join(sorted(travel)),
                )
    seen = set()
    for place, clock in enumerate(data.get("clock", [])):
        for number, activity in enumerate(clock["activities"]):
            if activity in seen:
                faults.add(("clock", place, "activities", number), "duplicate", name=repr(activity))
            seen.add(activity)


def _check_examples(data: Mapping[str, Any], faults: Faults) -> None:
    """An example says of each of its acts what stops it, and every screen is seen to stop one."""
    if faults.touches(("example",)) or faults.touches(("screen",)):
        return
    seen: set[object] = set()
    for place, example in enumerate(data["example"]):
        seen |= set(example["out"])
        acts = example["acts"]
        if len(acts) != len(example["out"]):
            faults.add(
                ("example", place, "out"),
                "example_failed",
                expected=example["out"],
                found=f"{len(acts)} acts",
            )
        for number, act in enumerate(acts):
            for key in ("from", "to"):
                if len(act.get(key, "..")) != 2:
                    faults.add(
                        ("example", place, "acts", number, key),
                        "wrong_type",
                        expected="latitude and longitude",
                        expected_zh="纬度与经度",
                        found=repr(act[key]),
                    )
    for place, one in enumerate(data["screen"]):
        if one["id"] not in seen:
            faults.add(("screen", place, "id"), "no_example", name=repr(one["id"]))


def _refers(data: Mapping[str, Any], known: Mapping[str, Pack], faults: Faults) -> None:
    """Every activity is one of some methodology."""
    activities = {
        activity.get("id")
        for pack in known.values()
        if pack.kind == "methodology"
        for activity in pack.data.get("activity", [])
    }
    lists: list[tuple[tuple[str | int, ...], list[str]]] = [(("travel",), data["travel"]["activities"])]
    for kind in ("screen", "clock"):
        lists += [((kind, place), one.get("activities", [])) for place, one in enumerate(data.get(kind, []))]
    for at, names in lists:
        for number, name in enumerate(names):
            if name not in activities:
                faults.add((*at, "activities", number), "bad_reference", name=repr(name))


def _build(data: Mapping[str, Any], _sha256: str) -> ScreenRules:
    return ScreenRules(
        screens=tuple(_screen(item) for item in data["screen"]),
        travel=frozenset(data["travel"]["activities"]),
        clocks={
            activity: item["slack_s"] for item in data.get("clock", []) for activity in item["activities"]
        },
        texts={
            "overlap" if item["kind"] == "overlap" else item["id"]: (
                item["explanation_zh"],
                item["explanation_en"],
            )
            for item in data["screen"]
        },
    )


def _screen(item: Mapping[str, Any]) -> Screen:
    def first(*names: str) -> int | None:
        return next((item[name] for name in names if name in item), None)

    return Screen(
        id=item["id"],
        kind=item["kind"],
        holds=item["consequence"] == "hold",
        activities=frozenset(item["activities"]) if "activities" in item else None,
        above=first("above_kmh", "above_m", "above_s", "above_acts", "above_people"),
        below=first("below_m", "below_s"),
        slack=first("slack_m", "slack_s") or 0,
        within=item.get("within_s", 0),
        pairs=frozenset(frozenset(pair) for pair in item.get("pairs", [])),
    )


def _prove(rules: ScreenRules, data: Mapping[str, Any], faults: Faults) -> None:
    for place, example in enumerate(data["example"]):
        each: list[Mapping[str, Any]] = []
        last: list[int] = []
        for act in example["acts"]:
            gap = act.get("every_s", 0)
            each += [{**act, "at_s": act["at_s"] + n * gap} for n in range(act.get("times", 1))]
            last.append(len(each) - 1)
        acts = _acts(each)
        verdicts = screen(acts, _acts([]), rules, int(acts.started_us.max()))
        found = [rules.ids[number] for number in verdicts.screen[last].tolist()]
        if found != example["out"]:
            faults.add(("example", place, "out"), "example_failed", expected=example["out"], found=found)


def _acts(given: Sequence[Mapping[str, Any]]) -> Lines:
    activities = sorted({act["activity"] for act in given})
    places = sorted({act[key] for act in given for key in ("from_station", "to_station") if key in act})

    def column(of: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(of, dtype=np.int64).reshape(len(given))

    def corner(key: str, axis: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return column([int(parse_figure(act[key][axis]) * 10**7) if key in act else MISSING for act in given])

    started = column([act["at_s"] * SECOND_US for act in given])
    person = column([act.get("person", 0) for act in given])
    return Lines(
        person=person,
        activity=column([activities.index(act["activity"]) for act in given]).astype(np.int16),
        source=column([act.get("source", 1) for act in given]),
        own=np.ones(len(given), dtype=np.bool_),
        started_us=started,
        ended_us=column(
            [(act["at_s"] + act["took_s"]) * SECOND_US if "took_s" in act else MISSING for act in given]
        ),
        distance_m=column([act.get("metres", MISSING) for act in given]),
        from_lat_e7=corner("from", 0),
        from_lon_e7=corner("from", 1),
        to_lat_e7=corner("to", 0),
        to_lon_e7=corner("to", 1),
        from_place=column(
            [places.index(act["from_station"]) if "from_station" in act else -1 for act in given]
        ),
        to_place=column([places.index(act["to_station"]) if "to_station" in act else -1 for act in given]),
        device=column([act.get("device", -1) for act in given]),
        points=np.zeros(len(given), dtype=np.int64),
        order=np.arange(len(given), dtype=np.int64),
        activities=tuple(activities),
        places=tuple(places),
    )


register(PackKind("screens", _SHAPE, _check, _build, _prove, _refers))
