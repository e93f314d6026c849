"""Who must hear of it when an act is withdrawn: whoever has taken grams out of the pools in between.

Intake pools grams and does not know what becomes of them. A noun that takes them out (certification) registers a keeper,
once, when it is imported; `withdraw` calls every keeper inside its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class PooledGrams:
    """What one act brought to a pool (`pool:<project>:<methodology>:<YYYY-MM>[:demo]`); `grams` are above zero."""

    claim_key: UUID
    pool: str
    grams: int


class Keeper(Protocol):
    """Answers which of these acts' grams are no longer in their pool, and notes what it owes for them.

    Called inside the withdrawing transaction, behind the rows of `action_withdrawn` and before any gram moves; the acts
    come in the order of their keys, each once ever. The keeper must lock whatever lets it take grams out of these pools
    (in one order) until the transaction ends, so that no act is taken meanwhile; what it answers stays where it is, and
    of all others the grams go back from pool to `measured`. A keeper that raises refuses the withdrawal.
    """

    async def __call__(
        self, session: AsyncSession, withdrawn: Sequence[PooledGrams], *, reference: UUID
    ) -> Collection[UUID]: ...


class Holder(Protocol):
    """Answers which of these acts' grams are no longer in their pool, and owes nothing for them.

    Locks as a Keeper does, so that no act is taken out of these pools until the transaction ends.
    """

    async def __call__(self, session: AsyncSession, pooled: Sequence[PooledGrams]) -> Collection[UUID]: ...


_KEEPERS: list[Keeper] = []
_HOLDERS: list[Holder] = []


def register_holder(holder: Holder) -> None:
    """Let `holder` be asked before grams leave a pool from now on; once is enough."""
    if holder not in _HOLDERS:
        _HOLDERS.append(holder)


async def held(session: AsyncSession, pooled: Sequence[PooledGrams]) -> set[UUID]:
    """The keys of those whose grams some holder has taken out of their pool; nobody takes another until we are done."""
    found: set[UUID] = set()
    if pooled:
        if not _HOLDERS:
            raise RuntimeError(
                "nobody here answers for grams that batches hold: import backend.certification"
            )
        for holder in _HOLDERS:
            found.update(await holder(session, pooled))
    return found


def register_keeper(keeper: Keeper) -> None:
    """Let `keeper` be asked at every withdrawal from now on; once is enough."""
    if keeper not in _KEEPERS:
        _KEEPERS.append(keeper)


async def taken(session: AsyncSession, withdrawn: Sequence[PooledGrams], *, reference: UUID) -> set[UUID]:
    """The keys of those whose grams some keeper has taken out of their pool.

    In a program in which nobody keeps any, nothing is withdrawn: the grams might be in a batch.
    """
    found: set[UUID] = set()
    if withdrawn:
        if not _KEEPERS:
            raise RuntimeError(
                "nobody here answers for grams that batches hold: import backend.certification"
            )
        for keeper in _KEEPERS:
            found.update(await keeper(session, withdrawn, reference=reference))
    return found
