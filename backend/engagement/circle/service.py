"""Who agrees to be shown to others, and under which name."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.circle import queries
from backend.engagement.circle.errors import OnlyPeople, PersonUnknown, ProfileMissing
from backend.engagement.circle.model import Said, Shown
from backend.engagement.circle.names import screened
from backend.identity import consent, guardians, people
from backend.identity.locks import take_turns
from backend.identity.people import ParticipantKind, ParticipantUnknown
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Feature

AGREEMENT = "social-profile"
PURPOSE: Literal["social"] = "social"
_NEEDED_BY: tuple[Feature, ...] = ("teams", "leaderboards", "feed", "collecting", "lotteries", "planting")


def require_social(programme: Registered) -> None:
    """FeatureOff unless something of the programme shows people: to each other, as winners, or on a certificate."""
    if not any(programme.pack.features.on(feature) for feature in _NEEDED_BY):
        raise FeatureOff(programme=programme.code, feature="circle")


async def show(
    session: AsyncSession,
    keys: Keys,
    *,
    programme: Registered,
    participant_id: UUID,
    display_name: str,
    text_sha256: bytes,
) -> Shown:
    """Agree to be shown under this name, from now on; for whoever agrees already, take another name.

    Whoever comes back after hiding has a new handle. Raises NameRefused, OnlyPeople, NotAllowedByGuardian,
    AgreementChanged for another edition than the present text, FeatureOff.
    """
    require_social(programme)
    name = screened(display_name)
    text = await consent.agree(session, agreement_id=AGREEMENT, purpose=PURPOSE, text_sha256=text_sha256)
    participant = await people.participant_of(session, participant_id=participant_id)
    if participant.kind is not ParticipantKind.CITIZEN:
        raise OnlyPeople
    await guardians.require(session, participant_id=participant_id, scope="social")
    await lock(session, programme=programme, participant_id=participant_id)
    last = await _last(session, programme, participant_id)
    if last is not None and last.kind in {"shown", "named"}:
        before = await people.read_words(
            session, keys, participant_id=participant_id, sealed=bytes(last.name_sealed)
        )
        if before != name:
            await _say(
                session,
                keys,
                programme,
                participant_id,
                last=last,
                kind="named",
                handle=last.handle,
                name=name,
            )
        return Shown(last.handle, name)
    handle = secrets.token_hex(8)
    await _say(
        session,
        keys,
        programme,
        participant_id,
        last=last,
        kind="shown",
        handle=handle,
        name=name,
        text_sha256=text.sha256,
    )
    return Shown(handle, name)


async def hide(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> None:
    """Agree no longer, at once. Saying so again changes nothing; nothing switches this off."""
    await lock(session, programme=programme, participant_id=participant_id)
    await _hide(session, programme.id, participant_id)


async def hide_everywhere(session: AsyncSession, *, participant_id: UUID) -> None:
    """Agree no longer, in any programme: what a guardian does who no longer allows a child to be shown."""
    given = {"participant": participant_id}
    for programme_id in (await session.execute(queries.SHOWN_IN, given)).scalars().all():
        await take_turns(session, f"circle:{programme_id}:{participant_id}")
        await _hide(session, programme_id, participant_id)


async def _hide(session: AsyncSession, programme_id: int, participant_id: UUID) -> None:
    asked = {"programme": programme_id, "participant": participant_id}
    last = (await session.execute(queries.LAST, asked)).one_or_none()
    if last is None or last.kind not in {"shown", "named"}:
        return
    await session.execute(
        queries.ADD,
        {
            "id": ids.uuid7(),
            "programme": programme_id,
            "participant": participant_id,
            "seq": last.seq + 1,
            "kind": "hidden",
            "handle": last.handle,
            "name": None,
            "text_sha256": None,
            "at": max(clock.now(), last.said_at),
        },
    )


async def history(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> list[Said]:
    """Everything the person ever said about being shown here, oldest first."""
    rows = await session.execute(queries.HISTORY, {"programme": programme.id, "participant": participant_id})
    return [Said(row.kind, row.handle, row.edition, row.said_at) for row in rows]


async def handles(
    session: AsyncSession, *, programme: Registered, participants: Sequence[UUID]
) -> dict[UUID, str]:
    """The handles of those who agree now."""
    return {row.participant_id: row.handle for row in await _now(session, programme, participants)}


async def shown(
    session: AsyncSession, keys: Keys, *, programme: Registered, participants: Sequence[UUID]
) -> dict[UUID, Shown]:
    """How those are shown who agree now; whoever does not, or left, is missing."""
    rows = await _now(session, programme, participants)
    names = await people.read_many(
        session, keys, sealed=[(row.participant_id, bytes(row.name_sealed)) for row in rows]
    )
    return {
        row.participant_id: Shown(row.handle, name)
        for row, name in zip(rows, names, strict=True)
        if name is not None
    }


async def require_shown(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> str:
    """The person's handle; ProfileMissing, NotAllowedByGuardian. The profile stays as it is until the transaction ends."""
    await lock(session, programme=programme, participant_id=participant_id)
    found = await handles(session, programme=programme, participants=[participant_id])
    if participant_id not in found:
        raise ProfileMissing
    await guardians.require(session, participant_id=participant_id, scope="social")
    return found[participant_id]


async def person_of(session: AsyncSession, *, programme: Registered, handle: str) -> UUID:
    """Who is shown under this handle now, or PersonUnknown."""
    rows = await session.execute(queries.BY_HANDLE, {"programme": programme.id, "handle": handle})
    who: UUID | None = rows.scalar_one_or_none()
    if who is not None:
        now = await handles(session, programme=programme, participants=[who])
        if now.get(who) == handle:
            return who
    raise PersonUnknown


async def lock(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> None:
    """Let transactions about one person's profile, friends and team in one programme pass one after the other."""
    await take_turns(session, f"circle:{programme.id}:{participant_id}")


async def _now(
    session: AsyncSession, programme: Registered, participants: Sequence[UUID]
) -> Sequence[Row[Any]]:
    asked = {"programme": programme.id, "participants": list(set(participants))}
    return (await session.execute(queries.NOW, asked)).all()


async def _last(session: AsyncSession, programme: Registered, participant_id: UUID) -> Row[Any] | None:
    asked = {"programme": programme.id, "participant": participant_id}
    return (await session.execute(queries.LAST, asked)).one_or_none()


async def _say(
    session: AsyncSession,
    keys: Keys,
    programme: Registered,
    participant_id: UUID,
    *,
    last: Row[Any] | None,
    kind: str,
    handle: str,
    name: str,
    text_sha256: bytes | None = None,
) -> None:
    try:
        sealed = await people.seal_words(session, keys, participant_id=participant_id, words=name)
    except ParticipantUnknown as no_key:
        raise OnlyPeople from no_key  # a pseudonym without a person behind it
    await session.execute(
        queries.ADD,
        {
            "id": ids.uuid7(),
            "programme": programme.id,
            "participant": participant_id,
            "seq": 1 if last is None else last.seq + 1,
            "kind": kind,
            "handle": handle,
            "name": sealed,
            "text_sha256": text_sha256,
            "at": clock.now() if last is None else max(clock.now(), last.said_at),
        },
    )
