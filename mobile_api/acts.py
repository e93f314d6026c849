"""What I did, what it came to, and how that was computed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from backend import intake, methodologies
from backend.intake import Act, holding
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Told
from backend.methodologies import Explanation
from mobile_api.appeals import why

router = Router(prefix="/acts", tags=["acts"])

POOLED = "pooled"
WHY_NOT_POOLED: dict[str, tuple[str, str]] = {
    "right_not_assigned": (
        "行为发生时，减排量权益尚未委托。积分照常发放。",
        "The right to claim was not assigned at that time. The points are yours all the same.",
    ),
    "right_revoked": (
        "您收回了减排量权益，未被核证批次取走的克数已退出核证池。积分不变。",
        "You took the right to claim back, and no batch had taken the grams: they left the pool. The points stay yours.",
    ),
    "unlinked": (
        "行为发生时，所用的卡或账户尚未绑定。绑定后补发积分，减排量不进入核证池。",
        "Nobody held the card or account at that time. Linking it brought the points; the grams are not pooled.",
    ),
    "evidence": (
        "数据的证据等级不足以核证。",
        "The evidence is too weak for the grams to be credited.",
    ),
    "method_not_filed": (
        "所用方法学未在主管部门备案。",
        "The methodology is not filed with the authority.",
    ),
    "covered_boundary": (
        "减排发生在碳市场已覆盖的边界内，只计积分。",
        "The reduction lies inside a boundary that a carbon market covers already: points only.",
    ),
    "points_only": ("该行为只计积分。", "This kind of act earns points only."),
}


class ActTold(Told):
    """One act. `reduction_g` is what it avoided (gCO2e), `points` what it earned; one never stands for the other."""

    id: UUID
    happened_at: datetime
    programme: str
    source: str
    activity: str
    methodology: str
    reduction_g: int
    points: int
    benefit_fen: int = Field(
        description="What it earned where the programme gives money; `points` is 0 then."
    )
    pending_until: date | None = Field(
        description="The day from which what it earned may be collected; null where it could be spent at once."
    )
    expires_on: date | None = Field(
        description="The last day to collect it or, where nothing waits, to spend it; null where it never lapses or "
        "nothing was earned."
    )
    withheld: int = Field(description="What it would have earned beyond that, in points or fen.")
    withheld_because_text: str | None
    status: str = Field(
        description="`pooled`: the grams are on their way to credits; `uncredited`: they are not; `withdrawn`: the act "
        "no longer counts, and its points were taken back."
    )
    uncredited_because: str | None = Field(description="The reason's code; null when it was pooled.")
    uncredited_because_text: str | None
    recorded_at: datetime
    claimed_at: datetime | None = Field(
        description="When linking brought in an act that had waited; else null."
    )
    withdrawn_at: datetime | None
    withdrawn_because: str | None = Field(
        description="`withdrawn`, `corrected`, `conflict` or `appeal`; null while the act counts."
    )
    withdrawn_because_text: str | None
    replaced_by: UUID | None = Field(description="The act that counts instead.")
    appeal_until: date | None = Field(
        description="The last day (Asia/Shanghai) on which I may appeal; null unless it was withdrawn with nothing in its place."
    )

    @classmethod
    def of(cls, act: Act) -> ActTold:
        pooled = act.credit == POOLED
        return cls(
            id=act.key,
            happened_at=act.happened_at,
            programme=act.programme,
            source=act.source,
            activity=act.activity,
            methodology=act.methodology,
            reduction_g=act.grams,
            points=0 if act.money else act.points,
            benefit_fen=act.points if act.money else 0,
            pending_until=act.pending_until,
            expires_on=act.expires_on,
            withheld=act.capped + act.unfunded,
            withheld_because_text=_withheld(act),
            status="withdrawn" if act.withdrawn_at else "pooled" if pooled else "uncredited",
            uncredited_because=None if pooled else act.credit,
            uncredited_because_text=None if pooled else _why(act.credit),
            recorded_at=act.recorded_at,
            claimed_at=act.claimed_at,
            withdrawn_at=act.withdrawn_at,
            withdrawn_because=act.withdrawn_because,
            withdrawn_because_text=None if act.withdrawn_because is None else why(act.withdrawn_because),
            replaced_by=act.replaced_by,
            appeal_until=(
                None
                if act.withdrawn_at is None or act.replaced_by is not None
                else holding.last_day_to_appeal(act.withdrawn_at)
            ),
        )


class FactorTold(Told):
    """One figure of the formula, with its source."""

    id: str
    name: str
    value: str
    unit: str
    source_title: str
    source_url: str
    source_date: str
    confidence: str


class BaselineTold(Told):
    """What would have been done otherwise, as the methodology says, and where that is from; null where it does not say."""

    text: str
    source: str | None


class ExplanationTold(Told):
    """How the grams of one act were computed: methodology, edition, baseline, formula, figures and inputs."""

    text: str
    methodology: str
    version: str
    pack_sha256: str
    title: str
    official: bool = Field(description="False: the figures are not those of an officially filed methodology.")
    edition: str
    activity: str
    baseline: BaselineTold
    formula: str
    factors: list[FactorTold]
    inputs: dict[str, str]
    overlays: list[str]
    reduction_g: int

    @classmethod
    def of(cls, told: Explanation) -> ExplanationTold:
        zh = i18n.language() == "zh"
        factors: list[Any] = [
            FactorTold(
                id=factor.id,
                name=factor.name_zh if zh else factor.name_en,
                value=factor.value,
                unit=factor.unit,
                source_title=factor.source_title,
                source_url=factor.source_url,
                source_date=factor.source_date,
                confidence=factor.confidence,
            )
            for factor in told.factors
        ]
        stated = told.baseline_zh if zh else told.baseline_en
        unstated = "该方法学未写明基准线。" if zh else "The methodology does not state its baseline."
        return cls(
            baseline=BaselineTold(text=stated or unstated, source=told.baseline_source),
            text=told.zh if zh else told.en,
            methodology=told.methodology,
            version=told.version,
            pack_sha256=told.sha256,
            title=told.title_zh if zh else told.title_en,
            official=told.official,
            edition=told.edition,
            activity=told.activity_zh if zh else told.activity_en,
            formula=told.formula,
            factors=factors,
            inputs=dict(told.inputs),
            overlays=list(told.overlays),
            reduction_g=told.grams,
        )


class ExplainedAct(Told):
    """An act together with how it was computed."""

    act: ActTold
    explanation: ExplanationTold
    basis: list[str] = Field(
        description="What to know of how the act was read, such as that a distance is a lower bound."
    )


@router.get("", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_acts(citizen: SignedInCitizen, session: ReadSession, asked: Paging) -> Page[ActTold]:
    """My acts, newest first."""
    after = asked.after(str, str)
    acts = await intake.acts_of(
        session,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(acts, position=lambda act: act.cursor, show=ActTold.of)


@router.get(
    "/{act_id}",
    responses=problems(Unauthenticated, intake.ActUnknown, methodologies.EngineDiffers),
)
async def explain_act(act_id: UUID, citizen: SignedInCitizen, session: ReadSession) -> ExplainedAct:
    """One of my acts and how its grams were computed, every figure with its source."""
    found = await intake.explain_act(session, participant_id=citizen.id, key=act_id)
    zh = i18n.language() == "zh"
    return ExplainedAct(
        act=ActTold.of(found.act),
        explanation=ExplanationTold.of(found.explanation),
        basis=[note_zh if zh else note_en for note_zh, note_en in found.basis],
    )


BUDGET_USED_UP = (
    "感谢您的绿色行动！本计划当期的奖励预算已用完，这次行为照常记录，减排量不受影响。",
    "Thank you! The programme's budget for rewards is used up for now; the act is on record, and its grams count all the same.",
)
CAPPED = (
    "已达到本计划的每日或每月上限，超出部分不再计奖励。",
    "The programme's cap of a day or month is reached; what is beyond it earns nothing more.",
)


def _withheld(act: Act) -> str | None:
    told = [*([CAPPED] if act.capped else []), *([BUDGET_USED_UP] if act.unfunded else [])]
    return " ".join(zh if i18n.language() == "zh" else en for zh, en in told) or None


def _why(reason: str) -> str:
    zh, en = WHY_NOT_POOLED.get(reason, (reason, reason))
    return zh if i18n.language() == "zh" else en
