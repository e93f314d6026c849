"""What the platform holds about the person who asks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from backend.identity import people
from backend.identity.people import ParticipantKind
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Told

router = Router(tags=["me"])


class Me(Told):
    """The participant behind the token; everything else on the platform knows the pseudonym only."""

    participant_id: UUID
    kind: ParticipantKind
    phone_masked: str | None = Field(description="All but the last four digits are hidden.")
    joined_at: datetime


@router.get("/me", responses=problems(Unauthenticated, people.ParticipantUnknown))
async def get_me(citizen: SignedInCitizen, settings: AppSettings, session: ReadSession) -> Me:
    """Who I am here."""
    participant = await people.participant_of(session, participant_id=citizen.id)
    phone = await people.phone_of(session, settings.keys, participant_id=citizen.id)
    return Me(
        participant_id=participant.id,
        kind=participant.kind,
        phone_masked=people.masked(phone) if phone else None,
        joined_at=participant.created_at,
    )
