"""The receipt of one of my acts: proof of where its grams are, and which serial numbers they became."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from backend import certification, intake, methodologies
from backend.certification import ActReceipt, Printed, Stage, print_serial
from backend.certification.proofs import to_json
from backend.certification.receipts import Step
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router
from backend.kit.problems import problems
from backend.kit.quantities import Grams
from backend.kit.schemas import Told

router = Router(prefix="/acts", tags=["acts"])


class StepTold(Told):
    """Where the grams are in one batch. Grams beyond its last whole tonne were carried on to the next step's batch."""

    batch_id: UUID
    book: str
    first_serial: int | None
    last_serial: int | None
    first_printed: str | None
    last_printed: str | None
    carried_on_g: Grams

    @classmethod
    def of(cls, one: Step) -> StepTold:
        return cls(
            batch_id=one.batch.id,
            book=one.issuance.book,
            first_serial=one.first_serial,
            last_serial=one.last_serial,
            first_printed=_printed(one, one.first_serial),
            last_printed=_printed(one, one.last_serial),
            carried_on_g=one.carried_on_g,
        )


class ReceiptTold(Told):
    """My act's receipt. Keep `proof` as a file: `puhui verify` checks it offline, and only whoever has it can show the act."""

    batch_id: UUID
    stage: Stage
    frozen_g: Grams
    counted_g: Grams = Field(
        description="What of it is certified; what was frozen, as long as nothing is issued."
    )
    reduced_because: str | None = Field(
        description="The verifier's reason when fewer grams count; else null."
    )
    steps: list[StepTold]
    proof: dict[str, Any]

    @classmethod
    def of(cls, one: ActReceipt) -> ReceiptTold:
        return cls(
            batch_id=one.batch.id,
            stage=one.batch.stage,
            frozen_g=one.frozen_g,
            counted_g=one.counted_g,
            reduced_because=None if one.finding is None else one.finding.reason.value,
            steps=[StepTold.of(step) for step in one.steps],
            proof=to_json(one.proof),
        )


def _printed(step: Step, number: int | None) -> str | None:
    if number is None:
        return None
    batch, series = step.batch, step.batch.series
    return print_serial(
        Printed(step.issuance.book, number, batch.region, series.vintage_year, series.methodology)
    )


@router.get(
    "/{act_id}/receipt",
    responses=problems(
        Unauthenticated,
        intake.ActUnknown,
        certification.NotFrozenYet,
        certification.HeadNotSigned,
        methodologies.EngineDiffers,
    ),
)
async def get_receipt(
    act_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> ReceiptTold:
    """The receipt of one of my acts, once it is in a batch: its place in the tree, and the serial numbers behind it."""
    return ReceiptTold.of(
        await certification.receipt(session, settings.keys, participant_id=citizen.id, claim_key=act_id)
    )
