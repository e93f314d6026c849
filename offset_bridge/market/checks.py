"""What must hold of agreed sales: units and money as recorded, nothing set aside without an open offer."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for
from offset_bridge import books
from offset_bridge.market import service

_RULES = (
    books.posted_as(
        "sale",
        expected="""
            SELECT id::text AS place, posting_id, 1 AS line, 'entity:' || book || ':' || seller AS debit,
                'offered:' || book || ':' || seller AS credit, quantity_t AS amount, 'sale.offered' AS reason
            FROM sale
        """,
    ),
    books.posted_as(
        "sale_end",
        expected="""
            SELECT e.sale_id::text AS place, e.posting_id, 1 AS line, 'offered:' || s.book || ':' || s.seller AS debit,
                'entity:' || s.book || ':' || CASE e.outcome WHEN 'settled' THEN s.buyer ELSE s.seller END AS credit,
                s.quantity_t AS amount, CASE e.outcome WHEN 'settled' THEN 'sale.settled' ELSE 'sale.withdrawn' END AS reason
            FROM sale_end e LEFT JOIN sale s ON s.id = e.sale_id
            UNION ALL
            SELECT e.sale_id::text, e.posting_id, 2, 'cash:' || s.market || ':' || s.buyer,
                'cash:' || s.market || ':' || s.seller, s.price_fen, 'sale.paid'
            FROM sale_end e LEFT JOIN sale s ON s.id = e.sale_id WHERE e.outcome = 'settled'
        """,
    ),
    books.same_numbers(
        "sale_end",
        pairs="""
            SELECT e.sale_id::text AS place, e.posting_id, s.posting_id AS first
            FROM sale_end e JOIN sale s ON s.id = e.sale_id
        """,
    ),
    books.belongs(
        "sale_end",
        reasons="starts_with(t.reason, 'sale.')",
        known="SELECT posting_id FROM sale UNION ALL SELECT posting_id FROM sale_end",
        en="units or money moved for a sale that is not recorded",
        zh="有单位或资金因未记录的转让而移动",
    ),
    Rule(
        "sale",
        """
            SELECT s.id::text AS place, CASE
                WHEN s.seller = s.buyer THEN 'self' WHEN NOT starts_with(s.book, s.market || '-') THEN 'market'
                WHEN s.expires_at <= s.offered_at OR e.ended_at < s.offered_at THEN 'time'
                ELSE 'late' END AS fault
            FROM sale s LEFT JOIN sale_end e ON e.sale_id = s.id
            WHERE s.seller = s.buyer OR NOT starts_with(s.book, s.market || '-') OR s.expires_at <= s.offered_at
                OR e.ended_at < s.offered_at OR (e.outcome = 'settled' AND e.ended_at >= s.expires_at)
                OR (e.outcome = 'expired' AND e.ended_at < s.expires_at)
                OR (e.outcome = 'expired') <> (e.sale_id IS NOT NULL AND e.ended_by IS NULL)
        """,
        {
            "self": ("seller and buyer are one organisation", "买卖双方为同一机构"),
            "market": ("its book is of another market", "编号簿属于另一市场"),
            "time": ("it ended before it began", "了结早于要约"),
            "late": ("it did not end as an offer of its time can", "了结方式与要约期限不符"),
        },
    ),
    Rule.single(
        "serial_block",
        """
            WITH open AS (
                SELECT 'offered:' || s.book || ':' || s.seller AS code, range_agg(m.serials) AS numbers
                FROM sale s JOIN serial_movement m ON m.posting_id = s.posting_id
                WHERE NOT EXISTS (SELECT FROM sale_end e WHERE e.sale_id = s.id) GROUP BY 1
            ), aside AS (
                SELECT a.code, range_agg(b.serials) AS numbers
                FROM ledger_account a JOIN serial_block b ON b.account_id = a.id WHERE a.kind = 'offered' GROUP BY 1
            )
            SELECT COALESCE(open.code, aside.code) AS place FROM open FULL JOIN aside ON aside.code = open.code
            WHERE open.numbers IS DISTINCT FROM aside.numbers
        """,
        en="what is set aside is not what is offered in open sales",
        zh="所预留的与未了结的要约不符",
    ),
)


async def sales(session: AsyncSession) -> Checked:
    """Each sale set aside, gave back or exchanged exactly what it says; what was settled is in the log as it is."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM sale"))
    await look_for(session, checked, _RULES)
    settled = {str(sale.id): service.stated(sale) for sale in await service.settled_sales(session)}
    await books.logged(session, checked, table="sale_end", kind="sale.settled", stored=settled)
    return checked
