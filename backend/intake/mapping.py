"""The mapping kind of pack: how the rows of a partner's file become acts. Written by people who do not program."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.packs import Pack
from backend.packs.faults import Faults
from backend.packs.pack import PackKind, document, header, register
from backend.packs.schema import IDENTIFIER, PACK_ID, REGION, Items, Table, Text, UnitText, Whole
from backend.packs.units import parse_unit

EVIDENCE = ("operator_feed", "receipt_upload", "self_report")
FieldKind = Literal["time", "whole", "quantity", "text", "great_circle"]


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an act: from one column, or for `great_circle` from start and end latitude and longitude."""

    id: str
    kind: FieldKind
    columns: tuple[str, ...]
    unit: str | None  # of a quantity as the file writes it


@dataclass(frozen=True, slots=True)
class Seen:
    """Columns that only screens look at: stations, coordinates (latitude, longitude) and the device, where named.

    `covered` names a column and the values by which a row says that its act lies inside a boundary that some emissions
    trading covers: it earns points and is never pooled.
    """

    from_place: str | None = None
    to_place: str | None = None
    start: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    device: str | None = None
    covered: tuple[str, frozenset[str]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        named = [self.from_place, self.to_place, *self.start, *self.end, self.device]
        named.append(self.covered[0] if self.covered else None)
        return tuple(name for name in named if name)


@dataclass(frozen=True, slots=True)
class Rule:
    """What rows whose column `when` holds one of `among` are: acts of an activity, or left out by name."""

    when: str | None
    among: frozenset[str]
    filter: str | None
    methodology: str
    activity: str
    happened_at: str
    ended_at: str | None
    inputs: tuple[Field, ...]
    seen: Seen = Seen()

    @property
    def places(self) -> Seen:
        """What screens see: as the mapping says, and the corners of a great circle where it says nothing."""
        if self.seen.start or self.seen.end:
            return self.seen
        circle = next((source.columns for source in self.inputs if source.kind == "great_circle"), ())
        return replace(self.seen, start=circle[:2], end=circle[2:])


@dataclass(frozen=True, slots=True)
class MeansColumn:
    """Where a row names the card, account or meter; with `groups`, a keyed hash of it picks a stand-in account."""

    kind: str
    operator: str
    columns: tuple[str, ...]
    groups: int | None
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True)
class SourceDefaults:
    """What a source that is read by this mapping starts with."""

    partner: str
    programme: str
    region: str
    evidence: str
    overlays: tuple[str, ...]


GREAT_CIRCLE_NOTE = (
    "距离为起终点之间的大圆距离，是实际路程的下限。",
    "The distance is the great circle between start and end: a lower bound of what was travelled.",
)


@dataclass(frozen=True)
class Mapping:
    """A mapping as read. `columns` are those that a file must have."""

    id: str
    sha256: str
    type: Literal["csv", "ndjson", "parquet", "xlsx"]
    encoding: str
    time_zone: ZoneInfo
    source: SourceDefaults
    means: MeansColumn
    rules: tuple[Rule, ...]
    sheet: str = ""  # of a workbook; empty where it has only one
    header_row: int = 1
    pack: Pack | None = field(default=None, repr=False, compare=False)  # the file that it was read from

    def basis_of(self, activity: str) -> tuple[tuple[str, str], ...]:
        """What a holder should know of how acts of this activity were read, in Chinese and English."""
        told = [(self.means.note_zh, self.means.note_en)] if self.means.note_zh else []
        kinds = {source.kind for rule in self.rules if rule.activity == activity for source in rule.inputs}
        return (*told, GREAT_CIRCLE_NOTE) if "great_circle" in kinds else tuple(told)

    @property
    def columns(self) -> tuple[str, ...]:
        named = [rule.when for rule in self.rules if rule.when]
        named += [column for rule in self.rules for field in rule.inputs for column in field.columns]
        named += [column for rule in self.rules for column in rule.seen.columns]
        named += self.means.columns
        return tuple(dict.fromkeys(named))


