"""The monitoring report: what a batch is made of, written down the same way every time, certified by two people."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import queries, reading
from backend.certification.errors import NotTheOperator, ReportCertifiedAlready
from backend.certification.facts import Computed, Feed, first_key
from backend.certification.model import Batch, Report
from backend.identity import Role, approvals, organisations, staff
from backend.identity.approvals import TwoPersonAct
from backend.kit import clock
from backend.log import canonical

REPORT = approvals.ActKind("certification.report", role=Role.OPERATOR, stands_for=dt.timedelta(days=7))
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Group:
    """Acts of one batch that are alike in all that a report and a filing look at."""

    computed: Computed
    feed: Feed
    day: dt.date
    acts: int
    grams: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that is not stored yet, and the fingerprints of the packs that it names."""

    document: bytes
    packs: list[str]


async def groups_of(
    session: AsyncSession,
    *,
    batch_id: UUID,
    first_month: dt.date,
    last_month: dt.date,
    kept_acts: int = _ALL,
    dropped: Sequence[int] = (),
) -> list[Group]:
    """What a batch's frozen acts are, by day, region, source and method; only those before `kept_acts` and not `dropped`."""
    given = {
        "batch": batch_id,
        "low": first_key(first_month),
        "high": first_key(reading.next_month(last_month)),
        "kept_acts": kept_acts,
        "dropped": list(dropped),
    }
    rows = (await session.execute(queries.GROUPS, given)).all()
    computed = await reading.computed_of(session, sorted({row.method_id for row in rows}))
    feeds = await reading.feeds_by_id(session)
    return [
        Group(computed[row.method_id], feeds[row.source_id], row.day, row.acts, row.grams) for row in rows
    ]


async def draft(session: AsyncSession, row: Mapping[str, Any]) -> Draft:
    """Write the report of a batch whose leaves are stored; `row` is the batch's own."""
    operator = await organisations.organisation(session, organisation_id=row["operator_id"])
    groups = await groups_of(
        session, batch_id=row["id"], first_month=row["first_month"], last_month=row["last_month"]
    )
    document = canonical.encode(report_body(row, operator.code, groups))
    return Draft(document, sorted({group.computed.pack_sha256 for group in groups}))


def report_body(row: Mapping[str, Any], operator: str, groups: Iterable[Group]) -> dict[str, Any]:
    """The report as a document: whole numbers, no person, no card."""
    groups = list(groups)
    return {
        "kind": "monitoring-report",
        "format": 1,
        "batch": str(row["id"]),
        **{
            name: row[name]
            for name in ("project", "methodology", "vintage_year", "demo", "sequence", "region")
        },
        "previous": str(row["previous_id"]) if row["previous_id"] else None,
        "operator": operator,
        "first_month": f"{row['first_month']:%Y-%m}",
        "last_month": f"{row['last_month']:%Y-%m}",
        "benefit_split": {
            "reference": row["benefit_split"],
            "published_on": row["benefit_split_published_on"].isoformat(),
        },
        "acts": row["acts"],
        "frozen_g": row["frozen_g"],
        "frozen_root": bytes(row["frozen_root"]).hex(),
        "order": "day, region, salted digest",
        "carry_in_g": row["carry_in_g"],
        "by_method": _sums(groups, lambda one: _method(one.computed)),
        "by_evidence": _sums(groups, lambda one: {"evidence": one.feed.evidence}),
        "by_source": _sums(groups, lambda one: {"source": one.feed.source, "region": one.feed.region}),
        "by_day": _sums(groups, lambda one: {"day": one.day.isoformat()}),
    }


def _method(computed: Computed) -> dict[str, Any]:
    return {
        "pack_sha256": computed.pack_sha256,
        "version": computed.version,
        "edition": computed.edition,
        "activity": computed.activity,
        "overlays": list(computed.overlays),
        "engine": computed.engine,
    }


def _sums(groups: Iterable[Group], named: Callable[[Group], dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[bytes, list[int]] = defaultdict(lambda: [0, 0])
    for group in groups:
        one = sums[canonical.encode(named(group))]
        one[0] += group.acts
        one[1] += group.grams
    return [
        {**canonical.decode(name), "acts": acts, "grams": grams}
        for name, (acts, grams) in sorted(sums.items())
    ]


async def store(session: AsyncSession, batch_id: UUID, report: Draft) -> None:
    sha256 = hashlib.sha256(report.document).digest()
    await session.execute(
        queries.ADD_REPORT, {"batch": batch_id, "sha256": sha256, "document": report.document}
    )


async def report(session: AsyncSession, *, batch_id: UUID) -> Report:
    """The monitoring report of a batch, or BatchUnknown."""
    known = await reading.batch(session, batch_id)
    row = (await session.execute(queries.REPORT, {"batch": known.id})).one()
    return Report(batch_id=row.batch_id, sha256=bytes(row.sha256), document=bytes(row.document))


async def propose_report(session: AsyncSession, *, batch_id: UUID, proposed_by: UUID) -> TwoPersonAct:
    """Ask for the report to be certified, as staff of the operator; what is shown is the report itself."""
    known = await reading.locked(session, batch_id)
    await _require_operator(session, known, proposed_by)
    if known.certified_at is not None:
        raise ReportCertifiedAlready
    shown = await report(session, batch_id=batch_id)
    return await approvals.propose(
        session,
        REPORT,
        proposed_by=proposed_by,
        subject_sha256=shown.sha256,
        body=canonical.decode(shown.document),
    )


async def certify_report(
    session: AsyncSession, *, batch_id: UUID, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Batch:
    """Certify, as a second member of the operator's staff, exactly the report that was proposed; logged."""
    known = await _batch_of(session, batch_id, act_id)
    await _require_operator(session, known, approved_by)
    act = await approvals.approve(
        session, REPORT, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    if known.certified_at is not None:
        raise ReportCertifiedAlready
    await session.execute(
        queries.CERTIFY,
        {
            "batch": known.id,
            "report_sha256": known.report_sha256,
            "act_id": act.id,
            "organisation_id": known.operator_id,
            "proposed_by": act.proposed_by,
            "approved_by": approved_by,
            "certified_at": clock.now(),
        },
    )
    await log.append(session, kind="report.certified", body=certified_entry(known))
    return await reading.batch(session, known.id)


def certified_entry(known: Batch) -> dict[str, Any]:
    """What the log says of a certified report."""
    return {
        "batch": str(known.id),
        "report_sha256": known.report_sha256.hex(),
        "by_organisation": known.operator,
    }


async def reject_report(
    session: AsyncSession, *, batch_id: UUID, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposed certification down, as a second member of the operator's staff."""
    await _require_operator(session, await _batch_of(session, batch_id, act_id), rejected_by)
    return await approvals.reject(
        session, REPORT, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def open_reports(session: AsyncSession, *, operator: str) -> list[TwoPersonAct]:
    """Proposed certifications of an operator's reports that wait for a second person, oldest first."""
    found = await approvals.open_acts(session, kinds=[REPORT])
    return [act for act in found if act.body["operator"] == operator]


async def _batch_of(session: AsyncSession, batch_id: UUID, act_id: UUID) -> Batch:
    act = await approvals.act(session, REPORT, act_id=act_id)
    if act.body["batch"] != str(batch_id):
        raise approvals.ActUnknown
    return await reading.locked(session, batch_id)


async def _require_operator(session: AsyncSession, known: Batch, staff_id: UUID) -> None:
    person = await staff.staff_member(session, staff_id=staff_id)
    if not person.active or person.organisation_id != known.operator_id or Role.OPERATOR not in person.roles:
        raise NotTheOperator
