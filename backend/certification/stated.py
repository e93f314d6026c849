"""What people said and signed about batches: reports, samples, statements, issuances, and the log's entries of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import issuing, reading, reporting, sampling, trees, verifying
from backend.certification.checks import every_batch
from backend.certification.errors import MethodologyNotFiled, StatementMissing
from backend.certification.freezing import frozen_entry
from backend.certification.issuing import ISSUANCE
from backend.certification.model import Batch, Issuance, Statement
from backend.certification.reporting import REPORT
from backend.certification.runs import runs_of
from backend.certification.sumtree.tonnes import split
from backend.identity import Role, approvals
from backend.identity.approvals import TwoPersonAct
from backend.identity.approvals import checks as approval_checks
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.log import canonical

_REPORT = ("it is not what the batch gives when it is written again", "与按批次重新编写的结果不符")
_UNREPORTED = ("it has no monitoring report", "没有监测报告")
_NOT_CERTIFIED = (
    "no two people of the operator agreed to this report",
    "该报告没有经运营方两人确认",
)
_NOT_RECORDED = ("the act was approved and nothing came of it", "事项已获批准而未见结果")

_CERTIFIED = text("""
    SELECT c.batch_id, c.report_sha256, c.act_id, c.organisation_id, c.proposed_by, c.approved_by,
           p.organisation_id AS proposer_of, a.organisation_id AS approver_of
    FROM batch_report_certified c
    LEFT JOIN staff p ON p.id = c.proposed_by LEFT JOIN staff a ON a.id = c.approved_by
""")


async def reports(session: AsyncSession) -> Checked:
    """Each report is what its batch gives; two people of the operator stand behind each certified one."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM batch_report"))
    known = await _batches(session)
    for batch in known.values():
        stored = (await session.execute(_REPORTS, {"batch": batch.id})).one_or_none()
        if stored is None:
            checked.name("batch", batch.id, _UNREPORTED)
            continue
        again = await reporting.draft(session, await _row(session, batch.id))
        if bytes(stored.document) != again.document or (
            bytes(stored.sha256) != hashlib.sha256(again.document).digest()
        ):
            checked.name("batch_report", batch.id, _REPORT)
    acts = {act.id: act async for act in approval_checks.every_act(session, kind=REPORT)}
    certified = (await session.execute(_CERTIFIED)).all()
    for row in certified:
        of, act = known.get(row.batch_id), acts.get(row.act_id)
        if not (
            of is not None
            and _as_agreed(act, row.proposed_by, row.approved_by)
            and act is not None
            and act.subject_sha256 == bytes(row.report_sha256) == of.report_sha256
            and row.organisation_id == row.proposer_of == row.approver_of == of.operator_id
        ):
            checked.name("batch_report_certified", row.batch_id, _NOT_CERTIFIED)
    _nothing_without(checked, "batch_report_certified", acts, {row.act_id for row in certified})
    return checked


_REPORTS = text("SELECT sha256, document FROM batch_report WHERE batch_id = :batch")
_ROW = text("SELECT * FROM batch WHERE id = :batch")


async def _row(session: AsyncSession, batch_id: UUID) -> Mapping[str, Any]:
    return dict((await session.execute(_ROW, {"batch": batch_id})).mappings().one())


async def _batches(session: AsyncSession) -> dict[UUID, Batch]:
    return await every_batch(session)


def _as_agreed(act: TwoPersonAct | None, proposed_by: UUID, approved_by: UUID) -> bool:
    return (
        act is not None
        and act.decision is approvals.Decision.APPROVED
        and (act.proposed_by, act.decided_by) == (proposed_by, approved_by)
        and proposed_by != approved_by
        and approvals.sha256_of(act.body) == act.subject_sha256
    )


def _nothing_without(
    checked: Checked, table: str, acts: Mapping[UUID, TwoPersonAct], used: set[UUID]
) -> None:
    for act in acts.values():
        if act.decision is approvals.Decision.APPROVED and act.id not in used:
            checked.name(table, f"act {act.id}", _NOT_RECORDED)


