"""Who I am here: the least that a new partner asks, to see that its signatures are taken."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend.identity import partners
from backend.identity.partners import PartnerKey
from backend.kit import clock
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Told
from partner_api.access import NOT_LET_IN, Partner

router = Router(tags=["myself"])


class KeyTold(Told):
    """A key of mine that is good now or will be."""

    key_id: UUID
    sandbox: bool
    public_key: str
    valid_from: datetime
    ends_at: datetime

    @classmethod
    def of(cls, one: PartnerKey) -> KeyTold:
        return cls(
            key_id=one.id,
            sandbox=one.sandbox,
            public_key=partners.written_key(one.public_key),
            valid_from=one.valid_from,
            ends_at=one.ends_at,
        )


class Myself(Told):
    """The partner that signed, with which key, and what it may send."""

    organisation: str
    key_id: UUID
    sandbox: bool
    events_per_day: int
    events_today: int
    requests_per_minute: int
    keys: list[KeyTold]


@router.get("/me", responses=problems(*NOT_LET_IN))
async def get_me(caller: Partner, session: ReadSession) -> Myself:
    """Who I am here, what I sent today, and my keys that have not ended, those of my sandbox with a key of it."""
    now = clock.now()
    keys = await partners.keys_of(session, organisation_id=caller.id)
    return Myself(
        organisation=caller.organisation,
        key_id=caller.key_id,
        sandbox=caller.sandbox,
        events_per_day=caller.usage.quota.events_per_day,
        events_today=caller.usage.events,
        requests_per_minute=caller.usage.quota.requests_per_minute,
        keys=[KeyTold.of(one) for one in keys if one.sandbox == caller.sandbox and now < one.ends_at],
    )
