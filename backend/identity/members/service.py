"""Letting citizens act for a household or a firm, and ending it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people, tokens
from backend.identity.locks import take_turns
from backend.identity.members import queries
from backend.identity.members.errors import (
    GroupUnknown,
    InvitationRefused,
    LastManager,
    MembershipUnknown,
    OnlyManagers,
    TooManyMembers,
)
from backend.identity.people import ParticipantKind
from backend.identity.tokens import Audience, TokenPair
from backend.kit import clock, ids
from backend.kit.settings import Keys, Settings

INVITATION_LASTS = timedelta(hours=24)
INVITATION_BYTES = 16
MOST_MEMBERS = 20
MOST_GROUPS = 10
MANAGER, OBSERVER = "manager", "observer"
Role = Literal["manager", "member", "observer"]  # an observer sees everything and changes nothing
GivenRole = Literal["member", "observer"]
_MAY_DO = (OBSERVER, "member", MANAGER)  # the least first


@dataclass(frozen=True, slots=True)
class Group:
    """A household or firm that somebody is in. `name` is None once its key is destroyed."""

    id: UUID
    membership_id: UUID
    kind: ParticipantKind
    name: str | None
    role: Role
    since: datetime


@dataclass(frozen=True, slots=True)
class Alone:
    """A group with one manager. It passes to a member when that one leaves, or ends with them."""

    group_id: UUID
    kind: ParticipantKind
    passes: bool


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may act for a group; `phone_masked` tells those who know each other who it is."""

    membership_id: UUID
    member_id: UUID
    role: Role
    since: datetime
    phone_masked: str | None


async def create(session: AsyncSession, keys: Keys, *, kind: ParticipantKind, name: str, by: UUID) -> Group:
    """A new household or firm with a key of its own; whoever makes it is its manager. Raises TooManyMembers."""
    assert kind is not ParticipantKind.CITIZEN
    await take_turns(session, f"member:{by}")
    if len(await queries.of_member(session, by)) >= MOST_GROUPS:
        raise TooManyMembers
    group_id = await people.group_with_key(session, keys, kind=kind)
    sealed = await people.seal_words(session, keys, participant_id=group_id, words=name)
    await queries.name(session, group_id=group_id, name_sealed=sealed)
    await _add(session, group_id=group_id, member_id=by, role=MANAGER, added_by=by)
    return next(one for one in await groups_of(session, keys, member_id=by) if one.id == group_id)


async def groups_of(session: AsyncSession, keys: Keys, *, member_id: UUID) -> list[Group]:
    """The groups that somebody is in, in the order of joining."""
    rows = await queries.of_member(session, member_id)
    names = await people.read_many(
        session, keys, sealed=[(row.group_id, row.name_sealed) for row in rows if row.name_sealed]
    )
    told = dict(zip((row.group_id for row in rows if row.name_sealed), names, strict=True))
    return [
        Group(row.group_id, row.id, ParticipantKind(row.kind), told.get(row.group_id), row.role, row.added_at)
        for row in rows
    ]


async def members_of(session: AsyncSession, keys: Keys, *, group_id: UUID, asked_by: UUID) -> list[Member]:
    """Who may act for a group, told to its members. Raises GroupUnknown."""
    rows = await queries.of_group(session, group_id)
    _own(rows, asked_by)
    found = []
    for row in rows:
        phone = await people.phone_of(session, keys, participant_id=row.member_id)
        masked = people.masked(phone) if phone else None
        found.append(Member(row.id, row.member_id, row.role, row.added_at, masked))
    return found


async def invite(
    session: AsyncSession, *, group_id: UUID, by: UUID, role: GivenRole = "member"
) -> tuple[str, datetime]:
    """A code that lets one person in within a day, in that role, and until when. Raises GroupUnknown, OnlyManagers."""
    if _own(await queries.of_group(session, group_id), by).role != MANAGER:
        raise OnlyManagers
    code, until = secrets.token_urlsafe(INVITATION_BYTES), clock.now() + INVITATION_LASTS
    await queries.invite(
        session, digest=_digest(code), group_id=group_id, invited_by=by, role=role, expires_at=until
    )
    return code, until


async def accept(session: AsyncSession, keys: Keys, *, code: str, member_id: UUID) -> Group:
    """Come in by an invitation. Raises InvitationRefused, TooManyMembers."""
    person = await people.participant_of(session, participant_id=member_id)
    used = await queries.use_invitation(session, digest=_digest(code), now=clock.now())
    if used is None or person.kind is not ParticipantKind.CITIZEN:
        raise InvitationRefused
    await take_turns(session, f"members:{used.group_id}", f"member:{member_id}")
    rows = await queries.of_group(session, used.group_id)
    managers = {row.member_id for row in rows if row.role == MANAGER}
    if used.invited_by not in managers or any(row.member_id == member_id for row in rows):
        raise InvitationRefused
    if len(rows) >= MOST_MEMBERS or len(await queries.of_member(session, member_id)) >= MOST_GROUPS:
        raise TooManyMembers
    await _add(session, group_id=used.group_id, member_id=member_id, role=used.role, added_by=used.invited_by)
    return next(one for one in await groups_of(session, keys, member_id=member_id) if one.id == used.group_id)


async def end(
    session: AsyncSession, *, group_id: UUID, membership_id: UUID, by: UUID, promote: bool = False
) -> None:
    """End a membership, one's own or as a manager another's; with `promote` its holder comes back as a manager at once.

    Raises GroupUnknown, MembershipUnknown, OnlyManagers, LastManager.
    """
    await take_turns(session, f"members:{group_id}")
    rows = await queries.of_group(session, group_id)
    own = _own(rows, by)
    found = next((row for row in rows if row.id == membership_id), None)
    if found is None:
        raise MembershipUnknown
    if own.role != MANAGER and (found.id != own.id or promote):
        raise OnlyManagers
    if found.role == MANAGER and not promote and sum(row.role == MANAGER for row in rows) == 1:
        raise LastManager
    await _end(session, found, by=by)
    if promote:
        await _add(session, group_id=group_id, member_id=found.member_id, role=MANAGER, added_by=by)


