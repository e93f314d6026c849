"""What everybody is told of withdrawn acts: what was deducted for them, and which numbers were lost to them."""

from __future__ import annotations

from backend import transparency
from backend.certification import shortfalls
from backend.transparency import provenance
from backend.transparency.telling import Status
from tests.certification.conftest import Town, rides_of
from tests.certification.shortfalls.conftest import closed, series, withdraw


async def test_deductions_and_lost_numbers_are_public_and_no_act_is(town: Town) -> None:
    await town.whole("2024-01", rides_of(2_000_000))
    keys = await withdraw(town, "2024-01", many=2)
    plain, corrected = (
        await closed(town, "2025-01", rides_of(4_000)),
        await closed(town, "2024-02", rides_of(4_000)),
    )
    await town.issue(corrected)
    async with town.db.transaction() as session:
        await shortfalls.cancel(
            session, series=series(2024), ordered_by=town.staff["first"], reason="no more"
        )
    await town.seal()
    await transparency.catch_up(town.db)
    async with town.db.transaction() as session:
        told = await provenance.batch_of(session, batch=str(corrected.id))
        other = await provenance.batch_of(session, batch=str(plain.id))
        lost = await provenance.story(session, book="phcer", number=1)
        kept = await provenance.story(session, book="phcer", number=2)
    assert (told.deducted_g, told.corrections_g, told.verified_g) == (4_000, 4_000, 0)
    assert (other.deducted_g, other.corrections_g) == (0, None)
    assert (lost.stands.status, kept.stands.status) == (Status.CANCELLED, Status.HELD)
    assert lost.events[-1].kind == "credit.forfeited"
    entries = [entry for kind in ("batch.verified", "credit.forfeited") for entry in await town.entries(kind)]
    assert not any(str(key) in str(entry) for entry in entries for key in keys)
    assert await town.violations() == []
