"""All SQL of the log's entries, nodes and heads. That of the seals is in `sealing_queries`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.log.merkle import Node


@dataclass(frozen=True)
class Entry:
    """One entry. `canonical` is what is hashed; kind, body and recorded_at are read out of it."""

    index: int
    kind: str
    body: dict[str, Any]
    canonical: bytes
    leaf_hash: bytes
    recorded_at: datetime


@dataclass(frozen=True)
class TreeHead:
    """A signed statement that the log had this root at this size."""

    size: int
    root: bytes
    signed_at: datetime
    key_id: bytes
    note: str


@dataclass(frozen=True)
class PublicKey:
    """A key that signs tree heads, with the name and identifier it has in the signed-note format."""

    key_id: bytes
    generation: int
    name: str
    public_key: bytes


async def append(session: AsyncSession, documents: Sequence[bytes]) -> int:
    """Append canonical documents; the index of the first."""
    result = await session.execute(
        text("SELECT log_append(CAST(:documents AS bytea[]))"), {"documents": list(documents)}
    )
    return int(result.scalar_one())


async def size(session: AsyncSession) -> int:
    """How many entries there are."""
    result = await session.execute(text("SELECT coalesce(max(index) + 1, 0) FROM log_entry"))
    return int(result.scalar_one())


async def root(session: AsyncSession, *, size: int) -> bytes:
    """The root over the first `size` entries."""
    result = await session.execute(text("SELECT log_root(:size)"), {"size": size})
    return bytes(result.scalar_one())


_ENTRY = "SELECT index, kind, body, canonical, leaf_hash, recorded_at FROM log_entry"


async def entries(
    session: AsyncSession,
    *,
    low: int,
    high: int,
    kind: str | None = None,
    kinds: Sequence[str] | None = None,
    at_most: int | None = None,
) -> list[Entry]:
    """Entries `[low, high)` in order, of one kind, of some, or of all; the first `at_most` of them."""
    wanted = kinds if kind is None else [kind]
    where = " WHERE index >= :low AND index < :high"
    where += "" if wanted is None else " AND kind = ANY (CAST(:kinds AS text[]))"
    rows = await session.execute(
        text(_ENTRY + where + " ORDER BY index LIMIT :at_most"),
        {"low": low, "high": high, "at_most": at_most} | ({} if wanted is None else {"kinds": list(wanted)}),
    )
    return [Entry(*row) for row in rows]


async def entries_at(session: AsyncSession, indexes: Iterable[int]) -> list[Entry]:
    """The entries at these indexes, in order; one that is not there is left out."""
    rows = await session.execute(
        text(_ENTRY + " WHERE index = ANY (CAST(:indexes AS bigint[])) ORDER BY index"),
        {"indexes": list(indexes)},
    )
    return [Entry(*row) for row in rows]


async def nodes(session: AsyncSession, places: Iterable[Node]) -> dict[Node, bytes]:
    """The stored hashes of complete subtrees, leaves included, in one read; a missing one is left out."""
    wanted = list(dict.fromkeys(places))
    rows = await session.execute(
        text("""
            SELECT w.level, w.index, coalesce(n.hash, e.leaf_hash)
            FROM unnest(CAST(:levels AS integer[]), CAST(:indexes AS bigint[])) AS w (level, index)
            LEFT JOIN log_node n ON n.level = w.level AND n.index = w.index
            LEFT JOIN log_entry e ON w.level = 0 AND e.index = w.index
            WHERE coalesce(n.hash, e.leaf_hash) IS NOT NULL
        """),
        {"levels": [place.level for place in wanted], "indexes": [place.number for place in wanted]},
    )
    return {Node(level, index): value for level, index, value in rows}


async def nodes_beyond(session: AsyncSession) -> list[Node]:
    """Stored nodes that no log of the present size has; nodes and size are read at one moment."""
    rows = await session.execute(
        text("""
            SELECT level, index FROM log_node
            WHERE (index + 1)::numeric * 2 ^ level > (SELECT coalesce(max(e.index) + 1, 0) FROM log_entry e)
            ORDER BY 1, 2
        """)
    )
    return [Node(level, number) for level, number in rows]


async def register_key(session: AsyncSession, *, generation: int, name: str, public_key: bytes) -> bytes:
    """Remember a signing key; its four-byte identifier."""
    result = await session.execute(
        text("SELECT log_register_key(:generation, :name, :public_key)"),
        {"generation": generation, "name": name, "public_key": public_key},
    )
    return bytes(result.scalar_one())


async def keys(session: AsyncSession) -> list[PublicKey]:
    """Every key that ever signed, the oldest first."""
    rows = await session.execute(
        text("SELECT key_id, generation, name, public_key FROM log_key ORDER BY generation")
    )
    return [PublicKey(*row) for row in rows]


async def lock_heads(session: AsyncSession) -> None:
    """Let nobody else sign a head or replace the key until this transaction ends."""
    await session.execute(text("SELECT log_lock_heads()"))


async def store_head(session: AsyncSession, head: TreeHead) -> bool:
    """Keep a signed head; False when one of this size or a larger one exists."""
    result = await session.execute(
        text("SELECT log_store_head(:size, :root, :signed_at, :key_id, :note)"),
        {
            "size": head.size,
            "root": head.root,
            "signed_at": head.signed_at,
            "key_id": head.key_id,
            "note": head.note,
        },
    )
    return bool(result.scalar_one())


_LARGEST = 2**63 - 1
_HEAD = "SELECT size, root, signed_at, key_id, note FROM log_tree_head"


async def latest_head(session: AsyncSession) -> TreeHead | None:
    """The signed head of the largest tree."""
    row = (await session.execute(text(_HEAD + " ORDER BY size DESC LIMIT 1"))).first()
    return None if row is None else TreeHead(*row)


async def heads(
    session: AsyncSession, *, above: int, up_to: int = _LARGEST, at_most: int | None = None
) -> list[TreeHead]:
    """Signed heads with `above < size <= up_to`, by size, the first `at_most` of them."""
    rows = await session.execute(
        text(_HEAD + " WHERE size > :above AND size <= :up_to ORDER BY size LIMIT :at_most"),
        {"above": above, "up_to": up_to, "at_most": at_most},
    )
    return [TreeHead(*row) for row in rows]


async def heads_beyond(session: AsyncSession) -> list[TreeHead]:
    """Signed heads of more entries than there are; heads and size are read at one moment."""
    rows = await session.execute(
        text(_HEAD + " WHERE size > (SELECT coalesce(max(index) + 1, 0) FROM log_entry) ORDER BY size")
    )
    return [TreeHead(*row) for row in rows]
