"""What a person said in one account counts in another of theirs, where they never said anything there."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.consent import queries
from backend.identity.locks import take_turns
from backend.kit import clock, ids


async def carry_over(session: AsyncSession, *, of: UUID, to: UUID) -> None:
    """Record for `to`, from now on, what `of` last said about each scenario and the assigned right.

    What `to` ever said stands, also a refusal or a right that was taken back.
    """
    await take_turns(session, f"consent:{of}", f"consent:{to}")
    now = clock.now()
    own = {row["scenario"] for row in await queries.latest(session, to)}
    for row in await queries.latest(session, of):
        if row["scenario"] not in own:
            said = {
                name: row[name] for name in ("scenario", "given", "agreement_id", "edition", "text_sha256")
            }
            await queries.say(session, participant_id=to, happened_at=now, **said)
    standing = await queries.standing(session, of)
    if standing is not None and not await queries.assignments(session, to):
        await queries.assign_many(
            session,
            ids=[ids.uuid7()],
            participants=[to],
            agreement_id=standing["agreement_id"],
            edition=standing["edition"],
            text_sha256=standing["text_sha256"],
            covers_from=now,
            recorded_at=now,
        )