async def end_all(session: AsyncSession, *, member_id: UUID) -> None:
    """End every membership of somebody who leaves. Where they were the last manager, who came first of the members is one now."""
    for row in await _standing(session, member_id):
        heir = _heir(await queries.of_group(session, row.group_id), member_id)
        if heir is not None:
            await _end(session, heir, by=member_id)
            await _add(
                session, group_id=row.group_id, member_id=heir.member_id, role=MANAGER, added_by=member_id
            )
        await _end(session, row, by=member_id)


async def managed_alone(session: AsyncSession, *, member_id: UUID, lock: bool = False) -> list[Alone]:
    """The groups whose only manager somebody is, and whether they pass to a member when they leave; with `lock` nobody changes that.

    Locked are the groups' accounts, too, in the order in which whoever acts for them does.
    """
    rows = await queries.of_member(session, member_id)
    if lock:
        await take_turns(session, *(f"account:{row.group_id}" for row in rows))
        rows = await _standing(session, member_id)
    found = []
    for row in rows:
        all_rows = await queries.of_group(session, row.group_id)
        if row.role == MANAGER and sum(one.role == MANAGER for one in all_rows) == 1:
            passes = _heir(all_rows, member_id) is not None
            found.append(Alone(row.group_id, ParticipantKind(row.kind), passes))
    return found


def _heir(rows: Sequence[Row[Any]], leaving: UUID) -> Row[Any] | None:
    """Who is to manage when somebody leaves as the last manager: the first member, never an observer."""
    managers = {row.member_id for row in rows if row.role == MANAGER}
    if managers != {leaving}:
        return None
    return next((row for row in rows if row.role not in {MANAGER, OBSERVER}), None)


async def move_all(session: AsyncSession, *, of: UUID, to: UUID) -> None:
    """Let one account of a person be in every group instead of another one of theirs, in the role that may do more."""
    rows = await _standing(session, of, to)
    already = {row.group_id: row for row in rows if row.member_id == to}
    for row in rows:
        if row.member_id == to:
            continue
        await _end(session, row, by=of)
        own = already.get(row.group_id)
        if own is not None and _MAY_DO.index(own.role) < _MAY_DO.index(row.role):
            await _end(session, own, by=to)
        if own is None or _MAY_DO.index(own.role) < _MAY_DO.index(row.role):
            await _add(session, group_id=row.group_id, member_id=to, role=row.role, added_by=of)


async def act_for(
    session: AsyncSession,
    settings: Settings,
    *,
    group_id: UUID,
    member_id: UUID,
    device: tuple[UUID, bytes] | None = None,
) -> TokenPair:
    """A session of the group's, in which the member acts, or as an observer only sees. Raises GroupUnknown."""
    await take_turns(session, f"account:{group_id}", f"members:{group_id}")
    own = _own(await queries.of_group(session, group_id), member_id)
    return await tokens.start_session(
        session,
        settings,
        Audience.CITIZEN,
        subject=group_id,
        device=device,
        actor_id=member_id,
        see_only=own.role == OBSERVER,
    )


async def check_manager(session: AsyncSession, *, group_id: UUID, member_id: UUID) -> None:
    """Refuse whoever does not manage this group now. Raises GroupUnknown, OnlyManagers."""
    await take_turns(session, f"account:{group_id}", f"members:{group_id}")
    if _own(await queries.of_group(session, group_id), member_id).role != MANAGER:
        raise OnlyManagers


async def role_of(session: AsyncSession, *, group_id: UUID, member_id: UUID) -> Role:
    """What somebody may do for a group now. Raises GroupUnknown where they are not in it."""
    role: Role = _own(await queries.of_group(session, group_id), member_id).role
    return role


async def check_member(session: AsyncSession, *, group_id: UUID, member_id: UUID) -> None:
    """Refuse whoever is not in this group now. Raises GroupUnknown."""
    _own(await queries.of_group(session, group_id), member_id)


async def forget_invitations(session: AsyncSession) -> None:
    """Remove invitations that nobody can use any more."""
    await queries.forget(session, before=clock.now())


async def _standing(session: AsyncSession, *member_ids: UUID) -> Sequence[Row[Any]]:
    """The memberships of these, read once nobody else can end one or begin one: the turns of the members, then of the groups."""
    await take_turns(session, *(f"member:{one}" for one in member_ids))
    groups = {row.group_id for one in member_ids for row in await queries.of_member(session, one)}
    await take_turns(session, *(f"members:{one}" for one in groups))
    return [row for one in member_ids for row in await queries.of_member(session, one)]


def _own(rows: Any, member_id: UUID) -> Row[Any]:
    found: Row[Any] | None = next((row for row in rows if row.member_id == member_id), None)
    if found is None:
        raise GroupUnknown
    return found


async def _add(session: AsyncSession, *, group_id: UUID, member_id: UUID, role: str, added_by: UUID) -> None:
    await queries.add(
        session,
        id=ids.uuid7(),
        group_id=group_id,
        member_id=member_id,
        role=role,
        added_by=added_by,
        added_at=clock.now(),
    )


async def _end(session: AsyncSession, row: Row[Any], *, by: UUID) -> None:
    await queries.end(session, membership_id=row.id, ended_by=by, ended_at=clock.now())
    await tokens.end_acting(session, subject=row.group_id, actor_id=row.member_id)


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
