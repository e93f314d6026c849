"""Acts that no longer count: noted once, their points taken back, their grams sent back where they came from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, programmes
from backend.intake import pools
from backend.intake.errors import ActUnknown
from backend.intake.holding import hooks, queries, standing, telling
from backend.intake.holding.hooks import PooledGrams
from backend.intake.holding.model import Cause, Stored, Withdrawn
from backend.kit import clock, ids
from backend.ledger import AccountSpec, Line, Posting


@dataclass(frozen=True, slots=True)
class Noted:
    """Acts whose withdrawal is noted; nothing was posted yet. `accounts` say where each act's grams went."""

    acts: tuple[Stored, ...]
    accounts: Mapping[UUID, str]
    frozen: frozenset[UUID]
    at: dt.datetime


async def withdraw(
    session: AsyncSession,
    *,
    keys: Sequence[UUID],
    cause: Cause,
    reference: UUID,
    replaced_by: Mapping[UUID, UUID] | None = None,
) -> list[Withdrawn]:
    """Withdraw accepted acts; those that were withdrawn before are passed over, so that again changes nothing.

    Whoever was credited with the points, when the act came in or by linking later, gives them back: what is no longer
    there becomes a debt of its own, which later earnings repay and which blocks no lot and no expiry. Grams go back from
    pool or uncredited; those of an act in a frozen batch stay, and the batch's keeper answers for them (`hooks`).
    `replaced_by` names, for some of the acts, the one that stands instead. Raises ActUnknown.
    """
    await standing.lock(session, keys)
    noted = await note(session, keys=keys, cause=cause, reference=reference, replaced_by=replaced_by or {})
    taken = [await take_points(session, act, at=noted.at) for act in noted.acts]
    await ledger.post(session, await gram_postings(session, noted))
    return [_told(noted, act, owed) for act, owed in zip(noted.acts, taken, strict=True)]


async def note(
    session: AsyncSession,
    *,
    keys: Sequence[UUID],
    cause: Cause,
    reference: UUID,
    replaced_by: Mapping[UUID, UUID],
) -> Noted:
    """Write that these acts are withdrawn, and hear which of them a batch holds. Their claims are locked already."""
    now = clock.now()
    known = await standing.stored(session, keys)
    if len(known) < len(set(keys)):
        raise ActUnknown
    waiting = sorted({act.means_token for act in known.values() if act.participant_id is None})
    if waiting:  # whoever links one of these means right now is waited for, and what was claimed is then seen
        await lock_means(session, waiting)
    ordered = sorted(known)
    rows = await session.execute(
        queries.ADD_WITHDRAWN,
        {
            "keys": ordered,
            "replaced_by": [replaced_by.get(key) for key in ordered],
            "cause": cause,
            "reference": reference,
            "at": now,
        },
    )
    new = sorted(row.claim_key for row in rows)
    again = await standing.stored(session, new)  # behind the locks
    acts = tuple(again[key] for key in new)
    accounts = await pools.accounts_of(session, acts)
    pooled = [
        PooledGrams(act.claim_key, accounts[act.claim_key], act.grams)
        for act in acts
        if act.credit == "pooled" and act.grams
    ]
    await telling.tell_withdrawn(session, acts, corrected=cause == "corrected")
    frozen = await hooks.taken(session, pooled, reference=reference)
    if (
        pooled
    ):  # behind the keeper's locks: whoever took the right back meanwhile let the grams leave their pool
        accounts = await pools.accounts_of(session, acts)
    return Noted(acts, accounts, frozenset(frozen), now)


async def lock_means(session: AsyncSession, tokens: Collection[UUID]) -> None:
    """Let whoever links one of these means and whoever withdraws an act that waits for one come one after the other."""
    await session.execute(queries.LOCK_MEANS, {"tokens": sorted(tokens)})


async def take_points(session: AsyncSession, act: Stored, *, at: dt.datetime) -> int:
    """Take an act's points back from whoever was credited; answers what of them became a debt."""
    holder = act.participant_id or act.claimed_by
    if holder is None or not act.points:
        return 0
    running = await programmes.programme_of(session, code=act.programme)
    take = programmes.benefits.take_back if running.pack.money else programmes.wallets.claw_back
    taken = await take(
        session,
        participant_id=holder,
        programme=act.programme,
        points=act.points,
        posting_id=posting_id(act.claim_key, "points"),
        happened_at=at,
    )
    return taken.owed


async def gram_postings(session: AsyncSession, noted: Noted) -> list[Posting]:
    """The grams that go back, a posting per act."""
    back = [act for act in noted.acts if act.grams and act.claim_key not in noted.frozen]
    if not back:
        return []
    measured = {act.programme: programmes.codes.measured(act.programme) for act in back}
    opened = await ledger.open_accounts(
        session,
        [
            *measured.values(),
            *(AccountSpec(code) for code in {noted.accounts[act.claim_key] for act in back}),
        ],
    )
    return [
        Posting(
            posting_id(act.claim_key, "grams"),
            "acts.withdrawn",
            noted.at,
            (Line(opened[noted.accounts[act.claim_key]], opened[measured[act.programme].code], act.grams),),
        )
        for act in back
    ]


def posting_id(claim_key: UUID, part: str) -> UUID:
    """The id under which a withdrawal took back an act's `points` or `grams`: an act is withdrawn once."""
    return ids.derive(claim_key, "withdrawn", part)


def _told(noted: Noted, act: Stored, owed: int) -> Withdrawn:
    holder = act.participant_id or act.claimed_by
    return Withdrawn(
        claim_key=act.claim_key,
        participant_id=holder,
        points=act.points if holder is not None else 0,
        owed=owed,
        grams=act.grams,
        returned=act.claim_key not in noted.frozen,
    )
