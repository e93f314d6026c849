"""What must hold of filings and of what actions say about how they were computed."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.identity import approvals
from backend.identity.approvals import checks as approval_checks
from backend.kit import ids
from backend.kit.checks import Checked, count_rows
from backend.kit.errors import DomainError
from backend.methodologies.filing import FILING
from backend.methodologies.recorded import recover

_FILINGS = text("""
    SELECT id, pack_sha256, region, valid_from, valid_until, act_id, proposed_by, approved_by, filed_at
    FROM methodology_filing
""")
_OVERRIDES = text("SELECT id, pack_sha256, region, reason FROM methodology_demo_override")
_METHODS = text("SELECT id FROM method_ref ORDER BY id")

_NO_ACT = ("no approved act of two people stands behind it", "没有经两人批准的事项为据")
_OTHER = ("it is not what the two people agreed to", "与两人所批准的内容不符")
_NOT_FILED = ("the act was approved and nothing was filed", "事项已获批准而未见备案")
_NOT_LOGGED = ("the log does not state it as it is", "日志未如实记载")
_NOT_STORED = ("the log states a filing or override that is not there", "日志所载的备案或豁免并不存在")
_ENTRIES_AT_ONCE = 50_000


async def filings(session: AsyncSession) -> Checked:
    """A filing is exactly what two people of the authority agreed to, and is in the log; so is every override."""
    acts = {act.id: act async for act in approval_checks.every_act(session, kind=FILING)}
    rows = {row["act_id"]: row for row in (await session.execute(_FILINGS)).mappings()}
    checked = Checked(
        rows=len(rows) + await count_rows(session, "SELECT count(*) FROM methodology_demo_override")
    )
    for act_id, row in rows.items():
        act = acts.get(act_id)
        if act is None or act.decision is not approvals.Decision.APPROVED:
            checked.name("methodology_filing", row["id"], _NO_ACT)
        elif not _as_agreed(dict(row), act):
            checked.name("methodology_filing", row["id"], _OTHER)
    for act in acts.values():
        if act.decision is approvals.Decision.APPROVED and act.id not in rows:
            checked.name("methodology_filing", f"act {act.id}", _NOT_FILED)

    stated = await _stated(session)
    filed = {
        _key(
            {**acts[act_id].body, "act": str(act_id)},
            "pack_sha256",
            "region",
            "valid_from",
            "valid_until",
            "act",
        ): row["id"]
        for act_id, row in rows.items()
        if act_id in acts and _as_agreed(dict(row), acts[act_id])
    }
    _compare(checked, "methodology_filing", filed, stated["methodology.filed"])
    overridden = {
        _key(dict(row), "pack_sha256", "region", "reason"): row["id"]
        for row in (await session.execute(_OVERRIDES)).mappings()
    }
    _compare(checked, "methodology_demo_override", overridden, stated["methodology.demo_override"])
    return checked


def _as_agreed(row: dict[str, Any], act: approvals.TwoPersonAct) -> bool:
    body = act.body
    return (
        row["id"] == ids.derive(act.id, "filing")
        and (row["proposed_by"], row["approved_by"]) == (act.proposed_by, act.decided_by)
        and row["proposed_by"] != row["approved_by"]
        and (row["pack_sha256"], row["region"]) == (body.get("pack_sha256"), body.get("region"))
        and row["valid_from"].isoformat() == body.get("valid_from")
        and _day(row["valid_until"]) == body.get("valid_until")
        and act.decided_at is not None
        and abs(row["filed_at"] - act.decided_at) < dt.timedelta(minutes=1)
        and approvals.sha256_of(body) == act.subject_sha256
    )


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _key(facts: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(str(facts.get(name)) for name in names)


def _compare(
    checked: Checked, table: str, stored: dict[tuple[str, ...], UUID], stated: set[tuple[str, ...]]
) -> None:
    for key in stored.keys() - stated:
        checked.name(table, stored[key], _NOT_LOGGED)
    for key in sorted(stated - stored.keys()):
        checked.name(table, " ".join(key[:2]), _NOT_STORED)


async def _stated(session: AsyncSession) -> dict[str, set[tuple[str, ...]]]:
    fields = {
        "methodology.filed": ("pack_sha256", "region", "valid_from", "valid_until", "act"),
        "methodology.demo_override": ("pack_sha256", "region", "reason"),
    }
    found: dict[str, set[tuple[str, ...]]] = {kind: set() for kind in fields}
    size = await log.size(session)
    for kind, names in fields.items():
        for low in range(0, size, _ENTRIES_AT_ONCE):
            entries = await log.entries(session, low=low, high=min(size, low + _ENTRIES_AT_ONCE), kind=kind)
            found[kind].update(_key(entry.body, *names) for entry in entries)
    return found


async def methods(session: AsyncSession) -> Checked:
    """Every recorded way of computing can be built again from the stored texts, by this engine."""
    checked = Checked()
    for (method_id,) in (await session.execute(_METHODS)).all():
        checked.rows += 1
        try:
            await recover(session, method_id=method_id)
        except DomainError as error:
            checked.name("method_ref", method_id, (error.message("en"), error.message("zh")))
    return checked
