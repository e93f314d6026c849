"""How much a partner may send, counted exactly for events and by the kit's limiter for requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import organisations
from backend.identity.organisations import Role
from backend.identity.partners import queries
from backend.identity.partners.errors import EventsQuotaReached, NotAPartner
from backend.identity.partners.tables import CallingPartner, Quota, QuotaSet, Usage
from backend.kit import clock

DEFAULT = Quota(events_per_day=1_000_000, requests_per_minute=600)


async def set_quota(
    session: AsyncSession, *, organisation_id: UUID, quota: Quota, reason: str, set_by: UUID
) -> None:
    """Give a partner another quota, from its next request on. Raises NotAPartner."""
    one = await organisations.organisation(session, organisation_id=organisation_id)
    if Role.PARTNER not in one.roles:
        raise NotAPartner
    await queries.set_quota(
        session,
        organisation_id=organisation_id,
        events_per_day=quota.events_per_day,
        requests_per_minute=quota.requests_per_minute,
        reason=reason,
        by=set_by,
        at=clock.now(),
    )


async def quota_of(session: AsyncSession, *, organisation_id: UUID) -> Quota:
    """What a partner may send; `DEFAULT` until somebody sets another."""
    rows = await queries.quotas(session, organisation_id=organisation_id, limit=1)
    return _quota(rows[0]) if rows else DEFAULT


async def quotas_set(session: AsyncSession, *, organisation_id: UUID) -> Sequence[QuotaSet]:
    """The last hundred quotas that were set for a partner, the latest first."""
    return [
        QuotaSet(quota=_quota(row), reason=row["reason"], set_by=row["set_by"], set_at=row["set_at"])
        for row in await queries.quotas(session, organisation_id=organisation_id, limit=100)
    ]


async def usage_of(session: AsyncSession, *, organisation_id: UUID, sandbox: bool = False) -> Usage:
    """What a partner sent today."""
    events = await queries.used(session, organisation_id=organisation_id, sandbox=sandbox, day=clock.today())
    return Usage(events=events, quota=await quota_of(session, organisation_id=organisation_id))


async def spend(session: AsyncSession, caller: CallingPartner, *, events: int) -> Usage:
    """Count events that are about to be taken, all or none: EventsQuotaReached when they are too many for today.

    The partner's row of the day is locked until the transaction ends, so keep that short, and `give_back` what was not
    taken after all. Whoever waits sees the sum of those before.
    """
    quota = await quota_of(session, organisation_id=caller.id)
    counted = await queries.spend(
        session,
        organisation_id=caller.id,
        sandbox=caller.sandbox,
        day=clock.today(),
        events=events,
        most=quota.events_per_day,
    )
    if counted is None:
        usage = await usage_of(session, organisation_id=caller.id, sandbox=caller.sandbox)
        raise EventsQuotaReached(
            events_per_day=quota.events_per_day, events_left=usage.left, retry_after_s=until_tomorrow_s()
        )
    return Usage(events=counted, quota=quota)


async def give_back(session: AsyncSession, caller: CallingPartner, *, events: int) -> None:
    """Take events off today's count that were spent and then not taken."""
    await queries.give_back(
        session, organisation_id=caller.id, sandbox=caller.sandbox, day=clock.today(), events=events
    )


async def forget_sandbox_usage(session: AsyncSession, *, organisation_id: UUID) -> None:
    """Count from nothing again what a partner sends to its sandbox."""
    await queries.forget_sandbox_usage(session, organisation_id)


def until_tomorrow_s(now: datetime | None = None) -> int:
    """Seconds until the next day begins in Asia/Shanghai, at least one."""
    at = now or clock.now()
    tomorrow = datetime.combine(clock.day_of(at) + timedelta(days=1), time(), tzinfo=clock.SHANGHAI)
    return max(1, int((tomorrow - at).total_seconds()))


def _quota(row: RowMapping) -> Quota:
    return Quota(events_per_day=row["events_per_day"], requests_per_minute=row["requests_per_minute"])
