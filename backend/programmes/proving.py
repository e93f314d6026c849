"""The examples of a programme's pack, computed and compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from backend.packs import ParameterUnknown
from backend.packs.faults import Faults, Path
from backend.packs.figures import UNKNOWN, parse_figure
from backend.programmes import reckoning
from backend.programmes.earning import expires_on, points_of_one
from backend.programmes.features import known
from backend.programmes.rules import EarningRule, Programme

Data = Mapping[str, Any]
Found = dict[str, Any]

# What an example is about is the first of these keys in its `in`; beside it may stand the keys listed here.
_FORMS: Mapping[str, tuple[str, ...]] = {
    "earn": ("evidence", "grams", "on"),
    "campaign": ("points", "on"),
    "task": ("done",),
    "achievement": ("done",),
    "level": ("points", "grams"),
    "earned_on": (),
    "collected_on": (),
    "points": ("grams",),
    "grams": (),
}
_LISTS = ("earn", "campaign", "task", "achievement", "level")


def prove(programme: Programme, data: Data, faults: Faults) -> None:
    """Run every example; in format 2 each earning rule needs one, and `out` says as much as its author wants shown."""
    if data["format"] == 1:
        _prove_first(programme, data, faults)
        return
    shown: set[object] = set()
    for place, example in enumerate(data["example"]):
        given, wanted = example["in"], example["out"]
        shown.add(given.get("earn"))
        before = len(faults.found)
        try:
            found = _run(programme, given, ("example", place, "in"), faults)
        except ParameterUnknown as error:
            found = {"error": error.code, "parameter": error.parameter}
        if len(faults.found) > before:
            continue
        asked = {key: found[key] for key in wanted if key in found}
        if "error" in found and "error" not in wanted:
            asked = found
        if asked != wanted or not wanted:
            faults.add(
                ("example", place, "out"),
                "example_failed",
                expected=_shown(wanted),
                found=_shown(asked or found),
            )
    for place, earn in enumerate(data["earn"]):
        if earn["id"] not in shown:
            faults.add(("earn", place), "no_example", name=earn["id"])


def _run(programme: Programme, given: Data, at: Path, faults: Faults) -> Found:
    """What an example comes to; nothing where a fault was found in what it gives."""
    form = next((key for key in _FORMS if key in given), None)
    if form is None:
        why, why_zh = f"none of {', '.join(_FORMS)} is given", f"没有给出 {'、'.join(_FORMS)} 中的任何一个"
        faults.add(at, "inconsistent", why=why, why_zh=why_zh)
        return {}
    named = _named(programme, form, given[form])
    if form in _LISTS and named is None:
        faults.add((*at, form), "bad_reference", name=repr(given[form]))
        return {}
    own = named.input if isinstance(named, EarningRule) else None
    allowed = {form, *_FORMS[form], *([own] if own else [])}
    for key in given:
        if key not in allowed:
            faults.add((*at, key), "unknown_key", known=", ".join(sorted(allowed)))
    for key, code in _wrong(given):
        faults.add((*at, key), code)
    if faults.touches(at):
        return {}
    if isinstance(named, EarningRule):
        return {"points": _earned(programme, named, given)}
    return (
        _of_feature(programme, form, named, given) if named is not None else _of_sums(programme, form, given)
    )


def _named(programme: Programme, form: str, name: object) -> Any:
    """The rule, campaign, task … that an example names; None when there is none of this name."""
    features = programme.features
    items: dict[str, tuple[Any, ...]] = {
        "earn": programme.earns,
        "campaign": features.campaigns,
        "task": features.tasks,
        "achievement": features.achievements,
        "level": features.levels,
    }
    return next((item for item in items.get(form, ()) if item.id == name), None)


def _of_sums(programme: Programme, form: str, given: Data) -> Found:
    if form == "earned_on":
        return _earned_on(programme, given[form])
    if form == "collected_on":
        return {"expires_on": expires_on(programme, given[form]) or "never"}
    sums = {"points": given.get("points", 0), "grams": given.get("grams", 0)}
    return {"levels": reckoning.counts_of(programme.features.levels, pack=programme.id, **sums)}


def _wrong(given: Data) -> Iterator[tuple[str, str]]:
    """Keys of an example whose value is of another kind than it must be."""
    for key, value in given.items():
        if key in ("on", "earned_on", "collected_on") and type(value) is not dt.date:
            yield key, "bad_date"
        elif key in ("grams", "points", "done") and (type(value) is not int or value < 0):
            yield key, "not_count"


def _earned(programme: Programme, rule: EarningRule, given: Data) -> int:
    inputs, places = dict[str, object](), 0
    written = given.get(rule.input) if rule.input else None
    if written is not None:
        value, places = _held(written)
        inputs = {str(rule.input): value}
    return points_of_one(
        rule,
        grams=given.get("grams", 0),
        weight=programme.weight(str(given.get("evidence"))),
        inputs=inputs,
        places=places,
        day=given.get("on", programme.acts_from),
    )


def _held(written: object) -> tuple[int | None, int]:
    """A value of an input as people write it, in steps of 10^-places; None when it is no number."""
    if type(written) is int:
        return written, 0
    try:
        value = parse_figure(written) if type(written) is str else UNKNOWN
    except ValueError:
        value = UNKNOWN
    if value == UNKNOWN:
        return None, 0
    exact = Fraction(value)
    places = next((n for n in range(19) if exact * 10**n % 1 == 0), None)
    return (None, 0) if places is None else (int(exact * 10**places), places)


def _of_feature(programme: Programme, form: str, item: Any, given: Data) -> Found:
    if form == "campaign":
        points, on = given.get("points", 0), given.get("on", item.first)
        extra = reckoning.extra_of(item, points, pack=programme.id) if item.first <= on <= item.last else 0
        return {"points": points + extra, "extra": extra}
    if form == "level":
        sums = {"points": given.get("points", 0), "grams": given.get("grams", 0)}
        return {"count": reckoning.count_of(programme.features.levels, item.id, pack=programme.id, **sums)}
    reached = given.get("done", 0) >= known(
        item.count, pack=programme.id, parameter=f"{form}.{item.id}.count"
    )
    if form == "achievement":
        return {"reached": reached}
    points = known(item.points, pack=programme.id, parameter=f"task.{item.id}.points")
    return {"reached": reached, "points": int(points) if reached else 0}


def _earned_on(programme: Programme, day: dt.date) -> Found:
    claim = programme.features.claim
    if claim is None:
        return {"expires_on": expires_on(programme, day) or "never"}
    return {
        "ripe_on": reckoning.ripe_on(claim, day),
        "collect_until": reckoning.collect_until(claim, day) or "never",
    }


def _shown(values: Data) -> str:
    return ", ".join(f"{key} = {value}" for key, value in values.items()) or "∅"


def _prove_first(programme: Programme, data: Data, faults: Faults) -> None:
    for place, example in enumerate(data["example"]):
        given, found = example["in"], Found()
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
