"""All SQL about sign-in codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_RECENT = text("""
    SELECT of_phone.last_at, of_phone.for_phone, of_address.from_address, of_address.used_from_address,
           of_phone.unused_for_phone, of_device.from_device, of_device.used_from_device
    FROM (SELECT max(requested_at) FILTER (WHERE purpose = :purpose) AS last_at,
                 count(*) FILTER (WHERE requested_at > :since) AS for_phone,
                 count(*) FILTER (WHERE requested_at > :since_week AND used_at IS NULL) AS unused_for_phone
          FROM sign_in_code WHERE phone_index = :phone_index) AS of_phone,
         (SELECT count(*) AS from_address, count(used_at) AS used_from_address
          FROM sign_in_code WHERE address_index = :address_index AND requested_at > :since) AS of_address,
         (SELECT count(*) AS from_device, count(used_at) AS used_from_device
          FROM sign_in_code WHERE device_index = :device_index AND requested_at > :since) AS of_device
""")

_INSERT = text("""
    INSERT INTO sign_in_code
        (request_id, phone_index, address_index, device_index, purpose, code_mac, allowed, requested_at, expires_at)
    VALUES
        (:request_id, :phone_index, :address_index, :device_index, :purpose, :code_mac, :allowed, :requested_at,
         :expires_at)
""")

_SPEND_ATTEMPT = text("""
    UPDATE sign_in_code SET attempts = attempts + 1
    WHERE request_id = :request_id AND attempts < allowed AND used_at IS NULL AND expires_at > :now
    RETURNING request_id
""")

_USE = text("""
    UPDATE sign_in_code SET used_at = :now
    WHERE request_id = :request_id AND phone_index = :phone_index AND code_mac = :code_mac
      AND used_at IS NULL AND expires_at > :now
    RETURNING request_id
""")

_FORGET = text("DELETE FROM sign_in_code WHERE requested_at < :before")


async def recent(session: AsyncSession, **given: Any) -> Row[Any]:
    return (await session.execute(_RECENT, given)).one()


async def insert(session: AsyncSession, **row: Any) -> None:
    await session.execute(_INSERT, row)


async def spend_attempt(session: AsyncSession, *, request_id: UUID, now: datetime) -> bool:
    given = {"request_id": request_id, "now": now}
    return (await session.execute(_SPEND_ATTEMPT, given)).first() is not None


async def use(
    session: AsyncSession, *, request_id: UUID, phone_index: bytes, code_mac: bytes, now: datetime
) -> bool:
    given = {"request_id": request_id, "phone_index": phone_index, "code_mac": code_mac, "now": now}
    return (await session.execute(_USE, given)).first() is not None


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(_FORGET, {"before": before})
