"""Bridge transfers that were left standing, whatever dropped their promise: their next step is taken here."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from backend.kit import clock, logging
from backend.kit.db import Database
from offset_bridge.bridge import queries, service
from offset_bridge.bridge.model import StepName

LEFT_STANDING_FOR = timedelta(minutes=2)

_log = logging.get("puhui.bridge")
_NEXT = {StepName.LOCKED: service.deposit, StepName.DEPOSITED: service.confirm}


async def sweep(db: Database, *, older_than: timedelta = LEFT_STANDING_FOR, at_once: int = 1000) -> int:
    """Take the next step of transfers whose last one is `older_than` ago; how many steps were tried.

    Each in a transaction of its own, and both that a transfer may lack. One that fails is told to the log and does not
    hold up the others.
    """
    before = clock.now() - older_than
    async with db.transaction() as session:
        standing = await queries.unfinished(session, before=before, limit=at_once)
    tried = 0
    for bridge_id, last in standing:
        tried += await _carry_on(db, bridge_id, StepName(last))
    return tried


async def _carry_on(db: Database, bridge_id: UUID, last: StepName) -> int:
    tried = 0
    try:
        while last in _NEXT:
            async with db.transaction() as session:
                await _NEXT[last](session, bridge_id=bridge_id)
            tried += 1
            async with db.transaction() as session:
                last = (await service.transfer_of(session, bridge_id=bridge_id)).state
    except Exception as error:  # noqa: BLE001 - the others are not held up; this one is tried again
        _log.error("a bridge transfer stands still", bridge_id=str(bridge_id), exc_info=error)
    return tried
