"""Issuance: two people of the authority agree, and whole tonnes become credits with serial numbers.

What they agree to is one revision of the verification statement, its certified root, the tonnes and the carry. A newer
statement makes the proposal worthless. Everything below happens in the transaction of the approval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log, methodologies
from backend.certification import queries, reading, shortfalls, verifying
from backend.certification.errors import (
    IssuedAlready,
    MethodologyNotFiled,
    NotIndependent,
    ReportNotCertified,
    StatementMissing,
    StatementSuperseded,
)
from backend.certification.freezing import posting_id
from backend.certification.model import Batch, Issuance, Statement
from backend.certification.printed import UNIT
from backend.certification.reporting import Group, groups_of
from backend.certification.runs import layout_of, runs_of, shortened
from backend.certification.sumtree.tonnes import split
from backend.identity import Role, approvals, staff
from backend.identity.approvals import TwoPersonAct
from backend.kit import clock
from backend.kit.quantities import GRAMS_PER_TONNE
from backend.ledger import AccountSpec, Line, Posting, SerialLine, SerialPosting
from backend.packs.regions import covers

ISSUANCE = approvals.ActKind("certification.issuance", role=Role.AUTHORITY)


async def propose_issuance(session: AsyncSession, *, batch_id: UUID, proposed_by: UUID) -> TwoPersonAct:
    """Ask for a batch to be issued as its statement stands now.

    NotIndependent, ReportNotCertified, StatementMissing, StatementOutdated, CorrectionsOwed, MethodologyNotFiled,
    IssuedAlready.
    """
    known = await reading.locked(session, batch_id)
    await _require_independent(session, known, proposed_by)
    statement = await _ready(session, known)
    await resting_on(session, known, statement)
    shown = body_of(known, statement)
    return await approvals.propose(
        session, ISSUANCE, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(shown), body=shown
    )


async def approve_issuance(
    session: AsyncSession, *, batch_id: UUID, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Issuance:
    """Agree, as a second person of the authority, to exactly what was proposed; the credits exist from then on.

    Refuses as `propose_issuance` does, as any two-person act, and with StatementSuperseded.
    """
    known = await _batch_of(session, batch_id, act_id)
    await _require_independent(session, known, approved_by)
    act = await approvals.approve(
        session, ISSUANCE, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    await _require_independent(session, known, act.proposed_by)
    statement = await _ready(session, known)
    if act.body != body_of(known, statement):
        raise StatementSuperseded
    return await _issue(session, known, statement, act, approved_by)


async def reject_issuance(
    session: AsyncSession, *, batch_id: UUID, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposed issuance down, as a second person of the authority."""
    known = await _batch_of(session, batch_id, act_id)
    await _require_independent(session, known, rejected_by)
    return await approvals.reject(
        session, ISSUANCE, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def open_issuances(session: AsyncSession) -> list[TwoPersonAct]:
    """Proposed issuances that wait for a second person, oldest first."""
    return await approvals.open_acts(session, kinds=[ISSUANCE])


def body_of(known: Batch, statement: Statement) -> dict[str, Any]:
    """What both people are shown, and what they agree to."""
    quantity_t, carry_out_g = split(statement.certified_g)
    return {
        "batch": str(known.id),
        **known.series.as_body(),
        "book": known.series.book,
        "owner": known.operator,
        "verification_body": statement.body,
        "report_sha256": known.report_sha256.hex(),
        "frozen_root": known.frozen_root.hex(),
        "revision": statement.revision,
        "statement_sha256": statement.sha256.hex(),
        "certified_root": statement.certified_root.hex(),
        "certified_g": statement.certified_g,
        "carry_in_g": known.carry_in_g,
        "quantity_t": quantity_t,
        "carry_out_g": carry_out_g,
    }


async def resting_on(
    session: AsyncSession, known: Batch, statement: Statement, *, before: dt.datetime | None = None
) -> dict[str, list[str]]:
    """The filings (or, for a demonstration, the overrides) that the certified acts rest on, by their ids.

    MethodologyNotFiled where a pack was not filed for the region and day of an act. `before`: as it was at a moment.
    """
    layout = await layout_of(session, known, statement)
    groups = await groups_of(
        session,
        batch_id=known.id,
        first_month=known.first_month,
        last_month=known.last_month,
        kept_acts=layout.kept_acts,
        dropped=[at for at, keeps in layout.keeps.items() if keeps == 0],
    )
    wanted = sorted({(one.computed.pack_sha256, one.feed.region, one.day) for one in groups})
    if known.series.demo:
        packs = {(sha256, region) for sha256, region, _ in wanted}
        used = [
            override.id
            for override in await methodologies.demo_overrides(session)
            if any(override.pack_sha256 == sha256 and covers(override.region, at) for sha256, at in packs)
            and (before is None or override.set_at <= before)
        ]
        return {"demo_overrides": [str(one) for one in used], "overlays": _overlays(groups)}
    filings = [
        one for one in await methodologies.filings(session) if before is None or one.filed_at <= before
    ]
    found: dict[str, None] = {}
    for sha256, region, day in wanted:
        filing = next(
            (one for one in filings if one.pack_sha256 == sha256 and _holds(one, region, day)), None
        )
        if filing is None:
            raise MethodologyNotFiled(pack_sha256=sha256, region=region, day=day.isoformat())
        found[str(filing.id)] = None
    return {"filings": list(found)}


def _holds(filing: methodologies.Filing, region: str, day: dt.date) -> bool:
    until = filing.valid_until or dt.date.max
    return covers(filing.region, region) and filing.valid_from <= day <= until


def _overlays(groups: Iterable[Group]) -> list[str]:
    return sorted({sha256 for one in groups for sha256 in one.computed.overlays})


async def _issue(
    session: AsyncSession, known: Batch, statement: Statement, act: TwoPersonAct, approved_by: UUID
) -> Issuance:
    refs = await resting_on(session, known, statement)
    now = clock.now()
    quantity_t, carry_out_g = split(statement.certified_g)
    await _post_grams(session, known, statement, now=now)
    first_serial = await _post_tonnes(session, known, quantity_t, now) if quantity_t else None
    row = {
        "batch": known.id,
        "revision": statement.revision,
        "act_id": act.id,
        "book": known.series.book,
        "first_serial": first_serial,
        "quantity_t": quantity_t,
        "carry_out_g": carry_out_g,
        "owner_id": known.operator_id,
        "proposed_by": act.proposed_by,
        "approved_by": approved_by,
        "issued_at": now,
    }
    runs = await runs_of(session, known, statement)
    index = await log.append(
        session, kind="credit.issued", body=issued_entry(known, statement, row, refs, runs)
    )
    await session.execute(queries.ISSUE, {**row, "log_index": index})
    if statement.corrections_g:
        grams = statement.corrections_g
        await shortfalls.cover(session, known.series, grams=grams, at=now, batch_id=known.id)
    made = await reading.issuance_of(session, known.id)
    assert made is not None
    return made


def issued_entry(
    known: Batch,
    statement: Statement,
    row: Mapping[str, Any],
    refs: Mapping[str, list[str]],
    runs: list[dict[str, Any]],
) -> dict[str, Any]:
    """What the log says of an issuance. Nothing issued is the empty range from 1."""
    body: dict[str, Any] = {
        "batch": str(known.id),
        **known.series.as_body(),
        "region": known.region,
        "book": row["book"],
        "first_serial": row["first_serial"] or 1,
        "quantity_t": row["quantity_t"],
        "owner": known.operator,
        **refs,
        "revision": statement.revision,
        "frozen_root": known.frozen_root.hex(),
        "certified_root": statement.certified_root.hex(),
        "certified_leaves": statement.certified_leaves,
        "certified_g": statement.certified_g,
        "carry_in_g": known.carry_in_g,
        "carry_out_g": row["carry_out_g"],
        "runs": runs,
    }
    return shortened(body)


async def _post_grams(
    session: AsyncSession,
    known: Batch,
    statement: Statement,
    *,
    now: dt.datetime,
) -> None:
    """The batch's grams to where they end: rejected, deducted, credited, carried on; the batch is empty then."""
    series = known.series
    quantity_t, carry_out_g = split(statement.certified_g)
    moves = [
        ("rejected", f"rejected:{series.project}", statement.rejected_g),
        ("deducted", f"deducted:{series.project}", statement.deducted_g),
        ("credited", f"credited:{series.project}:{series.methodology}", quantity_t * GRAMS_PER_TONNE),
        ("carried_out", series.carry_account, carry_out_g),
    ]
    opened = await ledger.open_accounts(
        session, map(AccountSpec, (known.account, *(code for _, code, grams in moves if grams)))
    )
    await ledger.post(
        session,
        [
            Posting(
                posting_id(known.id, part),
                f"batch.{part}",
                now,
                (Line(opened[known.account], opened[code], grams),),
            )
            for part, code, grams in moves
            if grams
        ],
    )


async def _post_tonnes(session: AsyncSession, known: Batch, quantity_t: int, now: dt.datetime) -> int:
    """New serial numbers for the operator; the first of them."""
    book = known.series.book
    await ledger.open_book(session, code=book, unit=UNIT, demo=known.series.demo)
    source, owner = f"issuance:{book}", f"holder:{book}:{known.operator}"
    opened = await ledger.open_accounts(session, map(AccountSpec, (source, owner)))
    line = SerialLine(opened[source], opened[owner], quantity_t, "credit.issued")
    posting = SerialPosting(posting_id(known.id, "issued"), now, (line,))
    moved = (await ledger.post_serials(session, [posting]))[posting.id]
    (serials,) = moved.all
    return serials.low


async def _ready(session: AsyncSession, known: Batch) -> Statement:
    if known.issued_at is not None:
        raise IssuedAlready
    if known.certified_at is None:
        raise ReportNotCertified
    if known.revision is None:
        raise StatementMissing
    statement = await verifying.statement(session, batch_id=known.id)
    await shortfalls.require_issuable(session, known, statement)
    return statement


async def _batch_of(session: AsyncSession, batch_id: UUID, act_id: UUID) -> Batch:
    act = await approvals.act(session, ISSUANCE, act_id=act_id)
    if act.body["batch"] != str(batch_id):
        raise approvals.ActUnknown
    return await reading.locked(session, batch_id)


async def _require_independent(session: AsyncSession, known: Batch, staff_id: UUID) -> None:
    """Refuse whoever works for the operator or for the verification body, whatever else they are."""
    person = await staff.staff_member(session, staff_id=staff_id)
    if person.organisation_id in {known.operator_id, known.body_id}:
        raise NotIndependent
