"""From rides to credits: what a batch takes, what becomes of its grams, and how both are proved offline."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import certification, intake, ledger
from backend.certification import proofs
from tests.certification.conftest import BIKE, PROJECT, Town, rides_of


async def keys_of(town: Town, month: str) -> list[UUID]:
    """The acts of a month's batch, in its frozen order."""
    async with town.db.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT l.claim_key FROM batch_leaf l JOIN batch b ON b.id = l.batch_id
                WHERE to_char(l.day, 'YYYY-MM') = :month ORDER BY l.batch_id, l.position
            """),
            {"month": month},
        )
        return list(rows.scalars())


async def serial(town: Town, number: int, book: str = "phcer") -> proofs.Verdict:
    """A serial's proof, made by the platform and checked with nothing but its bytes."""
    async with town.db.transaction() as session:
        made = await certification.serial_proof(session, book=book, number=number)
    return proofs.verify(proofs.read(proofs.to_bytes(made)), key=proofs.PinnedKey(made.key.public_key))


async def receipt(town: Town, key: UUID) -> tuple[certification.ActReceipt, proofs.Verdict]:
    async with town.db.transaction() as session:
        made = await certification.receipt(
            session, town.settings.keys, participant_id=town.rider, claim_key=key
        )
    document = proofs.read(proofs.to_bytes(made.proof))
    return made, proofs.verify(document, key=proofs.PinnedKey(made.proof.key.public_key))


async def test_one_gram_below_a_tonne_issues_nothing_and_carries_all(town: Town) -> None:
    issued = await town.whole("2018-01", rides_of(999_999))
    assert (issued.quantity_t, issued.first_serial, issued.carry_out_g) == (0, None, 999_999)
    assert await town.balance(f"carry:{PROJECT}:{BIKE}:2018") == 999_999
    assert await town.balance(f"pool:{PROJECT}:{BIKE}:2018-01") == 0
    assert (await town.entries("credit.issued"))[-1]["quantity_t"] == 0


async def test_one_gram_more_makes_the_tonne_and_the_act_that_crosses_is_split(town: Town) -> None:
    """The carry of 2018 opens the next batch: 999,999 g and 3 g are one tonne and two grams."""
    issued = await town.whole("2018-02", [3])
    assert (issued.quantity_t, issued.carry_out_g) == (1, 2)
    assert issued.first_serial is not None
    assert await town.balance(f"carry:{PROJECT}:{BIKE}:2018") == 2
    assert await town.balance(f"batch:{issued.batch_id}") == 0
    await town.seal()

    verdict = await serial(town, issued.first_serial)
    assert verdict.proven
    mine, before = verdict.facts["parts"]
    assert (mine["carried_in_g"], mine["acts"], mine["acts_g"]) == (999_999, 1, 1)
    assert (before["acts"], before["acts_g"]) == (250, 999_999)

    (key,) = await keys_of(town, "2018-02")
    told, proven = await receipt(town, key)
    assert proven.proven
    assert (told.counted_g, told.steps[0].first_serial, told.steps[0].carried_on_g) == (
        3,
        issued.first_serial,
        2,
    )
    first = (await keys_of(town, "2018-01"))[0]
    told, proven = await receipt(town, first)
    assert proven.proven
    assert [step.first_serial for step in told.steps] == [None, issued.first_serial]

    await town.whole("2018-03", rides_of(999_998))
    await town.seal()
    told, proven = await receipt(town, key)
    assert proven.proven
    assert [(step.first_serial, step.carried_on_g) for step in told.steps] == [
        (issued.first_serial, 2),
        (issued.first_serial + 1, 0),
    ]


async def test_findings_and_the_deduction_leave_the_books(town: Town) -> None:
    """Of 1,004,000 g one act of 4,000 g is rejected, one is halved, and 1,500 g at the end are deducted."""
    await town.ride("2019-01", rides_of(1_004_000))
    batch = await town.close("2019-01")
    statement = await town.verify(batch, findings={0: 0, 5: 2_000}, deduction_g=1_500)
    assert (statement.rejected_g, statement.deducted_g, statement.verified_g) == (6_000, 1_500, 996_500)
    assert statement.certified_leaves == 250
    issued = await town.issue(batch)
    assert (issued.quantity_t, issued.carry_out_g) == (0, 996_500)
    assert await town.balance(f"rejected:{PROJECT}") == 6_000
    assert await town.balance(f"deducted:{PROJECT}") == 1_500
    await town.seal()

    keys = await keys_of(town, "2019-01")
    for place, counted_g, because in (
        (0, 0, "overstated"),
        (5, 2_000, "overstated"),
        (6, 4_000, None),
        (250, 2_500, None),
    ):
        told, proven = await receipt(town, keys[place])
        assert proven.proven, place
        assert told.counted_g == counted_g, place
        assert (told.finding.reason.value if told.finding else None) == because
    (entry,) = [one for one in await town.entries("credit.issued") if one["batch"] == str(batch.id)]
    assert sum(run["grams"] for run in entry["runs"]) == 996_500  # type: ignore[attr-defined]
    assert sum(run["acts"] for run in entry["runs"]) == 250  # type: ignore[attr-defined]


