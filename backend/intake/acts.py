"""Acts as their holders see them: what was counted, how it was computed, and what waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies, packs, programmes
from backend.identity import joining
from backend.intake import consenting, funding, queries
from backend.intake.errors import ActUnknown
from backend.intake.holding import lock_means
from backend.intake.mapping import mapping_of
from backend.kit import clock, ids
from backend.methodologies import Explanation
from backend.programmes import Programme, purses
from backend.programmes.budgets import limit_of

CLAIM_WINDOW = timedelta(days=90)  # how far back acts wait for the means that they came by to be linked


@dataclass(frozen=True, slots=True)
class Act:
    """One accepted act. `credit` is `pooled`, or why its grams are in no pool; `claimed_at` when it waited first.

    A withdrawn one no longer counts: `withdrawn_because` is `withdrawn`, `corrected`, `conflict` or `appeal`, and
    `replaced_by` the act that stands instead, if any does.
    """

    key: UUID
    happened_at: datetime
    ended_at: datetime | None
    source: str
    programme: str
    region: str
    evidence: str
    activity: str
    methodology: str
    grams: int
    points: int
    credit: str
    recorded_at: datetime
    claimed_at: datetime | None
    withdrawn_at: datetime | None = None
    withdrawn_because: str | None = None
    replaced_by: UUID | None = None
    capped: int = 0  # what a cap took, and what the budget did not give
    unfunded: int = 0
    money: bool = False  # `points`, `capped` and `unfunded` are fen
    pending_until: date | None = None  # the day from which what was earned may be collected
    expires_on: date | None = (
        None  # the last day to collect or, where nothing waits, to spend it; None: it never lapses
    )

    @property
    def cursor(self) -> tuple[str, str]:
        return self.happened_at.isoformat(), str(self.key)


@dataclass(frozen=True, slots=True)
class ExplainedAct:
    """An act, how its grams were computed, and what should be known of how it was read (zh, en)."""

    act: Act
    explanation: Explanation
    basis: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """Grams, points, money and the number of acts of a participant in a span of time."""

    grams: int
    points: int
    acts: int
    benefit_fen: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """What linking a means brought in one programme: points only, for the right to the grams was not assigned then."""

    programme: str
    acts: int
    grams: int
    points: int


async def acts_of(
    session: AsyncSession, *, participant_id: UUID, limit: int = 50, after: tuple[str, str] | None = None
) -> list[Act]:
    """The participant's acts and those of accounts that ended in theirs, newest first, withdrawn ones marked as such.

    `after` is the cursor of the last one seen.
    """
    at, key = after or (None, None)
    rows = await session.execute(
        queries.ACTS,
        {
            "people": await _people(session, participant_id),
            "at": datetime.fromisoformat(at) if at else None,
            "key": key,
            "limit": limit,
        },
    )
    found = rows.all()
    lots = await _lots(session, found)
    return [_act(row, lots.get(number)) for number, row in enumerate(found)]


async def _people(session: AsyncSession, participant_id: UUID) -> list[UUID]:
    return [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]


async def _lots(session: AsyncSession, acts: Sequence[Any]) -> dict[int, Any]:
    """Where what acts earned went, by their place among them; none where all of it repaid a debt."""
    given = {
        "people": [str(row.whose) for row in acts],
        "programmes": [row.programme for row in acts],
        "xids": [str(row.earned_in) for row in acts],
    }
    return {row.number: row for row in await session.execute(queries.LOTS, given)}


async def explain_act(session: AsyncSession, *, participant_id: UUID, key: UUID) -> ExplainedAct:
    """One of those acts and how its grams were computed. Raises ActUnknown, also for another's act."""
    people = await _people(session, participant_id)
    row = (await session.execute(queries.ACT, {"people": people, "key": key})).one_or_none()
    if row is None:
        raise ActUnknown
    quantifier = await methodologies.recover(session, method_id=row.method_id)
    return ExplainedAct(
        act=_act(row, (await _lots(session, [row])).get(0)),
        explanation=quantifier.explain(row.inputs, grams=row.grams),
        basis=mapping_of(await packs.recall(session, sha256=row.mapping_sha256)).basis_of(row.activity),
    )


