"""Noting that a participant was shown to be a person: at a counter, by a document, or by a contracted service's own list."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr

from backend.identity import looks, people, proving
from backend.identity.proving import Because
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import Operator
from operator_api.looks import Reason, note

router = Router(tags=["participants"])


class ProofNoted(Asked):
    """What names the person at the provider, and why it is noted; the participant is told the reason."""

    provider: Code = Field(description="Numbers of one provider are compared with each other only.")
    number: Annotated[SecretStr, Field(min_length=4, max_length=128)] = Field(
        description="Kept nowhere: only a keyed digest is, which leads to nobody without the platform's key."
    )
    reason: Reason


class ProofOutcome(Told):
    """Whether points can be spent from this account now, and if not, why. Whose the other account is, is not told."""

    look_id: UUID
    redeemable: bool
    because: Because | None


@router.post(
    "/participants/{participant_id}/proofs",
    status_code=201,
    responses=problems(
        Unauthenticated,
        Forbidden,
        people.ParticipantUnknown,
        looks.ReasonMissing,
        proving.AnotherPerson,
    ),
)
async def note_proof(
    participant_id: UUID, asked: ProofNoted, person: Operator, settings: AppSettings, session: WriteSession
) -> ProofOutcome:
    """Note who a participant is shown to be. It is noted as a look for good; again changes nothing of the proof."""
    await people.participant_of(session, participant_id=participant_id)
    look_id = await note(
        session, person, participant_id=participant_id, operation="note_proof", reason=asked.reason
    )
    await proving.prove(
        session,
        settings.keys,
        participant_id=participant_id,
        provider=asked.provider,
        subject="".join(asked.number.get_secret_value().split()).upper(),
    )
    because = await proving.barred(session, participant_id=participant_id)
    return ProofOutcome(look_id=look_id, redeemable=because is None, because=because)
