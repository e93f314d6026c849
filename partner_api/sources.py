"""My sources, and which fields their events and files are to have."""

from __future__ import annotations

from typing import Literal

from backend import intake
from backend.intake import Mapping, Source
from backend.intake.mapping import Rule
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Told
from partner_api.access import NOT_LET_IN, Partner
from partner_api.library import library

router = Router(tags=["sources"])


class InputTold(Told):
    """What one input of an act is read from: one field, or for `great_circle` latitude and longitude of start and end.

    A `time` without an offset is local time of `time_zone`; a `quantity` is in `unit`; a `whole` number has no decimals.
    """

    input: str
    kind: Literal["time", "whole", "quantity", "text", "great_circle"]
    fields: list[str]
    unit: str | None
    begins: bool
    ends: bool


class RuleTold(Told):
    """Which events are acts of which activity: those whose field `when` holds one of `among`, or all others where it is null.

    `left_out` names the rule by which such events are left out instead.
    """

    when: str | None
    among: list[str]
    left_out: str | None
    methodology: str | None
    activity: str | None
    inputs: list[InputTold]
    also: list[str]

    @classmethod
    def of(cls, rule: Rule) -> RuleTold:
        acts = rule.filter is None
        return cls(
            when=rule.when,
            among=sorted(rule.among),
            left_out=rule.filter,
            methodology=rule.methodology if acts else None,
            activity=rule.activity if acts else None,
            inputs=[
                InputTold(
                    input=one.id,
                    kind=one.kind,
                    fields=list(one.columns),
                    unit=one.unit,
                    begins=one.id == rule.happened_at,
                    ends=one.id == rule.ended_at,
                )
                for one in rule.inputs
            ],
            also=list(rule.seen.columns),
        )


class FileTold(Told):
    """The files that this source takes; the fields are the columns."""

    type: Literal["csv", "ndjson", "parquet", "xlsx"]
    encoding: str
    sheet: str | None
    header_row: int


class SourceTold(Told):
    """A source of mine. `fields` are those that an event or a file is to have; `means` name the card, account or meter.

    `also` of a rule are fields that only plausibility screens read.
    """

    code: str
    programme: str
    region: str
    evidence: str
    covered_boundary: bool
    mapping: str
    time_zone: str
    fields: list[str]
    means: list[str]
    rules: list[RuleTold]
    file: FileTold

    @classmethod
    def of(cls, source: Source, mapping: Mapping) -> SourceTold:
        return cls(
            code=source.code,
            programme=source.programme,
            region=source.region,
            evidence=source.evidence,
            covered_boundary=source.covered_boundary,
            mapping=source.mapping,
            time_zone=mapping.time_zone.key,
            fields=list(mapping.columns),
            means=list(mapping.means.columns),
            rules=[RuleTold.of(rule) for rule in mapping.rules],
            file=FileTold(
                type=mapping.type,
                encoding=mapping.encoding,
                sheet=mapping.sheet or None,
                header_row=mapping.header_row,
            ),
        )


@router.get("/sources", responses=problems(*NOT_LET_IN))
async def list_my_sources(caller: Partner, session: ReadSession) -> list[SourceTold]:
    """My sources, by code, each with what its events are to hold."""
    packs = await library()
    return [
        SourceTold.of(source, intake.mapping_of(packs.find(source.mapping)))
        for source in await intake.list_sources(session)
        if source.partner == caller.organisation
    ]
