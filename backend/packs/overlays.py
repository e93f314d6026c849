"""Overlays: a visible decision to use a pack where, or with a figure that, the pack itself does not say.

An overlay never changes a known figure. What it touches is marked, and everything computed with it carries its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.packs.errors import OutsideJurisdiction
from backend.packs.faults import Faults
from backend.packs.figures import UNKNOWN
from backend.packs.pack import Pack, PackKind, document, header, kind_of, register
from backend.packs.regions import covers
from backend.packs.schema import IDENTIFIER, PACK_ID, REGION, Figure, Flag, Items, Table, Text, UnitText
from backend.packs.units import parse_unit


@dataclass(frozen=True, slots=True)
class SetFigure:
    """A value that an overlay gives to an unknown figure of a pack.

    `parameter` is a methodology's parameter, or the path of a figure in a programme (`level.leaf.count`), which has no unit
    of its own here. Without reasons the overlay's own hold.
    """

    pack: str
    parameter: str
    value: str
    unit: str = ""
    reason_zh: str = ""
    reason_en: str = ""


@dataclass(frozen=True)
class Overlay:
    """What one overlay file decides."""

    id: str
    sha256: str
    demo: bool
    reason_zh: str
    reason_en: str
    allowed: Mapping[str, tuple[str, ...]]  # pack id to the regions where it may also be used
    figures: Mapping[tuple[str, str], SetFigure]  # by pack id and parameter id

    def allows(self, pack: str, region: str) -> bool:
        """True when this overlay lets the pack be used in the region or in a larger one that holds it."""
        return any(covers(allowed, region) for allowed in self.allowed.get(pack, ()))


def overlay_of(pack: Pack) -> Overlay:
    """The overlay in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Overlay)


def require_region(
    pack: str, *, jurisdiction: str, excludes: Iterable[str], region: str, overlays: Iterable[Overlay]
) -> tuple[Overlay, ...]:
    """The overlays that had to allow the pack in this region: none inside its jurisdiction.

    `OutsideJurisdiction` when the pack does not hold there and no overlay allows it.
    """
    if covers(jurisdiction, region, excludes=excludes):
        return ()
    allowing = tuple(overlay for overlay in overlays if overlay.allows(pack, region))
    if not allowing:
        raise OutsideJurisdiction(pack=pack, jurisdiction=jurisdiction, region=region)
    return allowing


PARAMETER = rf"{IDENTIFIER}|[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+"

_SHAPE = document(
    {"pack": header(required={"demo": Flag(), "reason_zh": Text(), "reason_en": Text()})},
    {
        "allow": Items(
            Table({"pack": Text(PACK_ID), "regions": Items(Text(REGION), least=1)}), unique="pack"
        ),
        "set": Items(
            Table(
                {
                    "pack": Text(PACK_ID),
                    "parameter": Text(PARAMETER),
                    "value": Figure(unknown=False),
                },
                {"unit": Text(), "reason_zh": Text(), "reason_en": Text(), "source": Text()},
            )
        ),
    },
)


def _check(data: Mapping[str, Any], faults: Faults) -> None:
    found = data.get("set")
    seen: set[tuple[object, object]] = set()
    for place, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            key = (str(item.get("pack")), str(item.get("parameter")))
            if key in seen:
                faults.add(("set", place, "parameter"), "duplicate", name=" ".join(map(str, key)))
            seen.add(key)
            _check_unit(place, item, faults)


def _check_unit(place: int, item: Mapping[str, Any], faults: Faults) -> None:
    """A methodology's parameter has a unit; the path of a programme's figure says what it is, and a unit is a remark."""
    parameter, at = item.get("parameter"), ("set", place, "unit")
    if type(parameter) is not str or "." in parameter:
        return
    if "unit" not in item:
        faults.add(at, "missing_key")
    elif not faults.touches(at):
        UnitText().check(item["unit"], at, faults)


def _build(data: Mapping[str, Any], sha256: str) -> Overlay:
    figures = [
        SetFigure(
            pack=item["pack"],
            parameter=item["parameter"],
            value=item["value"],
            unit=item.get("unit", ""),
            reason_zh=item.get("reason_zh", data["pack"]["reason_zh"]),
            reason_en=item.get("reason_en", data["pack"]["reason_en"]),
        )
        for item in data.get("set", [])
    ]
    return Overlay(
        id=data["pack"]["id"],
        sha256=sha256,
        demo=data["pack"]["demo"],
        reason_zh=data["pack"]["reason_zh"],
        reason_en=data["pack"]["reason_en"],
        allowed={item["pack"]: tuple(item["regions"]) for item in data.get("allow", [])},
        figures={(item.pack, item.parameter): item for item in figures},
    )


def _prove(_body: object, _data: Mapping[str, Any], _faults: Faults) -> None:
    """An overlay has no examples: it only names packs and places."""


def _refers(data: Mapping[str, Any], known: Mapping[str, Pack], faults: Faults) -> None:
    for place, item in enumerate(data.get("allow", [])):
        if item["pack"] not in known:
            faults.add(("allow", place, "pack"), "bad_reference", name=repr(item["pack"]))
    values: dict[str, dict[str, str]] = {}
    for place, item in enumerate(data.get("set", [])):
        pack = known.get(item["pack"])
        kind = kind_of(pack.kind) if pack is not None else None
        if pack is None:
            faults.add(("set", place, "pack"), "bad_reference", name=repr(item["pack"]))
        elif kind is None or kind.figures is None:
            _refers_to_parameter(place, item, pack, faults)
        elif not pack.faults and _is_unknown(place, item, kind.figures(pack.data), faults):
            values.setdefault(pack.id, {})[item["parameter"]] = item["value"]
    for name, given in values.items():
        _try(known[name], given, data, faults)


def _is_unknown(place: int, item: Mapping[str, Any], figures: Mapping[str, str], faults: Faults) -> bool:
    found = figures.get(item["parameter"])
    if found != UNKNOWN:
        code = "bad_reference" if found is None else "figure_known"
        faults.add(("set", place, "parameter"), code, name=repr(item["parameter"]))
    return found == UNKNOWN


def _try(pack: Pack, values: Mapping[str, str], data: Mapping[str, Any], faults: Faults) -> None:
    """Report each value with which the pack would not hold."""
    kind = kind_of(pack.kind)
    assert kind is not None
    places = {(item["pack"], item["parameter"]): place for place, item in enumerate(data["set"])}
    for parameter, fault in kind.tries(pack.data, values) if kind.tries is not None else ():
        why, why_zh = (f"{fault.key}: {text}" for text in (fault.message_en, fault.message_zh))
        faults.add(("set", places[pack.id, parameter], "value"), "not_fit", why=why, why_zh=why_zh)


def _refers_to_parameter(place: int, item: Mapping[str, Any], pack: Pack, faults: Faults) -> None:
    editions = pack.data.get("edition", [])
    figures = [f for e in editions for f in e.get("parameter", []) if f.get("id") == item["parameter"]]
    at = ("set", place, "parameter")
    if not figures:
        faults.add(at, "bad_reference", name=repr(item["parameter"]))
    elif all(figure["value"] != UNKNOWN for figure in figures):
        faults.add(at, "figure_known", name=repr(item["parameter"]))
    elif any(parse_unit(f["unit"]).dimension != parse_unit(item["unit"]).dimension for f in figures):
        faults.add(
            ("set", place, "unit"),
            "unit_mismatch",
            why=f"{item['unit']} is not {figures[0]['unit']}",
            why_zh=f"{item['unit']} 不是 {figures[0]['unit']}",
        )


register(PackKind("overlay", _SHAPE, _check, _build, _prove, _refers))
