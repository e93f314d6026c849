"""Lotteries and certificates of trees, as anybody may check them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request
from pydantic import Field
from starlette.responses import Response

from backend.engagement import lotteries, planting
from backend.kit import i18n
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Told
from backend.transparency.access import cached

router = Router(tags=["games"])

Number = Annotated[str, Path(pattern="^[0-9A-Za-z]{4}(-[0-9A-Za-z]{4}){2}$", examples=["K7MX-2QPD-9T4W"])]


class Logged(Told):
    """Where in the log something of it stands; `/log/entries` shows it and `/log/proofs/inclusion` proves it."""

    index: int
    kind: str


class LotteryPublished(Told):
    """A lottery, from its log entries alone. `docs/lottery_draw.py` takes this answer as a file and draws again.

    An entry is `<handle>-<number>`: entries of one person share a handle, and nobody learns whose it is.
    """

    lottery: UUID
    programme: str
    reward: str
    operator: str
    second: str
    points: int
    most_per_person: int | None
    most_entries: int | None
    one_prize_per_person: bool
    prizes: list[dict[str, Any]]
    enter_from: str
    enter_until: str
    reveal_until: str
    commitments: dict[str, str]
    entries: list[str] | None = Field(description="Null until the time for entering is over.")
    entries_sha256: str | None
    secrets: dict[str, str]
    outcome: str | None = Field(description="`drawn`, or `failed`: then all points went back.")
    seed: str | None
    winners: list[dict[str, Any]]
    failed_by: list[str] = Field(description="Who did not commit, or did not reveal in time.")
    log: list[Logged]


class CertificateTold(Told):
    """What a certificate's number stands for. `real` is false where the tree grows on screen only. It names nobody."""

    number: str
    programme: str
    programme_title: str
    kind: str
    real: bool
    title: str
    species: str | None
    partner: str | None
    reference: str | None
    place: str | None
    planted_on: date
    stands_until: date | None
    points: int


@router.get(
    "/lotteries/{lottery_id}", response_model=LotteryPublished, responses=problems(lotteries.LotteryUnknown)
)
async def read_lottery(request: Request, session: ReadSession, lottery_id: UUID) -> Response:
    """Everything that decides a lottery, as far as it is there: enough to draw it again."""
    told = await lotteries.published(session, lottery_id=lottery_id)
    return cached(request, LotteryPublished.model_validate(told))


@router.get(
    "/certificates/{number}", response_model=CertificateTold, responses=problems(planting.NoCertificate)
)
async def check_certificate(request: Request, session: ReadSession, number: Number) -> Response:
    """Whether a tree's certificate is genuine, and what it stands for. No person is named."""
    found = await planting.certificate(session, number=number)
    chinese = i18n.language() == "zh"
    own = {
        name: getattr(found, name)
        for name in CertificateTold.model_fields
        if name not in {"programme_title", "title", "species"}
    }
    species = found.species
    told = CertificateTold(
        programme_title=found.programme_title.zh if chinese else found.programme_title.en,
        title=found.title.zh if chinese else found.title.en,
        species=None if species is None else (species.zh if chinese else species.en),
        **own,
    )
    return cached(request, told)
