"""Where I am signed in: my devices and my sessions, and how I end them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from backend.identity import devices, tokens
from backend.identity.devices import Device
from backend.identity.tokens import Audience, Session
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Told

router = Router(tags=["devices"])


class DeviceTold(Told):
    """An installation of a client that I signed in with."""

    id: UUID
    name: str | None = Field(description="What the client called it.")
    first_seen_at: datetime
    last_seen_at: datetime = Field(description="When it last signed in.")
    revoked_at: datetime | None

    @classmethod
    def of(cls, device: Device) -> DeviceTold:
        return cls(
            id=device.id,
            name=device.name,
            first_seen_at=device.first_seen_at,
            last_seen_at=device.last_seen_at,
            revoked_at=device.revoked_at,
        )


class SessionTold(Told):
    """A session of mine that stands."""

    id: UUID
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    device_id: UUID | None
    current: bool = Field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, one: Session, *, current: UUID | None) -> SessionTold:
        return cls(
            id=one.id,
            started_at=one.started_at,
            refreshed_at=one.refreshed_at,
            expires_at=one.expires_at,
            device_id=one.device_id,
            current=one.id == current,
        )


@router.get("/devices", responses=problems(Unauthenticated))
async def list_devices(
    citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> list[DeviceTold]:
    """My devices, revoked ones too, newest first; at most 100."""
    found = await devices.devices_of(session, settings.keys, participant_id=citizen.id)
    return [DeviceTold.of(one) for one in found]


@router.delete(
    "/devices/{device_id}", status_code=204, responses=problems(Unauthenticated, devices.DeviceUnknown)
)
async def revoke_device(device_id: UUID, citizen: SignedInCitizen, session: WriteSession) -> None:
    """Revoke a device of mine: its sessions end at once, and it can only come back by signing in."""
    await devices.revoke(session, participant_id=citizen.id, device_id=device_id)


@router.get("/sessions", responses=problems(Unauthenticated))
async def list_sessions(citizen: SignedInCitizen, session: ReadSession) -> list[SessionTold]:
    """My sessions that stand, newest first; at most 100."""
    found = await tokens.sessions_of(session, Audience.CITIZEN, subject=citizen.id)
    return [SessionTold.of(one, current=citizen.session_id) for one in found]


@router.delete("/sessions", status_code=204, responses=problems(Unauthenticated))
async def end_other_sessions(citizen: SignedInCitizen, session: WriteSession) -> None:
    """End every session of mine but this one; acting for a household or firm, those in which I act for it."""
    because, but = "ended from another session", citizen.session_id
    if citizen.actor_id is None:
        await tokens.end_sessions_of(session, subject=citizen.id, because=because, but=but)
        return
    await tokens.end_acting(session, subject=citizen.id, actor_id=citizen.actor_id, because=because, but=but)
