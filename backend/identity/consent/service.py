"""Consent per scenario, and the assignment of the right to claim reductions (委托协议)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.consent import queries
from backend.identity.consent.agreements import Agreement, Purpose, agreement
from backend.identity.consent.errors import (
    AgreementChanged,
    AssignedAlready,
    NothingToRevoke,
    ScenarioUnknown,
)
from backend.identity.consent.tables import Assignment, Consent, Scenario
from backend.identity.locks import take_turns
from backend.kit import clock, ids

RIGHT = "right-assignment"
SCENARIO = "scenario-consent"


async def assign_right(
    session: AsyncSession,
    *,
    participant_id: UUID,
    text_sha256: bytes,
    agreement_id: str = RIGHT,
    covers_from: datetime | None = None,
) -> Assignment:
    """Assign the right to claim, for acts from now on (or from `covers_from`, for an agreement signed on paper).

    `text_sha256` names the text that was read; another edition is refused. Assigning again answers what stands.
    """
    text = await _keep(session, agreement(agreement_id, purpose="assignment"), text_sha256)
    await _turn(session, participant_id)
    standing = await queries.standing(session, participant_id)
    if standing is None:
        now = clock.now()
        made = await queries.assign_many(
            session,
            ids=[ids.uuid7()],
            participants=[participant_id],
            agreement_id=text.id,
            edition=text.edition,
            text_sha256=text.sha256,
            covers_from=min(covers_from or now, now),
            recorded_at=now,
        )
        if not made:
            raise AssignedAlready
        standing = await queries.standing(session, participant_id)
        assert standing is not None
    return _assignment(standing)


async def assign_right_list(
    session: AsyncSession,
    *,
    participant_ids: Sequence[UUID],
    covers_from: datetime,
    agreement_id: str = RIGHT,
) -> int:
    """Record the present edition's paper agreements of many at once; how many were new."""
    text = agreement(agreement_id, purpose="assignment")
    await _keep(session, text, text.sha256)
    now = clock.now()
    made = await queries.assign_many(
        session,
        ids=[ids.uuid7() for _ in participant_ids],
        participants=list(participant_ids),
        agreement_id=text.id,
        edition=text.edition,
        text_sha256=text.sha256,
        covers_from=min(covers_from, now),
        recorded_at=now,
    )
    return len(made)


async def revoke_right(session: AsyncSession, *, participant_id: UUID) -> None:
    """End the assignment now; acts before this moment stay assigned."""
    await _turn(session, participant_id)
    if not await queries.revoke(session, participant_id, now=clock.now()):
        raise NothingToRevoke


async def assignments_of(session: AsyncSession, *, participant_id: UUID) -> list[Assignment]:
    """Every assignment that was ever made, oldest first."""
    return [_assignment(row) for row in await queries.assignments(session, participant_id)]


async def say(
    session: AsyncSession, *, participant_id: UUID, scenario: str, given: bool, text_sha256: bytes
) -> Consent:
    """Record what the participant says about one scenario; saying the same again records nothing new."""
    if scenario not in set(Scenario):
        raise ScenarioUnknown
    text = await _keep(session, agreement(SCENARIO, purpose="consent"), text_sha256)
    await _turn(session, participant_id)
    before = {row["scenario"]: row for row in await queries.latest(session, participant_id)}.get(scenario)
    if (
        before is not None
        and before["given"] == given
        and (not given or before["text_sha256"] == text.sha256)
    ):
        return _consent(before)
    await queries.say(
        session,
        participant_id=participant_id,
        scenario=scenario,
        given=given,
        agreement_id=text.id,
        edition=text.edition,
        text_sha256=text.sha256,
        happened_at=clock.now(),
    )
    latest = await queries.latest(session, participant_id)
    return next(_consent(row) for row in latest if row["scenario"] == scenario)


async def consent_list(
    session: AsyncSession, *, participant_ids: Sequence[UUID], scenarios: Sequence[str], given_from: datetime
) -> None:
    """Record the paper consents of many at once, for whom has said nothing yet about a scenario."""
    if not set(scenarios) <= set(Scenario):
        raise ScenarioUnknown
    text = agreement(SCENARIO, purpose="consent")
    await _keep(session, text, text.sha256)
    await queries.say_many(
        session,
        participants=list(participant_ids),
        scenarios=list(scenarios),
        agreement_id=text.id,
        edition=text.edition,
        text_sha256=text.sha256,
        happened_at=min(given_from, clock.now()),
    )


async def consents_of(session: AsyncSession, *, participant_id: UUID) -> list[Consent]:
    """What the participant last said, per scenario."""
    return [_consent(row) for row in await queries.latest(session, participant_id)]


async def consent_history(
    session: AsyncSession, *, participant_id: UUID, after: int = 0, limit: int = 100
) -> list[Consent]:
    """Everything the participant ever said, oldest first; at most `limit` after the event `after`."""
    rows = await queries.history(session, participant_id, after=after, limit=limit)
    return [_consent(row) for row in rows]


async def withdraw_all(session: AsyncSession, *, participant_id: UUID) -> None:
    """Withdraw every consent and the assignment, as on leaving."""
    await _turn(session, participant_id)
    for row in await queries.latest(session, participant_id):
        if row["given"]:
            event = {name: row[name] for name in ("scenario", "agreement_id", "edition", "text_sha256")}
            await queries.say(
                session, participant_id=participant_id, given=False, happened_at=clock.now(), **event
            )
    await queries.revoke(session, participant_id, now=clock.now())


async def agree(
    session: AsyncSession, *, agreement_id: str, purpose: Purpose, text_sha256: bytes
) -> Agreement:
    """Keep the text that somebody read and agreed to elsewhere. Raises AgreementUnknown, AgreementChanged for another edition."""
    return await _keep(session, agreement(agreement_id, purpose=purpose), text_sha256)


async def _keep(session: AsyncSession, text: Agreement, read_sha256: bytes) -> Agreement:
    if text.sha256 != read_sha256:
        raise AgreementChanged
    await queries.keep_text(
        session, sha256=text.sha256, agreement_id=text.id, edition=text.edition, body=text.body
    )
    return text


async def _turn(session: AsyncSession, participant_id: UUID) -> None:
    await take_turns(session, f"consent:{participant_id}")


def _assignment(row: RowMapping) -> Assignment:
    return Assignment(**row)


def _consent(row: RowMapping) -> Consent:
    return Consent(**row)
