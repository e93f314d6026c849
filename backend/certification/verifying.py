"""Verification: a body that is not the operator draws acts, looks at their evidence, and states what stands.

Findings and statements are only ever added. The last finding about an act counts, the last statement of a batch stands,
and a statement rests on the findings that there were when it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import queries, reading, sampling, shortfalls, trees
from backend.certification.errors import (
    ActNotInBatch,
    ActWithdrawn,
    BatchUnknown,
    BodyUnsuitable,
    IssuedAlready,
    KeepsTooMuch,
    NotIndependent,
    ReportNotCertified,
    SampleMissing,
    StatementMissing,
    VerificationBegun,
)
from backend.certification.layout import lay_out
from backend.certification.model import (
    Assurance,
    Batch,
    Draw,
    Finding,
    FindingReason,
    Projection,
    Sample,
    Statement,
)
from backend.certification.sumtree import Leaf, Tree
from backend.certification.sumtree.tonnes import DeductionExceedsVerified, carry_leaf, certified_leaves
from backend.identity import Role, organisations, staff
from backend.kit import clock
from backend.log import canonical


async def assign_body(
    session: AsyncSession, *, batch_id: UUID, organisation_code: str, assigned_by: UUID
) -> Batch:
    """Let a verification body verify a batch, as staff of the authority.

    BodyUnsuitable for the operator, for the assigning organisation, or for who is no verification body; NotIndependent
    when the assigning person works for the operator; VerificationBegun once another has drawn, found or stated anything.
    """
    known = await reading.locked(session, batch_id)
    person = await staff.staff_member(session, staff_id=assigned_by)
    if not person.active or Role.AUTHORITY not in person.roles or person.organisation_id == known.operator_id:
        raise NotIndependent
    body = await organisations.organisation_by_code(session, code=organisation_code)
    if Role.VERIFICATION_BODY not in body.roles or body.id in {known.operator_id, person.organisation_id}:
        raise BodyUnsuitable
    if (await session.execute(queries.BEGUN, {"batch": batch_id})).scalar_one():
        raise VerificationBegun
    await session.execute(
        queries.ASSIGN, {"batch": batch_id, "organisation": body.id, "by": assigned_by, "at": clock.now()}
    )
    return await reading.batch(session, batch_id)


async def draw_sample(session: AsyncSession, *, batch_id: UUID, draws: int, drawn_by: UUID) -> Sample:
    """Draw acts with the weight of their grams; the next sample of the batch has another seed."""
    known = await _mine(session, batch_id, drawn_by)
    number = int((await session.execute(queries.LAST_SAMPLE, {"batch": batch_id})).scalar_one()) + 1
    log_root = await log.root(session, size=known.log_index + 1)
    seed = sampling.seed_of(frozen_root=known.frozen_root, log_root=log_root, number=number)
    grams = sampling.grams_drawn(seed, draws=draws, frozen_g=known.frozen_g)
    ends = np.cumsum((await trees.frozen_leaves(session, batch_id)).grams)
    positions = np.searchsorted(ends, np.array(grams, dtype=np.uint64), side="right").tolist()
    await session.execute(
        queries.ADD_SAMPLE,
        {
            "batch": batch_id,
            "number": number,
            "seed": seed,
            "draws": draws,
            "by": drawn_by,
            "at": clock.now(),
        },
    )
    await session.execute(
        queries.ADD_DRAWS, {"batch": batch_id, "number": number, "grams": grams, "positions": positions}
    )
    return (await samples(session, batch_id=batch_id))[-1]


async def samples(session: AsyncSession, *, batch_id: UUID) -> list[Sample]:
    """Every sample of a batch, by number."""
    found: dict[int, tuple[Any, list[Draw]]] = {}
    for row in await session.execute(queries.SAMPLES, {"batch": batch_id}):
        _, drawn = found.setdefault(row.number, (row, []))
        drawn.append(Draw(row.draw, row.gram, row.position))
    return [
        Sample(batch_id, number, bytes(row.seed), row.drawn_by, row.drawn_at, tuple(drawn))
        for number, (row, drawn) in found.items()
    ]


async def record_finding(
    session: AsyncSession,
    *,
    batch_id: UUID,
    position: int,
    keeps_g: int,
    reason: FindingReason,
    remark: str,
    found_by: UUID,
) -> Finding:
    """Say how many grams of a frozen act stand: none, some, or (to take an earlier finding back) all.

    ActNotInBatch, KeepsTooMuch, ActWithdrawn, IssuedAlready.
    """
    await _mine(session, batch_id, found_by)
    given = {"batch": batch_id, "low": position, "high": position}
    leaf = (await session.execute(queries.LEAVES_BETWEEN, given)).one_or_none()
    if leaf is None:
        raise ActNotInBatch
    if keeps_g > leaf.grams:
        raise KeepsTooMuch(frozen_g=leaf.grams)
    at = {"batch": batch_id, "position": position}
    if keeps_g and (await session.execute(queries.WITHDRAWN_AT, at)).scalar_one():
        raise ActWithdrawn
    await session.execute(
        queries.ADD_FINDING,
        {
            "batch": batch_id,
            "position": position,
            "keeps_g": keeps_g,
            "reason": reason.value,
            "remark": remark,
            "by": found_by,
            "at": clock.now(),
        },
    )
    return (await findings(session, batch_id=batch_id))[-1]


async def findings(session: AsyncSession, *, batch_id: UUID, until: int | None = None) -> list[Finding]:
    """Every finding of a batch in order, those up to a number when one is given."""
    rows = await session.execute(queries.FINDINGS, {"batch": batch_id, "until": until})
    return [
        Finding(
            number=row.number,
            position=row.position,
            frozen_g=row.frozen_g,
            keeps_g=row.keeps_g,
            reason=FindingReason(row.reason),
            remark=row.remark,
            found_by=row.found_by,
            found_at=row.found_at,
        )
        for row in rows
    ]


def standing(found: Sequence[Finding]) -> dict[int, Finding]:
    """The finding that counts of each act, by position; acts that keep all of their grams are left out."""
    last = {finding.position: finding for finding in found}
    return {at: last[at] for at in sorted(last) if last[at].keeps_g < last[at].frozen_g}


async def projection(session: AsyncSession, *, batch_id: UUID) -> Projection:
    """What the samples and findings so far say of the rest of the batch."""
    known = await reading.batch(session, batch_id)
    counted = standing(await findings(session, batch_id=batch_id))
    drawn = (await session.execute(queries.DRAWN, {"batch": batch_id})).all()
    kept = [(grams, counted[position].keeps_g if position in counted else grams) for position, grams in drawn]
    rejected_g = sum(one.frozen_g - one.keeps_g for one in counted.values())
    return Projection(
        draws=len(drawn),
        acts_with_findings=len(counted),
        rejected_g=rejected_g,
        projected_g=sampling.projected_g(drawn=kept, frozen_g=known.frozen_g, found_g=rejected_g),
        corrections_g=await shortfalls.open_g(session, known.series),
    )


async def issue_statement(
    session: AsyncSession,
    *,
    batch_id: UUID,
    deduction_g: int,
    deduction_basis: str,
    assurance: Assurance,
    materiality_percent: str,
    issued_by: UUID,
) -> Statement:
    """State what was verified: the certified tree of the findings so far and the extrapolated deduction; logged.

    Acts of the batch that were withdrawn since keep nothing, by findings that are added here. What is missing of earlier
    batches because acts were withdrawn is deducted on top, as far as this batch has grams.

    Supersedes the statement before it. ReportNotCertified, SampleMissing, DeductionExceedsVerified, IssuedAlready.
    """
    known = await _mine(session, batch_id, issued_by)
    if known.certified_at is None:
        raise ReportNotCertified
    drawn = await samples(session, batch_id=batch_id)
    if not drawn:
        raise SampleMissing
    await session.execute(
        queries.STRIKE,
        {"batch": batch_id, "reason": FindingReason.WITHDRAWN.value, "by": issued_by, "at": clock.now()},
    )
    found = await findings(session, batch_id=batch_id)
    keeps = {at: finding.keeps_g for at, finding in standing(found).items()}
    rejected_g = sum(finding.frozen_g - finding.keeps_g for finding in standing(found).values())
    left_g = known.frozen_g - rejected_g - deduction_g
    if left_g < 0:
        raise DeductionExceedsVerified(verified_g=known.frozen_g - rejected_g)
    corrections_g = min(left_g, await shortfalls.open_g(session, known.series))
    deducted_g = deduction_g + corrections_g
    frozen = await trees.frozen_leaves(session, batch_id)
    carry = await carry_into(session, known)
    tree = Tree(certified_leaves(carry=carry, frozen=frozen, rejected=keeps, deduction_g=deducted_g))
    layout = lay_out(carry=carry, grams=frozen.grams, keeps=keeps, deduction_g=deducted_g)
    revision = 1 if known.revision is None else known.revision + 1
    row = {
        "batch": batch_id,
        "revision": revision,
        "organisation_id": known.body_id,
        "findings": found[-1].number if found else 0,
        "rejected_g": rejected_g,
        "deducted_g": deducted_g,
        "corrections_g": corrections_g,
        "kept_acts": layout.kept_acts,
        "last_keeps_g": layout.last_keeps_g or 0,
        "verified_g": known.frozen_g - rejected_g - deducted_g,
        "certified_root": tree.root.hash,
        "certified_leaves": tree.root.leaves,
        "certified_g": tree.root.grams,
        "issued_by": issued_by,
        "issued_at": clock.now(),
    }
    stated = {
        "assurance": assurance.value,
        "materiality_percent": materiality_percent,
        "deduction_basis": deduction_basis,
    }
    document = canonical.encode(statement_body(known, row, stated, drawn, standing(found)))
    row |= {"document": document, "sha256": hashlib.sha256(document).digest()}
    await trees.store_nodes(session, batch_id=batch_id, revision=revision, tree=tree)
    assert known.body is not None
    index = await log.append(session, kind="batch.verified", body=verified_entry(known.body, row))
    await session.execute(queries.ADD_STATEMENT, {**row, "log_index": index})
    await shortfalls.correct(session, batch_id=batch_id, revision=revision, grams=corrections_g)
    return await statement(session, batch_id=batch_id)


def statement_body(
    known: Batch,
    row: Mapping[str, Any],
    stated: Mapping[str, str],
    drawn: Sequence[Sample],
    counted: Mapping[int, Finding],
) -> dict[str, Any]:
    """The verification statement as a document."""
    sums = ("rejected_g", "deducted_g", "verified_g", "certified_leaves", "certified_g")
    return {
        "kind": "verification-statement",
        "format": 1,
        "batch": str(known.id),
        "revision": row["revision"],
        "verification_body": known.body,
        "report_sha256": known.report_sha256.hex(),
        "frozen_g": known.frozen_g,
        "frozen_root": known.frozen_root.hex(),
        "carry_in_g": known.carry_in_g,
        **stated,
        "samples": [{"number": one.number, "seed": one.seed.hex(), "draws": len(one.draws)} for one in drawn],
        "findings": [
            {
                "position": at,
                "frozen_g": finding.frozen_g,
                "keeps_g": finding.keeps_g,
                "reason": finding.reason.value,
                "remark": finding.remark,
            }
            for at, finding in counted.items()
        ],
        **{name: row[name] for name in sums},
        **corrections(row),
        "certified_root": bytes(row["certified_root"]).hex(),
    }


def corrections(row: Mapping[str, Any]) -> dict[str, int]:
    """What of the deduction is for withdrawn acts of earlier batches; documents without any do not mention it."""
    return {"corrections_g": row["corrections_g"]} if row["corrections_g"] else {}


def verified_entry(body: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the log says of a verification statement."""
    sums = ("revision", "rejected_g", "deducted_g", "verified_g", "certified_leaves", "certified_g")
    return {
        "batch": str(row["batch"]),
        "verification_body": body,
        **{name: row[name] for name in sums},
        **corrections(row),
        "certified_root": bytes(row["certified_root"]).hex(),
        "statement_sha256": bytes(row["sha256"]).hex(),
    }


