"""Devices: seen at sign-in, listed, revoked together with their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people, tokens
from backend.identity.devices import queries
from backend.identity.devices.errors import DeviceUnknown
from backend.identity.sealing import blind_index
from backend.kit import clock, ids
from backend.kit.settings import Keys

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """A device that stands, and the digest that its sessions are bound to. `added`: it is new beside others of the account."""

    id: UUID
    digest: bytes
    added: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its owner sees it."""

    id: UUID
    name: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None


def shown(keys: Keys, secret: str | None) -> bytes | None:
    """The keyed digest (32 bytes) of the secret that a request shows; None where it shows none."""
    return None if secret is None else blind_index(keys.derive("device/secret"), secret)


async def seen(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, secret: str, name: str | None = None
) -> SeenDevice:
    """The device with this secret, now used by this participant; made where it is new, or was revoked before."""
    digest = shown(keys, secret)
    assert digest is not None
    sealed = None
    if name and await people.data_key(session, keys, participant_id=participant_id) is not None:
        sealed = await people.seal_words(session, keys, participant_id=participant_id, words=name)
    found = await queries.seen(
        session,
        id=ids.uuid7(),
        participant_id=participant_id,
        digest=digest,
        name_sealed=sealed,
        now=clock.now(),
    )
    return SeenDevice(found.id, digest, found.fresh and found.others)


async def devices_of(session: AsyncSession, keys: Keys, *, participant_id: UUID) -> list[Device]:
    """The devices of an account, revoked ones too, newest first; at most 100."""
    rows = await queries.of(session, participant_id=participant_id, limit=MOST_LISTED)
    names = await people.read_many(
        session, keys, sealed=[(participant_id, row.name_sealed) for row in rows if row.name_sealed]
    )
    named = iter(names)
    return [
        Device(
            id=row.id,
            name=next(named) if row.name_sealed else None,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


async def revoke(session: AsyncSession, *, participant_id: UUID, device_id: UUID) -> None:
    """Revoke a device and end its sessions; doing so again changes nothing. Raises DeviceUnknown."""
    if not await queries.revoke(session, device_id=device_id, participant_id=participant_id, now=clock.now()):
        raise DeviceUnknown
    await tokens.end_sessions_on(session, device_id=device_id, because="its device was revoked")


async def revoke_all(session: AsyncSession, *, participant_id: UUID) -> None:
    """Revoke every device of an account that ends; its sessions are the caller's to end."""
    await queries.revoke_all(session, participant_id=participant_id, now=clock.now())
