"""What must hold of footprints: they can be computed again, corrections are of one's own, and nothing of them is money."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend import packs
from backend.footprint import queries
from backend.footprint.computing import emission_of
from backend.footprint.shape import Footprint, footprint_of
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.errors import DomainError

_OTHERWISE = ("its pack gives other emissions", "按其规则包算得的排放量不同")
_NO_PACK = ("its pack is not stored or has no such item", "所依据的规则包未存档或没有该项")

_RULES = (
    Rule(
        "footprint_entry",
        """SELECT e.id AS place, CASE
               WHEN o.id IS NULL OR o.participant_id <> e.participant_id THEN 'own'
               WHEN o.recorded_at > e.recorded_at THEN 'order'
               WHEN EXISTS (SELECT FROM footprint_withdrawal w WHERE w.entry_id = o.id) THEN 'withdrawn'
               ELSE 'twice' END AS fault
           FROM footprint_entry e LEFT JOIN footprint_entry o ON o.id = e.replaces
           WHERE e.replaces IS NOT NULL AND (o.id IS NULL OR o.participant_id <> e.participant_id
               OR o.recorded_at > e.recorded_at
               OR EXISTS (SELECT FROM footprint_withdrawal w WHERE w.entry_id = o.id)
               OR EXISTS (SELECT FROM footprint_entry t WHERE t.replaces = e.replaces AND t.id <> e.id))""",
        {
            "own": ("it corrects an entry of somebody else, or none", "更正的不是本人的记录"),
            "order": ("it corrects a later entry", "更正了晚于自己的记录"),
            "withdrawn": ("it corrects an entry that was taken back", "更正了已撤回的记录"),
            "twice": ("it corrects what another entry corrects too", "同一记录被更正两次"),
        },
    ),
    Rule.single(
        "footprint_withdrawal",
        """SELECT w.entry_id AS place FROM footprint_withdrawal w
           LEFT JOIN footprint_entry e ON e.id = w.entry_id
           WHERE e.id IS NULL OR e.recorded_at > w.withdrawn_at""",
        en="it takes back no entry, or a later one",
        zh="撤回的记录不存在或晚于撤回",
    ),
    Rule.single(
        "footprint_entry",
        """SELECT e.id AS place FROM footprint_entry e
           WHERE e.emissions_g < 0 OR (e.basis = 'computed') <> (e.item IS NOT NULL)
               OR (e.item IS NULL) <> (e.pack_sha256 IS NULL) OR (e.item IS NULL) <> (e.quantity_milli IS NULL)
               OR NOT EXISTS (SELECT FROM participant p WHERE p.id = e.participant_id)""",
        en="it is neither computed nor stated by a participant",
        zh="既非计算所得也非参与者自述",
    ),
)
_APART = (
    Rule.single(
        "ledger_transfer",
        """SELECT t.posting_id || ' ' || t.line AS place FROM ledger_transfer t
           WHERE t.posting_id IN (SELECT id FROM footprint_entry)""",
        en="a footprint was posted",
        zh="足迹被记入账本",
    ),
    Rule.single(
        "ledger_account",
        """SELECT a.code AS place FROM ledger_account a
           WHERE a.kind LIKE '%footprint%'""",
        en="it is an account of a footprint",
        zh="是足迹的账户",
    ),
    Rule.single(
        "action",
        "SELECT e.id AS place FROM footprint_entry e JOIN action a ON a.claim_key = e.id",
        en="a footprint became an act",
        zh="足迹成了行为",
    ),
    Rule.single(
        "batch_leaf",
        "SELECT e.id AS place FROM footprint_entry e JOIN batch_leaf l ON l.claim_key = e.id",
        en="a footprint is in a batch",
        zh="足迹进入了批次",
    ),
)


async def recomputed(session: AsyncSession) -> Checked:
    """Every computed entry comes out the same again by its stored pack; corrections and withdrawals are of one's own."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM footprint_entry"))
    for sha256 in await queries.packs_used(session):
        items = await _read(session, sha256)
        async for row in queries.computed_by(session, sha256):
            item = items.items.get(row["item"]) if items is not None else None
            if item is None or item.category != row["category"]:
                checked.name("footprint_entry", row["id"], _NO_PACK)
                continue
            try:
                again = emission_of(
                    item,
                    quantity_milli=row["quantity_milli"],
                    region=row["region"],
                    year=row["happened_on"].year,
                )
            except DomainError:
                checked.name("footprint_entry", row["id"], _OTHERWISE)
                continue
            if (again.grams, again.region, again.year) != (
                row["emissions_g"],
                row["region"],
                row["factor_year"],
            ):
                checked.name("footprint_entry", row["id"], _OTHERWISE)
    return await look_for(session, checked, _RULES)


async def apart(session: AsyncSession) -> Checked:
    """Nothing of a footprint is in the ledger, in a pool, among the acts or in a batch."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM footprint_entry"))
    return await look_for(session, checked, _APART)


async def _read(session: AsyncSession, sha256: str) -> Footprint | None:
    try:
        return footprint_of(await packs.recall(session, sha256=sha256))
    except DomainError:
        return None