_VERIFICATION = (
    Rule(
        "batch_assignment",
        """
            SELECT place, fault FROM (
                SELECT a.batch_id || '/' || a.number AS place, CASE
                    WHEN b.id IS NULL THEN 'batch'
                    WHEN a.number <> row_number() OVER (PARTITION BY a.batch_id ORDER BY a.number) THEN 'number'
                    WHEN NOT EXISTS (SELECT FROM organisation_role r
                        WHERE r.organisation_id = a.organisation_id AND r.role = :verification_body) THEN 'body'
                    WHEN a.organisation_id = b.operator_id OR s.organisation_id IS NULL
                        OR s.organisation_id IN (a.organisation_id, b.operator_id) THEN 'apart'
                    WHEN a.assigned_at > (SELECT min(d.drawn_at) FROM batch_sample d WHERE d.batch_id = a.batch_id)
                        THEN 'late'
                END AS fault
                FROM batch_assignment a
                LEFT JOIN batch b ON b.id = a.batch_id
                LEFT JOIN staff s ON s.id = a.assigned_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "batch": ("there is no batch that it is of", "没有所属批次"),
            "number": ("assignments are not counted from 1 without a gap", "指派序号不连续"),
            "body": ("it assigns who is no verification body", "被指派者不是核查机构"),
            "apart": (
                "the body is not apart from the operator and from who assigned it",
                "核查机构与运营方或指派方未分离",
            ),
            "late": ("the verification had begun", "核查已经开始"),
        },
    ),
    Rule(
        "batch_finding",
        """
            SELECT place, fault FROM (
                SELECT f.batch_id || '/' || f.number AS place, CASE
                    WHEN l.position IS NULL THEN 'leaf'
                    WHEN f.number <> row_number() OVER (PARTITION BY f.batch_id ORDER BY f.number) THEN 'number'
                    WHEN f.keeps_g < 0 OR f.keeps_g > l.grams THEN 'grams'
                    WHEN s.organisation_id IS DISTINCT FROM v.organisation_id THEN 'body'
                    WHEN f.found_at > i.issued_at THEN 'late'
                END AS fault
                FROM batch_finding f
                LEFT JOIN batch_leaf l ON l.batch_id = f.batch_id AND l.position = f.position
                LEFT JOIN staff s ON s.id = f.found_by
                LEFT JOIN batch_issuance i ON i.batch_id = f.batch_id
                LEFT JOIN LATERAL (SELECT a.organisation_id FROM batch_assignment a WHERE a.batch_id = f.batch_id
                                   ORDER BY a.number DESC LIMIT 1) v ON true
            ) found WHERE fault IS NOT NULL
        """,
        {
            "leaf": ("it is about no act of its batch", "该批次没有所指的行为"),
            "number": ("findings are not counted from 1 without a gap", "核查发现的序号不连续"),
            "grams": (
                "it leaves more grams than the act has, or fewer than none",
                "保留克数超出该行为的范围",
            ),
            "body": ("it is not by the body that was assigned", "不是由被指派的核查机构作出"),
            "late": ("it was made after the issuance", "作出于签发之后"),
        },
    ),
    Rule(
        "batch_statement",
        """
            SELECT place, fault FROM (
                SELECT t.batch_id || '/' || t.revision AS place, CASE
                    WHEN t.revision <> row_number() OVER (PARTITION BY t.batch_id ORDER BY t.revision) THEN 'number'
                    WHEN t.organisation_id IS DISTINCT FROM v.organisation_id
                        OR s.organisation_id IS DISTINCT FROM v.organisation_id THEN 'body'
                    WHEN c.batch_id IS NULL OR c.certified_at > t.issued_at THEN 'report'
                    WHEN t.issued_at > i.issued_at THEN 'late'
                END AS fault
                FROM batch_statement t
                LEFT JOIN staff s ON s.id = t.issued_by
                LEFT JOIN batch_report_certified c ON c.batch_id = t.batch_id
                LEFT JOIN batch_issuance i ON i.batch_id = t.batch_id
                LEFT JOIN LATERAL (SELECT a.organisation_id FROM batch_assignment a WHERE a.batch_id = t.batch_id
                                   ORDER BY a.number DESC LIMIT 1) v ON true
            ) found WHERE fault IS NOT NULL
        """,
        {
            "number": ("revisions are not counted from 1 without a gap", "核查声明的版次不连续"),
            "body": ("it is not by the body that was assigned", "不是由被指派的核查机构作出"),
            "report": ("the report was not certified when it was made", "作出时监测报告尚未确认"),
            "late": ("it was made after the issuance", "作出于签发之后"),
        },
    ),
)
_SEED = ("its seed does not follow from the frozen root and the log", "种子不能由冻结树根与日志得出")
_DRAWN = ("its draws do not follow from its seed", "抽取结果不能由种子得出")
_STATED = ("it is not what findings, samples and sums give", "与核查发现、样本及合计不符")


async def verification(session: AsyncSession) -> Checked:
    """Only the body assigned, apart from the operator, draws, finds and states; samples and statements come out again."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM batch_statement"))
    await look_for(session, checked, _VERIFICATION, verification_body=Role.VERIFICATION_BODY.value)
    for batch in (await _batches(session)).values():
        drawn = await verifying.samples(session, batch_id=batch.id)
        if drawn:
            await _samples(session, checked, batch)
        for statement in await verifying.statements(session, batch_id=batch.id):
            await _statement(session, checked, batch, statement)
    return checked


