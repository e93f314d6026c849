"""Posts that people reported, and hiding those that may not stay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from backend.engagement import feed
from backend.engagement.feed import Reported
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import ProgrammeUnknown
from backend.programmes.features import Name
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}/feed", tags=["feed"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)
_Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class ReportedTold(Told):
    """A reported post as others see it. Who it is by and who reported it, is not told."""

    id: UUID
    handle: str | None
    display_name: str | None
    kind: str
    title_zh: str | None
    title_en: str | None
    posted_at: datetime
    reports: int
    causes: list[str]

    @classmethod
    def of(cls, one: Reported) -> ReportedTold:
        return cls(
            id=one.id,
            handle=one.author.handle if one.author else None,
            display_name=one.author.display_name if one.author else None,
            kind=one.kind,
            title_zh=one.title.zh if one.title else None,
            title_en=one.title.en if one.title else None,
            posted_at=one.posted_at,
            reports=one.reports,
            causes=list(one.causes),
        )


class Hiding(Asked):
    """Why a post may not stay; its author reads it."""

    reason_zh: _Reason
    reason_en: _Reason


@router.get("/reports", responses=problems(*_NOT_LET_IN))
async def list_reported_posts(
    code: Code, person: OperatorOrAuthority, settings: AppSettings, session: ReadSession
) -> list[ReportedTold]:
    """Posts that were reported and still stand, those with most reports first."""
    programme = await programme_in_sight(session, person, code)
    found = await feed.reported(session, settings.keys, programme=programme)
    return [ReportedTold.of(one) for one in found]


@router.post(
    "/{post_id}/hiding",
    status_code=204,
    responses=problems(*_NOT_LET_IN, feed.PostUnknown, feed.PostRemovedAlready),
)
async def hide_post(
    code: Code, post_id: UUID, asked: Hiding, person: Operator, session: WriteSession
) -> None:
    """Let nobody see it any longer."""
    programme = await programme_in_sight(session, person, code)
    await feed.hide(
        session,
        programme=programme,
        post_id=post_id,
        reason=Name(asked.reason_zh, asked.reason_en),
        staff_id=person.id,
    )