async def test_a_batch_of_two_tonnes_proves_each_serial_from_its_own_acts(town: Town) -> None:
    issued = await town.whole("2020-01", rides_of(2_400_000))
    assert (issued.quantity_t, issued.carry_out_g) == (2, 400_000)
    assert issued.first_serial is not None
    await town.seal()
    for place in (0, 1):
        verdict = await serial(town, issued.first_serial + place)
        assert verdict.proven
        (part,) = verdict.facts["parts"]
        assert (part["low_g"], part["high_g"]) == (place * 1_000_000, (place + 1) * 1_000_000)
        assert part["acts"] == 250
    with pytest.raises(certification.SerialUnknown):
        await serial(town, issued.first_serial + 2)
    with pytest.raises(certification.SerialUnknown):
        await serial(town, issued.first_serial, book="phcer-demo")


async def test_a_batch_of_several_chunks_of_leaves_is_proved_from_a_few_rows(town: Town) -> None:
    """Eleven hundred small acts: five chunks of 256 leaves, with dropped acts in several of them."""
    await town.ride("2020-03", [1_000 + place % 7 for place in range(1_100)])
    batch = await town.close("2020-03")
    await town.verify(batch, findings={3: 0, 255: 0, 256: 0, 257: 400, 900: 0}, deduction_g=20_111)
    issued = await town.issue(batch)
    assert issued.first_serial is not None
    assert issued.quantity_t == 1
    await town.seal()
    assert (await serial(town, issued.first_serial)).proven
    keys = await keys_of(town, "2020-03")
    for place in (0, 2, 4, 254, 257, 258, 511, 512, 1_000, 1_078):
        told, proven = await receipt(town, keys[place])
        assert proven.proven, place
        assert told.counted_g > 0
    assert (await receipt(town, keys[256]))[0].counted_g == 0
    assert (await receipt(town, keys[1_099]))[0].counted_g == 0  # cut off by the deduction


async def test_a_receipt_before_the_issuance_is_of_the_frozen_tree(town: Town) -> None:
    await town.ride("2021-01", rides_of(9_000))
    async with town.db.transaction() as session:
        (act, *_) = await intake.acts_of(session, participant_id=town.rider)
    with pytest.raises(certification.NotFrozenYet):
        await receipt(town, act.key)
    await town.close("2021-01")
    with pytest.raises(certification.HeadNotSigned):
        await receipt(town, act.key)
    await town.seal()
    told, proven = await receipt(town, act.key)
    assert proven.proven
    assert (told.steps, told.proof.act["grams"]) == ((), told.frozen_g)
    with pytest.raises(intake.ActUnknown):
        async with town.db.transaction() as session:
            await certification.receipt(
                session, town.settings.keys, participant_id=UUID(int=7), claim_key=act.key
            )


async def test_facts_name_no_person_and_no_card(town: Town) -> None:
    (key, *_) = await keys_of(town, "2020-01")
    told, _ = await receipt(town, key)
    assert set(told.proof.act) == {
        "activity", "day", "edition", "engine", "evidence", "grams", "inputs", "methodology", "overlays",
        "pack_sha256", "region", "source", "version",
    }  # fmt: skip
    assert set(told.proof.act["inputs"]) == {"distance_m"}


async def test_late_acts_wait_for_the_series_next_batch_of_the_same_months(town: Town) -> None:
    await town.ride("2022-01", rides_of(5_000))
    await town.ride("2022-02", rides_of(6_000))
    batch = await town.close("2022-01", "2022-02")
    assert (batch.acts, batch.frozen_g) == (4, 11_000)
    await town.ride("2022-01", rides_of(7_000))
    assert await town.balance(f"pool:{PROJECT}:{BIKE}:2022-01") == 7_000
    with pytest.raises(certification.BatchOpen):
        await town.close("2022-01")
    await town.verify(batch)
    await town.issue(batch)
    late = await town.close("2022-01")
    assert (late.sequence, late.previous_id, late.frozen_g, late.carry_in_g) == (2, batch.id, 7_000, 11_000)
    await town.verify(late)
    await town.issue(late)
    with pytest.raises(certification.NothingToFreeze):
        await town.close("2022-01")


async def test_a_period_is_whole_past_months_of_one_year(town: Town) -> None:
    for first, last in (("2022-12", "2023-01"), ("2022-03", "2022-02")):
        with pytest.raises(certification.PeriodInvalid):
            await town.close(first, last)
    with pytest.raises(certification.PeriodNotOver):
        await town.close(f"{dt.datetime.now(dt.UTC) + dt.timedelta(hours=8):%Y-%m}")
    with pytest.raises(certification.NothingToFreeze):
        await town.close("2022-01", methodology="gz-metro-trip")
    for by in ("olga", "first", "vera"):
        with pytest.raises(certification.NotTheOperator):
            await town.close("2022-01", by=by)


async def test_the_books_and_the_log_agree_after_all_of_this(town: Town) -> None:
    async with town.db.transaction() as session:
        await ledger.advance_checkpoints(session)
    found = await town.violations()
    assert not found, "\n".join(found)