_SAMPLES = text(
    "SELECT number, seed, draws, drawn_by, drawn_at FROM batch_sample WHERE batch_id = :batch ORDER BY number"
)
_BODY_OF = text("SELECT organisation_id FROM staff WHERE id = :staff")


async def _samples(session: AsyncSession, checked: Checked, batch: Batch) -> None:
    log_root = await log.root(session, size=batch.log_index + 1)
    ends = np.cumsum((await trees.frozen_leaves(session, batch.id)).grams)
    stored = {one.number: one for one in await verifying.samples(session, batch_id=batch.id)}
    for place, row in enumerate((await session.execute(_SAMPLES, {"batch": batch.id})).all(), start=1):
        by = (await session.execute(_BODY_OF, {"staff": row.drawn_by})).scalar_one_or_none()
        seed = sampling.seed_of(frozen_root=batch.frozen_root, log_root=log_root, number=row.number)
        if (row.number, bytes(row.seed), by) != (place, seed, batch.body_id):
            checked.name("batch_sample", f"{batch.id}/{row.number}", _SEED)
        grams = sampling.grams_drawn(bytes(row.seed), draws=row.draws, frozen_g=batch.frozen_g)
        positions = np.searchsorted(ends, np.array(grams, dtype=np.uint64), side="right").tolist()
        again = [(draw, *one) for draw, one in enumerate(zip(grams, positions, strict=True), start=1)]
        found = (
            [(one.draw, one.gram, one.position) for one in stored[row.number].draws]
            if row.number in stored
            else []
        )
        if found != again:
            checked.name("batch_draw", f"{batch.id}/{row.number}", _DRAWN)


_STATED_WORDS = ("assurance", "materiality_percent", "deduction_basis")


async def _statement(session: AsyncSession, checked: Checked, batch: Batch, statement: Statement) -> None:
    """The document says what the rows say; only its words are its own."""
    place = f"{batch.id}/{statement.revision}"
    try:
        said = canonical.decode(statement.document)
        words = {name: str(said[name]) for name in _STATED_WORDS}
        samples = len(said["samples"])
    except (ValueError, KeyError, TypeError):
        checked.name("batch_statement", place, _STATED)
        return
    found = await verifying.findings(session, batch_id=batch.id, until=statement.findings)
    drawn = (await verifying.samples(session, batch_id=batch.id))[:samples]
    row = {
        "revision": statement.revision,
        **{
            name: getattr(statement, name)
            for name in (
                "rejected_g",
                "deducted_g",
                "corrections_g",
                "verified_g",
                "certified_leaves",
                "certified_g",
                "certified_root",
            )
        },
    }
    again = canonical.encode(verifying.statement_body(batch, row, words, drawn, verifying.standing(found)))
    if again != statement.document or statement.sha256 != hashlib.sha256(again).digest():
        checked.name("batch_statement", place, _STATED)


_ISSUANCES = text("""
    SELECT i.batch_id, p.organisation_id AS proposer_of, a.organisation_id AS approver_of
    FROM batch_issuance i
    LEFT JOIN staff p ON p.id = i.proposed_by LEFT JOIN staff a ON a.id = i.approved_by
""")
_NOT_AGREED = ("no two people agreed to this issuance", "该签发没有经两人同意")
_DEPENDENT = (
    "somebody of the operator or of the verification body decided about it",
    "运营方或核查机构的人员参与了决定",
)
_SUM = (
    "carry in and verified are not the tonnes issued and the carry out",
    "转入与核定之和不等于签发吨数与转出之和",
)
_UNFILED = (
    "it rests on a methodology that was not filed for region and day",
    "所依据的方法学在该地区和日期未备案",
)
_BOOK = ("it stands in the wrong book, or belongs to somebody else", "簿册或归属不对")
_OLD = ("it does not rest on the statement that stood", "所依据的不是当时有效的核查声明")


async def issuances(session: AsyncSession) -> Checked:
    """Two people of neither operator nor verifier agreed; tonnes and carry add up; all rests on filings, or is a demo."""
    rows = (await session.execute(_ISSUANCES)).all()
    checked = Checked(rows=len(rows))
    known = await _batches(session)
    acts = {act.id: act async for act in approval_checks.every_act(session, kind=ISSUANCE)}
    used = set()
    for row in rows:
        batch, issued = known.get(row.batch_id), await reading.issuance_of(session, row.batch_id)
        if batch is None or issued is None:
            checked.name("batch_issuance", row.batch_id, _NOT_AGREED)
            continue
        used.add(issued.act_id)
        people = {row.proposer_of, row.approver_of}
        await _issuance(session, checked, _Issued(batch, issued, acts.get(issued.act_id), people))
    _nothing_without(checked, "batch_issuance", acts, used)
    return checked


