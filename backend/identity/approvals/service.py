"""Proposing and deciding acts that take two people.

A noun that has such an act says its `ActKind`, calls `propose` when the first person asks for it and `approve` when
the second agrees, and does the thing itself in the same transaction as the approval.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import staff
from backend.identity.approvals import queries
from backend.identity.approvals.errors import (
    ActDecidedAlready,
    ActExpired,
    ActNeedsRole,
    ActNeedsSecondPerson,
    ActShownDiffers,
    ActUnknown,
)
from backend.identity.approvals.tables import ActKind, Decision, TwoPersonAct
from backend.kit import clock, ids


def sha256_of(body: dict[str, Any]) -> bytes:
    """The fingerprint (32 bytes) of what is shown to both people, when there is no other document to hash."""
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


async def propose(
    session: AsyncSession, kind: ActKind, *, proposed_by: UUID, subject_sha256: bytes, body: dict[str, Any]
) -> TwoPersonAct:
    """Ask for an act, as a member of staff who has the role that its kind needs."""
    await _check_role(session, kind, proposed_by)
    now, act_id = clock.now(), ids.uuid7()
    await queries.insert(
        session,
        id=act_id,
        kind=kind.name,
        subject_sha256=subject_sha256,
        body=body,
        proposed_by=proposed_by,
        proposed_at=now,
        expires_at=now + kind.stands_for,
    )
    return await act(session, kind, act_id=act_id)


async def approve(
    session: AsyncSession, kind: ActKind, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Agree, as a second person of the same role, to what was shown: `subject_sha256` must be the proposal's."""
    return await _decide(
        session, kind, act_id, by=approved_by, shown=subject_sha256, decision=Decision.APPROVED
    )


async def reject(
    session: AsyncSession, kind: ActKind, *, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposal down, as a second person of the same role."""
    return await _decide(
        session, kind, act_id, by=rejected_by, shown=subject_sha256, decision=Decision.REJECTED
    )


async def act(session: AsyncSession, kind: ActKind, *, act_id: UUID) -> TwoPersonAct:
    """The act of this kind with this id, or `ActUnknown`."""
    row = await queries.get(session, act_id)
    if row is None or row["kind"] != kind.name:
        raise ActUnknown
    return act_of(row)


async def open_acts(
    session: AsyncSession, *, kinds: Sequence[ActKind], limit: int = 100
) -> list[TwoPersonAct]:
    """Proposals of these kinds that wait for a decision, oldest first."""
    names = [kind.name for kind in kinds]
    rows = await queries.open_acts(session, kinds=names, now=clock.now(), limit=limit)
    return [act_of(row) for row in rows]


async def _decide(
    session: AsyncSession, kind: ActKind, act_id: UUID, *, by: UUID, shown: bytes, decision: Decision
) -> TwoPersonAct:
    await _check_role(session, kind, by)
    proposal = await act(session, kind, act_id=act_id)
    if proposal.decision is not None:
        raise ActDecidedAlready
    if proposal.proposed_by == by:
        raise ActNeedsSecondPerson
    now = clock.now()
    if proposal.expires_at <= now:
        raise ActExpired
    if not hmac.compare_digest(proposal.subject_sha256, shown):
        raise ActShownDiffers
    # one decision per act is the table's key: whoever comes second waits for the first and is told
    if not await queries.decide(session, act_id=act_id, by=by, at=now, decision=decision.value):
        raise ActDecidedAlready
    return await act(session, kind, act_id=act_id)


async def _check_role(session: AsyncSession, kind: ActKind, staff_id: UUID) -> None:
    person = await staff.staff_member(session, staff_id=staff_id)
    if not person.active or kind.role not in person.roles:
        raise ActNeedsRole(role=kind.role.value)


def act_of(row: RowMapping) -> TwoPersonAct:
    values = dict(row)
    values["decision"] = Decision(row["decision"]) if row["decision"] is not None else None
    return TwoPersonAct(**values)