async def statements(session: AsyncSession, *, batch_id: UUID) -> list[Statement]:
    """Every statement of a batch, by revision."""
    rows = await session.execute(queries.STATEMENTS, {"batch": batch_id, "revision": None})
    return [Statement(*row) for row in rows]


async def statement(session: AsyncSession, *, batch_id: UUID, revision: int | None = None) -> Statement:
    """The statement that stands, or one revision of it. StatementMissing."""
    rows = (await session.execute(queries.STATEMENTS, {"batch": batch_id, "revision": revision})).all()
    if not rows:
        raise StatementMissing
    return Statement(*rows[-1])


async def carry_into(session: AsyncSession, known: Batch) -> Leaf | None:
    """The leaf that opens a batch's certified tree: what the batch before it carried over."""
    if known.previous_id is None:
        return None
    issued = await reading.issuance_of(session, known.previous_id)
    assert issued is not None
    before = await statement(session, batch_id=known.previous_id, revision=issued.revision)
    return carry_leaf(before.certified)


async def _mine(session: AsyncSession, batch_id: UUID, staff_id: UUID) -> Batch:
    """The batch, for staff of the body that verifies it, as long as it is not issued. BatchUnknown for anybody else."""
    known = await reading.locked(session, batch_id)
    person = await staff.staff_member(session, staff_id=staff_id)
    if (
        not person.active
        or Role.VERIFICATION_BODY not in person.roles
        or person.organisation_id != known.body_id
    ):
        raise BatchUnknown
    if known.issued_at is not None:
        raise IssuedAlready
    return known
