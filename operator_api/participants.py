"""Households and firms as participants, and partners' lists of who holds what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from backend.identity import means, people
from backend.identity.means import Listed, MeansKind
from backend.identity.organisations import Role
from backend.identity.people import ParticipantKind
from backend.kit import clock, idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import Operator, OperatorOrPartner, Partner
from operator_api.scope import own_code

router = Router(tags=["participants"])

Number = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


class NewParticipant(Asked):
    """A household around a meter, or a small firm. Citizens make themselves, by signing in."""

    kind: Literal["household", "firm"]


class ParticipantTold(Told):
    """A participant, by pseudonym."""

    id: UUID
    kind: ParticipantKind
    created_at: datetime


class ListLine(Asked):
    """Who holds the means with this number, and since when."""

    number: Number
    participant_id: UUID
    held_from: AwareDatetime


class MeansList(Asked):
    """An operator's own list of who holds its cards, accounts or meters."""

    kind: MeansKind
    operator: Code
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="What the list is called in the operator's own files."
    )
    lines: list[ListLine] = Field(min_length=1, max_length=5000)


class MeansListTold(Told):
    """What became of the lines: received = linked + already + held_by_others."""

    received: int
    linked: int
    already: int
    held_by_others: int


class LinkCodeRequest(Asked):
    """The number for which a code is to be made, at the request of whoever holds it."""

    kind: MeansKind
    number: Number


class LinkCodeTold(Told):
    """A code that proves holding the number, today and tomorrow (Asia/Shanghai)."""

    code: str


@router.post(
    "/participants",
    status_code=201,
    responses=problems(Unauthenticated, Forbidden, *idempotency.REFUSALS),
)
async def create_participant(
    asked: NewParticipant, _person: Operator, session: WriteSession, _: IdempotencyKey
) -> ParticipantTold:
    """Make a household or a firm a participant."""
    return ParticipantTold.model_validate(await people.register(session, kind=ParticipantKind(asked.kind)))


@router.post(
    "/means/lists",
    responses=problems(
        Unauthenticated,
        Forbidden,
        people.ParticipantUnknown,
        means.HeldInTheFuture,
        means.MeansMisnamed,
        *idempotency.REFUSALS,
    ),
)
async def link_means_list(
    asked: MeansList,
    person: OperatorOrPartner,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> MeansListTold:
    """Link what an operator's list says; a partner may send its own only. Sending it again changes nothing."""
    if Role.OPERATOR not in person.roles and asked.operator != await own_code(session, person):
        raise Forbidden
    linked = await means.link_list(
        session,
        settings.keys,
        kind=asked.kind.value,
        operator=asked.operator,
        lines=[Listed(line.number, line.participant_id, line.held_from) for line in asked.lines],
        proof_reference=asked.reference,
    )
    return MeansListTold.model_validate(linked)


@router.post("/means/link-codes", responses=problems(Unauthenticated, Forbidden, means.MeansMisnamed))
async def make_link_code(
    asked: LinkCodeRequest, person: Partner, settings: AppSettings, session: ReadSession
) -> LinkCodeTold:
    """Make the code by which the holder of one of my numbers can link it today or tomorrow."""
    code = means.link_code(
        settings.keys,
        kind=asked.kind.value,
        operator=await own_code(session, person),
        number=asked.number,
        day=clock.today(),
    )
    return LinkCodeTold(code=code)
