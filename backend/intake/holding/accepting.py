"""One act into a chunk of its own: stored, and posted as any chunk is, so that the same audit holds.

The job behind it is internal: its source and mapping are those of the report, its file is what the decision was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, methodologies, programmes
from backend.intake import consenting, funding
from backend.intake import queries as intake_queries
from backend.intake.chunks import posting_id
from backend.intake.holding import queries, standing, weighing
from backend.intake.holding.errors import ClaimStands, ConsentWithdrawn, ProgrammeLeft
from backend.intake.holding.model import Accepted, Facts, Unposted
from backend.intake.methods import places_of
from backend.intake.sources import Source, list_sources
from backend.kit import clock, ids
from backend.ledger import AccountSpec, Line, Posting
from backend.methodologies import Quantifier
from backend.programmes import Programme, purses
from backend.programmes.budgets import Limit, limit_of


async def store(
    session: AsyncSession, *, facts: Facts, claim_key: UUID, label: str, instead_of: Sequence[UUID] = ()
) -> Unposted:
    """Store an act under `claim_key`, in a job that `label` (`decision:<id>`) names.

    Raises ClaimStands, ConsentWithdrawn, ProgrammeLeft.

    The programme's caps apply; acts that give way to it (`instead_of`) do not count for them. Who holds the means, whether the right is assigned, what bars the grams and which points they earn is as it is now.
    """
    now = clock.now()
    source = await source_by_id(session, facts.source_id)
    programme = (await programmes.programme_of(session, code=source.programme, at=now)).pack
    quantifier = await methodologies.recover(session, method_id=facts.method_id)
    filing = await methodologies.filing_status(
        session,
        sha256=quantifier.methodology.sha256,
        region=source.region,
        on=clock.day_of(now),
        overlays=quantifier.overlays,
    )
    ruled = points_of(programme, quantifier, source=source, facts=facts)
    holder = await session.execute(queries.HOLDER, {"token": facts.means_token, "at": facts.happened_at})
    holder_id = holder.scalar_one_or_none()
    await check_consent(
        session, participant_id=holder_id, activity=quantifier.activity.id, happened_at=facts.happened_at
    )
    await check_part(session, participant_id=holder_id, source_id=source.id, happened_at=facts.happened_at)
    capped, cap = await weighing.within_caps(
        session,
        programme,
        participant_id=holder_id,
        activity=quantifier.activity.id,
        happened_at=facts.happened_at,
        points=ruled,
        instead_of=instead_of,
    )
    limit = limit_of(programme)
    share = funding.Share(capped, 0, None)
    if limit is not None and holder_id is not None:
        share = await _share(session, programme, limit, points=capped, instead_of=instead_of, at=now)
    points = share.given
    job_id = ids.uuid7()
    await session.execute(
        queries.ADD_JOB,
        {
            "id": job_id,
            "source": facts.source_id,
            "file_name": label,
            "file_sha256": hashlib.sha256(label.encode()).hexdigest(),
            "mapping_sha256": facts.mapping_sha256,
            "at": now,
        },
    )
    await session.execute(queries.REACHED, {"first": clock.day_of(facts.happened_at), "today": clock.today()})
    row = (
        await session.execute(
            queries.ADD_ACTION,
            {
                "claim_key": claim_key,
                "happened_at": facts.happened_at,
                "ended_at": facts.ended_at,
                "source": facts.source_id,
                "method": facts.method_id,
                "token": facts.means_token,
                "inputs": json.dumps(dict(facts.inputs), ensure_ascii=False),
                "grams": facts.grams,
                "points": points,
                "barrier": "covered_boundary" if facts.covered else _barrier(source, quantifier, filing),
                "job": job_id,
            },
        )
    ).one_or_none()
    if row is None:  # somebody claimed it just now
        raise ClaimStands
    if capped < ruled:
        await session.execute(
            queries.ADD_TRIMMED, {"claim_key": claim_key, "cap": cap, "points": ruled - capped}
        )
    if limit is not None and share.room is not None:
        await funding.add(
            session,
            funding.Reached(limit, posting_id(job_id, 1, "points"), now),
            room=share.room,
            wanted=capped,
            given=points,
            missing={claim_key: capped - points},
            freed=share.freed,
        )
    held_points = points if row.participant_id is not None else 0
    await session.execute(
        intake_queries.ADD_CHUNK,
        {
            "job": job_id,
            "seq": 1,
            "first_line": 1,
            "last_line": 1,
            **dict.fromkeys(("received", "accepted"), 1),
            **dict.fromkeys(("duplicates", "conflicts", "rejected", "filtered"), 0),
            "waiting": 0 if row.participant_id is not None else 1,
            "grams": facts.grams,
            "points": held_points,
        },
    )
    return Unposted(
        accepted=Accepted(claim_key, job_id, row.participant_id, facts.grams, points, row.credit),
        programme=programme,
        account=_gram_account(
            programme, source, quantifier, facts.claim_key, credit=row.credit, demo=filing == "demo"
        ),
        activity=quantifier.activity.id,
        ruled=ruled,
        capped=capped,
        freed=share.freed,
        at=now,
    )


async def check_consent(
    session: AsyncSession, *, participant_id: UUID | None, activity: str, happened_at: dt.datetime
) -> None:
    """Refuse an act of a scenario to which its person had said no when it happened, as on first arrival.

    By the time of the act, so it is of no account how long it was held or how it came to be known whose it is.
    Raises ConsentWithdrawn.
    """
    scenario = consenting.SCENARIOS.get(activity)
    if participant_id is None or scenario is None:
        return
    given = {"participant": participant_id, "scenario": scenario.value, "at": happened_at}
    if (await session.execute(queries.SAID_NO, given)).scalar_one():
        raise ConsentWithdrawn


async def check_part(
    session: AsyncSession, *, participant_id: UUID | None, source_id: int, happened_at: dt.datetime
) -> None:
    """Refuse an act whose person was out of its source's programme when it happened. Raises ProgrammeLeft."""
    if participant_id is None:
        return
    given = {"participant": participant_id, "source": source_id, "at": happened_at}
    if (await session.execute(queries.HAD_LEFT, given)).scalar_one():
        raise ProgrammeLeft


