"""Which pool the grams of pooled acts went to: what certification takes out again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies
from backend.intake.posted import Booked, Homes, Place, booked_grams, feeds, month_of

_POOLED = text("""
    SELECT a.job_id, a.seq, a.method_id, left(a.claim_key::text, 8) AS day, count(*) AS acts,
           sum(a.grams)::bigint AS grams
    FROM action a JOIN method_named m ON m.id = a.method_id
    WHERE a.claim_key >= :low AND a.claim_key < :high AND a.credit = 'pooled' AND a.grams > 0
      AND m.methodology = :methodology
    GROUP BY 1, 2, 3, 4
""")


@dataclass(frozen=True, slots=True)
class Pooled:
    """The acts of one chunk, method and month whose grams went to one pool."""

    job_id: UUID
    seq: int
    method_id: int
    month: str
    pool: str
    acts: int
    grams: int


async def pooled_acts(session: AsyncSession, *, methodology: str, low: UUID, high: UUID) -> list[Pooled]:
    """Acts of one methodology with claim keys `[low, high)` (whole months) that ever were pooled, by their pool.

    Each chunk appears whole or not at all, as it was committed when this read began.
    """
    groups: dict[tuple[UUID, int, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in await session.execute(_POOLED, {"methodology": methodology, "low": low, "high": high}):
        group = groups[row.job_id, row.seq, row.method_id, month_of(row.day)]
        group[0] += row.acts
        group[1] += row.grams
    places = {(job_id, seq) for job_id, seq, _, _ in groups}
    found = {
        (feed.job_id, feed.seq): feed for feed in await feeds(session) if (feed.job_id, feed.seq) in places
    }
    booked: dict[Place, Booked] = await booked_grams(session, found.values())
    homes = await Homes.of(session)
    pooled = []
    for (job_id, seq, method_id, month), (acts, grams) in groups.items():
        feed, method = found[job_id, seq], await homes.method(session, method_id)
        posted = booked.get((job_id, seq))
        if method is None or posted is None:
            continue  # the audit names it
        codes, _ = homes.accounts(feed, method, month, "pooled", posted.posted_at)
        code = next((code for code in codes if code in posted.grams), codes[0])
        pooled.append(Pooled(job_id, seq, method_id, month, code, acts, grams))
    return pooled


class Placed(Protocol):
    """An accepted act, by what decides where its grams went."""

    @property
    def claim_key(self) -> UUID: ...
    @property
    def job_id(self) -> UUID: ...
    @property
    def seq(self) -> int: ...
    @property
    def method_id(self) -> int: ...
    @property
    def programme(self) -> str: ...
    @property
    def credit(self) -> str: ...


RIGHT_REVOKED = "right_revoked"
_RELEASED = text("SELECT claim_key FROM action_released WHERE claim_key = ANY (CAST(:keys AS uuid[]))")


async def left_pools(session: AsyncSession, keys: Iterable[UUID]) -> set[UUID]:
    """Those of these acts whose grams left their pool because the right to them was taken back."""
    return set((await session.execute(_RELEASED, {"keys": list(keys)})).scalars())


async def accounts_of(session: AsyncSession, acts: Iterable[Placed]) -> dict[UUID, str]:
    """The account that each act's grams lie in unless a batch took them: its pool, or that of the reason why it has none.

    Raises MethodUnknown or EngineDiffers where a method cannot be built again.
    """
    found = list(acts)
    codes = await pools_of(session, found)
    programmes = {act.claim_key: act.programme for act in found}
    for key in await left_pools(session, [act.claim_key for act in found if act.credit == "pooled"]):
        codes[key] = f"uncredited:{programmes[key]}:{RIGHT_REVOKED}"
    return codes


async def pools_of(session: AsyncSession, acts: Iterable[Placed]) -> dict[UUID, str]:
    """The account that each act's grams went to when it was taken in, by its key; as `accounts_of` raises."""
    found = list(acts)
    codes = {act.claim_key: f"uncredited:{act.programme}:{act.credit}" for act in found}
    pooled = [act for act in found if act.credit == "pooled"]
    if not pooled:
        return codes
    places = {(act.job_id, act.seq) for act in pooled}
    known = {
        (feed.job_id, feed.seq): feed
        for feed in await feeds(session, jobs=sorted({job_id for job_id, _ in places}))
        if (feed.job_id, feed.seq) in places
    }
    booked = await booked_grams(session, known.values())
    homes = await Homes.of(session)
    for act in pooled:
        place = act.job_id, act.seq
        method = await methodologies.recover(session, method_id=act.method_id)
        posted = booked.get(place) or Booked(known[place].committed_at)
        possible, _ = homes.accounts(
            known[place], method, month_of(act.claim_key.hex[:8]), "pooled", posted.posted_at
        )
        codes[act.claim_key] = next((code for code in possible if code in posted.grams), possible[0])
    return codes
