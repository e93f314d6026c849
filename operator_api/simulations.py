"""What a changed methodology or programme would have meant for a programme's stored acts."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Request
from pydantic import Field

from backend import packs
from backend.intake import simulating
from backend.intake.simulating import (
    Band,
    Simulation,
    SimulationTooLarge,
    SimulationTooSmall,
    WrongKindOfPack,
)
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import Router, database
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.packs import Pack
from backend.programmes import OverlayMisses, ProgrammeUnknown
from operator_api import pack_texts
from operator_api.access import OperatorOrAuthority
from operator_api.library import library
from operator_api.pack_texts import PackNotSound, PackText
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes", tags=["programmes"])

_MOST_ACTS = 500_000  # more belongs on the command line, where nobody waits for an answer


class SimulationRequest(Asked):
    """A methodology or programme pack as TOML text, and the Shanghai days of the acts to try it on, both included. A programme
    is settled by `overlays`, texts too; null: by those that it runs by.
    """

    pack: PackText
    overlays: Annotated[list[PackText], Field(max_length=20)] | None = None
    first: date
    last: date


class SumsTold(Told):
    """Acts with their grams of CO2e and points, before and after."""

    acts: int
    grams_before: int
    grams_after: int
    points_before: int
    points_after: int


class GroupTold(Told):
    """The acts of one activity in one month; `other` holds the groups of fewer than five people together."""

    activity: str
    month: str
    sums: SumsTold


class BandTold(Told):
    """How many people lose or gain between `least` and `most`, both included; null is without end."""

    least: int | None
    most: int | None
    people: int

    @classmethod
    def of(cls, one: Band) -> BandTold:
        return cls.model_validate(one)


class SimulationTold(Told):
    """What the pack would have meant. `liability_points` is the change in points that have not lapsed; `campaign_points` is what
    each campaign would add beyond that, if no budget ended it, told of five people or more.
    """

    pack_sha256: str
    people: int
    total: SumsTold
    liability_points: int
    groups: list[GroupTold]
    by_points: list[BandTold]
    by_grams: list[BandTold]
    refused: dict[str, int]
    campaign_points: dict[str, int]

    @classmethod
    def of(cls, pack: Pack, one: Simulation) -> SimulationTold:
        return cls(
            pack_sha256=pack.sha256,
            people=one.people,
            total=SumsTold.model_validate(one.total),
            liability_points=one.liability,
            groups=[GroupTold.model_validate(group) for group in one.groups],
            by_points=[BandTold.of(band) for band in one.by_points],
            by_grams=[BandTold.of(band) for band in one.by_grams],
            refused=one.refused,
            campaign_points=one.campaigns,
        )


@router.post(
    "/{code}/simulations",
    responses=problems(
        Unauthenticated,
        Forbidden,
        ProgrammeUnknown,
        PackNotSound,
        WrongKindOfPack,
        SimulationTooSmall,
        SimulationTooLarge,
        packs.PackUnknown,
        packs.PackFaulty,
        packs.OverlayOversteps,
        OverlayMisses,
    ),
)
async def simulate_pack(
    code: Code, asked: SimulationRequest, person: OperatorOrAuthority, request: Request
) -> SimulationTold:
    """Compute a programme's stored acts again by a changed pack, and compare. Nothing is written, nobody is named."""
    pack = await pack_texts.read(asked.pack)
    overlays = None if asked.overlays is None else [await pack_texts.read(one) for one in asked.overlays]
    async with database(request).transaction() as session:
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        await programme_in_sight(session, person, code)
        if pack.kind == "programme" and pack.id != code:
            raise ProgrammeUnknown(programme=code)
        found = await simulating.simulate(
            session,
            tried=[pack],
            library=await library(),
            overlays=overlays,
            first=asked.first,
            last=asked.last,
            programme=code,
            most_acts=_MOST_ACTS,
        )
    return SimulationTold.of(pack, found)
