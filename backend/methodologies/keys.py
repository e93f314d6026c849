"""The keys of a methodology file and of its tables. `docs/methodologies.md` explains each of them.

Format 2 is the whole of it. Files of format 1, which were recorded before, may leave out what came later, and mean what
they meant.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.packs.pack import EXCLUDES, JURISDICTION, REVIEW, document, header
from backend.packs.schema import (
    ADDRESS,
    IDENTIFIER,
    PACK_ID,
    Anything,
    Day,
    Figure,
    Flag,
    FormulaText,
    Items,
    Keyed,
    OneOf,
    Shape,
    Table,
    Text,
    UnitText,
    Whole,
)
from backend.packs.units import COUNTED

EVIDENCE = ("operator_feed", "receipt_upload", "self_report")
GASES = ("CO2", "CH4", "N2O", "HFCs", "PFCs", "SF6", "NF3")
CHOICE = r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*"
_INT64 = 2**63 - 1
_LIMIT = Whole(1, unknown=True)

NAMES: Mapping[str, Shape] = {"name_zh": Text(), "name_en": Text()}
NOTES: Mapping[str, Shape] = {"notes_zh": Text(), "notes_en": Text()}
SOURCE: Mapping[str, Shape] = {
    "source_title": Text(),
    "source_url": Text(ADDRESS, unknown=True),
    "source_date": Day(unknown=True),
    "confidence": Text(among=("high", "medium", "low")),
}
ACTIVITIES: Mapping[str, Shape] = {"activities": Items(Text(PACK_ID), least=1)}

PARAMETER = Table({"id": Text(IDENTIFIER), "value": Figure(), "unit": UnitText(), **NAMES, **SOURCE}, NOTES)
TABLE = Table(
    {
        "id": Text(IDENTIFIER),
        "unit": UnitText(),
        "by": Items(Text(IDENTIFIER), least=1),
        "cell": Items(Keyed(IDENTIFIER, Anything()), least=1),
        **NAMES,
        **SOURCE,
    },
    {"same_as": Text(rf"{PACK_ID}/{IDENTIFIER}"), **NOTES},
)
DERIVED = Table(
    {"id": Text(IDENTIFIER), "formula": FormulaText(), "unit": UnitText(), **NAMES},
    NOTES,
)
DEDUCTION = Table(
    {
        "id": Text(IDENTIFIER),
        "kind": Text(among=("leakage", "uncertainty", "other")),
        "value": Figure(),
        **NAMES,
        **SOURCE,
    },
    {**ACTIVITIES, **NOTES},
)
CAP = Table(
    {
        "id": Text(IDENTIFIER),
        "per": Text(among=("act", "day", "month", "year")),
        "of": Text(among=("grams", "acts")),
        "limit": _LIMIT,
        "over": Text(among=("trim", "zero")),
        "source": Text(),
        **NAMES,
    },
    {**ACTIVITIES, **NOTES},
)
EDITION = Table(
    {
        "id": Text(PACK_ID),
        "valid_from": Day(unknown=True),
        "parameter": Items(PARAMETER, unique="id"),
    },
    {
        "valid_until": Day(unknown=True),
        "source": Text(),
        "table": Items(TABLE, unique="id"),
        "derived": Items(DERIVED, unique="id"),
        "deduction": Items(DEDUCTION, unique="id"),
        "cap": Items(CAP, unique="id"),
        **NOTES,
    },
)
CHOICES = Items(Table({"id": Text(CHOICE)}, NAMES), least=1, unique="id")
INPUT = Table(
    {
        "id": Text(IDENTIFIER),
        "type": Text(among=("uint", "int", "decimal", "choice", "region", "year", "timestamp", "text")),
    },
    {
        "unit": UnitText(),
        "places": Whole(1, 9),
        "min": OneOf(Whole(-_INT64, _INT64), Figure(unknown=False)),
        "max": OneOf(Whole(-_INT64, _INT64), Figure(unknown=False)),
        "choices": CHOICES,
        "default": OneOf(Whole(-_INT64, _INT64), Text()),
        "after": Text(IDENTIFIER),
        **NAMES,
    },
)
ACTIVITY = Table(
    {
        "id": Text(PACK_ID),
        **NAMES,
        "inputs": Items(INPUT, unique="id"),
        "formula": FormulaText(),
        "evidence": Items(Text(among=EVIDENCE), least=1),
        "claim_key": Items(Text(IDENTIFIER), least=1),
    },
    {"per": Text(among=COUNTED), **NOTES},
)
KEYS: Mapping[str, Shape] = {
    "pack": header(required=JURISDICTION, optional=EXCLUDES),
    "review": REVIEW,
    "gas": Table(
        {
            "species": Items(Text(among=GASES), least=1),
            "gwp_set": Text(),
            "unit_out": Text(among=("gCO2e",)),
        }
    ),
    "edition": Items(EDITION, least=1, unique="id"),
    "activity": Items(ACTIVITY, least=1, unique="id"),
    "evidence_policy": Keyed("|".join(EVIDENCE), Table({"creditable": Flag()})),
    "uniqueness": Table(
        {
            "one_mechanism_only": Flag(),
            "exclusive_with": Items(Text()),
            "consent_required": Flag(),
            "rights_holder": Text(among=("person-until-assigned", "owner-until-assigned")),
        }
    ),
    "aggregation": Table(
        {
            "block_unit": Text(among=("tCO2e",)),
            "grams_per_tonne": Whole(1_000_000, 1_000_000),
            "rounding": Text(among=("floor-per-batch",)),
            "remainder": Text(among=("carry-to-next-batch",)),
        },
        {"rounding_per_act": Text(among=("floor-once",))},
    ),
    "monitoring": Table(
        {"retain_years": Whole(1, 100), "retain_basis": Text()},
        {"measured_zh": Text(), "measured_en": Text(), "checked_zh": Text(), "checked_en": Text()},
    ),
    "example": Items(
        Table(
            {
                "why": Text(),
                "activity": Text(PACK_ID),
                "in": Keyed(IDENTIFIER, Anything()),
                "out": Table({}, {"grams": Whole(), "error": Text()}),
            },
            {"edition": Text(PACK_ID)},
        ),
        least=1,
    ),
}
LATER: Mapping[str, Shape] = {  # format 2 needs these; format 1 may have them
    "baseline": Table(
        {**NAMES, "zh": Text(), "en": Text(), "source": Text()}, {"source_url": Text(ADDRESS), **NOTES}
    ),
    "rights": Table(
        {
            "may_own": Items(Text(among=("person", "household", "community", "small-firm")), least=1),
            "zh": Text(),
            "en": Text(),
            "source": Text(),
        },
        NOTES,
    ),
    "exclusion": Items(Table({"zh": Text(), "en": Text()}, {"source": Text()})),
}
SHAPE = document(KEYS, LATER, formats=2)
