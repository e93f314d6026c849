"""Where all of a participant's grams are: in a pool, in a batch, in which numbers, carried on, or taken out.

Sums over the same rows that a receipt proves act by act; nothing is proven here, and nothing is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import queries, reading, verifying
from backend.certification.layout import Layout
from backend.certification.model import Batch, Issuance
from backend.certification.runs import layout_of
from backend.certification.sumtree import CHUNK_LEAVES, CHUNK_LEVEL
from backend.identity import joining
from backend.kit.quantities import GRAMS_PER_TONNE


@dataclass(frozen=True, slots=True)
class Outside:
    """Grams that no batch has. `state` is `pooled`, `uncredited` (with its reason) or `withdrawn`."""

    state: str
    because: str | None
    acts: int
    grams: int


@dataclass(slots=True)
class Inside:
    """What a batch has of a participant.

    `frozen_g` is of their acts; of those, `rejected_g` were taken out by verification and `open_g` wait to be issued.
    `by_number` are the grams in each number of the book, those that an earlier batch carried here among them, and
    `carried_g` what lies behind the last whole tonne and in no later issued batch.
    """

    batch: Batch
    issuance: Issuance | None
    acts: int = 0
    frozen_g: int = 0
    rejected_g: int = 0
    open_g: int = 0
    carried_g: int = 0
    by_number: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """All of it, and each gram once: outside the batches, and inside each of them, the first one first."""

    outside: tuple[Outside, ...]
    inside: tuple[Inside, ...]


async def whereabouts(session: AsyncSession, *, participant_id: UUID) -> Whereabouts:
    """Where the grams of a participant's acts are, and of accounts that ended in theirs.

    A batch counts as issued once a signed head of the log vouches for it, as for a receipt.
    """
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    rows = await session.execute(queries.GRAMS_OUTSIDE, {"people": people})
    outside = tuple(Outside(*row) for row in rows)
    leaves: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for row in await session.execute(queries.LEAVES_OF, {"people": people}):
        leaves[row.batch_id].append((row.position, row.grams))
    head = await log.latest_head(session)
    known = _Batches(session, 0 if head is None else head.size)
    for batch_id, own in leaves.items():
        await _place(known, batch_id, own)
    inside = sorted(known.found.values(), key=lambda one: (one.batch.closed_at, one.batch.id))
    return Whereabouts(outside, tuple(inside))


@dataclass(slots=True)
class _Batches:
    """The batches that grams were found in, each read once."""

    session: AsyncSession
    vouched: int  # entries under the newest signed head
    found: dict[UUID, Inside] = field(default_factory=dict)

    async def inside(self, batch_id: UUID) -> Inside:
        if batch_id not in self.found:
            issuance = await reading.issuance_of(self.session, batch_id)
            if issuance is not None and issuance.log_index >= self.vouched:
                issuance = None
            self.found[batch_id] = Inside(await reading.batch(self.session, batch_id), issuance)
        return self.found[batch_id]

    async def next_issued(self, batch_id: UUID) -> Inside | None:
        later = await reading.following(self.session, batch_id)
        if later is None:
            return None
        issuance = await reading.issuance_of(self.session, later.id)
        return None if issuance is None or issuance.log_index >= self.vouched else await self.inside(later.id)


async def _place(known: _Batches, batch_id: UUID, own: Sequence[tuple[int, int]]) -> None:
    """Put a participant's leaves of one batch where their grams are."""
    inside = await known.inside(batch_id)
    inside.acts += len(own)
    inside.frozen_g += sum(grams for _, grams in own)
    if inside.issuance is None:
        inside.open_g += sum(grams for _, grams in own)
        return
    session = known.session
    statement = await verifying.statement(session, batch_id=batch_id, revision=inside.issuance.revision)
    layout = await layout_of(session, inside.batch, statement)
    starts = await _starts(session, batch_id, statement.revision, layout, own)
    for position, frozen_g in own:
        kept = layout.grams_of(position, frozen_g)
        inside.rejected_g += frozen_g - kept
        if kept:
            await _number(known, inside, starts[position], starts[position] + kept)


async def _starts(
    session: AsyncSession, batch_id: UUID, revision: int, layout: Layout, own: Sequence[tuple[int, int]]
) -> dict[int, int]:
    """Where in the certified tree each act that keeps something begins: what the stored node above it says, and the acts of its chunk."""
    chunk_of = {
        position: index // CHUNK_LEAVES
        for position, _ in own
        if (index := layout.index_of(position)) is not None
    }
    if not chunk_of:
        return {}
    first = {
        chunk: layout.position_of(chunk * CHUNK_LEAVES) or 0 for chunk in set(chunk_of.values())
    }  # 0 where the carry stands first
    keeps = dict(layout.keeps)
    if layout.last_keeps_g is not None:
        keeps[layout.kept_acts - 1] = layout.last_keeps_g
    rows = await session.execute(
        queries.STARTS,
        {
            "batch": batch_id,
            "revision": revision,
            "level": CHUNK_LEVEL,
            "positions": list(chunk_of),
            "chunks": list(chunk_of.values()),
            "firsts": [first[chunk] for chunk in chunk_of.values()],
            "kept_positions": list(keeps),
            "kept_grams": list(keeps.values()),
        },
    )
    carry_g = 0 if layout.carry is None else layout.carry.grams
    return {row.position: row.start_g + (carry_g if chunk_of[row.position] == 0 else 0) for row in rows}


async def _number(known: _Batches, inside: Inside, low: int, high: int) -> None:
    """Count grams `[low, high)` of a certified tree to their numbers, through the batches that they are carried to."""
    while True:
        issuance = inside.issuance
        assert issuance is not None
        whole = issuance.quantity_t * GRAMS_PER_TONNE
        while low < min(high, whole):
            tonne = low // GRAMS_PER_TONNE
            end = min(high, (tonne + 1) * GRAMS_PER_TONNE)
            assert issuance.first_serial is not None
            inside.by_number[issuance.first_serial + tonne] += end - low
            low = end
        if low == high:
            return
        later = await known.next_issued(inside.batch.id)
        if later is None:
            inside.carried_g += high - low
            return
        inside, low, high = later, low - whole, high - whole
