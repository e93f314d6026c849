"""The programme kind of pack: its shape, its checks, its examples.

Who runs it, from which day acts count, what earns points and when points expire.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path as FilePath
from typing import Any

from backend.packs import Pack, ParameterUnknown, load
from backend.packs.faults import Faults
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.pack import JURISDICTION, PackKind, document, header, register
from backend.packs.schema import (
    IDENTIFIER,
    PACK_ID,
    Anything,
    Day,
    Figure,
    Flag,
    Items,
    Keyed,
    Table,
    Text,
    Whole,
)
from backend.programmes.earning import expires_on, points_of_one
from backend.programmes.rules import EarningCap, EarningRule, Programme

EVIDENCE = ("operator_feed", "receipt_upload", "self_report")

_SOURCE = {"source": Text()}
_CAP = Table(
    {
        "id": Text(PACK_ID),
        "per": Text(among=("day", "month")),
        "of": Text(among=("acts", "points")),
        "limit": Whole(1, 10**9),
        "over": Text(among=("trim", "zero")),
        **_SOURCE,
    },
    {"activities": Items(Text(PACK_ID), least=1), "notes_zh": Text(), "notes_en": Text()},
)
_SHAPE = document(
    {
        "pack": header(required={**JURISDICTION, "operator": Text(PACK_ID), "sample": Flag()}),
        "acts": Table({"from": Day(), **_SOURCE}, {"until": Day()}),
        "certification": Table(
            {"project": Text(PACK_ID), **_SOURCE}, {"correction_term_days": Whole(0, 3650)}
        ),
        "points": Table(
            {
                "unit_zh": Text(),
                "unit_en": Text(),
                "expires_after_months": Whole(1, 1200),
                "expires_at": Text(among=("month-end",)),
                **_SOURCE,
            }
        ),
        "evidence": Items(
            Table({"tier": Text(among=EVIDENCE), "weight": Figure(), **_SOURCE}), least=1, unique="tier"
        ),
        "earn": Items(
            Table(
                {
                    "id": Text(PACK_ID),
                    "methodology": Text(PACK_ID),
                    "activity": Text(PACK_ID),
                    "per": Text(among=("act", "gram")),
                    "points": Figure(),
                    **_SOURCE,
                },
                {"notes_zh": Text(), "notes_en": Text()},
            ),
            least=1,
            unique="id",
        ),
        "example": Items(
            Table(
                {
                    "why": Text(),
                    "in": Keyed(IDENTIFIER, Anything()),
                    "out": Table({}, {"points": Whole(), "expires_on": Day(), "error": Text()}),
                }
            ),
            least=1,
        ),
    },
    {
        "screens": Table({"pack": Text(PACK_ID), **_SOURCE}),
        "cap": Items(_CAP, unique="id"),
        "windows": Table({**_SOURCE}, {"late_days": Whole(0, 3_660), "early_minutes": Whole(0, 10_080)}),
        "review": Table({"unknowns": Items(Text())}, {"notes_zh": Items(Text()), "notes_en": Items(Text())}),
    },
)


def load_programme(path: FilePath | str) -> Programme:
    """Read a programme from a file; `PackFaulty` with every fault when it is not sound."""
    return programme_of(load(path))


def programme_of(pack: Pack) -> Programme:
    """The programme in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Programme)


def _check(data: Mapping[str, Any], faults: Faults) -> None:
    earns = data.get("earn")
    seen: set[tuple[str, str]] = set()
    for place, earn in enumerate(earns if isinstance(earns, list) else []):
        if faults.touches(("earn", place)) or not isinstance(earn, dict):
            continue
        _not_negative(earn["points"], ("earn", place, "points"), faults)
        key = (earn["methodology"], earn["activity"])
        if key in seen:
            faults.add(("earn", place, "activity"), "duplicate", name=" ".join(key))
        seen.add(key)
    tiers = data.get("evidence")
    for place, tier in enumerate(tiers if isinstance(tiers, list) else []):
        if isinstance(tier, dict) and not faults.touches(("evidence", place)):
            _not_negative(tier["weight"], ("evidence", place, "weight"), faults)
    acts = data.get("acts")
    if (
        isinstance(acts, dict)
        and not faults.touches(("acts",))
        and acts.get("until", dt.date.max) < acts["from"]
    ):
        faults.add(
            ("acts", "until"), "bad_order", why="acts end before they begin", why_zh="行为的截止日早于起始日"
        )


