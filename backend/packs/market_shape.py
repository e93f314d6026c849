"""The market kind of pack: its shape, the checks that a shape cannot see, and its examples."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from backend.kit.errors import DomainError
from backend.packs.editions import check_years
from backend.packs.faults import Faults, Path
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.markets import Market, MarketEdition, Selection, Share, Use, check_use
from backend.packs.pack import EXCLUDES, JURISDICTION, REVIEW, PackKind, document, header, register
from backend.packs.schema import (
    ADDRESS,
    IDENTIFIER,
    PACK_ID,
    REGION,
    Day,
    Figure,
    Flag,
    Items,
    Keyed,
    Table,
    Text,
    Whole,
)

# Each is a frozen figure of one entity and year; none may stand for another.
CAP_BASES = ("confirmed_emissions_t", "issued_t", "initial_t", "obligation_t")
ALLOWANCES = ("CEA", "BEA", "TJEA", "SHEA", "CQEA", "HBEA", "GDEA", "SZEA", "FJEA")
UNITS = ("CCER", "PHCER", "GZCER", "SZ-PHCER", "HB-CER", "FFCER", "BJ-ESR", "BJ-FCS")
PROJECT_TYPES = (
    "forestry",
    "wind",
    "solar",
    "biomass",
    "biogas",
    "energy-saving",
    "inclusion",
    "hydro",
    "hydro-small",
    "hydro-medium",
    "hydro-large",
    "coal-power",
    "oil-power",
    "gas-power",
    "coal-heat",
    "oil-heat",
    "gas-heat",
    "coal-bed-methane",
    "waste-heat",
    "waste-pressure",
    "waste-gas",
    "industrial-gas",
    "other",
)
GASES = ("CO2", "CH4", "N2O", "HFCs", "PFCs", "SF6", "NF3")
CONFIDENCE = ("high", "medium", "low")

_UNIT = Text(among=UNITS)
_SELECTION = Table(
    {"unit": _UNIT},
    {
        "project_region": Text(REGION),
        "except_regions": Items(Text(REGION)),
        "except_unless": Text(IDENTIFIER),  # a setting; when it is true, the excepted regions count after all
    },
)
_SOURCED = {"source": Text(), "confidence": Text(among=CONFIDENCE), "reading": Text()}
_CAP = Table(
    {
        "rate": Figure(),
        "base": Text(among=CAP_BASES, unknown=True),
        "counts": Items(_UNIT, least=1),
        "source": Text(),
    },
    {"ratio": Figure(unknown=False)},
)
_CONSTRAINT = Table(
    {
        "id": Text(PACK_ID),
        "kind": Text(among=("share", "project_gas_share")),
        "at_least": Figure(),
        "message_zh": Text(),
        "message_en": Text(),
        "source": Text(),
    },
    {
        "of": _SELECTION,
        "over": _SELECTION,
        "when_over_is_zero": Text(among=("pass",)),
        "applies_to": Items(_UNIT),
        "gases": Items(Text(among=GASES)),
        "confidence": Text(among=CONFIDENCE),
        "reading": Text(),
    },
)
_EXCLUSION = Table(
    {"id": Text(PACK_ID), "applies_to": Items(_UNIT, least=1), "zh": Text(), "en": Text(), "source": Text()},
    {
        "project_types": Items(Text(among=PROJECT_TYPES)),
        "except": Items(Text(among=PROJECT_TYPES)),
        "ccer_categories": Items(Text(among=("pre-CDM",))),
        "project_regions": Items(Text(REGION)),
        "enabled": Flag(),
        "confidence": Text(among=CONFIDENCE),
    },
)
_NOT_BEFORE = Table(
    {
        "id": Text(PACK_ID),
        "applies_to": Items(_UNIT, least=1),
        "field": Text(among=("vintage_start", "commissioned_on")),
        "day": Day(),  # the first day that is accepted
        "message_zh": Text(),
        "message_en": Text(),
        "source": Text(),
    },
    {"except": Items(Text(among=PROJECT_TYPES)), "confidence": Text(among=CONFIDENCE), "reading": Text()},
)
_EDITION = Table(
    {
        "id": Text(PACK_ID),
        "compliance_years": Items(Whole(2000, 2200), least=2),
        "source": Text(),
        "confidence": Text(among=CONFIDENCE),
        "cap": _CAP,
    },
    {
        "unit": Items(
            Table(
                {"type": _UNIT},
                {"scope": Text(), "local_required": Flag(), "filed_required": Flag(), "source": Text()},
            ),
            unique="type",
        ),
        "constraint": Items(_CONSTRAINT, unique="id"),
        "exclusion": Items(_EXCLUSION, unique="id"),
        "not_before": Items(_NOT_BEFORE, unique="id"),
        "calendar": Keyed(IDENTIFIER, Day()),
    },
)
_SHAPE = document(
    {
        "pack": header(
            required={**JURISDICTION, "market": Text(PACK_ID), "allowance": Text(among=ALLOWANCES)},
            optional={**EXCLUDES, "rounding": Text(among=("floor-to-tonne",))},
        ),
        "review": REVIEW,
        "edition": Items(_EDITION, least=1, unique="id"),
        "example": Items(
            Table(
                {
                    "why": Text(),
                    "compliance_year": Whole(2000, 2200),
                    "in": Table(
                        {
                            "entity": Keyed(IDENTIFIER, Whole()),
                            "used": Items(
                                Table({"unit": _UNIT, "project_region": Text(REGION), "tonnes": Whole()})
                            ),
                        }
                    ),
                    "out": Table(
                        {}, {"ok": Flag(), "cap_t": Whole(), "reasons": Items(Text()), "error": Text()}
                    ),
                },
                {"edition": Text(PACK_ID)},
            ),
            least=1,
        ),
    },
    {
        "pool": Items(
            Table(
                {
                    "compliance_year": Whole(2000, 2200),
                    "tonnes": Whole(),
                    "counts": Items(_UNIT, least=1),
                    "source": Text(),
                },
                {"id": Text(PACK_ID), "confidence": Text(among=CONFIDENCE)},
            )
        ),
        "pool_policy": Table(
            {
                "order": Text(among=("first-applied-first-served", "pro-rata"), unknown=True),
                "default_for_demo": Text(among=("first-applied-first-served", "pro-rata")),
            },
            {"source": Text()},
        ),
        "setting": Items(
            Table({"id": Text(IDENTIFIER), "value": Text(), "demo_value": Text(), "why": Text()}), unique="id"
        ),
        "non_compliance": Table(
            {"source": Text()},
            {
                "next_year_deduction_multiple": Figure(),
                "fine_cny": Whole(),
                "credit_record": Flag(),
                "source_url": Text(ADDRESS),
            },
        ),
    },
)


def _check(data: Mapping[str, Any], faults: Faults) -> None:
    check_years(data, faults)
    listed = data.get("edition")
    for place, edition in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(edition, dict):
            continue
        at: Path = ("edition", place)
        years = edition.get("compliance_years")
        if isinstance(years, list) and len(years) != 2:
            faults.add((*at, "compliance_years"), "out_of_range", found=len(years), low=2, high=2)
        _check_cap(edition, at, faults)
        _check_constraints(edition, at, faults)
        _check_shares(edition, at, _settings(data), faults)
    _check_pools(data, faults)


def _check_cap(edition: Mapping[str, Any], at: Path, faults: Faults) -> None:
    if faults.touches((*at, "cap")) or faults.touches((*at, "unit")) or "cap" not in edition:
        return
    cap, units = edition["cap"], {unit["type"] for unit in edition.get("unit", [])}
    rate = parse_figure(cap["rate"])
    if rate != UNKNOWN and not 0 <= Fraction(rate) <= 1:
        faults.add((*at, "cap", "rate"), "out_of_range", found=cap["rate"], low=0, high=1)
    for place, unit in enumerate(cap["counts"]):
        if units and unit not in units:
            faults.add((*at, "cap", "counts", place), "bad_reference", name=repr(unit))


_NEEDS = {"share": ("of", "over"), "project_gas_share": ("applies_to", "gases")}


def _check_constraints(edition: Mapping[str, Any], at: Path, faults: Faults) -> None:
    found = edition.get("constraint")
    for place, constraint in enumerate(found if isinstance(found, list) else []):
        here = (*at, "constraint", place)
        if faults.touches(here) or not isinstance(constraint, dict):
            continue
        for key in _NEEDS[constraint["kind"]]:
            if key not in constraint:
                faults.add((*here, key), "missing_key")
        least = parse_figure(constraint["at_least"])
        if least != UNKNOWN and not 0 <= Fraction(least) <= 1:
            faults.add((*here, "at_least"), "out_of_range", found=constraint["at_least"], low=0, high=1)


def _check_shares(
    edition: Mapping[str, Any], at: Path, settings: Mapping[str, object], faults: Faults
) -> None:
    """One share at most, its `of` a part of its `over`: what the compliance side solves exactly."""
    found = edition.get("constraint")
    listed = [
        (place, rule)
        for place, rule in enumerate(found if isinstance(found, list) else [])
        if isinstance(rule, dict)
        and rule.get("kind") == "share"
        and not faults.touches((*at, "constraint", place))
    ]
    for count, (place, rule) in enumerate(listed):
        here = (*at, "constraint", place)
        of, over = rule["of"], rule["over"]
        wider = "project_region" not in over or over["project_region"] == of.get("project_region")
        if count or of["unit"] != over["unit"] or not wider:
            why = "an edition may have one share, and its `of` must be a part of its `over`"
            faults.add(
                (*here, "over"),
                "bad_order",
                why=why,
                why_zh="每个版本至多一条比例规则，of 须是 over 的一部分",
            )
        for side in ("of", "over"):
            setting = rule[side].get("except_unless")
            if setting is not None and setting not in settings:
                faults.add((*here, side, "except_unless"), "bad_reference", name=repr(setting))


def _settings(data: Mapping[str, Any]) -> dict[str, object]:
    found = data.get("setting")
    listed = [item for item in (found if isinstance(found, list) else []) if isinstance(item, dict)]
    return {item["id"]: item.get("value") for item in listed if isinstance(item.get("id"), str)}


def _check_pools(data: Mapping[str, Any], faults: Faults) -> None:
    seen: set[object] = set()
    found = data.get("pool")
    for place, pool in enumerate(found if isinstance(found, list) else []):
        year = pool.get("compliance_year") if isinstance(pool, dict) else None
        if isinstance(year, int) and year in seen:
            faults.add(("pool", place, "compliance_year"), "duplicate", name=year)
        seen.add(str(year) if not isinstance(year, int) else year)


def _build(data: Mapping[str, Any], sha256: str) -> Market:
    pack = data["pack"]
    return Market(
        id=pack["id"],
        version=pack["version"],
        sha256=sha256,
        market=pack["market"],
        jurisdiction=pack["jurisdiction"],
        excludes_jurisdictions=tuple(pack.get("excludes_jurisdictions", ())),
        allowance=pack["allowance"],
        editions=tuple(_edition(item, _settings(data)) for item in data["edition"]),
        pools={pool["compliance_year"]: pool["tonnes"] for pool in data.get("pool", [])},
        data=data,
    )


def _edition(item: Mapping[str, Any], settings: Mapping[str, object]) -> MarketEdition:
    first, last = item["compliance_years"]
    counts = tuple(item["cap"]["counts"])
    shares = [rule for rule in item.get("constraint", []) if rule["kind"] == "share"]
    return MarketEdition(
        id=item["id"],
        compliance_years=(first, last),
        source=item["source"],
        confidence=item["confidence"],
        units=tuple(unit["type"] for unit in item.get("unit", [])) or counts,
        rate=parse_figure(item["cap"]["rate"]),
        base=item["cap"]["base"],
        counts=counts,
        shares=tuple(_share(rule, settings) for rule in shares),
        calendar=item.get("calendar", {}),
        data=item,
    )


def _share(item: Mapping[str, Any], settings: Mapping[str, object]) -> Share:
    return Share(
        id=item["id"],
        of=_selection(item["of"], settings),
        over=_selection(item["over"], settings),
        at_least=parse_figure(item["at_least"]),
        message_zh=item["message_zh"],
        message_en=item["message_en"],
    )


def _selection(item: Mapping[str, Any], settings: Mapping[str, object]) -> Selection:
    setting = item.get("except_unless")
    inside = setting is not None and settings.get(setting) == "true"
    return Selection(
        item["unit"],
        item.get("project_region"),
        () if inside else tuple(item.get("except_regions", ())),
        setting if setting is not None and settings.get(setting) == UNKNOWN else None,
    )


def _prove(market: Market, data: Mapping[str, Any], faults: Faults) -> None:
    """Run the pack's examples; one that does not hold is a fault at its line."""
    for place, example in enumerate(data["example"]):
        found: dict[str, object]
        try:
            edition = market.edition_for(example["compliance_year"])
            used = [Use(**item) for item in example["in"]["used"]]
            verdict = check_use(market.id, edition, entity=example["in"]["entity"], used=used)
            found = {
                "ok": verdict.ok,
                "cap_t": verdict.cap_t,
                "reasons": list(verdict.reasons),
                "edition": edition.id,
            }
        except DomainError as error:
            found = {"error": error.code}
        expected = dict(example["out"])
        if "edition" in example:
            expected["edition"] = example["edition"]
        if not example["out"] or any(found.get(key) != value for key, value in expected.items()):
            faults.add(("example", place, "out"), "example_failed", expected=expected, found=found)


register(PackKind("market", _SHAPE, _check, _build, _prove))
