"""What people of a programme let others see of what they achieved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend import programmes
from backend.engagement import circle, feed
from backend.engagement.feed import Audience, Cause, OwnPost, Post, PostKind
from backend.identity.guardians import NotAllowedByGuardian
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown
from backend.programmes.features import Name

router = Router(prefix="/programmes/{programme}/feed", tags=["feed"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff)


def _said(name: Name) -> str:
    return name.zh if i18n.language() == "zh" else name.en


class Sharing(Asked):
    """What I let others see. There are no words of one's own: `reference` names what was achieved."""

    kind: PostKind
    reference: Annotated[str, StringConstraints(min_length=1, max_length=130)] = Field(
        description="The id of a finished task, a level, an achievement, a tree's order, or my team."
    )
    audience: Audience


class SharedTold(Told):
    """The post that stands now."""

    id: UUID


class PostTold(Told):
    """Something that somebody achieved."""

    id: UUID
    handle: str
    display_name: str
    kind: str
    title: str
    audience: str
    posted_at: datetime
    likes: int
    liked: bool
    mine: bool

    @classmethod
    def of(cls, one: Post) -> PostTold:
        return cls(
            id=one.id,
            handle=one.author.handle,
            display_name=one.author.display_name,
            kind=one.kind,
            title=_said(one.title),
            audience=one.audience,
            posted_at=one.posted_at,
            likes=one.likes,
            liked=one.liked,
            mine=one.mine,
        )


class OwnPostTold(Told):
    """Something that I shared, and what became of it."""

    id: UUID
    kind: str
    reference: str
    audience: str
    posted_at: datetime
    state: str = Field(
        description="`shown`, `lapsed`, `taken_back`, or `hidden` by the operator for `reason`."
    )
    reason: str | None

    @classmethod
    def of(cls, one: OwnPost) -> OwnPostTold:
        return cls(
            id=one.id,
            kind=one.kind,
            reference=one.reference,
            audience=one.audience,
            posted_at=one.posted_at,
            state=one.state,
            reason=_said(one.reason) if one.reason else None,
        )


class ReportAsked(Asked):
    """What is wrong with a post."""

    cause: Cause


@router.get("", responses=problems(*_REFUSED, paging.CursorUnusable))
async def read_feed(
    programme: Code, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[PostTold]:
    """Posts of my friends, mine, and those to the whole programme, the newest first."""
    running = await programmes.programme_of(session, code=programme)
    after = asked.after(datetime, UUID)
    rows = await feed.read(
        session,
        settings.keys,
        programme=running,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.posted_at, row.id), show=PostTold.of)


@router.get("/own", responses=problems(Unauthenticated, ProgrammeUnknown, paging.CursorUnusable))
async def list_own_posts(
    programme: Code, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[OwnPostTold]:
    """Everything that I ever shared here, and what became of it."""
    running = await programmes.programme_of(session, code=programme)
    after = asked.after(datetime, UUID)
    rows = await feed.own(
        session,
        settings.keys,
        programme=running,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.posted_at, row.id), show=OwnPostTold.of)


@router.post(
    "",
    status_code=201,
    responses=problems(
        *_REFUSED, circle.ProfileMissing, NotAllowedByGuardian, feed.NothingToShare, feed.PostHidden
    ),
)
async def share_achievement(
    programme: Code, asked: Sharing, citizen: SignedInCitizen, settings: AppSettings, session: WriteSession
) -> SharedTold:
    """Let my friends, or everybody in the programme, see something that I achieved."""
    running = await programmes.programme_of(session, code=programme)
    post = await feed.share(
        session,
        settings.keys,
        programme=running,
        participant_id=citizen.id,
        kind=asked.kind,
        reference=asked.reference,
        audience=asked.audience,
    )
    return SharedTold(id=post)


@router.delete(
    "/{post_id}",
    status_code=204,
    responses=problems(Unauthenticated, ProgrammeUnknown, feed.PostUnknown, feed.PostRemovedAlready),
)
async def take_back_post(
    programme: Code, post_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Let nobody see my post any longer."""
    running = await programmes.programme_of(session, code=programme)
    await feed.take_back(session, programme=running, participant_id=citizen.id, post_id=post_id)


@router.put(
    "/{post_id}/like",
    status_code=204,
    responses=problems(*_REFUSED, circle.ProfileMissing, NotAllowedByGuardian, feed.PostUnknown),
)
async def like_post(programme: Code, post_id: UUID, citizen: SignedInCitizen, session: WriteSession) -> None:
    """Like a post that I see."""
    running = await programmes.programme_of(session, code=programme)
    await feed.like(session, programme=running, participant_id=citizen.id, post_id=post_id, liked=True)


@router.delete(
    "/{post_id}/like",
    status_code=204,
    responses=problems(*_REFUSED, circle.ProfileMissing, NotAllowedByGuardian, feed.PostUnknown),
)
async def unlike_post(
    programme: Code, post_id: UUID, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Like it no longer."""
    running = await programmes.programme_of(session, code=programme)
    await feed.like(session, programme=running, participant_id=citizen.id, post_id=post_id, liked=False)


@router.post("/{post_id}/reports", status_code=204, responses=problems(*_REFUSED, feed.PostUnknown))
async def report_post(
    programme: Code, post_id: UUID, asked: ReportAsked, citizen: SignedInCitizen, session: WriteSession
) -> None:
    """Tell the operator that something is wrong with a post."""
    running = await programmes.programme_of(session, code=programme)
    await feed.report(
        session, programme=running, participant_id=citizen.id, post_id=post_id, cause=asked.cause
    )
