"""Staff: who works for which organisation, and how they show that it is them."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Collection
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import organisations
from backend.identity.organisations import Organisation, Role
from backend.identity.sealing import opened_by, seal, seal_again, unseal_any
from backend.identity.staff import queries
from backend.identity.staff.errors import (
    LoginMisnamed,
    LoginTaken,
    PasswordWeak,
    RoleNotOfOrganisation,
    SignInRefused,
    StaffUnknown,
)
from backend.identity.staff.tables import NewStaff, Staff
from backend.kit import clock, ids
from backend.kit.settings import Keys

ATTEMPTS = 5
LOCKED_FOR = timedelta(minutes=15)
SHORTEST_PASSWORD = 12
TOTP_STEP_S = 30
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,126}")
_hasher = PasswordHasher()


async def create_staff(
    session: AsyncSession,
    keys: Keys,
    *,
    organisation_code: str,
    login: str,
    password: str,
    roles: Collection[Role],
    issuer: str = "Puhui",
) -> NewStaff:
    """A new member of staff; the TOTP secret is shown here once and never again."""
    _check_login(login)
    _check_password(password, login=login)
    employer = await organisations.organisation_by_code(session, code=organisation_code)
    check_new(login=login, roles=roles, employer=employer)
    staff_id, secret = ids.uuid7(), pyotp.random_base32()
    made = await queries.insert(
        session,
        id=staff_id,
        organisation_id=employer.id,
        login=login,
        password_hash=await asyncio.to_thread(_hasher.hash, password),
        totp_sealed=seal(keys.sealing("staff/totp"), secret.encode(), belongs_to=staff_id.bytes),
        created_at=clock.now(),
    )
    if not made:
        raise LoginTaken
    await queries.give_roles(
        session, staff_id=staff_id, organisation_id=employer.id, roles=[role.value for role in roles]
    )
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)
    return NewStaff(staff=await staff_member(session, staff_id=staff_id), totp_uri=uri)


def check_new(*, login: str, roles: Collection[Role], employer: Organisation) -> None:
    """Refuse what cannot be a new member of `employer`'s staff."""
    _check_login(login)
    if not roles or not set(roles) <= employer.roles:
        raise RoleNotOfOrganisation


async def change_password(session: AsyncSession, *, staff_id: UUID, password: str) -> None:
    """Give a member of staff another password; they have just shown who they are."""
    person = await staff_member(session, staff_id=staff_id)
    _check_password(password, login=person.login)
    password_hash = await asyncio.to_thread(_hasher.hash, password)
    await queries.set_password_hash(session, staff_id=staff_id, password_hash=password_hash)


async def count_sign_in(session: AsyncSession, *, login: str) -> None:
    """Count one attempt to sign in, before any secret is looked at.

    The caller's transaction must be committed even when the attempt is refused, or guessing is free.

    The fifth is let through and locks the login for 15 minutes; if it is good, it unlocks again. A locked login
    answers as a wrong password does, and an unknown one too.
    """
    now = clock.now()
    was_locked = await queries.count_attempt(
        session, login=login, now=now, lock_until=now + LOCKED_FOR, allowed=ATTEMPTS
    )
    if was_locked:
        await _take_the_time()
        raise SignInRefused


async def sign_in(session: AsyncSession, keys: Keys, *, login: str, password: str, totp: str) -> Staff:
    """Who it is, by password and one-time code; a code is good once. Count the attempt first.

    An unknown login costs the same argon2 work as a known one.
    """
    known = await queries.secrets(session, login)
    right_hash = known.password_hash if known is not None else _nobodys_hash()
    password_right = await asyncio.to_thread(_verify, right_hash, password)
    if known is None or not password_right or not known.active:
        raise SignInRefused
    secret = unseal_any(keys.opening("staff/totp"), known.totp_sealed, belongs_to=known.id.bytes).decode()
    step = _matching_step(secret, totp)
    if step is None or not await queries.spend_totp_step(session, staff_id=known.id, step=step):
        raise SignInRefused
    if _hasher.check_needs_rehash(right_hash):
        rehashed = await asyncio.to_thread(_hasher.hash, password)
        await queries.set_password_hash(session, staff_id=known.id, password_hash=rehashed)
    return await staff_member(session, staff_id=known.id)


