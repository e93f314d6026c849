"""A partner corrects what it sent: the act stands as it should have been sent, once, however often it is asked."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from backend.intake import holding
from backend.intake.holding import Correction, CorrectionAnswer
from backend.kit import ids
from tests.intake.holding.conftest import Town, ride

pytestmark = pytest.mark.usefixtures("filed")

NAMES = ("trip_id", "account_no", "started_at", "ended_at", "distance_m")


def event(row: str) -> dict[str, object]:
    return dict(zip(NAMES, row.split(","), strict=True))


async def correct(town: Town, *corrections: Correction) -> list[CorrectionAnswer]:
    return await holding.correct_events(
        town.db, town.settings, source=town.source, corrections=corrections, library=town.library
    )


async def test_a_corrected_event_counts_as_it_should_have_been_sent(town: Town) -> None:
    who = await town.rider("a")
    await town.ingest([ride("a")])
    before = await town.sums(who)
    asked = Correction(
        "the meter was wrong", event=event(ride("a")), replacement=event(ride("a", metres=5_000))
    )
    (done,) = await correct(town, asked)
    assert done.outcome == "corrected"
    acts, grams, points = await town.sums(who)
    assert (acts, grams, points) == (1, done.grams, done.points)
    assert grams < before[1]
    assert await town.points(who) == points
    assert await town.keys_of(who) == [done.claim_key]
    (again,) = await correct(town, asked)
    assert (again.outcome, again.claim_key) == ("repeated", done.claim_key)
    sent = await town.ingest([ride("a")])
    assert (sent.duplicates, sent.accepted, sent.conflicts) == (1, 0, 0)
    assert await town.audited() == []


async def test_an_event_is_corrected_again_by_its_first_key_and_back(town: Town) -> None:
    who = await town.rider("b")
    await town.ingest([ride("b")])
    (first,) = await town.keys_of(who)
    seen = [first]
    for metres, reference in ((4_000, "one"), (3_000, "two"), (4_000, "three"), (10_000, "four")):
        (done,) = await correct(
            town,
            Correction(
                "again", claim_key=first, replacement=event(ride("b", metres=metres)), reference=reference
            ),
        )
        assert done.outcome == "corrected"
        assert await town.keys_of(who) == [done.claim_key]
        seen.append(done.claim_key)  # type: ignore[arg-type]
    assert len(set(seen)) == 5
    assert {key.hex[:8] for key in seen} == {first.hex[:8]}
    assert await town.audited() == []


async def test_another_time_claims_that_time_and_is_refused_where_it_is_taken(town: Town) -> None:
    who = await town.rider("c")
    await town.ingest([ride("c"), ride("c", 60)])
    first, second = sorted(await town.keys_of(who)), event(ride("c", 60))
    (taken,) = await correct(town, Correction("moved", event=event(ride("c")), replacement=second))
    assert (taken.outcome, taken.code) == ("refused", "claimed_elsewhere")
    assert sorted(await town.keys_of(who)) == first
    (moved,) = await correct(
        town, Correction("moved", event=event(ride("c")), replacement=event(ride("c", 200)))
    )
    assert moved.outcome == "corrected"
    sent = await town.ingest([ride("c", 200), ride("c")])
    assert sent.duplicates == 2
    (back,) = await correct(town, Correction("back", event=event(ride("c")), replacement=event(ride("c"))))
    assert back.outcome == "corrected"
    assert (await town.sums(who))[0] == 2
    assert await town.audited() == []


async def test_a_withdrawn_event_is_gone_and_stays_claimed(town: Town) -> None:
    who = await town.rider("d")
    await town.ingest([ride("d")])
    asked = Correction("never happened", event=event(ride("d")))
    (done,) = await correct(town, asked)
    assert done.outcome == "withdrawn"
    assert await town.sums(who) == (0, 0, 0)
    assert await town.points(who) == 0
    assert (await correct(town, asked))[0].outcome == "repeated"
    (late,) = await correct(
        town, Correction("x", event=event(ride("d")), replacement=event(ride("d", metres=1_000)))
    )
    assert (late.outcome, late.code) == ("refused", "withdrawn_before")
    assert (await town.ingest([ride("d")])).duplicates == 1
    assert await town.audited() == []


async def test_only_events_of_the_source_itself_are_found(town: Town) -> None:
    other = await town.beside("operator_feed")
    who = await town.rider("e")
    await town.ingest([ride("e")])
    (key,) = await town.keys_of(who)
    answers = await correct(
        other,
        Correction("not mine", claim_key=key),
        Correction("not mine", event=event(ride("e"))),
        Correction("nobody's", claim_key=ids.uuid7()),
        Correction("nothing named"),
        Correction("unreadable", claim_key=key, replacement={"started_at": "soon"}),
    )
    assert [one.code for one in answers[:4]] == ["event_unknown"] * 4
    assert answers[4].outcome == "refused"
    assert answers[4].field
    assert await town.keys_of(who) == [key]


async def test_the_same_as_it_stands_changes_nothing(town: Town) -> None:
    who = await town.rider("f")
    await town.ingest([ride("f")])
    (key,) = await town.keys_of(who)
    (done,) = await correct(town, Correction("no change", claim_key=key, replacement=event(ride("f"))))
    assert (done.outcome, done.claim_key) == ("unchanged", key)


async def test_eight_senders_of_one_correction_correct_once(town: Town) -> None:
    who = await town.rider("g")
    await town.ingest([ride("g")])
    asked = Correction("eight", event=event(ride("g")), replacement=event(ride("g", metres=7_000)))
    answers = await asyncio.gather(*(correct(town, asked) for _ in range(8)))
    assert sorted(one.outcome for (one,) in answers) == ["corrected", *["repeated"] * 7]
    assert (await town.sums(who))[0] == 1
    assert await town.audited() == []


async def test_an_event_that_waits_is_corrected_where_it_waits(town: Town) -> None:
    other = await town.beside("operator_feed")
    who = await town.rider("h")
    await town.ingest([ride("h")])
    (key,) = await town.keys_of(who)
    await other.ingest([ride("h")])
    sent = await other.ingest([ride("h")])
    assert sent.duplicates == 1  # what waits is not held twice
    (done,) = await correct(
        other, Correction("shorter", event=event(ride("h")), replacement=event(ride("h", metres=2_000)))
    )
    assert done.outcome == "corrected"
    async with town.db.transaction() as session:
        waiting = await holding.held_rows(session, programmes=["gd-green-travel"], source=other.source)
    assert [(row.kind, row.against, row.facts.inputs["distance_m"]) for row in waiting] == [
        ("claim", key, 2_000)
    ]
    (gone,) = await correct(other, Correction("no ride", event=event(ride("h"))))
    assert gone.outcome == "withdrawn"
    async with town.db.transaction() as session:
        assert await holding.held_rows(session, programmes=["gd-green-travel"], source=other.source) == []
    assert await town.keys_of(who) == [key]
    assert await town.audited() == []


async def test_a_corrected_event_that_linking_brought_goes_with_its_holder(town: Town) -> None:
    await town.ingest([ride("i")])
    who = await town.rider("i", right=False)
    (done,) = await correct(
        town, Correction("longer", event=event(ride("i")), replacement=event(ride("i", metres=20_000)))
    )
    assert done.outcome == "corrected"
    assert await town.points(who) == done.points > 0
    assert isinstance(done.claim_key, UUID)
    assert await town.audited() == []


async def test_where_better_evidence_stands_only_its_own_source_corrects(town: Town) -> None:
    uploads = await town.beside("receipt_upload")
    who = await town.rider("j")
    await uploads.ingest([ride("j")])
    await town.ingest([ride("j", metres=9_000)])  # takes its place at once
    (key,) = await town.keys_of(who)
    (late,) = await correct(
        uploads, Correction("mine", event=event(ride("j")), replacement=event(ride("j", metres=1_000)))
    )
    assert (late.outcome, late.code) == ("refused", "claimed_elsewhere")
    (gone,) = await correct(uploads, Correction("mine", event=event(ride("j"))))
    assert (gone.outcome, gone.code) == ("refused", "claimed_elsewhere")
    assert await town.keys_of(who) == [key]
    (done,) = await correct(
        town, Correction("wheel", event=event(ride("j")), replacement=event(ride("j", metres=8_000)))
    )
    assert done.outcome == "corrected"
    assert await town.keys_of(who) == [done.claim_key]
    again = await town.ingest([ride("j", metres=8_000), ride("j", metres=9_000)])
    assert again.duplicates == 2
    assert await town.audited() == []
