"""Acts of a scenario that its person said no to are refused by the time at which they happened, and nothing of them is kept."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from backend import intake
from backend.identity import consent, means, people
from backend.intake.mapping import mapping_of
from backend.kit import clock
from tests.certification.conftest import BIKES, LIBRARY, SINCE, Town, town

__all__ = ["town"]


async def test_rides_between_a_no_and_the_next_yes_are_refused_and_others_are_not(town: Town) -> None:
    sha256 = consent.agreement(consent.SCENARIO, purpose="consent").sha256
    async with town.db.transaction() as session:
        (who,) = await people.register_many(session, count=1)
        for number in ("W1", "W2"):
            held_from = SINCE if number == "W1" else clock.now()
            await means.link(
                session, town.settings.keys, participant_id=who, kind="bike_account", operator=BIKES,
                number=number, held_from=held_from, proof_reference="list",
            )  # fmt: skip
    for day, scenario, given in (
        (1, "bike", True),
        (10, "bike", False),
        (12, "metro", False),
        (20, "bike", True),
    ):
        with clock.travel(dt.datetime(2018, 6, day, tzinfo=clock.SHANGHAI)):
            async with town.db.transaction() as session:
                await consent.say(
                    session, participant_id=who, scenario=scenario, given=given, text_sha256=sha256
                )
    path = town.folder / "consent.csv"
    rows = [
        f"{account},{moment},{moment[:10]} 23:30:00,{3_000 + place}"
        for place, moment in enumerate(
            ("2018-06-05 08:00:00", "2018-06-09 23:10:00", "2018-06-10 00:01:00", "2018-06-19 23:10:00",
             "2018-06-20 00:01:00")
        )
        for account in ("W1", "B1")
    ]  # fmt: skip
    path.write_text("\n".join(["account_no,started_at,ended_at,distance_m", *rows]) + "\n", encoding="utf-8")
    summary = await intake.ingest(
        town.db, town.settings, path=path, source=BIKES, mapping=mapping_of(LIBRARY.find("bike-share-distance")),
        library=LIBRARY,
    )  # fmt: skip
    assert (summary.accepted, summary.rejected) == (8, 2)
    async with town.db.transaction() as session:
        refused = await session.execute(text("SELECT line, code FROM intake_rejection ORDER BY line"))
        assert [tuple(row) for row in refused] == [(6, "consent_withdrawn"), (8, "consent_withdrawn")]
        held = await session.execute(
            text("SELECT count(*) FROM action WHERE participant_id = :who"), {"who": who}
        )
        assert held.scalar_one() == 3
