"""Who may not, what may not, and when: nothing of a refused step stays behind."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from backend import certification
from backend.certification import BatchUnknown, NotIndependent
from backend.identity import approvals
from backend.kit import clock
from tests.certification.conftest import Town, rides_of


async def count(town: Town, table: str) -> int:
    async with town.db.transaction() as session:
        return int((await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def verified(town: Town, month: str, total_g: int = 1_000_000) -> certification.Batch:
    await town.ride(month, rides_of(total_g))
    batch = await town.close(month)
    await town.verify(batch)
    return batch


async def test_a_report_takes_two_different_people_of_its_operator(town: Town) -> None:
    await town.ride("2018-01", rides_of(5_000))
    batch = await town.close("2018-01")
    for by in ("olga", "first", "vera"):
        with pytest.raises(certification.NotTheOperator):
            async with town.db.transaction() as session:
                await certification.propose_report(session, batch_id=batch.id, proposed_by=town.staff[by])
    async with town.db.transaction() as session:
        act = await certification.propose_report(session, batch_id=batch.id, proposed_by=town.staff["anna"])
    assert act.subject_sha256 == batch.report_sha256
    for by, refusal in (
        ("anna", approvals.ActNeedsSecondPerson),
        ("olga", certification.NotTheOperator),
        ("second", certification.NotTheOperator),
    ):
        with pytest.raises(refusal):
            async with town.db.transaction() as session:
                await certification.certify_report(
                    session, batch_id=batch.id, act_id=act.id, approved_by=town.staff[by],
                    subject_sha256=act.subject_sha256,
                )  # fmt: skip
    with pytest.raises(approvals.ActShownDiffers):
        async with town.db.transaction() as session:
            await certification.certify_report(
                session, batch_id=batch.id, act_id=act.id, approved_by=town.staff["boris"], subject_sha256=bytes(32)
            )  # fmt: skip
    assert await count(town, "batch_report_certified") == 0
    await town.certify(batch)
    with pytest.raises(certification.ReportCertifiedAlready):
        await town.certify(batch)
    with pytest.raises(certification.ReportCertifiedAlready):  # the proposal of before still stands open
        async with town.db.transaction() as session:
            await certification.certify_report(
                session, batch_id=batch.id, act_id=act.id, approved_by=town.staff["boris"],
                subject_sha256=act.subject_sha256,
            )  # fmt: skip


async def test_the_operator_and_the_assigner_do_not_verify(town: Town) -> None:
    (batch,) = [one for one in await everything(town) if one.series.vintage_year == 2018]
    for body, refusal in (
        ("gd-operator", certification.BodyUnsuitable),
        ("other-operator", certification.BodyUnsuitable),
        ("authority", certification.BodyUnsuitable),
    ):
        with pytest.raises(refusal):
            await town.assign(batch, body)
    for by in ("anna", "olga"):  # one has the authority's role too, and works for the operator
        with pytest.raises(NotIndependent):
            await town.assign(batch, by=by)
    with pytest.raises(
        certification.BodyUnsuitable
    ):  # an organisation that is authority and verifier: not by itself
        await town.assign(batch, by="vera")
    assert (await town.assign(batch, "other-verifier")).body == "other-verifier"
    assert (await town.assign(batch)).body == "verifier"
    with pytest.raises(BatchUnknown):
        await town.state(batch, by="xenia")
    with pytest.raises(certification.SampleMissing):
        await town.state(batch)
    await town.sample(batch)
    with pytest.raises(certification.VerificationBegun):
        await town.assign(batch, "other-verifier")


async def everything(town: Town) -> list[certification.Batch]:
    async with town.db.transaction() as session:
        return await certification.batches(session)


async def test_findings_are_about_acts_of_the_batch_and_their_grams(town: Town) -> None:
    (batch,) = [one for one in await everything(town) if one.series.vintage_year == 2018]
    with pytest.raises(certification.ActNotInBatch):
        await town.find(batch, 2, 0)
    with pytest.raises(certification.KeepsTooMuch):
        await town.find(batch, 0, 4_001)
    with pytest.raises(certification.DeductionExceedsVerified):
        await town.state(batch, deduction_g=5_001)
    await town.find(batch, 0, 0)
    await town.find(batch, 1, 0)
    nothing = await town.state(batch)
    assert (nothing.certified_leaves, nothing.certified_g, nothing.verified_g) == (0, 0, 0)
    issued = await town.issue(batch)
    assert (issued.quantity_t, issued.carry_out_g) == (0, 0)


async def test_nothing_is_issued_before_report_and_statement(town: Town) -> None:
    await town.ride("2019-01", rides_of(1_000_000))
    batch = await town.close("2019-01")
    with pytest.raises(certification.ReportNotCertified):
        await town.propose(batch)
    await town.assign(batch)
    await town.sample(batch)
    with pytest.raises(certification.ReportNotCertified):
        await town.state(batch)
    await town.certify(batch)
    with pytest.raises(certification.StatementMissing):
        await town.propose(batch)
    await town.state(batch)
    await town.propose(batch)


async def test_staff_of_the_operator_and_of_the_verifier_decide_nothing(town: Town) -> None:
    """Anna works for the operator and Vera for the body; both organisations are the authority's kind too."""
    batch = await verified(town, "2020-01")
    for by in ("anna", "vera", "viktor"):
        with pytest.raises(NotIndependent):
            await town.propose(batch, by)
    with pytest.raises(approvals.ActNeedsRole):
        await town.propose(batch, "olga")
    act = await town.propose(batch)
    for by in ("boris", "vera"):
        with pytest.raises(NotIndependent):
            await town.approve(batch, act, by)
    with pytest.raises(approvals.ActNeedsSecondPerson):
        await town.approve(batch, act, "first")
    with pytest.raises(approvals.ActNeedsRole):
        await town.approve(batch, act, "xenia")
    assert await town.balance(f"batch:{batch.id}") == 1_000_000
    assert (await town.approve(batch, act)).quantity_t == 1
    with pytest.raises(approvals.ActDecidedAlready):
        await town.approve(batch, act, "third")
    with pytest.raises(certification.IssuedAlready):
        await town.propose(batch)


