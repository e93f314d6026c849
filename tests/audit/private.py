"""A citizen who takes the right back, one who closes the account, a child under a guardian, proofs of person and a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from backend.identity import closing, consent, guardians, looks, people, proving
from backend.intake import releasing
from backend.kit import clock

if TYPE_CHECKING:
    from tests.audit.conftest import City


async def build(city: City, *, source: str) -> None:
    """Rides of two; one takes the right to them back, the other closes the account; then the child."""
    keys = city.settings.keys
    async with city.db.transaction() as session:
        revoking, closes, guardian = await people.register_many(session, count=3)
        await consent.assign_right_list(
            session,
            participant_ids=[revoking],
            covers_from=clock.now().replace(month=1, day=1),
        )
    for name, who in (("K0", revoking), ("K1", closes)):
        city.citizens.append(who)
        await city.link(len(city.citizens) - 1, "bike_account", source, name)
    rows = [f"K{who},2026-11-07 09:00:00,2026-11-07 09:20:00,{4000 + who}" for who in range(2)]
    await city.take_in(
        source, "bike-share-distance", "\n".join(["account_no,started_at,ended_at,distance_m", *rows]) + "\n"
    )
    async with city.db.transaction() as session:
        left = await releasing.revoke_right(session, participant_id=revoking)
        assert left.left_g > 0
    async with city.db.transaction() as session:
        await closing.close(session, participant_id=closes)
    sha256 = consent.agreement(guardians.GUARDIAN, purpose="guardian").sha256
    ends_on = clock.today().replace(year=clock.today().year + 3, day=1)
    async with city.db.transaction() as session:
        child = await guardians.add_child(
            session, keys, guardian_id=guardian, ends_on=ends_on, text_sha256=sha256
        )
        await guardians.say(
            session, guardian_id=guardian, child_id=child.child_id, scope="social", allowed=True, text_sha256=sha256
        )  # fmt: skip
    async with city.db.transaction() as session:
        await guardians.end(session, guardian_id=guardian, child_id=child.child_id)
        await closing.close(session, participant_id=child.child_id)
        await proving.prove(session, keys, participant_id=guardian, provider="names", subject="somebody")
        person = (
            await session.execute(text("SELECT id, organisation_id FROM staff ORDER BY id LIMIT 1"))
        ).one()
        await looks.look(
            session, participant_id=guardian, staff_id=person.id, organisation_id=person.organisation_id,
            operation="look_at_participant", reason="a question",
        )  # fmt: skip
