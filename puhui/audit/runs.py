"""The audits that were run, and what the next incremental one may rest on.

An incremental audit rests on the newest run that passed, back to a full one that passed. It is a full one instead when
there is no such run, when the last full one found something, is too old, or was of another schema, and when a run
after it was not recorded by us. A run that found something is never rested on, so what it saw is looked at again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit import clock, ids
from backend.kit.checks import Checked, Since
from backend.kit.settings import Settings
from puhui.audit import queries

log.register(log.Sealed("audit_run", key=("id",)))

FULL_LASTS = timedelta(days=8)  # a weekly full audit, and a day of grace


@dataclass(frozen=True)
class Run:
    """One audit, as recorded."""

    id: UUID
    mode: str
    based_on: UUID | None
    full_run: UUID | None  # the full audit at the bottom; its own id for a full one
    began_at: datetime
    ended_at: datetime
    revision: str
    horizon: int
    log_size: int
    log_root: bytes
    rows: int
    violations: int

    @property
    def since(self) -> Since:
        return Since(xid=self.horizon, log_size=self.log_size, log_root=self.log_root)

    def mac(self, settings: Settings) -> bytes:
        """What only the platform's keys make of it."""
        facts = {name: str(value) for name, value in vars(self).items() if name != "log_root"}
        facts["began_at"], facts["ended_at"] = (
            str(int(at.timestamp() * 1_000_000)) for at in (self.began_at, self.ended_at)
        )
        facts["log_root"] = self.log_root.hex()
        text = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
        return hmac.digest(settings.keys.derive("audit-run"), text, hashlib.sha256)


@dataclass(frozen=True)
class Moment:
    """The moment that an audit is of."""

    horizon: int
    revision: str
    log_size: int
    log_root: bytes


NO_ROOT = bytes(32)


async def moment(session: AsyncSession) -> Moment:
    """Of this snapshot."""
    horizon, revision = await queries.moment(session)
    size = await log.size(session)
    try:
        async with session.begin_nested():
            root = await log.root(session, size=size)
    except DBAPIError:
        root = NO_ROOT  # the log has a hole, which the audit of this moment names
    return Moment(horizon, revision, size, root)


async def basis(session: AsyncSession, settings: Settings, *, now: datetime | None = None) -> Run | None:
    """The run that an incremental audit of this moment may rest on; None when it is to be a full one."""
    here = await queries.moment(session)
    now = now or clock.now()
    newest: Run | None = None
    for row in await queries.runs(session, since=now - FULL_LASTS):
        run, genuine = _read(row, settings)
        if not genuine or run.revision != here[1] or run.horizon > here[0]:
            return None
        if newest is None and run.violations == 0:
            newest = run
        if run.mode == "full":
            passed = run.violations == 0 and run.id == run.full_run
            return newest if passed and newest is not None and newest.full_run == run.id else None
    return None


def _read(row: Any, settings: Settings) -> tuple[Run, bool]:
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    mac = facts.pop("mac")
    run = Run(**{**facts, "horizon": int(facts["horizon"])})
    return run, hmac.compare_digest(run.mac(settings), mac)


async def record(session: AsyncSession, settings: Settings, run: Run) -> None:
    """Keep a run."""
    facts = vars(run)
    await queries.add(session, **facts, mac=run.mac(settings))


def new_id() -> UUID:
    return ids.uuid7()


async def genuine(session: AsyncSession, settings: Settings) -> Checked:
    """Every recorded run was recorded by the platform, as it is."""
    checked = Checked()
    for row in await queries.runs(session):
        run, right = _read(row, settings)
        checked.rows += 1
        if not right:
            checked.name("audit_run", run.id, _FORGED)
    return checked


_FORGED = ("is not as the platform recorded it", "并非平台所记录的内容")
