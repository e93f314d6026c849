"""Whoever follows acts, in the order in which they are told: what is taken back and given first, what shows it after."""

from __future__ import annotations

from backend.engagement import campaigns, following, referrals, tasks
from backend.engagement.following import Followed
from backend.kit.db import Database

following.register_follower("campaigns", campaigns.follow_touched)
following.register_follower("tasks", tasks.follow_touched)
following.register_follower("referrals", referrals.follow_touched)


async def follow(db: Database) -> Followed:
    """Follow what was committed, and let everybody here make of it what follows."""
    return await following.follow(db)


async def rebuild(db: Database, *, programme: str) -> Followed:
    """Make a programme's days again, and let everybody here look at them. Raises ProgrammeUnknown."""
    return await following.rebuild(db, programme=programme)