_FIELD = Table(
    {"id": Text(IDENTIFIER), "kind": Text(among=("time", "whole", "quantity", "text", "great_circle"))},
    {"column": Text(), "columns": Items(Text(), least=4), "unit": UnitText()},
)
_CORNER = Items(Text(), least=2)
_SEEN = Table(
    {},
    {
        "from_station": Text(),
        "to_station": Text(),
        "start": _CORNER,
        "end": _CORNER,
        "device": Text(),
        "covered_boundary": Table({"column": Text(), "among": Items(Text(), least=1)}),
    },
)
_SHAPE = document(
    {
        "pack": header(),
        "file": Table(
            {"type": Text(among=("csv", "ndjson", "parquet", "xlsx")), "time_zone": Text()},
            {"encoding": Text(among=("utf-8", "gb18030")), "sheet": Text(), "header_row": Whole(1, 1000)},
        ),
        "source": Table(
            {
                "partner": Text(PACK_ID),
                "programme": Text(PACK_ID),
                "region": Text(REGION),
                "evidence": Text(among=EVIDENCE),
            },
            {"overlays": Items(Text(PACK_ID))},
        ),
        "means": Table(
            {"kind": Text(IDENTIFIER), "operator": Text(PACK_ID), "columns": Items(Text(), least=1)},
            {"groups": Whole(1, 10_000_000), "note_zh": Text(), "note_en": Text()},
        ),
        "rule": Items(
            Table(
                {},
                {
                    "when": Table({"column": Text(), "among": Items(Text(), least=1)}),
                    "filter": Text(IDENTIFIER),
                    "reason_zh": Text(),
                    "reason_en": Text(),
                    "methodology": Text(PACK_ID),
                    "activity": Text(PACK_ID),
                    "happened_at": Text(IDENTIFIER),
                    "ended_at": Text(IDENTIFIER),
                    "input": Items(_FIELD, unique="id"),
                    "seen": _SEEN,
                },
            ),
            least=1,
        ),
    },
    {},
)
_ACT_KEYS = ("methodology", "activity", "happened_at", "input")


def mapping_of(pack: Pack) -> Mapping:
    """The mapping in a pack; `PackFaulty` when it has faults or is of another kind."""
    return replace(pack.body_as(Mapping), pack=pack)