async def test_an_approval_of_what_was_changed_since_is_refused(town: Town) -> None:
    batch = await verified(town, "2021-01")
    old = await town.propose(batch)
    await town.find(batch, 7, 1_000)
    assert (await town.state(batch)).revision == 2
    with pytest.raises(certification.StatementSuperseded):
        await town.approve(batch, old)
    act = await town.propose(batch)
    with pytest.raises(approvals.ActShownDiffers):
        async with town.db.transaction() as session:
            await certification.approve_issuance(
                session, batch_id=batch.id, act_id=act.id, approved_by=town.staff["second"],
                subject_sha256=old.subject_sha256,
            )  # fmt: skip
    other = await verified(town, "2022-01")
    with pytest.raises(approvals.ActUnknown):  # an act about another batch
        await town.approve(other, act)
    issued = await town.approve(batch, act)
    assert (issued.revision, issued.quantity_t, issued.carry_out_g) == (2, 0, 997_000)
    with pytest.raises(certification.IssuedAlready):
        await town.state(batch)
    with pytest.raises(certification.IssuedAlready):
        await town.find(batch, 8, 0)
    with pytest.raises(certification.IssuedAlready):
        await town.sample(batch)


async def test_a_proposal_that_stood_too_long_issues_nothing(town: Town) -> None:
    batch = next(one for one in await everything(town) if one.series.vintage_year == 2022)
    act = await town.propose(batch)
    with clock.travel(clock.now() + dt.timedelta(days=2, minutes=1)), pytest.raises(approvals.ActExpired):
        await town.approve(batch, act)
    await town.issue(batch)


async def test_a_rejected_proposal_leaves_the_batch_as_it_was(town: Town) -> None:
    batch = await verified(town, "2023-01")
    act = await town.propose(batch)
    async with town.db.transaction() as session:
        await certification.reject_issuance(
            session, batch_id=batch.id, act_id=act.id, rejected_by=town.staff["third"],
            subject_sha256=act.subject_sha256,
        )  # fmt: skip
    with pytest.raises(approvals.ActDecidedAlready):
        await town.approve(batch, act)
    await town.issue(batch)


async def test_the_audit_finds_nothing_after_all_these_refusals(town: Town) -> None:
    found = await town.violations()
    assert not found, "\n".join(found)