@dataclass(frozen=True)
class _Issued:
    batch: Batch
    issuance: Issuance
    act: TwoPersonAct | None
    organisations: set[UUID | None]  # that the two people work for


async def _issuance(session: AsyncSession, checked: Checked, one: _Issued) -> None:
    batch, issued, act = one.batch, one.issuance, one.act
    if one.organisations & {None, batch.operator_id, batch.body_id}:
        checked.name("batch_issuance", batch.id, _DEPENDENT)
    if (issued.book, issued.owner_id) != (batch.series.book, batch.operator_id):
        checked.name("batch_issuance", batch.id, _BOOK)
    try:
        statement = await verifying.statement(session, batch_id=batch.id, revision=issued.revision)
    except StatementMissing:
        checked.name("batch_issuance", batch.id, _OLD)
        return
    if issued.revision != batch.revision:
        checked.name("batch_issuance", batch.id, _OLD)
    if act is None or not (
        _as_agreed(act, issued.proposed_by, issued.approved_by)
        and act.body == issuing.body_of(batch, statement)
    ):
        checked.name("batch_issuance", batch.id, _NOT_AGREED)
    if split(statement.certified_g) != (issued.quantity_t, issued.carry_out_g) or (
        batch.carry_in_g + statement.verified_g != statement.certified_g
    ):
        checked.name("batch_issuance", batch.id, _SUM)
    try:
        await issuing.resting_on(session, batch, statement, before=issued.issued_at)
    except MethodologyNotFiled:
        checked.name("batch_issuance", batch.id, _UNFILED)


_ENTRIES_AT_ONCE = 50_000
_NOT_LOGGED = ("the log does not state it as it is", "日志未如实记载")
_NOT_STORED = ("the log states what is not there", "日志所载并不存在")
_KINDS = ("batch.frozen", "report.certified", "batch.verified", "credit.issued")


async def logged(session: AsyncSession) -> Checked:
    """Every freezing, certification, statement and issuance is in the log as it is, where it says, and nothing else is."""
    stated: dict[tuple[str, bytes], Counter[int]] = {}
    size = await log.size(session)
    for kind in _KINDS:
        for low in range(0, size, _ENTRIES_AT_ONCE):
            high = min(size, low + _ENTRIES_AT_ONCE)
            for entry in await log.entries(session, low=low, high=high, kind=kind):
                stated.setdefault((kind, canonical.encode(entry.body)), Counter())[entry.index] += 1
    checked = Checked(rows=sum(sum(found.values()) for found in stated.values()))
    for batch in (await _batches(session)).values():
        for table, kind, body, index in await _entries_of(session, batch):
            found = stated.get((kind, canonical.encode(body)), Counter())
            at = index if index is not None else next(iter(found), -1)
            if not found[at]:
                checked.name(table, batch.id, _NOT_LOGGED)
            else:
                found[at] -= 1
    for (kind, body_bytes), found in sorted(stated.items()):
        for index, left in found.items():
            if left:
                checked.name(kind, f"{index} {canonical.decode(body_bytes).get('batch')}", _NOT_STORED)
    return checked


async def _entries_of(
    session: AsyncSession, batch: Batch
) -> list[tuple[str, str, Mapping[str, Any], int | None]]:
    """What the log must say of a batch: table, kind, body, and the index where that is known."""
    row = await _row(session, batch.id)
    packs = (await reporting.draft(session, row)).packs
    wanted: list[tuple[str, str, Mapping[str, Any], int | None]] = [
        ("batch", "batch.frozen", frozen_entry(row, packs), batch.log_index)
    ]
    if batch.certified_at is not None:
        wanted.append(("batch_report_certified", "report.certified", reporting.certified_entry(batch), None))
    for statement in await verifying.statements(session, batch_id=batch.id):
        body = verifying.verified_entry(
            statement.body, {**{n: getattr(statement, n) for n in Statement.__slots__}, "batch": batch.id}
        )
        wanted.append(("batch_statement", "batch.verified", body, statement.log_index))
    issued = await reading.issuance_of(session, batch.id)
    if issued is not None:
        statement = await verifying.statement(session, batch_id=batch.id, revision=issued.revision)
        refs = await issuing.resting_on(session, batch, statement, before=issued.issued_at)
        body = issuing.issued_entry(
            batch,
            statement,
            {n: getattr(issued, n) for n in Issuance.__slots__},
            refs,
            await runs_of(session, batch, statement),
        )
        wanted.append(("batch_issuance", "credit.issued", body, issued.log_index))
    return wanted