def _check(data: MappingType[str, Any], faults: Faults) -> None:
    file = data.get("file")
    if isinstance(file, dict) and isinstance(file.get("time_zone"), str):
        try:
            ZoneInfo(file["time_zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            faults.add(
                ("file", "time_zone"), "not_allowed", found="?", known="IANA names, e.g. Asia/Shanghai"
            )
    if isinstance(file, dict) and file.get("type") in {"csv", "ndjson", "parquet"}:
        for key in {"sheet", "header_row"} & file.keys():
            faults.add(("file", key), "not_allowed", found=key, known="for xlsx")
    rules = data.get("rule")
    for place, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            _check_rule(rule, ("rule", place), faults)


def _check_rule(rule: MappingType[str, Any], at: tuple[str | int, ...], faults: Faults) -> None:
    if "filter" in rule:
        for key in {*_ACT_KEYS, "ended_at", "seen"} & rule.keys():
            faults.add((*at, key), "unknown_key", known="filter, reason_en, reason_zh, when")
        return
    for key in _ACT_KEYS:
        if key not in rule:
            faults.add((*at, key), "missing_key")
    _check_corners(rule.get("seen"), (*at, "seen"), faults)
    inputs = [item for item in rule.get("input", []) if isinstance(item, dict)]
    times = [str(item.get("id")) for item in inputs if item.get("kind") == "time"]
    for key in ("happened_at", "ended_at"):
        if key in rule and rule[key] not in times:
            faults.add((*at, key), "not_allowed", found=repr(rule[key]), known=", ".join(times))
    for place, item in enumerate(inputs):
        for key in _needed(item) - item.keys():
            faults.add((*at, "input", place, key), "missing_key")


def _check_corners(seen: object, at: tuple[str | int, ...], faults: Faults) -> None:
    for key in ("start", "end"):
        if isinstance(seen, dict) and isinstance(seen.get(key), list) and len(seen[key]) != 2:
            faults.add((*at, key), "out_of_range", found=len(seen[key]), low=2, high=2)


def _needed(item: MappingType[str, Any]) -> set[str]:
    if item.get("kind") == "great_circle":
        return {"columns"}
    return {"column", "unit"} if item.get("kind") == "quantity" else {"column"}


def _build(data: MappingType[str, Any], sha256: str) -> Mapping:
    file, source, means = data["file"], data["source"], data["means"]
    return Mapping(
        id=data["pack"]["id"],
        sha256=sha256,
        type=file["type"],
        encoding=file.get("encoding", "utf-8"),
        time_zone=ZoneInfo(file["time_zone"]),
        source=SourceDefaults(
            partner=source["partner"],
            programme=source["programme"],
            region=source["region"],
            evidence=source["evidence"],
            overlays=tuple(source.get("overlays", ())),
        ),
        means=MeansColumn(
            kind=means["kind"],
            operator=means["operator"],
            columns=tuple(means["columns"]),
            groups=means.get("groups"),
            note_zh=means.get("note_zh", ""),
            note_en=means.get("note_en", ""),
        ),
        rules=tuple(_rule(item) for item in data["rule"]),
        sheet=file.get("sheet", ""),
        header_row=file.get("header_row", 1),
    )


def _rule(item: MappingType[str, Any]) -> Rule:
    when = item.get("when")
    return Rule(
        when=when["column"] if when else None,
        among=frozenset(when["among"]) if when else frozenset(),
        filter=item.get("filter"),
        methodology=item.get("methodology", ""),
        activity=item.get("activity", ""),
        happened_at=item.get("happened_at", ""),
        ended_at=item.get("ended_at"),
        inputs=tuple(
            Field(
                id=source["id"],
                kind=source["kind"],
                columns=tuple(source.get("columns") or (source["column"],)),
                unit=source.get("unit"),
            )
            for source in item.get("input", [])
        ),
        seen=_seen(item.get("seen", {})),
    )


def _seen(item: MappingType[str, Any]) -> Seen:
    covered = item.get("covered_boundary")
    return Seen(
        from_place=item.get("from_station"),
        to_place=item.get("to_station"),
        start=tuple(item.get("start", ())),
        end=tuple(item.get("end", ())),
        device=item.get("device"),
        covered=(covered["column"], frozenset(covered["among"])) if covered else None,
    )


def _prove(_body: object, _data: MappingType[str, Any], _faults: Faults) -> None:
    """A mapping carries no examples: it is proved by files."""


def _refers(data: MappingType[str, Any], known: MappingType[str, Pack], faults: Faults) -> None:
    """Whether each rule gives its methodology what it asks for, in units that reduce to its own."""
    for place, rule in enumerate(data["rule"]):
        if "filter" in rule:
            continue
        at = ("rule", place)
        methodology = known.get(rule["methodology"])
        if methodology is None or methodology.kind != "methodology":
            faults.add((*at, "methodology"), "bad_reference", name=repr(rule["methodology"]))
            continue
        activities = {item.get("id"): item for item in methodology.data.get("activity", [])}
        if rule["activity"] not in activities:
            faults.add((*at, "activity"), "bad_reference", name=repr(rule["activity"]))
            continue
        asked = {item["id"]: item for item in activities[rule["activity"]]["inputs"]}
        for number, given in enumerate(rule["input"]):
            _check_input(given, asked, (*at, "input", number), faults)
        given_ids = {given["id"] for given in rule["input"]}
        for name in activities[rule["activity"]]["claim_key"]:
            if name in asked and name not in given_ids:  # without it, different acts would look like one
                faults.add((*at, "input"), "missing_input", name=repr(name))


def _check_input(
    given: MappingType[str, Any],
    asked: MappingType[str, MappingType[str, Any]],
    at: tuple[str | int, ...],
    faults: Faults,
) -> None:
    wanted = asked.get(given["id"])
    if wanted is None:
        faults.add((*at, "id"), "bad_reference", name=repr(given["id"]))
    elif (wanted["type"] == "timestamp") != (given["kind"] == "time"):
        faults.add((*at, "kind"), "not_allowed", found=repr(given["kind"]), known=f"for {wanted['type']}")
    elif given["kind"] == "quantity":
        own, theirs = given["unit"], wanted.get("unit", "1")
        if parse_unit(own).dimension != parse_unit(theirs).dimension:
            faults.add(
                (*at, "unit"), "unit_mismatch", why=f"{own} is not {theirs}", why_zh=f"{own} 不是 {theirs}"
            )


register(PackKind("mapping", _SHAPE, _check, _build, _prove, _refers))
