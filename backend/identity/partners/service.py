"""Registering, replacing and revoking partners' keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import approvals, locks, organisations, staff
from backend.identity.approvals import ActKind, ActUnknown, TwoPersonAct
from backend.identity.organisations import Role
from backend.identity.partners import points, queries
from backend.identity.partners.errors import (
    NotAPartner,
    PartnerKeyRevoked,
    PartnerKeysOverlap,
    PartnerKeyTaken,
    PartnerKeyTimes,
    PartnerKeyUnknown,
    PartnerKeyUnsound,
)
from backend.identity.partners.tables import PartnerKey
from backend.kit import clock, ids

KEY = ActKind("identity.partner_key", Role.PARTNER)
KINDS = (KEY,)

LONGEST_LIFE = timedelta(days=400)
LONGEST_OVERLAP = timedelta(days=30)
FURTHEST_AHEAD = timedelta(days=30)


async def propose_key(
    session: AsyncSession,
    *,
    proposed_by: UUID,
    public_key: str,
    sandbox: bool,
    valid_from: datetime | None,
    valid_until: datetime,
    overlap_days: int,
) -> TwoPersonAct:
    """Ask, as staff of a partner, for an Ed25519 public key (base64 of its 32 bytes) to be registered.

    It begins at `valid_from`, or when it is approved if that is later or None given, and the key before it ends
    `overlap_days` after that. Raises PartnerKeyUnsound, PartnerKeyTaken, PartnerKeyTimes, NotAPartner.
    """
    raw = read_key(public_key)
    await _check_new(session, raw)
    own = await _partner_of(session, proposed_by)
    now = clock.now()
    begins = max(valid_from or now, now)
    if (
        begins > now + FURTHEST_AHEAD
        or not begins < valid_until <= begins + LONGEST_LIFE
        or not 0 <= overlap_days <= LONGEST_OVERLAP.days
    ):
        raise PartnerKeyTimes
    body: dict[str, Any] = {
        "organisation_id": str(own),
        "public_key": written_key(raw),
        "sandbox": sandbox,
        "valid_from": valid_from.isoformat() if valid_from else None,
        "valid_until": valid_until.isoformat(),
        "overlap_days": overlap_days,
    }
    return await approvals.propose(
        session, KEY, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve_key(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> PartnerKey:
    """Agree to a proposed key, as the second person of the same partner; from then on it stands.

    Raises as `propose_key` does, PartnerKeysOverlap, and what approvals refuse.
    """
    own = await _own_act(session, act_id, by=approved_by)
    act = await approvals.approve(
        session, KEY, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    raw = read_key(body["public_key"])
    # keys of one partner are made one after the other, as are two proposals of one key
    await locks.take_turns(session, f"partner-keys:{own}", f"partner-key:{raw.hex()}")
    await _check_new(session, raw)
    assert act.decided_at is not None
    row = begun(body, decided_at=act.decided_at)
    before = await queries.last_key(session, organisation_id=own, sandbox=body["sandbox"])
    if before is not None:
        await _check_overlap(session, before, begins=row["valid_from"])
    if row["valid_from"] >= row["valid_until"]:
        raise PartnerKeyTimes
    key_id = ids.uuid7()
    await queries.insert_key(
        session,
        id=key_id,
        act_id=act_id,
        organisation_id=own,
        sandbox=body["sandbox"],
        public_key=raw,
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        replaces=before["id"] if before else None,
        replaced_until=row["overlap_until"] if before else None,
    )
    return await key(session, key_id=key_id)


def begun(body: dict[str, Any], *, decided_at: datetime) -> dict[str, datetime]:
    """When a key of this proposal begins and ends, approved at that moment, and when the one before it ends."""
    given = datetime.fromisoformat(body["valid_from"]) if body["valid_from"] else decided_at
    valid_from = max(given, decided_at)
    return {
        "valid_from": valid_from,
        "valid_until": datetime.fromisoformat(body["valid_until"]),
        "overlap_until": valid_from + timedelta(days=body["overlap_days"]),
    }


async def _check_overlap(session: AsyncSession, before: RowMapping, *, begins: datetime) -> None:
    """The key before the last has ended when a further one begins, so that never more than two are good at once."""
    if begins < before["valid_from"]:
        raise PartnerKeysOverlap(from_=before["valid_from"])
    if before["replaces"] is None or before["ends_at"] <= begins:
        return
    earlier = await queries.key(session, before["replaces"])
    assert earlier is not None
    if earlier["ends_at"] > begins:
        raise PartnerKeysOverlap(from_=earlier["ends_at"])


async def reject_key(
    session: AsyncSession, *, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposed key down, as the second person of the same partner."""
    await _own_act(session, act_id, by=rejected_by)
    return await approvals.reject(
        session, KEY, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def open_proposals(session: AsyncSession, *, organisation_id: UUID) -> list[TwoPersonAct]:
    """The keys that wait for a second person of this partner, oldest first."""
    acts = await approvals.open_acts(session, kinds=KINDS, limit=1000)
    return [act for act in acts if act.body["organisation_id"] == str(organisation_id)]


async def revoke_key(session: AsyncSession, *, key_id: UUID, revoked_by: UUID, reason: str) -> PartnerKey:
    """Let a key be good no longer, at once: one person is enough, for waiting for a second would help a thief."""
    await key(session, key_id=key_id)
    if not await queries.revoke(session, key_id=key_id, by=revoked_by, reason=reason, at=clock.now()):
        raise PartnerKeyRevoked
    return await key(session, key_id=key_id)


async def key(session: AsyncSession, *, key_id: UUID) -> PartnerKey:
    """The key with this id, or PartnerKeyUnknown."""
    row = await queries.key(session, key_id)
    if row is None:
        raise PartnerKeyUnknown
    return PartnerKey(**row)


async def keys_of(session: AsyncSession, *, organisation_id: UUID) -> Sequence[PartnerKey]:
    """Every key that a partner ever had, the one that begins last first."""
    return [PartnerKey(**row) for row in await queries.keys_of(session, organisation_id)]


def read_key(written: str) -> bytes:
    """The 32 bytes of a public key in base64, or PartnerKeyUnsound."""
    try:
        raw = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise PartnerKeyUnsound from None
    if not points.is_sound(raw):
        raise PartnerKeyUnsound
    return raw


def written_key(raw: bytes) -> str:
    """A public key as it is written: base64 of its 32 bytes."""
    return base64.b64encode(raw).decode()


async def _check_new(session: AsyncSession, raw: bytes) -> None:
    if await queries.is_known(session, raw):
        raise PartnerKeyTaken


async def _partner_of(session: AsyncSession, staff_id: UUID) -> UUID:
    person = await staff.staff_member(session, staff_id=staff_id)
    own = await organisations.organisation(session, organisation_id=person.organisation_id)
    if Role.PARTNER not in own.roles:
        raise NotAPartner
    return own.id


async def _own_act(session: AsyncSession, act_id: UUID, *, by: UUID) -> UUID:
    """The partner of a proposed key, when it is that of the person; another's is unknown."""
    act = await approvals.act(session, KEY, act_id=act_id)
    person = await staff.staff_member(session, staff_id=by)
    if act.body["organisation_id"] != str(person.organisation_id):
        raise ActUnknown
    return person.organisation_id
