"""The two trees of a batch between memory and the database: leaves read once, upper nodes stored, parts read again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification import queries
from backend.certification.layout import Layout
from backend.certification.sumtree import (
    CHUNK_LEAVES,
    Leaf,
    Leaves,
    Node,
    OutsideTheLeaves,
    Part,
    Place,
    Tree,
    needed,
    upper_nodes,
)
from backend.kit.db import raw_connection

FROZEN = 0  # the revision under which the frozen tree's nodes are stored
_AT_ONCE = 50_000


async def frozen_leaves(session: AsyncSession, batch_id: UUID) -> Leaves:
    """Every frozen leaf of a batch, in order; 48 bytes each."""
    connection = await raw_connection(session)
    digests, grams = bytearray(), list[int]()
    cursor = await connection.cursor(queries.LEAVES, batch_id)
    while rows := await cursor.fetch(_AT_ONCE):
        for digest, amount in rows:
            digests += digest
            grams.append(amount)
    return Leaves(bytes(digests), [0] * len(grams), grams)


async def store_nodes(session: AsyncSession, *, batch_id: UUID, revision: int, tree: Tree) -> None:
    """Keep the nodes of level 8 and above."""
    connection = await raw_connection(session)
    rows = [(batch_id, revision, *node) for node in upper_nodes(tree)]
    await connection.copy_records_to_table("batch_node", records=rows, columns=list(queries.NODE_COLUMNS))


async def part_of(
    session: AsyncSession, *, batch_id: UUID, revision: int, layout: Layout, chunks: Iterable[int]
) -> Part:
    """As much of a tree as proofs about leaves of these chunks need: a few hundred rows, however large the batch."""
    count, chunks = layout.leaves, sorted(set(chunks))
    places = needed(count=count, chunks=chunks)
    rows = await session.execute(
        queries.NODES,
        {
            "batch": batch_id,
            "revision": revision,
            "levels": [level for level, _ in places],
            "numbers": [number for _, number in places],
        },
    )
    nodes: dict[Place, Node] = {(row.level, row.number): Node(bytes(row.hash), row.grams) for row in rows}
    return Part(
        count=count,
        nodes=nodes,
        chunks={chunk: await _leaves(session, batch_id, layout, chunk) for chunk in chunks},
    )


async def _leaves(session: AsyncSession, batch_id: UUID, layout: Layout, chunk: int) -> list[Leaf]:
    first, last = chunk * CHUNK_LEAVES, min((chunk + 1) * CHUNK_LEAVES, layout.leaves) - 1
    found = []
    if first < layout.before:
        assert layout.carry is not None
        found.append(layout.carry)
        first = layout.before
    if first > last:
        return found
    low, high = layout.position_of(first), layout.position_of(last)
    for row in await session.execute(queries.LEAVES_BETWEEN, {"batch": batch_id, "low": low, "high": high}):
        grams = layout.grams_of(row.position, row.grams)
        if grams:
            found.append(Leaf(bytes(row.digest), 0, grams))
    return found


async def chunks_at(
    session: AsyncSession, *, batch_id: UUID, revision: int, grams: Iterable[int]
) -> list[int]:
    """The chunks of 256 leaves that hold these grams of a tree."""
    found = []
    for gram in grams:
        number = (
            await session.execute(
                queries.CHUNK_AT_GRAM, {"batch": batch_id, "revision": revision, "gram": gram}
            )
        ).scalar_one_or_none()
        if number is None:
            raise OutsideTheLeaves
        found.append(number)
    return found
