"""Opening what is held about one participant: for a stated reason, noted before it is answered, and told to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from backend import inbox, intake
from backend.identity import consent, looks, people
from backend.identity.people import ParticipantKind
from backend.inbox import Kind, Topic
from backend.kit import idempotency
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from operator_api.access import Operator
from operator_api.scope import programmes_in_sight

router = Router(tags=["participants"])

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
_ACTS = 20
_LOOKED_AT = Kind(
    "account.looked_at",
    Topic.ACCOUNT,
    "运营方工作人员查看了您的账户；查看记录中有机构与原因。",
    "Staff of an operator opened your account; the list of looks tells whose, and why.",
)
inbox.register(_LOOKED_AT)


class LookAsked(Asked):
    """Why the participant's account is opened; the participant is told the very words."""

    reason: Reason


class ActSeen(Told):
    """An act of a programme of one's own: no means, no place."""

    id: UUID
    programme: str
    activity: str
    happened_at: datetime
    reduction_g: int
    points: int
    credit: str


class ParticipantSeen(Told):
    """What an operator sees of a participant: their word on scenarios, and the latest acts in the operator's own programmes."""

    look_id: UUID
    participant_id: UUID
    kind: ParticipantKind
    created_at: datetime
    consents: dict[str, bool]
    acts: list[ActSeen]


async def note(
    session: WriteSession, person: Principal, *, participant_id: UUID, operation: str, reason: str
) -> UUID:
    """Note that this person opens a participant. Every operation that shows one participant's begins with it."""
    assert person.organisation_id is not None
    look_id = await looks.look(
        session,
        participant_id=participant_id,
        staff_id=person.id,
        organisation_id=person.organisation_id,
        operation=operation,
        reason=reason,
    )
    await inbox.tell(
        session, participant_id=participant_id, kind=_LOOKED_AT.name, refers_to=str(look_id), facts={}
    )
    return look_id


@router.post(
    "/participants/{participant_id}/looks",
    status_code=201,
    responses=problems(
        Unauthenticated, Forbidden, people.ParticipantUnknown, looks.ReasonMissing, *idempotency.REFUSALS
    ),
)
async def look_at_participant(
    participant_id: UUID, asked: LookAsked, person: Operator, session: WriteSession, _: IdempotencyKey
) -> ParticipantSeen:
    """Open a participant's account to answer a question of theirs. It is noted for good, and they are told."""
    participant = await people.participant_of(session, participant_id=participant_id)
    look_id = await note(
        session, person, participant_id=participant_id, operation="look_at_participant", reason=asked.reason
    )
    own = {one.code for one in await programmes_in_sight(session, person)}
    acts = await intake.acts_of(session, participant_id=participant_id, limit=_ACTS)
    said = await consent.consents_of(session, participant_id=participant_id)
    return ParticipantSeen(
        look_id=look_id,
        participant_id=participant.id,
        kind=participant.kind,
        created_at=participant.created_at,
        consents={one.scenario: one.given for one in said},
        acts=[
            ActSeen(
                id=act.key,
                programme=act.programme,
                activity=act.activity,
                happened_at=act.happened_at,
                reduction_g=act.grams,
                points=act.points,
                credit=act.credit,
            )
            for act in acts
            if act.programme in own
        ],
    )
