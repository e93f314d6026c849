"""Filing 备案: the authority's two-person act over a pack's fingerprint, a region and a validity.

Without a filing a methodology's grams reach no credit pool. A demo override is the visible exception: what it leads
to is marked as a demonstration, all the way to the serial numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log, packs
from backend.identity import Role, approvals, staff
from backend.kit import clock, ids
from backend.methodologies import queries
from backend.methodologies.errors import FilingEndsBeforeItBegins, OverrideNeedsRole
from backend.methodologies.shape import methodology_of
from backend.packs import OutsideJurisdiction, Overlay, Pack
from backend.packs.regions import covers

FilingStatus = Literal["filed", "demo", "not_filed"]

FILING = approvals.ActKind("methodology.filing", role=Role.AUTHORITY)

log.register(
    log.Sealed("methodology_filing", key=("id",)), log.Sealed("methodology_demo_override", key=("id",))
)


@dataclass(frozen=True, slots=True)
class Filing:
    """A filed methodology. Both days of its validity are included; no `valid_until` means until further notice."""

    id: UUID
    pack_sha256: str
    methodology: str
    version: str
    region: str
    valid_from: dt.date
    valid_until: dt.date | None
    act_id: UUID
    filed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DemoOverride:
    """Leave to use a methodology that is not filed, for demonstrations."""

    id: UUID
    pack_sha256: str
    methodology: str
    version: str
    region: str
    reason: str
    set_at: dt.datetime


async def propose_filing(
    session: AsyncSession,
    *,
    pack: Pack,
    region: str,
    valid_from: dt.date,
    valid_until: dt.date | None = None,
    proposed_by: UUID,
) -> approvals.TwoPersonAct:
    """Ask for a filing, as staff of the authority; the pack's text is stored so that both people see the same bytes.

    Refuses with `PackFaulty`, `OutsideJurisdiction` when the region is not within the methodology's, or
    `FilingEndsBeforeItBegins`.
    """
    method = methodology_of(pack)
    if not covers(method.jurisdiction, region, excludes=method.excludes_jurisdictions):
        raise OutsideJurisdiction(pack=method.id, jurisdiction=method.jurisdiction, region=region)
    if valid_until is not None and valid_until < valid_from:
        raise FilingEndsBeforeItBegins
    await packs.store(session, pack)
    shown = {
        "pack_sha256": pack.sha256,
        "methodology": method.id,
        "version": method.version,
        "region": region,
        "valid_from": valid_from.isoformat(),
        "valid_until": valid_until.isoformat() if valid_until else None,
    }
    return await approvals.propose(
        session, FILING, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(shown), body=shown
    )


async def approve_filing(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Filing:
    """Agree, as a second person of the authority, to exactly what was proposed; the filing stands and is logged."""
    act = await approvals.approve(
        session, FILING, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    filed = act.body
    filing = Filing(
        id=ids.derive(act.id, "filing"),
        pack_sha256=filed["pack_sha256"],
        methodology=filed["methodology"],
        version=filed["version"],
        region=filed["region"],
        valid_from=dt.date.fromisoformat(filed["valid_from"]),
        valid_until=dt.date.fromisoformat(filed["valid_until"]) if filed["valid_until"] else None,
        act_id=act.id,
        filed_at=clock.now(),
    )
    await queries.file(
        session,
        id=filing.id,
        pack_sha256=filing.pack_sha256,
        region=filing.region,
        valid_from=filing.valid_from,
        valid_until=filing.valid_until,
        act_id=act.id,
        proposed_by=act.proposed_by,
        approved_by=approved_by,
        filed_at=filing.filed_at,
    )
    await log.append(session, kind="methodology.filed", body={**filed, "act": str(act.id)})
    return filing


async def reject_filing(
    session: AsyncSession, *, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> approvals.TwoPersonAct:
    """Turn a proposed filing down, as a second person of the authority."""
    return await approvals.reject(
        session, FILING, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def open_filings(session: AsyncSession) -> list[approvals.TwoPersonAct]:
    """Proposed filings that wait for a second person, oldest first."""
    return await approvals.open_acts(session, kinds=[FILING])


async def override_for_demo(
    session: AsyncSession, *, pack: Pack, region: str, reason: str, set_by: UUID
) -> None:
    """Let a methodology that is not filed reach pools marked as a demonstration, in a region; logged, never silent.

    Doing it again changes nothing. Needs staff of an operator or of the authority.
    """
    person = await staff.staff_member(session, staff_id=set_by)
    if not person.active or not {Role.OPERATOR, Role.AUTHORITY} & set(person.roles):
        raise OverrideNeedsRole
    method = methodology_of(pack)
    await packs.store(session, pack)
    body: dict[str, Any] = {"pack_sha256": pack.sha256, "region": region, "reason": reason}
    if await queries.override(session, id=ids.uuid7(), **body, set_by=set_by, set_at=clock.now()):
        named = {**body, "methodology": method.id, "version": method.version}
        await log.append(session, kind="methodology.demo_override", body=named)


async def filing_status(
    session: AsyncSession, *, sha256: str, region: str, on: dt.date, overlays: Sequence[Overlay] = ()
) -> FilingStatus:
    """Whether a pack may feed a credit pool in a region on a day: as filed, as a demonstration only, or not at all.

    `overlays` are those that the computation needed: with one made for demonstrations, even a filed methodology
    gives no more than a demonstration.
    """
    found = cast("FilingStatus", await queries.status(session, sha256=sha256, region=region, on=on))
    return "demo" if found == "filed" and any(overlay.demo for overlay in overlays) else found


async def filings(session: AsyncSession, *, sha256: str | None = None) -> list[Filing]:
    """Every filing, of one pack or of all, oldest first."""
    return [_filing(dict(row)) for row in await queries.filings(session, sha256=sha256)]


async def demo_overrides(session: AsyncSession) -> list[DemoOverride]:
    """Every override for demonstrations, oldest first."""
    return [_override(dict(row)) for row in await queries.overrides(session)]


def _filing(row: dict[str, Any]) -> Filing:
    return Filing(methodology=row.pop("pack_id"), **row)


def _override(row: dict[str, Any]) -> DemoOverride:
    return DemoOverride(methodology=row.pop("pack_id"), **row)
