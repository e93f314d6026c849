"""Linking cards, bike accounts and meters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Response
from pydantic import AwareDatetime, Field, StringConstraints

from backend import intake
from backend.identity import means
from backend.identity.means import Holding, MeansKind
from backend.intake.trips import told_right
from backend.kit import idempotency, paging
from backend.kit import problems as kit_problems
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told

router = Router(prefix="/means", tags=["means"])

HoldingId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class LinkRequest(Asked):
    """A card, account or meter, and the code by which its operator says that I hold it."""

    kind: MeansKind
    operator: Code = Field(
        description="The code of the organisation that runs it.", examples=["shenzhen-tong"]
    )
    number: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    code: Annotated[str, StringConstraints(pattern="^[0-9]{8}$")] = Field(
        description="Eight digits from the operator, good on the day they are made and on the next."
    )


class LinkByTrips(Asked):
    """A card or account, and when the last three trips with it began."""

    kind: MeansKind
    operator: Code = Field(description="The code of the organisation that runs it.")
    number: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    began_at: Annotated[list[AwareDatetime], Field(min_length=3, max_length=3)] = Field(
        description="In any order, each to within three minutes."
    )


class LinkedMeans(Told):
    """A means that I hold or held, from `held_from` up to but not including `held_until`."""

    id: int
    kind: str
    operator: str
    number_ends_with: str | None
    held_from: datetime
    held_until: datetime | None
    proof: means.Proof
    linked_at: datetime

    @classmethod
    def of(cls, holding: Holding) -> LinkedMeans:
        return cls(
            id=holding.id,
            kind=holding.kind,
            operator=holding.operator,
            number_ends_with=holding.hint,
            held_from=holding.held_from,
            held_until=holding.held_until,
            proof=holding.proof,
            linked_at=holding.linked_at,
        )


@router.post(
    "",
    status_code=201,
    response_model=LinkedMeans,
    responses=problems(
        Unauthenticated,
        means.LinkCodeWrong,
        means.MeansHeld,
        means.MeansMisnamed,
        means.TooManyLinkAttempts,
        *idempotency.REFUSALS,
    ),
)
async def link_means(
    asked: LinkRequest,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> LinkedMeans | Response:
    """Link a card, account or meter; it is mine for the last 90 days unless somebody else held it,
    and acts that waited for its holder bring me their points. Ten attempts a day.
    """
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    await means.count_link_attempt(session, settings.keys, participant_id=citizen.id, times=1, **which)
    try:
        holding = await means.link_with_code(
            session, settings.keys, participant_id=citizen.id, code=asked.code, **which
        )
    except means.LinkCodeWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempt stays counted
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    await intake.claim_waiting(session, participant_id=citizen.id, token=token)
    return LinkedMeans.of(holding)


@router.post(
    "/by-trips",
    status_code=201,
    response_model=LinkedMeans,
    responses=problems(
        Unauthenticated,
        means.TripsWrong,
        means.MeansHeld,
        means.MeansMisnamed,
        means.TooManyLinkAttempts,
        *idempotency.REFUSALS,
    ),
)
async def link_means_by_trips(
    asked: LinkByTrips,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> LinkedMeans | Response:
    """Link a card or account by telling when its last three trips began; it is mine for the last 30 days unless somebody else
    held it. Three attempts a day, and none for one that was lost.
    """
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    await means.count_link_attempt(
        session, settings.keys, participant_id=citizen.id, times=means.ATTEMPTS_OF_TRIPS, **which
    )
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    if not await told_right(session, token=token, times=asked.began_at):
        return kit_problems.answer(means.TripsWrong())  # returned, not raised: the attempts stay counted
    try:
        holding = await means.link_by_trips(session, settings.keys, participant_id=citizen.id, **which)
    except means.TripsWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempts stay counted
    await intake.claim_waiting(session, participant_id=citizen.id, token=token)
    return LinkedMeans.of(holding)


@router.post("/{holding_id}/lost", responses=problems(Unauthenticated, means.HoldingUnknown))
async def lose_means(
    holding_id: HoldingId, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> LinkedMeans:
    """It is lost: nobody earns by it any more, until its operator's code says whose it is. Again changes nothing."""
    holding = await means.lose(session, settings.keys, participant_id=citizen.id, holding_id=holding_id)
    return LinkedMeans.of(holding)


@router.post(
    "/{holding_id}/replaced",
    response_model=LinkedMeans,
    responses=problems(
        Unauthenticated,
        means.HoldingUnknown,
        means.LinkCodeWrong,
        means.MeansHeld,
        means.MeansMisnamed,
        means.TooManyLinkAttempts,
    ),
)
async def replace_means(
    holding_id: HoldingId,
    asked: LinkRequest,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
) -> LinkedMeans | Response:
    """Another card or account takes its place, shown by its operator's code; the old one is not mine any more from now on."""
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    await means.count_link_attempt(session, settings.keys, participant_id=citizen.id, times=1, **which)
    try:
        holding = await means.link_with_code(
            session, settings.keys, participant_id=citizen.id, code=asked.code, **which
        )
    except means.LinkCodeWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempt stays counted
    await means.replace(session, settings.keys, participant_id=citizen.id, holding_id=holding_id, by=holding)
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    await intake.claim_waiting(session, participant_id=citizen.id, token=token)
    return LinkedMeans.of(holding)


@router.get("", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_means(
    citizen: SignedInCitizen, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[LinkedMeans]:
    """What I hold and held, in the order linked."""
    after = asked.after(int)
    holdings = await means.holdings_of(
        session,
        settings.keys,
        participant_id=citizen.id,
        after=after[0] if after else 0,
        limit=asked.fetch,
    )
    return asked.page(holdings, position=lambda holding: (holding.id,), show=LinkedMeans.of)


@router.delete("/{holding_id}", responses=problems(Unauthenticated, means.HoldingUnknown))
async def unlink_means(
    holding_id: HoldingId, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> LinkedMeans:
    """Stop holding it from now on; what was done with it before stays mine. Doing so again changes nothing."""
    holding = await means.close_holding(
        session, settings.keys, participant_id=citizen.id, holding_id=holding_id
    )
    return LinkedMeans.of(holding)
