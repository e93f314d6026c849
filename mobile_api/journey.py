"""Where the grams of one of my acts went: from the pool to the tonne, and to who surrendered it and for which year.

What is told of tonnes is read from the public log by the act's own receipt, which is proved on the way; the log says
nothing of who rode, and this answer is for the act's holder alone.
"""

from __future__ import annotations

import enum
from uuid import UUID

from pydantic import Field

from backend import certification, intake, methodologies
from backend.certification import proofs
from backend.kit import i18n
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, Router
from backend.kit.problems import problems
from backend.kit.quantities import Grams
from backend.kit.schemas import Told
from backend.transparency import Status
from backend.transparency.access import Followed
from backend.transparency.acts import trace
from backend.transparency.schemas import ActStepTold
from mobile_api.acts import ActTold

router = Router(prefix="/acts", tags=["acts"])


class Stage(enum.StrEnum):
    """How far an act's grams have come; the farthest of them decides."""

    UNCREDITED = "uncredited"
    WITHDRAWN = "withdrawn"
    POOLED = "pooled"
    BATCHED = "batched"
    REJECTED = "rejected"
    ISSUED = "issued"
    SURRENDERED = "surrendered"
    CANCELLED = "cancelled"


TEXTS: dict[Stage, tuple[str, str]] = {
    Stage.UNCREDITED: ("该行为的减排量没有进入核证池。", "The grams of this act are in no pool."),
    Stage.WITHDRAWN: ("该行为已不再计算。", "This act no longer counts."),
    Stage.POOLED: ("减排量在核证池中，等待监测期结束。", "The grams are in a pool and wait for its period to be closed."),
    Stage.BATCHED: ("减排量已进入批次，等待核查与签发。", "The grams are in a batch, on the way to being verified and issued."),
    Stage.REJECTED: ("核查时被剔除或扣减，没有签发。", "Verification took the grams out: none of them was issued."),
    Stage.ISSUED: ("减排量已签发为核证减排量。", "The grams are part of issued credits."),
    Stage.SURRENDERED: ("减排量已用于企业清缴。", "The grams were surrendered by an enterprise."),
    Stage.CANCELLED: ("减排量已注销。", "The grams were cancelled, for good."),
}  # fmt: skip


class JourneyTold(Told):
    """Where one act's grams went. Each step is a batch; its `tonnes` say by whom they are held or were surrendered."""

    act: ActTold
    stage: Stage
    text: str
    counted_g: Grams | None = Field(
        description="What the batch has of the act, 0 when verification took it out; null before it is in one."
    )
    steps: list[ActStepTold] = Field(
        description="Batches through which the grams went. A tonne with `status` `surrendered` names its `holder` and "
        "`compliance_year`. Empty before a batch whose entry is under a signed head of the log."
    )
    as_of_entries: int | None = Field(description="How many entries of the log this answer knows.")


def _stage(act: ActTold, steps: list[ActStepTold]) -> Stage:
    standing = {tonne.status for step in steps for tonne in step.tonnes}
    if Status.SURRENDERED in standing:
        return Stage.SURRENDERED
    if Status.CANCELLED in standing:
        return Stage.CANCELLED
    if standing:
        return Stage.ISSUED
    if steps:
        return Stage.BATCHED
    return Stage(act.status)


@router.get(
    "/{act_id}/journey",
    responses=problems(Unauthenticated, intake.ActUnknown, methodologies.EngineDiffers),
)
async def follow_act(
    act_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: Followed
) -> JourneyTold:
    """Where the grams of one of my acts went: pool, batch, serial numbers, and by whom and for which year they were used."""
    found = await intake.explain_act(session, participant_id=citizen.id, key=act_id)
    act = ActTold.of(found.act)
    counted_g = as_of = None
    steps: list[ActStepTold] = []
    try:
        receipt = await certification.receipt(
            session, settings.keys, participant_id=citizen.id, claim_key=act_id
        )
    except certification.NotFrozenYet:
        stage = _stage(act, steps)
    except certification.HeadNotSigned:
        stage = Stage.BATCHED
    else:
        traced = await trace(session, proofs.to_bytes(receipt.proof))
        counted_g, as_of = receipt.counted_g, traced.as_of_entries
        steps = [ActStepTold.model_validate(step) for step in traced.steps]
        stage = _stage(act, steps) if counted_g else Stage.REJECTED
    zh, en = TEXTS[stage]
    return JourneyTold(
        act=act,
        stage=stage,
        text=zh if i18n.language() == "zh" else en,
        counted_g=counted_g,
        steps=steps,
        as_of_entries=as_of,
    )