async def _share(
    session: AsyncSession,
    programme: Programme,
    limit: Limit,
    *,
    points: int,
    instead_of: Sequence[UUID],
    at: dt.datetime,
) -> funding.Share:
    """What the budget gives, counting on what acts that give way bring back. The turn of the screens comes first."""
    if programme.screens is not None or programme.caps:
        await session.execute(intake_queries.CONFIRM)
    going = (await standing.stored(session, instead_of)).values() if instead_of else ()
    holders = [
        (holder, act.points)
        for act in going
        for holder in (act.participant_id or act.claimed_by,)
        if holder is not None and act.programme == programme.id and not act.withdrawn
    ]
    freed = await funding.freed_by(session, holders, programme=programme)
    return await funding.share(session, limit, wanted=points, at=at, freed=freed)


async def post_points(session: AsyncSession, one: Unposted) -> None:
    """Give the points of a stored act to its holder."""
    act = one.accepted
    if act.participant_id is not None and act.points:
        await purses.put(
            session,
            participant_id=act.participant_id,
            programme=one.programme.id,
            amount=act.points,
            purse=purses.purse_of(one.programme, clock.day_of(one.at)),
            posting_id=posting_id(act.job_id, 1, "points"),
            happened_at=one.at,
        )


async def gram_postings(session: AsyncSession, one: Unposted) -> list[Posting]:
    """How the grams of a stored act are measured."""
    act = one.accepted
    if not act.grams:
        return []
    measured = programmes.codes.measured(one.programme.id)
    opened = await ledger.open_accounts(session, [measured, AccountSpec(one.account)])
    reason = "acts.pooled" if act.credit == "pooled" else "acts.uncredited"
    moved = Line(opened[measured.code], opened[one.account], act.grams)
    return [Posting(posting_id(act.job_id, 1, "grams"), reason, one.at, (moved,))]


async def source_by_id(session: AsyncSession, source_id: int) -> Source:
    """A registered source by its number."""
    return next(one for one in await list_sources(session) if one.id == source_id)


def points_of(programme: Programme, quantifier: Quantifier, *, source: Source, facts: Facts) -> int:
    """What the programme gives for these facts, from a source of this evidence."""
    rule = programme.earn_rule(methodology=quantifier.methodology.id, activity=quantifier.activity.id)
    if rule is None:
        return 0
    return programmes.points_of_one(
        rule,
        grams=facts.grams,
        weight=programme.weight(source.evidence),
        inputs=facts.inputs,
        places=places_of(rule, quantifier),
        day=dt.date(1970, 1, 1) + dt.timedelta(days=int(facts.claim_key.hex[:8], 16)),
    )


def _barrier(source: Source, quantifier: Quantifier, filing: str) -> str | None:
    if source.covered_boundary:
        return "covered_boundary"
    if not quantifier.creditable(source.evidence):
        return "evidence"
    return "method_not_filed" if filing == "not_filed" else None


def _gram_account(
    programme: Programme, source: Source, quantifier: Quantifier, claim: UUID, *, credit: str, demo: bool
) -> str:
    if credit != "pooled":
        return f"uncredited:{source.programme}:{credit}"
    day = dt.date(1970, 1, 1) + dt.timedelta(days=int(claim.hex[:8], 16))
    return f"pool:{programme.project}:{quantifier.methodology.id}:{day:%Y-%m}" + (":demo" if demo else "")
