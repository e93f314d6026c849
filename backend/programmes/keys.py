"""The keys of a programme's pack, by the format that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.packs.faults import Faults, Path
from backend.packs.pack import JURISDICTION, document, header
from backend.packs.schema import (
    IDENTIFIER,
    PACK_ID,
    Anything,
    Day,
    Flag,
    Items,
    Keyed,
    OneOf,
    Shape,
    Table,
    Text,
    Whole,
)
from backend.programmes.sections import EARN, EVIDENCE, NOTES, POINTS, SECTIONS, SOURCE, Bounded

_CAP = Table(
    {
        "id": Text(PACK_ID),
        "per": Text(among=("day", "month")),
        "of": Text(among=("acts", "points")),
        "limit": Whole(1, 10**9),
        "over": Text(among=("trim", "zero")),
        **SOURCE,
    },
    {"activities": Items(Text(PACK_ID), least=1), "notes_zh": Text(), "notes_en": Text()},
)
_PACK = header(required={**JURISDICTION, "operator": Text(PACK_ID), "sample": Flag()})
_ACTS = Table({"from": Day(), **SOURCE}, {"until": Day()})
_CERTIFICATION = Table({"project": Text(PACK_ID), **SOURCE}, {"correction_term_days": Whole(0, 3650)})
_EVIDENCE = Items(
    Table({"tier": Text(among=EVIDENCE), "weight": Bounded(), **SOURCE}), least=1, unique="tier"
)
_OPTIONAL: Mapping[str, Shape] = {
    "screens": Table({"pack": Text(PACK_ID), **SOURCE}),
    "cap": Items(_CAP, unique="id"),
    "windows": Table({**SOURCE}, {"late_days": Whole(0, 3_660), "early_minutes": Whole(0, 10_080)}),
    "review": Table({"unknowns": Items(Text())}, {"notes_zh": Items(Text()), "notes_en": Items(Text())}),
}

FIRST = document(
    {
        "pack": _PACK,
        "acts": _ACTS,
        "certification": _CERTIFICATION,
        "points": Table(
            {
                "unit_zh": Text(),
                "unit_en": Text(),
                "expires_after_months": Whole(1, 1200),
                "expires_at": Text(among=("month-end",)),
                **SOURCE,
            }
        ),
        "evidence": _EVIDENCE,
        "earn": Items(
            Table(
                {
                    "id": Text(PACK_ID),
                    "methodology": Text(PACK_ID),
                    "activity": Text(PACK_ID),
                    "per": Text(among=("act", "gram")),
                    "points": Bounded(),
                    **SOURCE,
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
    _OPTIONAL,
    formats=2,
)

_DAY_OR_NEVER = OneOf(Day(), Text(among=("never",)))
_OUT = Table(
    {},
    {
        "points": Whole(),
        "extra": Whole(),
        "expires_on": _DAY_OR_NEVER,
        "ripe_on": Day(),
        "collect_until": _DAY_OR_NEVER,
        "count": Whole(),
        "levels": Keyed(PACK_ID, Whole()),
        "reached": Flag(),
        "error": Text(),
        "parameter": Text(),
    },
)
SECOND = document(
    {
        "pack": _PACK,
        "acts": Table({"from": Day(), **SOURCE}, {"until": Day(), **NOTES}),
        "certification": Table(_CERTIFICATION.keys, {**_CERTIFICATION.optional, **NOTES}),
        "points": POINTS,
        "evidence": Items(
            Table({"tier": Text(among=EVIDENCE), "weight": Bounded(), **SOURCE}, NOTES),
            least=1,
            unique="tier",
        ),
        "earn": Items(EARN, least=1, unique="id"),
        "example": Items(Table({"why": Text(), "in": Keyed(IDENTIFIER, Anything()), "out": _OUT}), least=1),
    },
    {**_OPTIONAL, **SECTIONS},
    formats=2,
)


@dataclass(frozen=True)
class ByFormat:
    """The whole file: format 1 as it always was, format 2 with its sections."""

    def table(self, value: object) -> Table:
        return SECOND if isinstance(value, dict) and value.get("format") == 2 else FIRST

    def check(self, value: object, at: Path, faults: Faults) -> None:
        self.table(value).check(value, at, faults)


SHAPE = ByFormat()
