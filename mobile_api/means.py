"""Linking cards, bike accounts and meters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import AwareDatetime, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake
from backend.identity import consent, joining, means
from backend.identity.consent import Scenario
from backend.identity.means import Holding, MeansKind, takeovers
from backend.intake import takeovers_told
from backend.intake.trips import told_right
from backend.kit import idempotency, paging
from backend.kit import problems as kit_problems
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Sha256, Told

router = Router(prefix="/means", tags=["means"])

Agreed = Annotated[
    Sha256 | None,
    Field(
        description="The fingerprint of the scenario consent that I read: with it I say yes to the scenarios of this kind of "
        "means that I never spoke of. Without it one of them must have been said yes to before."
    ),
]
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
    consent_sha256: Agreed = None


class LinkByTrips(Asked):
    """A card or account, and when the last three trips with it began."""

    kind: MeansKind
    operator: Code = Field(description="The code of the organisation that runs it.")
    number: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    began_at: Annotated[list[AwareDatetime], Field(min_length=3, max_length=3)] = Field(
        description="In any order, each to within three minutes."
    )
    consent_sha256: Agreed = None


class LinkByCharge(Asked):
    """A means and what its operator charged to it for this."""

    kind: MeansKind
    operator: Code = Field(description="The code of the organisation that runs it.")
    number: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    amount_fen: Annotated[int, Field(ge=1, le=means.MOST_FEN)]
    consent_sha256: Agreed = None


class MeansNamed(Asked):
    """A means by its number, once more."""

    kind: MeansKind
    operator: Code = Field(description="The code of the organisation that runs it.")
    number: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    consent_sha256: Agreed = None


class Objection(Asked):
    """Why it stays mine; a person of the operator reads it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class TakeoverTold(Told):
    """What I asked for of somebody else's; who that is is not told."""

    takeover_id: UUID
    kind: str
    operator: str
    asked_at: datetime
    objects_until: datetime
    state: takeovers.State

    @classmethod
    def of(cls, one: takeovers.Takeover) -> TakeoverTold:
        return cls(
            takeover_id=one.id,
            kind=one.kind,
            operator=one.operator,
            asked_at=one.asked_at,
            objects_until=one.objects_until,
            state=one.state,
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
        consent.AgreementChanged,
        consent.ConsentNeeded,
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
    silent = await _asked(session, citizen, asked)
    await means.count_link_attempt(session, settings.keys, participant_id=citizen.id, times=1, **which)
    try:
        holding = await means.link_with_code(
            session, settings.keys, participant_id=citizen.id, code=asked.code, **which
        )
    except means.LinkCodeWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempt stays counted
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    await _agree(session, citizen, asked, silent)
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
        means.TooOftenTold,
        consent.AgreementChanged,
        consent.ConsentNeeded,
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
    held it. Three attempts a day, three a month on one number, and none for one that was lost.
    """
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    silent = await _asked(session, citizen, asked)
    await means.count_link_attempt(
        session, settings.keys, participant_id=citizen.id, times=means.ATTEMPTS_OF_TRIPS, **which
    )
    await means.count_trips_told(session, settings.keys, **which)
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    if not await told_right(session, token=token, times=asked.began_at):
        return kit_problems.answer(means.TripsWrong())  # returned, not raised: the attempts stay counted
    try:
        holding = await means.link_by_trips(session, settings.keys, participant_id=citizen.id, **which)
    except means.TripsWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempts stay counted
    await _agree(session, citizen, asked, silent)
    await intake.claim_waiting(session, participant_id=citizen.id, token=token)
    return LinkedMeans.of(holding)


@router.post(
    "/by-charge",
    status_code=201,
    response_model=LinkedMeans,
    responses=problems(
        Unauthenticated,
        means.ChargeWrong,
        means.MeansHeld,
        means.MeansMisnamed,
        means.TooManyLinkAttempts,
        consent.AgreementChanged,
        consent.ConsentNeeded,
        *idempotency.REFUSALS,
    ),
)
async def link_means_by_charge(
    asked: LinkByCharge,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> LinkedMeans | Response:
    """Link a card or account by the small amount that its operator charged to it; it is mine for the last 30 days unless somebody
    else held it. Three tries a charge and a day, and none for one that was lost.
    """
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    silent = await _asked(session, citizen, asked)
    await means.count_link_attempt(
        session, settings.keys, participant_id=citizen.id, times=means.ATTEMPTS_OF_CHARGE, **which
    )
    try:
        holding = await means.link_by_charge(
            session, settings.keys, participant_id=citizen.id, amount_fen=asked.amount_fen, **which
        )
    except means.ChargeWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the try stays counted
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    await _agree(session, citizen, asked, silent)
    await intake.claim_waiting(session, participant_id=citizen.id, token=token)
    return LinkedMeans.of(holding)


@router.post(
    "/takeovers",
    status_code=201,
    response_model=TakeoverTold,
    responses=problems(
        Unauthenticated,
        means.LinkCodeWrong,
        means.HoldingUnknown,
        means.MeansMisnamed,
        means.TakeoverWaits,
        means.TooManyLinkAttempts,
        *idempotency.REFUSALS,
    ),
)
async def ask_for_means(
    asked: LinkRequest,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> TakeoverTold | Response:
    """Ask for a card, account or meter that somebody else holds, by its operator's code: they are told, and have a week to object."""
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    await means.count_link_attempt(session, settings.keys, participant_id=citizen.id, times=1, **which)
    try:
        made = await takeovers.ask(
            session, settings.keys, participant_id=citizen.id, code=asked.code, **which
        )
    except (means.LinkCodeWrong, means.HoldingUnknown) as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempt stays counted
    await takeovers_told.tell(session, made)
    return TakeoverTold.of(made)


@router.get("/takeovers", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_my_takeovers(
    citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[TakeoverTold]:
    """What I asked for that somebody else held, and how it stands; the newest first."""
    after = asked.after(UUID)
    found = await takeovers.asked_by(
        session,
        takers=await _mine(session, citizen),
        before=after[0] if after else None,
        limit=asked.fetch,
    )
    return asked.page(found, position=lambda one: (one.id,), show=TakeoverTold.of)


@router.delete(
    "/takeovers/{takeover_id}",
    responses=problems(Unauthenticated, means.TakeoverUnknown, means.TakeoverEnded),
)
async def withdraw_takeover(
    takeover_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> TakeoverTold:
    """Ask for it no more: it stays its holder's, and somebody else may ask. Again changes nothing."""
    mine = await _mine(session, citizen)
    return TakeoverTold.of(await takeovers.withdraw(session, takers=mine, takeover_id=takeover_id))


@router.post(
    "/takeovers/{takeover_id}/completion",
    status_code=201,
    responses=problems(
        Unauthenticated,
        means.TakeoverUnknown,
        means.TakeoverNotYet,
        means.TakeoverEnded,
        means.MeansMisnamed,
        consent.AgreementChanged,
        consent.ConsentNeeded,
        *idempotency.REFUSALS,
    ),
)
async def complete_takeover(
    takeover_id: UUID,
    asked: MeansNamed,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> LinkedMeans:
    """Hold it from now on: the week is over and nobody objected, or a person granted it. What was done before stays the other's."""
    which = {"kind": asked.kind.value, "operator": asked.operator, "number": asked.number}
    silent = await _asked(session, citizen, asked)
    holding, done = await takeovers.complete(
        session,
        settings.keys,
        participant_id=citizen.id,
        takeover_id=takeover_id,
        also=await joining.joined_accounts(session, participant_id=citizen.id),
        **which,
    )
    await takeovers_told.tell(session, done)
    await _agree(session, citizen, asked, silent)
    return LinkedMeans.of(holding)


@router.post(
    "/{holding_id}/objection", responses=problems(Unauthenticated, means.TakeoverUnknown, means.TakeoverEnded)
)
async def object_to_takeover(
    holding_id: HoldingId, asked: Objection, citizen: SignedInCitizen, session: WriteSession
) -> TakeoverTold:
    """Object to somebody's asking for what I hold: a person of the operator decides. Again changes nothing."""
    found = await takeovers.object_to(
        session, participant_id=citizen.id, holding_id=holding_id, reason=asked.reason
    )
    await takeovers_told.tell(session, found)
    return TakeoverTold.of(found)


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
        consent.AgreementChanged,
        consent.ConsentNeeded,
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
    silent = await _asked(session, citizen, asked)
    await means.count_link_attempt(session, settings.keys, participant_id=citizen.id, times=1, **which)
    try:
        holding = await means.link_with_code(
            session, settings.keys, participant_id=citizen.id, code=asked.code, **which
        )
    except means.LinkCodeWrong as refused:
        return kit_problems.answer(refused)  # returned, not raised: the attempt stays counted
    await means.replace(session, settings.keys, participant_id=citizen.id, holding_id=holding_id, by=holding)
    token = means.means_token(settings.keys, which["kind"], which["operator"], which["number"])
    await _agree(session, citizen, asked, silent)
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


async def _asked(
    session: AsyncSession, citizen: Principal, asked: LinkRequest | LinkByTrips | LinkByCharge | MeansNamed
) -> tuple[Scenario, ...]:
    """Before anything is guessed at: which scenarios this link says yes to."""
    return await consent.asked_on_linking(
        session, participant_id=citizen.id, kind=asked.kind.value, agreed=asked.consent_sha256 is not None
    )


async def _mine(session: AsyncSession, citizen: Principal) -> list[UUID]:
    return [citizen.id, *await joining.joined_accounts(session, participant_id=citizen.id)]


async def _agree(
    session: AsyncSession,
    citizen: Principal,
    asked: LinkRequest | LinkByTrips | LinkByCharge | MeansNamed,
    scenarios: tuple[Scenario, ...],
) -> None:
    if asked.consent_sha256 is not None:
        await consent.say_on_linking(
            session,
            participant_id=citizen.id,
            scenarios=scenarios,
            text_sha256=bytes.fromhex(asked.consent_sha256),
        )
