"""Every digest, root and node of the batches' trees computed again from acts, findings and statements."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification import reading, sumtree, trees, verifying
from backend.certification.checks import every_batch
from backend.certification.errors import StatementMissing
from backend.certification.facts import Digester, day_of_key
from backend.certification.layout import lay_out
from backend.certification.model import Batch, Statement
from backend.certification.sumtree import Leaves, Tree, upper_nodes
from backend.certification.sumtree.tonnes import certified_leaves
from backend.kit.checks import NAMED, Checked
from backend.kit.db import raw_connection
from backend.kit.errors import DomainError
from backend.kit.settings import Settings

_AT_ONCE = 50_000
_ACTS = """
    SELECT l.position, l.claim_key, l.digest, l.grams, a.method_id, a.source_id, a.inputs::text
    FROM batch_leaf l JOIN action a ON a.claim_key = l.claim_key
    WHERE l.batch_id = $1 ORDER BY l.position
"""
_METHODS = text("""
    SELECT DISTINCT a.method_id FROM batch_leaf l JOIN action a ON a.claim_key = l.claim_key
    WHERE l.batch_id = :batch
""")
_NODES = text("""
    SELECT level, number, hash, grams, from_gram FROM batch_node
    WHERE batch_id = :batch AND revision = :revision ORDER BY level, number
""")
_TREES = text("SELECT DISTINCT batch_id, revision FROM batch_node")

_DIGEST = ("its digest is not that of its act's facts", "摘要与其行为的内容不符")
_ROOT = ("its frozen root is not that of its acts", "冻结树根与其行为不符")
_CERTIFIED = (
    "its certified root or sums are not what its findings give",
    "核定树根或合计与核查发现的结果不符",
)
_NODE = ("the stored nodes are not those of the tree", "所存节点与该树不符")
_NO_TREE = ("there is no such tree", "没有这棵树")
_ADDS_UP = ("verified is not frozen less rejected and deducted", "核定量不等于冻结量减去剔除与扣减")


async def trees_again(session: AsyncSession, settings: Settings) -> Checked:
    """Digests, both roots, all sums and all stored nodes follow from acts, findings and deductions."""
    checked = Checked()
    digester = Digester(settings.keys)
    stored = {(row.batch_id, row.revision) for row in await session.execute(_TREES)}
    for batch in (await every_batch(session)).values():
        frozen = await _frozen(session, checked, digester, batch)
        stored.discard((batch.id, trees.FROZEN))
        for statement in await verifying.statements(session, batch_id=batch.id):
            stored.discard((batch.id, statement.revision))
            await _certified(session, checked, batch, statement, frozen)
    for batch_id, revision in sorted(stored):
        checked.name("batch_node", f"{batch_id}/{revision}", _NO_TREE)
    return checked


async def _frozen(session: AsyncSession, checked: Checked, digester: Digester, batch: Batch) -> Leaves:
    leaves = await trees.frozen_leaves(session, batch.id)
    checked.rows += len(leaves)
    tree = Tree(leaves)
    if (tree.root.hash, tree.root.grams, tree.root.leaves) != (batch.frozen_root, batch.frozen_g, batch.acts):
        checked.name("batch", batch.id, _ROOT)
    await _nodes(session, checked, batch.id, trees.FROZEN, tree)
    methods = (await session.execute(_METHODS, {"batch": batch.id})).scalars().all()
    computed = await reading.computed_of(session, sorted(methods))
    feeds = await reading.feeds_by_id(session)
    connection = await raw_connection(session)
    cursor = await connection.cursor(_ACTS, batch.id)
    wrong = 0
    while rows := await cursor.fetch(_AT_ONCE):
        for position, claim_key, digest, grams, method_id, source_id, inputs in rows:
            key = UUID(bytes=claim_key.bytes)
            again = digester.digest(
                key,
                computed=computed[method_id],
                feed=feeds[source_id],
                day=day_of_key(key),
                inputs=inputs,
                grams=grams,
            )
            if again != digest:
                wrong += 1
                if wrong <= NAMED:
                    checked.name("batch_leaf", f"{batch.id}/{position}", _DIGEST)
    checked.found += max(0, wrong - NAMED)
    return leaves


async def _certified(
    session: AsyncSession, checked: Checked, batch: Batch, statement: Statement, frozen: Leaves
) -> None:
    place = f"{batch.id}/{statement.revision}"
    found = verifying.standing(await verifying.findings(session, batch_id=batch.id, until=statement.findings))
    keeps = {at: finding.keeps_g for at, finding in found.items()}
    try:
        carry = await verifying.carry_into(session, batch)
        tree = Tree(
            certified_leaves(carry=carry, frozen=frozen, rejected=keeps, deduction_g=statement.deducted_g)
        )
    except (DomainError, StatementMissing):
        checked.name("batch_statement", place, _CERTIFIED)
        return
    layout = lay_out(carry=carry, grams=frozen.grams, keeps=keeps, deduction_g=statement.deducted_g)
    rejected_g = sum(finding.frozen_g - finding.keeps_g for finding in found.values())
    if (
        statement.certified != sumtree.SumRoot(*tree.root)
        or statement.rejected_g != rejected_g
        or (statement.kept_acts, statement.last_keeps_g) != (layout.kept_acts, layout.last_keeps_g or 0)
    ):
        checked.name("batch_statement", place, _CERTIFIED)
    if (
        statement.verified_g != batch.frozen_g - statement.rejected_g - statement.deducted_g
        or statement.certified_g != statement.verified_g + batch.carry_in_g
    ):
        checked.name("batch_statement", place, _ADDS_UP)
    await _nodes(session, checked, batch.id, statement.revision, tree)


async def _nodes(session: AsyncSession, checked: Checked, batch_id: UUID, revision: int, tree: Tree) -> None:
    rows = await session.execute(_NODES, {"batch": batch_id, "revision": revision})
    stored = {(row.level, row.number): (bytes(row.hash), row.grams, row.from_gram) for row in rows}
    right = {(node.level, node.number): (node.hash, node.grams, node.from_gram) for node in upper_nodes(tree)}
    if stored != right:
        checked.name("batch_node", f"{batch_id}/{revision}", _NODE)
