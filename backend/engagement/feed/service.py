"""What people let others see of what they achieved, and what others make of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.engagement import circle
from backend.engagement.feed import queries
from backend.engagement.feed.achieved import standing
from backend.engagement.feed.errors import NothingToShare, PostHidden, PostRemovedAlready, PostUnknown
from backend.engagement.feed.model import Audience, Cause, OwnPost, Post, PostKind, Reported
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.programmes import Registered
from backend.programmes.features import Name

Position = tuple[datetime, UUID]

_MOST_ROUNDS = 5  # of looking for posts that stand, for one page
_MOST_REPORTED = 100


async def share(
    session: AsyncSession,
    keys: Keys,
    *,
    programme: Registered,
    participant_id: UUID,
    kind: PostKind,
    reference: str,
    audience: Audience,
) -> UUID:
    """Let friends, or everybody in the programme, see an achievement; sharing it again answers the post that stands.

    `reference` is the id of a finished task, a level, an achievement, a planted tree's order, or one's team. Raises
    FeatureOff, ProfileMissing, NothingToShare, PostHidden where the operator hid it before.
    """
    programmes.require(programme, "feed")
    handle = await circle.require_shown(session, programme=programme, participant_id=participant_id)
    told = (participant_id, kind, reference)
    if told not in await standing(session, keys, programme=programme, told=[told]):
        raise NothingToShare
    what = {
        "programme": programme.id,
        "participant": participant_id,
        "kind": kind,
        "reference": reference,
    }
    same = (await session.execute(queries.SAME, what)).all()
    if any(one.hidden for one in same):
        raise PostHidden
    for one in same:
        if not one.removed and one.handle == handle:
            if one.audience == audience:
                return UUID(str(one.id))
            await _remove(session, one.id)  # shared again with others: the earlier post goes
    post = ids.uuid7()
    await session.execute(
        queries.ADD, {**what, "id": post, "handle": handle, "audience": audience, "at": clock.now()}
    )
    return post


async def read(
    session: AsyncSession,
    keys: Keys,
    *,
    programme: Registered,
    participant_id: UUID,
    limit: int,
    after: Position | None = None,
) -> list[Post]:
    """The posts that the caller may see now, the newest first: one's own, friends', and those to the programme.

    A post is there while its author agrees to be shown and what it tells of stands. Raises FeatureOff.
    """
    programmes.require(programme, "feed")
    mine = await circle.friends_of(session, programme=programme, participant_id=participant_id)
    found: list[Post] = []
    for _ in range(_MOST_ROUNDS):
        asked = {
            "programme": programme.id,
            "circle": [participant_id, *mine],
            "before": after[0] if after else None,
            "before_id": after[1] if after else None,
            "limit": limit,
        }
        rows = (await session.execute(queries.PAGE, asked)).all()
        titles = await standing(
            session,
            keys,
            programme=programme,
            told=[(row.participant_id, row.kind, row.reference) for row in rows],
        )
        authors = await circle.shown(
            session, keys, programme=programme, participants=[row.participant_id for row in rows]
        )
        likes = {
            row.post_id: row
            for row in await session.execute(
                queries.LIKES,
                {
                    "programme": programme.id,
                    "participant": participant_id,
                    "posts": [row.id for row in rows],
                },
            )
        }
        for row in rows:
            title = titles.get((row.participant_id, row.kind, row.reference))
            author = authors.get(row.participant_id)
            if title is None or author is None:
                continue
            liked = likes.get(row.id)
            found.append(
                Post(
                    id=row.id,
                    author=author,
                    kind=row.kind,
                    title=title,
                    audience=row.audience,
                    posted_at=row.posted_at,
                    likes=liked.likes if liked else 0,
                    liked=bool(liked and liked.liked),
                    mine=row.participant_id == participant_id,
                )
            )
        if len(found) >= limit or len(rows) < limit:
            break
        after = rows[-1].posted_at, rows[-1].id
    return found[:limit]


async def own(
    session: AsyncSession,
    keys: Keys,
    *,
    programme: Registered,
    participant_id: UUID,
    limit: int,
    after: Position | None = None,
) -> list[OwnPost]:
    """Everything that somebody ever shared, with what became of it and why, the newest first."""
    asked = {
        "programme": programme.id,
        "participant": participant_id,
        "before": after[0] if after else None,
        "before_id": after[1] if after else None,
        "limit": limit,
    }
    rows = (await session.execute(queries.OWN, asked)).all()
    handles = await circle.handles(session, programme=programme, participants=[participant_id])
    titles = await standing(
        session,
        keys,
        programme=programme,
        told=[(participant_id, row.kind, row.reference) for row in rows],
    )
    posts = []
    for row in rows:
        if row.removed:
            state = "hidden" if row.staff_id else "taken_back"
        else:
            stands = (participant_id, row.kind, row.reference) in titles
            state = "shown" if stands and handles.get(participant_id) == row.handle else "lapsed"
        reason = Name(row.reason_zh, row.reason_en) if row.staff_id else None
        posts.append(OwnPost(row.id, row.kind, row.reference, row.audience, row.posted_at, state, reason))
    return posts


async def take_back(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, post_id: UUID
) -> None:
    """Let nobody see it any longer; its author may, at any time. Raises PostUnknown, PostRemovedAlready."""
    if await _author(session, programme, post_id) != participant_id:
        raise PostUnknown
    await _remove(session, post_id)


async def like(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, post_id: UUID, liked: bool
) -> None:
    """Like a post that one sees, or no longer; the same again changes nothing. Raises ProfileMissing, PostUnknown."""
    programmes.require(programme, "feed")
    await circle.require_shown(session, programme=programme, participant_id=participant_id)
    await _seen(session, programme, participant_id, post_id)
    await take_turns(session, f"like:{post_id}:{participant_id}")
    asked = {"post": post_id, "participant": participant_id}
    last = (await session.execute(queries.LAST_LIKE, asked)).one_or_none()
    if liked != (last is not None and last.liked):
        step = {"seq": last.seq + 1 if last else 1, "liked": liked, "at": clock.now()}
        await session.execute(queries.LIKE, {**asked, **step})


async def report(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, post_id: UUID, cause: Cause
) -> None:
    """Tell the operator of a post that one sees, once. Raises PostUnknown, FeatureOff."""
    programmes.require(programme, "feed")
    await _seen(session, programme, participant_id, post_id)
    await session.execute(
        queries.REPORT,
        {"post": post_id, "participant": participant_id, "cause": cause, "at": clock.now()},
    )


async def reported(session: AsyncSession, keys: Keys, *, programme: Registered) -> list[Reported]:
    """Posts that were reported and still stand, those with most reports first."""
    asked = {"programme": programme.id, "limit": _MOST_REPORTED}
    rows = (await session.execute(queries.REPORTED, asked)).all()
    authors = await circle.shown(
        session, keys, programme=programme, participants=[row.participant_id for row in rows]
    )
    titles = await standing(
        session,
        keys,
        programme=programme,
        told=[(row.participant_id, row.kind, row.reference) for row in rows],
    )
    found = []
    for row in rows:
        author = authors.get(row.participant_id)
        found.append(
            Reported(
                id=row.id,
                author=author if author and author.handle == row.handle else None,
                kind=row.kind,
                title=titles.get((row.participant_id, row.kind, row.reference)),
                posted_at=row.posted_at,
                reports=row.reports,
                causes=tuple(row.causes),
            )
        )
    return found


async def hide(
    session: AsyncSession, *, programme: Registered, post_id: UUID, reason: Name, staff_id: UUID
) -> None:
    """Let nobody see it any longer, for a reason that its author reads. Raises PostUnknown, PostRemovedAlready."""
    await _author(session, programme, post_id)
    await _remove(session, post_id, reason=reason, staff_id=staff_id)


async def _author(session: AsyncSession, programme: Registered, post_id: UUID) -> UUID:
    asked = {"programme": programme.id, "id": post_id}
    row = (await session.execute(queries.OF_PROGRAMME, asked)).one_or_none()
    if row is None:
        raise PostUnknown
    author: UUID = row.participant_id
    return author


async def _seen(session: AsyncSession, programme: Registered, participant_id: UUID, post_id: UUID) -> None:
    mine = await circle.friends_of(session, programme=programme, participant_id=participant_id)
    asked = {"programme": programme.id, "id": post_id, "circle": [participant_id, *mine]}
    if (await session.execute(queries.ONE_SEEN, asked)).one_or_none() is None:
        raise PostUnknown


async def _remove(
    session: AsyncSession, post_id: UUID, *, reason: Name | None = None, staff_id: UUID | None = None
) -> None:
    removed = {
        "post": post_id,
        "staff": staff_id,
        "reason_zh": reason.zh if reason else "",
        "reason_en": reason.en if reason else "",
        "at": clock.now(),
    }
    if (await session.execute(queries.REMOVE, removed)).first() is None:
        raise PostRemovedAlready
