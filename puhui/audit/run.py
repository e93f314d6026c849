"""Asking every invariant of one moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit import logging
from backend.kit.checks import Checked
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings
from puhui.audit.invariants import INVARIANTS, Invariant
from puhui.audit.report import Report, Result

_log = logging.get("puhui.audit")

Progress = Callable[[Invariant], None]


async def audit(
    db: Database,
    settings: Settings,
    *,
    invariants: Sequence[Invariant] = INVARIANTS,
    progress: Progress | None = None,
) -> Report:
    """Ask every invariant of one snapshot of the database. `progress` hears which one is asked next."""
    async with db.transaction() as session:
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        results = []
        for invariant in invariants:
            if progress is not None:
                progress(invariant)
            began = time.monotonic()
            checked = await _ask(session, settings, invariant)
            results.append(Result(invariant, checked, time.monotonic() - began))
        unsealed = {part.table: part.waiting for part in await log.coverage(session) if part.waiting}
        return Report(tuple(results), unsealed)


async def _ask(session: AsyncSession, settings: Settings, invariant: Invariant) -> Checked:
    """The answer; where rows are so far from what they were that a check fails over them, that is the answer."""
    try:
        async with session.begin_nested():
            return await invariant.check(session, settings)
    except DomainError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        reason = (error.message("en"), error.message("zh"))
    except Exception as error:  # noqa: BLE001 - whatever a changed row makes fail is a finding, not the end
        _log.warning("a check could not be completed", check=invariant.name, error=type(error).__name__)
        reason = (
            f"the check could not be completed: {type(error).__name__}",
            f"该项核对未能完成：{type(error).__name__}",
        )
    failed = Checked()
    failed.name(invariant.name, "", reason)
    return failed
