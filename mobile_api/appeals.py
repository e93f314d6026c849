"""What of mine waits or was refused, why, and how I ask a person to look at it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import Field, StringConstraints

from backend import intake
from backend.identity import people
from backend.intake import holding
from backend.intake.holding import Appeal, OwnHeld
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from mobile_api.library import library

router = Router(tags=["appeals"])

WHY: dict[str, tuple[str, str]] = {
    "claim": (
        "同一行为已由另一来源或以不同内容申报，两份申报的证据需要比较。",
        "The same act was reported by another source, or with other facts: one of the two can stand.",
    ),
    "overlap": (
        "同一时间已记录了您的另一次出行，一人不能同时出行两次。",
        "Another trip of yours at the same time is on record; nobody travels twice at once.",
    ),
    "early": ("该行为在计划允许的时间之前报送。", "The act was reported earlier than the programme allows."),
    "late": ("该行为报送过晚，超出计划允许的时间。", "The act was reported later than the programme allows."),
    "screen": (
        "该行为未通过合理性检查，需人工核实。",
        "The act looked implausible, so a person must look at it.",
    ),
    "withdrawn": (
        "报送方或运营方撤销了这条记录。",
        "Whoever reported the act, or the operator, took it back.",
    ),
    "corrected": ("报送方更正了这条记录。", "Whoever reported the act corrected it."),
    "conflict": ("证据等级更高的记录取代了这条记录。", "A report with better evidence took its place."),
    "appeal": ("因申诉而被取代。", "It gave way to an act that an appeal brought back."),
}
Texts = Mapping[
    tuple[str, str], tuple[str, str]
]  # by programme and code: what the screens' pack tells citizens
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Line = Annotated[int, Path(ge=1, le=2**62)]


class HeldActTold(Told):
    """An act of mine that waits for a decision or was refused: it earned nothing so far."""

    job_id: UUID
    line: int
    state: Literal["waiting", "refused"]
    kind: str
    code: str
    why: str = Field(description="Why it was held, in words.")
    happened_at: dt.datetime
    programme: str
    source: str
    activity: str
    reduction_g: int = Field(description="What it would have avoided (gCO2e).")
    points: int = Field(description="What it would have earned, before any cap.")
    received_at: dt.datetime
    decided_at: dt.datetime | None
    reason: str = Field(description="What whoever refused it wrote; empty when a rule did.")
    appeal: Literal["open", "upheld", "dismissed"] | None
    appeal_until: dt.date | None = Field(
        description="The last day (Asia/Shanghai) on which I may appeal; null while it waits: I may at any time then."
    )

    @classmethod
    def of(cls, one: OwnHeld, told: Texts) -> HeldActTold:
        row = one.held
        of_its_own = told.get((row.programme, row.code or row.kind))
        return cls(
            job_id=row.job_id,
            line=row.line,
            state=one.state,
            kind=row.kind,
            code=row.code,
            why=why(row.kind) if of_its_own is None else _said(of_its_own),
            happened_at=row.facts.happened_at,
            programme=row.programme,
            source=row.source,
            activity=row.activity,
            reduction_g=row.facts.grams,
            points=row.points,
            received_at=row.received_at,
            decided_at=row.decided_at,
            reason=row.reason,
            appeal=one.appeal,
            appeal_until=None if row.decided_at is None else holding.last_day_to_appeal(row.decided_at),
        )


class NewAppeal(Asked):
    """What I want to be considered."""

    words: Words


class AppealTold(Told):
    """An appeal of mine. The operator answers it until the end of `due_on` (Asia/Shanghai)."""

    id: UUID
    state: Literal["open", "upheld", "dismissed"]
    programme: str
    activity: str
    happened_at: dt.datetime
    kind: str
    why: str
    due_on: dt.date
    appealed_at: dt.datetime
    reason: str = Field(description="What the operator answered.")
    act_id: UUID | None = Field(description="The act that counts now because of it.")
    answered_at: dt.datetime | None

    @classmethod
    def of(cls, one: Appeal) -> AppealTold:
        return cls(
            id=one.id,
            state=one.outcome or "open",
            programme=one.programme,
            activity=one.activity,
            happened_at=one.happened_at,
            kind=one.kind,
            why=why(one.kind),
            due_on=one.due_on,
            appealed_at=one.appealed_at,
            reason=one.reason,
            act_id=one.accepted_key,
            answered_at=one.answered_at,
        )


@router.get("/held-acts", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_held_acts(citizen: SignedInCitizen, session: ReadSession, asked: Paging) -> Page[HeldActTold]:
    """My acts that wait for a decision or were refused, newest first, and why."""
    after = asked.after(str, str, int)
    found = await holding.own_held(
        session,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1], after[2]) if after else None,
    )
    told = await holding.told_of(
        session, programmes={one.held.programme for one in found}, library=await library()
    )
    return asked.page(found, position=lambda one: one.cursor, show=lambda one: HeldActTold.of(one, told))


_FILED = (holding.NothingToAppeal, holding.AppealTooLate, people.ParticipantUnknown)


@router.post(
    "/held-acts/{job_id}/{line}/appeal", responses=problems(Unauthenticated, holding.HeldUnknown, *_FILED)
)
async def appeal_held_act(
    *,
    job_id: UUID,
    line: Line,
    asked: NewAppeal,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
) -> AppealTold:
    """Ask a person to look at an act of mine that waits or was refused. Asking again answers the first appeal."""
    filed = await holding.appeal_held(
        session, settings.keys, participant_id=citizen.id, job_id=job_id, line=line, words=asked.words
    )
    return AppealTold.of(filed)


@router.post("/acts/{act_id}/appeal", responses=problems(Unauthenticated, intake.ActUnknown, *_FILED))
async def appeal_withdrawn_act(
    act_id: UUID, asked: NewAppeal, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> AppealTold:
    """Ask a person to look at an act of mine that was withdrawn. Asking again answers the first appeal."""
    filed = await holding.appeal_withdrawn(
        session, settings.keys, participant_id=citizen.id, key=act_id, words=asked.words
    )
    return AppealTold.of(filed)


@router.get("/appeals", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_appeals(citizen: SignedInCitizen, session: ReadSession, asked: Paging) -> Page[AppealTold]:
    """My appeals, newest first, with what was answered."""
    after = asked.after(str, str)
    found = await holding.own_appeals(
        session,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(
        found, position=lambda one: (one.appealed_at.isoformat(), str(one.id)), show=AppealTold.of
    )


def why(kind: str) -> str:
    """Why an act of this kind waits or no longer counts, in the language of the request."""
    return _said(WHY[kind])


def _said(texts: tuple[str, str]) -> str:
    return texts[0] if i18n.language() == "zh" else texts[1]
