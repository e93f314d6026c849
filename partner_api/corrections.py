"""Corrections: an event is taken back, or stands from now on as it should have been sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import Field, StringConstraints, model_validator

from backend import intake
from backend.identity import partners
from backend.intake import holding
from backend.intake.errors import ROW_REASONS
from backend.intake.holding import Correction, CorrectionAnswer
from backend.kit import i18n, idempotency
from backend.kit.http import Router, WriteSession, database, settings_of
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from partner_api.access import NOT_LET_IN, LivePartner
from partner_api.exact import exact
from partner_api.library import library
from partner_api.scope import own_source
from partner_api.turns import BatchesBusy, BatchTurn

router = Router(tags=["corrections"])

MOST = 1000  # of one request: each is a transaction of its own

_REASONS: dict[str, tuple[str, str]] = {
    "event_unknown": ("该数据来源没有这一事件", "this source sent no such event"),
    "withdrawn_before": ("该事件此前已撤回", "the event was withdrawn before"),
    "claimed_elsewhere": ("更正后的事件已被另行申报", "the corrected event is claimed elsewhere"),
    "too_late_to_correct": ("已超过可更正的期限", "it is too late to correct the event"),
    "filtered": ("映射会略过更正后的事件", "the mapping would leave the corrected event out"),
}


class OneCorrection(Asked):
    """An event, named by `claim_key` or by `event` as it was sent, and how it should be; without `replacement` it is withdrawn."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    claim_key: UUID | None = None
    event: dict[str, Any] | None = None
    replacement: dict[str, Any] | None = None
    reference: Annotated[str, StringConstraints(max_length=100)] = ""

    @model_validator(mode="after")
    def _names_one(self) -> OneCorrection:
        if (self.claim_key is None) == (self.event is None):
            raise ValueError("claim_key or event")
        return self


class NewCorrections(Asked):
    """Corrections of events of one source."""

    source: Code
    corrections: list[OneCorrection] = Field(min_length=1, max_length=MOST)


class CorrectionTold(Told):
    """What became of one correction, by its place, from 0; `claim_key` is the act that stands now."""

    index: int
    outcome: Literal["corrected", "withdrawn", "repeated", "unchanged", "refused"]
    code: str
    message: str
    field: str
    bound: str
    claim_key: UUID | None
    reduction_g: int
    points: int

    @classmethod
    def of(cls, one: CorrectionAnswer) -> CorrectionTold:
        zh, en = _REASONS.get(one.code) or ROW_REASONS.get(one.code, (one.code, one.code))
        return cls(
            index=one.index,
            outcome=one.outcome,
            code=one.code,
            message=zh if i18n.language() == "zh" else en,
            field=one.field,
            bound=one.bound,
            claim_key=one.claim_key,
            reduction_g=one.grams,
            points=one.points,
        )


class CorrectionsTold(Told):
    """The answers in the order of the corrections."""

    corrections: list[CorrectionTold]


@router.post(
    "/corrections",
    responses=problems(
        *NOT_LET_IN, partners.SandboxKey, BatchesBusy, intake.SourceUnknown, *idempotency.REFUSALS
    ),
)
async def correct(
    asked: NewCorrections,
    caller: LivePartner,
    _turn: BatchTurn,
    request: Request,
    session: WriteSession,
    _: IdempotencyKey,
) -> CorrectionsTold:
    """Correct or withdraw events, each for itself; the same correction again answers `repeated` and changes nothing."""
    await own_source(session, caller, asked.source)
    raw = await exact(request, "corrections")
    answers = await holding.correct_events(
        database(request),
        settings_of(request),
        source=asked.source,
        corrections=[
            Correction(
                reason=one.reason,
                claim_key=one.claim_key,
                event=written.get("event"),
                replacement=written.get("replacement"),
                reference=one.reference,
            )
            for one, written in zip(asked.corrections, raw, strict=True)
        ],
        library=await library(),
    )
    return CorrectionsTold(corrections=[CorrectionTold.of(one) for one in answers])