def _not_negative(figure: str, at: tuple[str | int, ...], faults: Faults) -> None:
    value = parse_figure(figure)
    if value != UNKNOWN and not 0 <= Fraction(value) <= 10**6:
        faults.add(at, "out_of_range", found=figure, low=0, high=10**6)


def _build(data: Mapping[str, Any], sha256: str) -> Programme:
    pack, points = data["pack"], data["points"]
    return Programme(
        id=pack["id"],
        version=pack["version"],
        sha256=sha256,
        title_zh=pack["title_zh"],
        title_en=pack["title_en"],
        jurisdiction=pack["jurisdiction"],
        operator=pack["operator"],
        sample=pack["sample"],
        acts_from=data["acts"]["from"],
        acts_until=data["acts"].get("until"),
        project=data["certification"]["project"],
        correction_term_days=data["certification"].get("correction_term_days"),
        point_zh=points["unit_zh"],
        point_en=points["unit_en"],
        expires_after_months=points["expires_after_months"],
        weights={item["tier"]: parse_figure(item["weight"]) for item in data["evidence"]},
        earns=tuple(
            EarningRule(
                programme=pack["id"],
                id=item["id"],
                methodology=item["methodology"],
                activity=item["activity"],
                per=item["per"],
                points=parse_figure(item["points"]),
            )
            for item in data["earn"]
        ),
        screens=data["screens"]["pack"] if "screens" in data else None,
        caps=tuple(
            EarningCap(
                id=item["id"],
                per=item["per"],
                of=item["of"],
                limit=item["limit"],
                over=item["over"],
                activities=tuple(item.get("activities", ())),
            )
            for item in data.get("cap", [])
        ),
        late_days=data.get("windows", {}).get("late_days"),
        early_minutes=data.get("windows", {}).get("early_minutes"),
    )


def _prove(programme: Programme, data: Mapping[str, Any], faults: Faults) -> None:
    for place, example in enumerate(data["example"]):
        given, found = example["in"], dict[str, Any]()
        if type(given.get("earned_on")) is dt.date:
            found["expires_on"] = expires_on(programme, given["earned_on"])
        rule = next((rule for rule in programme.earns if rule.id == given.get("earn")), None)
        if rule is not None and type(given.get("grams")) is int:
            try:
                weight = programme.weight(str(given.get("evidence")))
                found["points"] = points_of_one(rule, grams=given["grams"], weight=weight)
            except ParameterUnknown as error:
                found["error"] = error.code
        if found != example["out"] or not found:
            faults.add(("example", place, "out"), "example_failed", expected=example["out"], found=found)


def _refers(data: Mapping[str, Any], known: Mapping[str, Pack], faults: Faults) -> None:
    for place, earn in enumerate(data["earn"]):
        methodology = known.get(earn["methodology"])
        if methodology is None or methodology.kind != "methodology":
            faults.add(("earn", place, "methodology"), "bad_reference", name=repr(earn["methodology"]))
        elif earn["activity"] not in {a.get("id") for a in methodology.data.get("activity", [])}:
            faults.add(("earn", place, "activity"), "bad_reference", name=repr(earn["activity"]))
    if "screens" in data:
        screens = known.get(data["screens"]["pack"])
        if screens is None or screens.kind != "screens":
            faults.add(("screens", "pack"), "bad_reference", name=repr(data["screens"]["pack"]))
    earning = {earn["activity"] for earn in data["earn"]}
    for place, cap in enumerate(data.get("cap", [])):
        for number, activity in enumerate(cap.get("activities", [])):
            if activity not in earning:
                faults.add(("cap", place, "activities", number), "bad_reference", name=repr(activity))


register(PackKind("programme", _SHAPE, _check, _build, _prove, _refers))