async def sums_of(session: AsyncSession, *, participant_id: UUID, first: date, last: date) -> Sums:
    """What the participant's acts of these Shanghai days, both included, amount to; withdrawn ones count for nothing."""
    row = (
        await session.execute(
            queries.SUMS,
            {
                "people": await _people(session, participant_id),
                "from": datetime.combine(first, time(), clock.SHANGHAI),
                "before": datetime.combine(last + timedelta(days=1), time(), clock.SHANGHAI),
            },
        )
    ).one()
    return Sums(grams=row.grams, points=row.points, acts=row.acts, benefit_fen=row.benefit_fen)


async def claim_waiting(session: AsyncSession, *, participant_id: UUID, token: UUID) -> list[Claimed]:
    """Give the holder of a means the points of acts that waited for one, once; their grams stay out of the pools."""
    now = clock.now()
    claim_id = ids.uuid7()
    await lock_means(session, [token])  # whoever withdraws one of these acts is waited for
    rows = await session.execute(
        queries.WAITING,
        {
            "participant": participant_id,
            "token": token,
            "since": now - CLAIM_WINDOW,
            "activities": list(consenting.SCENARIOS),
            "scenarios": list(consenting.SCENARIOS.values()),
        },
    )
    waiting: dict[str, list[Any]] = {}
    for row in rows:
        waiting.setdefault(row.programme, []).append(row)
    found = []
    for code, own in sorted(waiting.items()):
        running = await programmes.programme_of(session, code=code)
        points = await _funded(session, running.pack, own, posting_id=ids.derive(claim_id, code), at=now)
        await session.execute(
            queries.CLAIM_WAITING,
            {
                "participant": participant_id,
                "claim": claim_id,
                "at": now,
                "keys": [row.claim_key for row in own],
                "points": points,
            },
        )
        claimed = Claimed(code, len(own), sum(row.grams for row in own), sum(points))
        found.append(claimed)
        if claimed.points:
            await purses.put(
                session,
                participant_id=participant_id,
                programme=claimed.programme,
                amount=claimed.points,
                purse=purses.purse_of(running.pack, clock.today()),
                posting_id=ids.derive(claim_id, claimed.programme),
                happened_at=now,
            )
    return found


async def _funded(
    session: AsyncSession, programme: Programme, waiting: Sequence[Any], *, posting_id: UUID, at: datetime
) -> list[int]:
    """The points that the programme's budget still gives for each of these acts, in their order."""
    limit = limit_of(programme)
    wanted = sum(row.points for row in waiting)
    share = await funding.share(session, limit, wanted=wanted, at=at)
    left, given = share.given, []
    for row in waiting:
        given.append(min(row.points, left))
        left -= given[-1]
    if limit is not None and share.room is not None:
        missing = {
            row.claim_key: row.points - own
            for row, own in zip(waiting, given, strict=True)
            if own < row.points
        }
        reached = funding.Reached(limit, posting_id, at)
        await funding.add(
            session, reached, room=share.room, wanted=wanted, given=share.given, missing=missing
        )
    return given


def _act(row: Any, lot: Any) -> Act:
    return Act(
        key=row.claim_key,
        happened_at=row.happened_at.astimezone(UTC),
        ended_at=row.ended_at,
        source=row.source,
        programme=row.programme,
        region=row.region,
        evidence=row.evidence,
        activity=row.activity,
        methodology=row.methodology,
        grams=row.grams,
        points=row.points,
        credit=row.credit,
        recorded_at=row.recorded_at,
        claimed_at=row.claimed_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_because=row.withdrawn_because,
        replaced_by=row.replaced_by,
        capped=row.capped,
        unfunded=row.unfunded,
        money=row.money,
        pending_until=lot.ripe_on if lot is not None and row.points else None,
        expires_on=lot.due if lot is not None and row.points else None,
    )
