"""A programme's pack with what overlays set in it. Only unknown figures can be set, and what was set stays visible."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.packs import Overlay, OverlayOversteps, Pack, PackFaulty
from backend.packs.faults import Fault, Faults, dotted
from backend.packs.figures import UNKNOWN
from backend.programmes.building import build
from backend.programmes.checking import check
from backend.programmes.errors import OverlayMisses
from backend.programmes.keys import SHAPE
from backend.programmes.paths import figures_of
from backend.programmes.rules import Programme


def settle(pack: Pack, overlays: Iterable[Overlay] = ()) -> Programme:
    """The programme in a pack, its unknown figures set; `features.overlays` says which overlay set which.

    Raises PackFaulty for a pack with faults, of another kind, or that does not hold with what is set; OverlayMisses for
    a figure that the pack does not have; OverlayOversteps for one that it knows, or that another overlay set before.
    """
    programme = pack.body_as(Programme)
    values, set_by = dict[str, str](), dict[str, str]()
    figures = figures_of(pack.data)
    for overlay in overlays:
        for item in set_in(pack.id, overlay):
            place = figures.get(item)
            if place is None:
                raise OverlayMisses(overlay=overlay.id, pack=pack.id, parameter=item)
            if place.value != UNKNOWN or item in values:
                raise OverlayOversteps(overlay=overlay.id, pack=pack.id, parameter=item)
            values[item], set_by[item] = overlay.figures[pack.id, item].value, overlay.id
    if not values:
        return programme
    data = with_values(pack.data, values)
    found = Faults(pack.file)
    SHAPE.check(data, (), found)
    check(data, found)
    if found.found:
        raise PackFaulty(pack=pack.id, faults=tuple(str(fault) for fault in found.sorted()))
    return build(data, pack.sha256, set_by)


def figures_with(pack: Pack, overlays: Iterable[Overlay]) -> dict[str, str]:
    """What the figures of a pack are when overlays have set theirs, by path and as written."""
    given = {name: one.figures[pack.id, name].value for one in overlays for name in set_in(pack.id, one)}
    return {name: given.get(name, place.value) for name, place in figures_of(pack.data).items()}


def set_in(pack_id: str, overlay: Overlay) -> list[str]:
    """The parameters of a pack that an overlay sets."""
    return [parameter for pack, parameter in overlay.figures if pack == pack_id]


def concern(pack: Pack, overlays: Iterable[Pack]) -> list[Pack]:
    """Those overlays that set anything in a pack."""
    return [one for one in overlays if set_in(pack.id, one.body_as(Overlay))]


def fits(pack: Pack, overlay: Overlay) -> bool:
    """True when everything that an overlay sets in a pack is there and unknown."""
    figures = figures_of(pack.data)
    return all(name in figures and figures[name].value == UNKNOWN for name in set_in(pack.id, overlay))


def with_values(data: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """A copy of a document with some of its figures replaced."""
    changed: dict[str, Any] = copy.deepcopy(dict(data))
    places = figures_of(data)
    for parameter, value in values.items():
        *way, last = places[parameter].path
        into: Any = changed
        for step in way:
            into = into[step]
        into[last] = value
    return changed


def tries(data: Mapping[str, Any], values: Mapping[str, str]) -> Sequence[tuple[str, Fault]]:
    """The faults that a sound document would have with these values, each with the parameter that is to blame."""
    changed, found = with_values(data, values), Faults("")
    SHAPE.check(changed, (), found)
    check(changed, found)
    by_key = {dotted(place.path): parameter for parameter, place in figures_of(data).items()}
    first = next(iter(values), "")
    blamed = ((by_key.get(fault.key, first), fault) for fault in found.sorted())
    return [(parameter if parameter in values else first, fault) for parameter, fault in blamed]