async def confirm(session: AsyncSession, keys: Keys, *, login: str, totp: str) -> Staff:
    """Who it is, by a fresh one-time code alone: for a second word beside a request that is let in already.

    A code is good once. Count the attempt first. Raises SignInRefused.
    """
    known = await queries.secrets(session, login)
    if known is None or not known.active:
        raise SignInRefused
    secret = unseal_any(keys.opening("staff/totp"), known.totp_sealed, belongs_to=known.id.bytes).decode()
    step = _matching_step(secret, totp)
    if step is None or not await queries.spend_totp_step(session, staff_id=known.id, step=step):
        raise SignInRefused
    return await staff_member(session, staff_id=known.id)


async def seal_totp_again(session: AsyncSession, keys: Keys) -> int:
    """Seal every member's TOTP secret with the present master key; how many needed it. Harmless to repeat."""
    opening = keys.opening("staff/totp")
    again = {
        staff_id: sealed
        for staff_id, old in await queries.lock_totp(session)
        if (sealed := seal_again(opening, old, belongs_to=staff_id.bytes)) is not None
    }
    await queries.set_totp(session, again)
    return len(again)


async def rests_on(session: AsyncSession, keys: Keys) -> tuple[int, int, int]:
    """How many TOTP secrets the present master sealed, how many only another opens, and how many none does."""
    counts = [0, 0, 0]
    opening = keys.opening("staff/totp")
    for staff_id, sealed in await queries.every_totp(session):
        number = opened_by(opening, sealed, belongs_to=staff_id.bytes)
        counts[2 if number is None else min(number, 1)] += 1
    return counts[0], counts[1], counts[2]


async def staff_member(session: AsyncSession, *, staff_id: UUID) -> Staff:
    """The member of staff with this id, or `StaffUnknown`."""
    return _staff(await queries.by_id(session, staff_id))


async def staff_by_login(session: AsyncSession, *, login: str) -> Staff:
    """The member of staff with this login, or `StaffUnknown`."""
    return _staff(await queries.by_login(session, login))


async def staff_list(
    session: AsyncSession, *, organisation_id: UUID | None = None, after: str = "", limit: int = 100
) -> list[Staff]:
    """Staff in the order of their logins, of one organisation or all; at most `limit` after `after`."""
    rows = await queries.page(session, organisation_id=organisation_id, after=after, limit=limit)
    return [_staff(row) for row in rows]


async def set_active(session: AsyncSession, *, staff_id: UUID, active: bool) -> None:
    """Let a member of staff in, or keep them out from the next request on."""
    if not await queries.set_active(session, staff_id=staff_id, active=active):
        raise StaffUnknown


def _check_login(login: str) -> None:
    if not _LOGIN.fullmatch(login):
        raise LoginMisnamed


def _check_password(password: str, *, login: str) -> None:
    if len(password) < SHORTEST_PASSWORD or password.lower() == login:
        raise PasswordWeak


def _matching_step(secret: str, totp: str) -> int | None:
    """The time step that the code belongs to: the present one, or one to either side for slow clocks."""
    generator = pyotp.TOTP(secret)
    present = int(clock.now().timestamp()) // TOTP_STEP_S
    match: int | None = None
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), totp.encode()):
            match = step
    return match


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


async def _take_the_time() -> None:
    await asyncio.to_thread(_verify, _nobodys_hash(), "a locked login is answered as slowly as an open one")


def _staff(row: Row[Any] | None) -> Staff:
    if row is None:
        raise StaffUnknown
    return Staff(
        id=row.id,
        organisation_id=row.organisation_id,
        login=row.login,
        roles=frozenset(Role(role) for role in row.roles),
        active=row.active,
    )
