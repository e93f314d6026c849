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
from backend.packs.pack import Pack, PackKind, document, header, register
from backend.packs.regions import covers
from backend.packs.schema import IDENTIFIER, PACK_ID, REGION, Figure, Flag, Items, Table, Text, UnitText
from backend.packs.units import parse_unit


@dataclass(frozen=True, slots=True)
class SetFigure:
    """A value that an overlay gives to an unknown figure of a pack."""

    pack: str
    parameter: str
    value: str
    unit: str
    reason_zh: str
    reason_en: str


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
                    "parameter": Text(IDENTIFIER),
                    "value": Figure(unknown=False),
                    "unit": UnitText(),
                    "reason_zh": Text(),
                    "reason_en": Text(),
                }
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


def _build(data: Mapping[str, Any], sha256: str) -> Overlay:
    figures = [SetFigure(**item) for item in data.get("set", [])]
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
    for place, item in enumerate(data.get("set", [])):
        if item["pack"] not in known:
            faults.add(("set", place, "pack"), "bad_reference", name=repr(item["pack"]))
            continue
        editions = known[item["pack"]].data.get("edition", [])
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
