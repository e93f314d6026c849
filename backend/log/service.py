"""Append to the log, and prove what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock
from backend.log import canonical, merkle, queries
from backend.log.errors import OutsideTheTree
from backend.log.queries import PublicKey, TreeHead


async def append(session: AsyncSession, *, kind: str, body: Mapping[str, Any]) -> int:
    """Add one entry within the caller's transaction; its index.

    Indexes have no gap, so a second appender waits until this transaction ends: append last. `kind` is
    lower-case words joined by dots, dashes or underscores, such as `credit.issued`. What `body` holds becomes public; NotCanonical
    when it holds a float or half a character.
    """
    return await append_many(session, entries=[(kind, body)])


async def append_many(session: AsyncSession, *, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> int:
    """Add entries (kind, body) in order, at one moment; the index of the first, the others follow it."""
    recorded_at = canonical.moment(clock.now())
    documents = [
        canonical.encode({"body": dict(body), "kind": kind, "recorded_at": recorded_at})
        for kind, body in entries
    ]
    return await queries.append(session, documents)


async def inclusion_proof(session: AsyncSession, *, index: int, size: int) -> list[bytes]:
    """The hashes that prove entry `index` to whoever knows the root at `size`; O(log size), one read."""
    if not 0 <= index < size or size > await queries.size(session):
        raise OutsideTheTree(index=index, size=size)
    return await _hashes(session, merkle.inclusion_spans(index, size))


async def consistency_proof(session: AsyncSession, *, old: int, new: int) -> list[bytes]:
    """The hashes that prove that the tree of `new` entries only added to that of `old` (at least 1)."""
    if not 0 < old <= new or new > await queries.size(session):
        raise OutsideTheTree(index=old, size=new)
    return await _hashes(session, merkle.consistency_spans(old, new))


async def root(session: AsyncSession, *, size: int) -> bytes:
    """The root over the first `size` entries; OutsideTheTree when there are fewer."""
    if not 0 <= size <= await queries.size(session):
        raise OutsideTheTree(index=size, size=size)
    return await queries.root(session, size=size)


async def signed_head(session: AsyncSession, *, size: int) -> TreeHead | None:
    """The signed head of the tree of exactly this size, if it was signed then."""
    found = await queries.heads(session, above=size - 1, up_to=size)
    return found[0] if found else None


async def signed_heads(session: AsyncSession, *, above: int, at_most: int) -> list[TreeHead]:
    """Signed heads of more than `above` entries, by size, the first `at_most` of them."""
    return await queries.heads(session, above=above, at_most=at_most)


async def public_keys(session: AsyncSession) -> list[PublicKey]:
    """Every key that ever signed a head, the oldest first."""
    return await queries.keys(session)


async def _hashes(session: AsyncSession, spans: Sequence[merkle.Span]) -> list[bytes]:
    stored = await queries.nodes(session, (node for span in spans for node in merkle.complete_nodes(span)))
    return [merkle.hash_of(span, stored) for span in spans]
