"""Rows that are decided later, and corrections, ask for consent as the first report does: by the time at which they happened."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend.identity import consent
from backend.intake import holding
from backend.intake.holding import Correction
from backend.kit import clock
from tests.intake.holding.conftest import Town, ride
from tests.intake.holding.test_correcting import correct, event
from tests.intake.holding.test_decisions import decide, resolve

pytestmark = pytest.mark.usefixtures("filed")

BEFORE = dt.datetime(2026, 10, 11, tzinfo=clock.SHANGHAI)
AFTER = dt.datetime(2026, 10, 13, tzinfo=clock.SHANGHAI)


async def say(town: Town, who: UUID, *, given: bool, at: dt.datetime) -> None:
    sha256 = consent.agreement(consent.SCENARIO, purpose="consent").sha256
    with clock.travel(at):
        async with town.db.transaction() as session:
            await consent.say(session, participant_id=who, scenario="bike", given=given, text_sha256=sha256)


async def test_a_held_row_of_a_time_after_a_no_is_not_accepted_but_can_be_refused(town: Town) -> None:
    who = await town.rider("no-held")
    await town.ingest([ride("no-held")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old)
    await say(town, who, given=False, at=BEFORE)
    with pytest.raises(holding.ConsentWithdrawn):
        await decide(town, row, "accepted")
    assert await town.keys_of(who) == [old]  # and nothing gave way
    assert (await decide(town, row, "refused")).outcome == "refused"
    assert await town.audited() == []


async def test_a_no_that_was_said_later_leaves_what_was_done_before(town: Town) -> None:
    who = await town.rider("no-later")
    await town.ingest([ride("no-later")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old)
    await say(town, who, given=False, at=AFTER)
    assert (await decide(town, row, "accepted")).outcome == "accepted"
    assert await town.audited() == []


async def test_the_rule_leaves_a_row_of_a_time_after_a_no_to_a_person(town: Town) -> None:
    uploads = await town.beside("receipt_upload")
    who = await town.rider("no-rule")
    await uploads.ingest([ride("no-rule")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old)
    await say(town, who, given=False, at=BEFORE)
    assert await resolve(town, row) == holding.Resolved(accepted=0, refused=0, waiting=1)
    assert await town.keys_of(who) == [old]


async def test_a_correction_into_a_time_after_a_no_is_refused_and_taking_back_never_is(town: Town) -> None:
    who = await town.rider("no-corrected")
    await town.ingest([ride("no-corrected")])
    (old,) = await town.keys_of(who)
    await say(town, who, given=False, at=BEFORE)
    sent = event(ride("no-corrected"))
    told = Correction("the meter", event=sent, replacement=event(ride("no-corrected", metres=5_000)))
    (answer,) = await correct(town, told)
    assert (answer.outcome, answer.code) == ("refused", "consent_withdrawn")
    assert await town.keys_of(who) == [old]
    (gone,) = await correct(town, Correction("not theirs", event=sent))
    assert gone.outcome == "withdrawn"
    assert await town.keys_of(who) == []
    assert await town.audited() == []
