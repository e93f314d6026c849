"""Asking the invariants of one moment, of everything or of what was added since a run that passed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit import clock, logging
from backend.kit.checks import Checked, Since
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings
from puhui.audit import runs
from puhui.audit.incremental import IN_PART
from puhui.audit.invariants import INVARIANTS, Invariant
from puhui.audit.report import Report, Result
from puhui.audit.runs import Run

_log = logging.get("puhui.audit")

Progress = Callable[[Invariant], None]


async def audit(
    db: Database,
    settings: Settings,
    *,
    invariants: Sequence[Invariant] = INVARIANTS,
    progress: Progress | None = None,
    rests_on: Run | None = None,
) -> Report:
    """Ask every invariant of one snapshot of the database, and record nothing.

    With `rests_on`, those that can be are asked of what was added since that run. `progress` hears which one is next.
    """
    since = None if rests_on is None else rests_on.since
    async with db.transaction() as session:
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        moment = await runs.moment(session)
        results = []
        for invariant in invariants:
            if progress is not None:
                progress(invariant)
            began = time.monotonic()
            checked = await _ask(session, settings, invariant, since)
            in_part = since is not None and invariant.name in IN_PART
            results.append(Result(invariant, checked, time.monotonic() - began, in_part=in_part))
        unsealed = {part.table: part.waiting for part in await log.coverage(session) if part.waiting}
        return Report(tuple(results), unsealed, moment, rests_on)


async def conduct(
    db: Database, settings: Settings, *, incremental: bool = False, progress: Progress | None = None
) -> Report:
    """Audit and record the run. An incremental one that has nothing to rest on is a full one, and says so."""
    rests_on = None
    if incremental:
        async with db.transaction() as session:
            rests_on = await runs.basis(session, settings)
    began_at = clock.now()
    report = await audit(db, settings, progress=progress, rests_on=rests_on)
    own = runs.new_id()
    run = Run(
        id=own,
        mode=report.mode,
        based_on=None if rests_on is None else rests_on.id,
        full_run=own if rests_on is None else rests_on.full_run,
        began_at=began_at,
        ended_at=max(began_at, clock.now()),
        revision=report.moment.revision,
        horizon=report.moment.horizon,
        log_size=report.moment.log_size,
        log_root=report.moment.log_root,
        rows=sum(result.checked.rows for result in report.results),
        violations=report.found,
    )
    async with db.transaction() as session:
        await runs.record(session, settings, run)
    return report


async def _ask(
    session: AsyncSession, settings: Settings, invariant: Invariant, since: Since | None
) -> Checked:
    """The answer; where rows are so far from what they were that a check fails over them, that is the answer."""
    try:
        async with session.begin_nested():
            if since is not None and invariant.name in IN_PART:
                return await IN_PART[invariant.name](session, settings, since)
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
