"""What must hold of redemptions: each is what the ledger, its offer and the stock say of it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for
from merchant.redemption.model import CODE_LIVES, CONFIRM_WITHIN, REFUND_WITHIN, STANDS_AT_MOST

SAID_WITHIN_S = 60  # a till may not have seen yet what was said of its shop so shortly before
_REDEMPTIONS = "SELECT count(*) FROM redemption"

_HELD = (
    Rule(
        "redemption",
        """
            SELECT place, fault FROM (
                SELECT r.id AS place, CASE
                    WHEN o.id IS NULL OR p.id IS NULL THEN 'nowhere'
                    WHEN r.points <> o.price_points THEN 'price'
                    WHEN (r.made_at AT TIME ZONE 'Asia/Shanghai')::date < o.first_day
                        OR (r.made_at AT TIME ZONE 'Asia/Shanghai')::date > o.last_day THEN 'day'
                    WHEN h.posting_id IS NULL OR h.amount <> r.points OR NOT h.same THEN 'hold'
                END AS fault
                FROM redemption r
                LEFT JOIN offer o ON o.id = r.offer_id LEFT JOIN participant p ON p.id = r.participant_id
                LEFT JOIN (
                    SELECT t.posting_id, sum(t.amount) AS amount, bool_and(
                        t.reason = 'points.held' AND t.happened_at = r.made_at
                        AND starts_with(d.code, 'wallet:' || r.participant_id || ':' || o.programme || ':')
                        AND c.code = 'hold:' || r.participant_id || ':' || o.programme) IS TRUE AS same
                    FROM redemption r LEFT JOIN offer o ON o.id = r.offer_id
                    JOIN ledger_transfer t ON t.posting_id = r.id
                    LEFT JOIN ledger_account d ON d.id = t.debit_id LEFT JOIN ledger_account c ON c.id = t.credit_id
                    GROUP BY t.posting_id
                ) h ON h.posting_id = r.id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("its offer or participant is not there", "其商品或参与者不存在"),
            "price": ("its points are not the offer's price", "积分不等于商品价格"),
            "day": ("it was made on a day on which the offer did not stand", "兑换日不在商品兑换期内"),
            "hold": ("the ledger does not hold its points as it says", "账本未如其所述冻结积分"),
        },
    ),
    Rule.single(
        "ledger_transfer",
        """
            SELECT DISTINCT t.posting_id AS place FROM ledger_transfer t
            WHERE t.reason = 'points.held' AND t.reverses IS NULL
                AND NOT EXISTS (SELECT FROM redemption r WHERE r.id = t.posting_id)
        """,
        en="it holds points for no redemption",
        zh="所冻结的积分没有对应的兑换",
    ),
)

_ENDS = (
    Rule(
        "redemption_end",
        """
            SELECT place, fault FROM (
                SELECT e.redemption_id AS place, CASE
                    WHEN r.id IS NULL THEN 'nowhere'
                    WHEN e.ended = 'captured' AND (
                        e.merchant_id IS DISTINCT FROM o.merchant_id
                        OR CASE WHEN e.captured_by IS NULL THEN o.gives IS NULL
                                ELSE redemption_stood_for(e.captured_by) IS DISTINCT FROM o.merchant_id END
                        OR e.shop_id IS NOT NULL AND NOT EXISTS (
                            SELECT FROM shop h WHERE h.id = e.shop_id AND h.merchant_id = o.merchant_id)
                        OR e.till_id IS NOT NULL AND NOT EXISTS (
                            SELECT FROM till l WHERE l.id = e.till_id AND l.shop_id = e.shop_id)) THEN 'merchant'
                    WHEN e.ended = 'captured' AND r.confirm AND NOT EXISTS (
                        SELECT FROM redemption_asked q JOIN redemption_answer w ON w.asked_id = q.id
                        WHERE q.redemption_id = r.id AND w.answer = 'confirmed' AND w.answered_at = e.ended_at
                            AND q.asked_by = e.captured_by AND q.till_id IS NOT DISTINCT FROM e.till_id
                            AND q.shop_id IS NOT DISTINCT FROM e.shop_id) THEN 'confirmed'
                    WHEN e.ended = 'captured' AND r.confirm IS NOT TRUE AND NOT (
                        e.ended_at < r.code_expires_at OR EXISTS (
                            SELECT FROM redemption_code k WHERE k.redemption_id = r.id AND e.ended_at < k.expires_at)) THEN 'code'
                    WHEN e.ended = 'captured' AND NOT EXISTS (
                        SELECT FROM ledger_transfer t JOIN ledger_account c ON c.id = t.credit_id
                        WHERE t.posting_id = e.posting_id AND t.captures = r.id AND t.amount = r.points
                            AND t.happened_at = e.ended_at AND c.code = 'payable:' || m.code || ':' || o.programme)
                        THEN 'capture'
                    WHEN e.ended <> 'captured' AND NOT EXISTS (
                        SELECT FROM ledger_transfer t
                        WHERE t.posting_id = e.posting_id AND t.reverses = r.id AND t.reason = 'points.released'
                            AND t.happened_at = e.ended_at) THEN 'release'
                    WHEN e.ended <> 'captured' AND (e.ended = 'lapsed') <> (e.ended_at >= GREATEST(r.code_expires_at, (
                        SELECT max(k.expires_at) FROM redemption_code k WHERE k.redemption_id = r.id), (
                        SELECT max(q.until) FROM redemption_asked q WHERE q.redemption_id = r.id))) THEN 'time'
                END AS fault
                FROM redemption_end e LEFT JOIN redemption r ON r.id = e.redemption_id
                LEFT JOIN offer o ON o.id = r.offer_id LEFT JOIN organisation m ON m.id = o.merchant_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("there is no such redemption", "没有这笔兑换"),
            "merchant": (
                "it was not captured by staff of the offer's merchant",
                "并非由商品所属商户人员核销",
            ),
            "confirmed": ("its citizen did not confirm it", "市民并未确认"),
            "code": ("no code was good when it was captured", "核销时没有有效的兑换码"),
            "capture": ("the ledger does not owe the merchant what was captured", "账本未如其所述记应付商户"),
            "release": ("the ledger did not give the points back", "账本未退还积分"),
            "time": ("it lapsed too early, or was cancelled too late", "过早失效，或过晚取消"),
        },
    ),
    Rule(
        "redemption_refund",
        """
            SELECT place, fault FROM (
                SELECT f.redemption_id AS place, CASE
                    WHEN e.ended IS DISTINCT FROM 'captured' THEN 'captured'
                    WHEN s.organisation_id IS DISTINCT FROM e.merchant_id THEN 'merchant'
                    WHEN f.asked_by IS NOT NULL AND NOT (
                        redemption_stood_for(f.asked_by) IS NOT DISTINCT FROM e.merchant_id
                        AND (f.till_id IS NULL OR EXISTS (SELECT FROM till l JOIN clerk k ON k.shop_id = l.shop_id
                                                            WHERE l.id = f.till_id AND k.id = f.asked_by))) THEN 'asked'
                    WHEN EXISTS (SELECT FROM redemption_part p WHERE p.redemption_id = f.redemption_id) THEN 'parts'
                    WHEN f.refunded_at > e.ended_at + make_interval(
                        days => GREATEST(:refund_within_days, g.refund_within_days)) THEN 'time'
                    WHEN 2 <> (
                        SELECT count(DISTINCT t.reverses) FROM ledger_transfer t
                        WHERE t.reverses IN (e.redemption_id, e.posting_id) AND t.reason = 'points.refunded'
                            AND t.happened_at = f.refunded_at) THEN 'reversal'
                END AS fault
                FROM redemption_refund f LEFT JOIN redemption_end e ON e.redemption_id = f.redemption_id
                LEFT JOIN staff s ON s.id = f.refunded_by LEFT JOIN redemption r ON r.id = f.redemption_id
                LEFT JOIN offer o ON o.id = r.offer_id LEFT JOIN programme_redeeming g ON g.programme = o.programme
            ) found WHERE fault IS NOT NULL
        """,
        {
            "captured": ("it refunds what was not captured", "退还了未核销的兑换"),
            "merchant": ("it was not made by staff of the merchant", "并非由该商户人员退还"),
            "asked": (
                "nobody of the merchant asked for it, or not at that till",
                "并非由该商户人员或该收银台提出",
            ),
            "time": ("it was made outside its time", "不在可退还的期限内"),
            "parts": ("it was refunded whole and in parts", "既全额退还，又部分退还"),
            "reversal": ("the ledger did not undo the capture and the hold", "账本未冲回扣款与冻结"),
        },
    ),
    Rule.single(
        "ledger_resolution",
        """
            SELECT l.posting_id || ' ' || l.resolution AS place
            FROM ledger_resolution l
            LEFT JOIN redemption r ON r.id = l.posting_id
            LEFT JOIN redemption_end c ON c.posting_id = l.posting_id AND c.ended = 'captured'
            LEFT JOIN redemption_end e ON e.redemption_id = COALESCE(r.id, c.redemption_id)
            LEFT JOIN redemption_refund f ON f.redemption_id = e.redemption_id
            WHERE (r.id IS NOT NULL OR c.redemption_id IS NOT NULL) AND CASE
                WHEN l.resolution = 'captured' THEN e.ended IS DISTINCT FROM 'captured' OR e.posting_id <> l.by_posting
                WHEN e.ended IN ('cancelled', 'lapsed') THEN e.posting_id <> l.by_posting
                ELSE f.redemption_id IS NULL END
        """,
        en="the redemption did not end as the ledger has it",
        zh="兑换的结局与账本不符",
    ),
)

_HOURS = Rule.single(
    "redemption_end",
    """
        SELECT e.redemption_id AS place
        FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id
        LEFT JOIN LATERAL (
            SELECT q.asked_at FROM redemption_asked q JOIN redemption_answer w ON w.asked_id = q.id
            WHERE q.redemption_id = r.id AND w.answer = 'confirmed') q ON true
        CROSS JOIN LATERAL (SELECT COALESCE(q.asked_at, e.ended_at) AS at) s
        WHERE e.ended = 'captured' AND e.shop_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM shop_edition d WHERE d.shop_id = e.shop_id AND NOT d.closed AND d.said_at <= s.at
                AND shop_takes(d.hours, d.except_days, r.made_at, s.at)
                AND NOT EXISTS (SELECT FROM shop_edition n WHERE n.shop_id = d.shop_id AND n.number = d.number + 1
                                AND n.said_at <= s.at - make_interval(secs => :said_within_s)))
    """,
    en="its shop was closed, by what was said of it then",
    zh="按当时的门店信息，该门店不在营业",
)

_PARTS = (
    Rule(
        "redemption_part",
        """
            SELECT place, fault FROM (
                SELECT p.redemption_id || ' ' || p.part_id AS place, CASE
                    WHEN e.ended IS DISTINCT FROM 'captured' THEN 'captured'
                    WHEN s.organisation_id IS DISTINCT FROM e.merchant_id THEN 'merchant'
                    WHEN p.asked_by IS NOT NULL AND NOT (
                        redemption_stood_for(p.asked_by) IS NOT DISTINCT FROM e.merchant_id
                        AND (p.till_id IS NULL OR EXISTS (SELECT FROM till l JOIN clerk k ON k.shop_id = l.shop_id
                                                            WHERE l.id = p.till_id AND k.id = p.asked_by))) THEN 'asked'
                    WHEN sum(p.points) OVER (PARTITION BY p.redemption_id) > r.points THEN 'more'
                    WHEN p.refunded_at > e.ended_at + make_interval(
                        days => GREATEST(:refund_within_days, g.refund_within_days)) THEN 'time'
                    WHEN (SELECT sum(t.amount) <> p.points OR NOT bool_and(
                            t.reason = 'points.part_refunded' AND t.happened_at = p.refunded_at
                            AND d.code = 'payable:' || m.code || ':' || o.programme
                            AND starts_with(c.code, 'wallet:' || r.participant_id || ':' || o.programme || ':'))
                        FROM ledger_transfer t LEFT JOIN ledger_account d ON d.id = t.debit_id
                        LEFT JOIN ledger_account c ON c.id = t.credit_id
                        WHERE t.posting_id = p.posting_id) IS NOT FALSE THEN 'posting'
                END AS fault
                FROM redemption_part p LEFT JOIN redemption_end e ON e.redemption_id = p.redemption_id
                LEFT JOIN redemption r ON r.id = p.redemption_id LEFT JOIN offer o ON o.id = r.offer_id
                LEFT JOIN organisation m ON m.id = o.merchant_id LEFT JOIN staff s ON s.id = p.refunded_by
                LEFT JOIN programme_redeeming g ON g.programme = o.programme
            ) found WHERE fault IS NOT NULL
        """,
        {
            "captured": ("it refunds a part of what was not captured", "部分退还了未核销的兑换"),
            "merchant": ("it was not made by staff of the merchant", "并非由该商户人员退还"),
            "asked": (
                "nobody of the merchant asked for it, or not at that till",
                "并非由该商户人员或该收银台提出",
            ),
            "more": ("the parts are more than what was captured", "各部分合计超过核销"),
            "time": ("it was made outside its time", "不在可退还的期限内"),
            "posting": ("the ledger did not give the points back to its citizen", "账本未如其所述退还积分"),
        },
    ),
    Rule.single(
        "redemption_part",
        """
            SELECT b.redemption_id AS place
            FROM (SELECT p.redemption_id, c.id, sum(t.amount) AS back
                  FROM redemption_part p JOIN ledger_transfer t ON t.posting_id = p.posting_id
                  JOIN ledger_account c ON c.id = t.credit_id GROUP BY p.redemption_id, c.id) b
            LEFT JOIN (SELECT t.posting_id, t.debit_id AS id, sum(t.amount) AS drawn
                       FROM ledger_transfer t WHERE t.posting_id IN (SELECT redemption_id FROM redemption_part)
                       GROUP BY t.posting_id, t.debit_id) h ON h.posting_id = b.redemption_id AND h.id = b.id
            WHERE b.back > COALESCE(h.drawn, 0)
        """,
        en="a lot was given back more than was drawn from it",
        zh="退还某批积分多于当初所取",
    ),
    Rule.single(
        "ledger_transfer",
        """
            SELECT DISTINCT t.posting_id AS place FROM ledger_transfer t
            WHERE t.reason = 'points.part_refunded'
                AND NOT EXISTS (SELECT FROM redemption_part p WHERE p.posting_id = t.posting_id)
        """,
        en="it gives points back for no part of a redemption",
        zh="所退积分没有对应的部分退还",
    ),
)

_ASKED = (
    Rule(
        "redemption_asked",
        """
            SELECT place, fault FROM (
                SELECT q.id AS place, CASE
                    WHEN r.id IS NULL OR o.merchant_id IS DISTINCT FROM q.merchant_id THEN 'nowhere'
                    WHEN r.confirm IS NOT TRUE OR q.until > q.asked_at + make_interval(secs => :confirm_within_s) THEN 'why'
                    WHEN NOT (r.code_mac = q.mac AND q.asked_at < r.code_expires_at OR EXISTS (
                        SELECT FROM redemption_code k
                        WHERE k.mac = q.mac AND k.redemption_id = r.id AND q.asked_at < k.expires_at)) THEN 'code'
                    WHEN w.answered_at > q.until THEN 'late'
                    WHEN w.answer = 'confirmed' AND (e.ended, e.ended_at) IS DISTINCT FROM ('captured', w.answered_at)
                        THEN 'confirmed'
                END AS fault
                FROM redemption_asked q LEFT JOIN redemption r ON r.id = q.redemption_id
                LEFT JOIN offer o ON o.id = r.offer_id LEFT JOIN redemption_answer w ON w.asked_id = q.id
                LEFT JOIN redemption_end e ON e.redemption_id = q.redemption_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("there is no such redemption of its merchant", "该商户没有这笔兑换"),
            "why": ("nothing had to be confirmed, or for so long", "无须确认，或等待过久"),
            "code": ("no code was good when it was asked", "询问时没有有效的兑换码"),
            "late": ("it was answered when it was over", "逾时才答复"),
            "confirmed": ("what was confirmed was not captured", "已确认而未核销"),
        },
    ),
    Rule.single(
        "redemption_open",
        """
            SELECT s.redemption_id AS place FROM redemption_open s
            LEFT JOIN redemption_asked q ON q.id = s.asked_id AND q.redemption_id = s.redemption_id
            LEFT JOIN redemption_answer w ON w.asked_id = q.id
            WHERE s.asked_id IS NOT NULL AND (q.id IS NULL OR w.asked_id IS NOT NULL)
        """,
        en="it waits for a question that is not there or was answered",
        zh="兑换所等待的询问不存在或已答复",
    ),
)

_CODES = (
    Rule(
        "redemption_open",
        """
            SELECT place, fault FROM (
                SELECT COALESCE(r.id, s.redemption_id) AS place, CASE
                    WHEN r.id IS NULL THEN 'nowhere'
                    WHEN e.redemption_id IS NOT NULL AND s.redemption_id IS NOT NULL THEN 'ended'
                    WHEN e.redemption_id IS NULL AND s.redemption_id IS NULL THEN 'missing'
                    WHEN s.stands_until <> GREATEST(r.code_expires_at, (
                        SELECT max(k.expires_at) FROM redemption_code k WHERE k.redemption_id = r.id), (
                        SELECT max(q.until) FROM redemption_asked q WHERE q.redemption_id = r.id)) THEN 'until'
                END AS fault
                FROM redemption r FULL JOIN redemption_open s ON s.redemption_id = r.id
                LEFT JOIN redemption_end e ON e.redemption_id = r.id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("there is no such redemption", "没有这笔兑换"),
            "ended": ("the redemption has ended", "这笔兑换已结束"),
            "missing": ("the redemption neither stands nor has ended", "这笔兑换既未存续也未结束"),
            "until": ("it does not stand as long as its last code", "存续时间与其最后的兑换码不符"),
        },
    ),
    Rule.single(
        "redemption_code",
        """
            SELECT k.redemption_id AS place
            FROM redemption_code k LEFT JOIN redemption r ON r.id = k.redemption_id
            WHERE r.id IS NULL OR k.expires_at > k.issued_at + make_interval(secs => :code_lives_s)
                OR k.expires_at > r.made_at + make_interval(secs => :stands_at_most_s)
        """,
        en="a code lives too long, or belongs to no redemption",
        zh="兑换码有效期过长，或没有对应的兑换",
    ),
    Rule.single(
        "redemption",
        """
            SELECT r.id AS place FROM redemption r
            WHERE r.code_expires_at > r.made_at + make_interval(secs => :code_lives_s)
        """,
        en="its code lives too long",
        zh="兑换码有效期过长",
    ),
    Rule.single(
        "redemption",
        """
            SELECT o.id || ' ' || r.participant_id AS place
            FROM redemption r JOIN offer o ON o.id = r.offer_id AND o.per_citizen IS NOT NULL
            LEFT JOIN redemption_end e ON e.redemption_id = r.id
            LEFT JOIN redemption_refund f ON f.redemption_id = r.id
            WHERE COALESCE(e.ended, 'captured') = 'captured' AND f.redemption_id IS NULL
                AND r.points > COALESCE((SELECT sum(p.points) FROM redemption_part p WHERE p.redemption_id = r.id), 0)
            GROUP BY o.id, r.participant_id HAVING count(*) > min(o.per_citizen)
        """,
        en="a citizen redeemed the offer more often than one may",
        zh="超过了每人限兑次数",
    ),
)

_STOCK = (
    Rule(
        "offer_stock",
        """
            SELECT place, fault FROM (
                SELECT COALESCE(o.id, s.offer_id) AS place, CASE
                    WHEN o.id IS NULL OR NOT o.limited AND s.offer_id IS NOT NULL THEN 'nowhere'
                    WHEN o.limited AND (s.piles, s.lowest, s.highest) IS DISTINCT FROM (16::bigint, 0, 15) THEN 'piles'
                    WHEN s.least < 0 OR s.items_left <> COALESCE(i.stocked, 0) - COALESCE(g.gone, 0) THEN 'sum'
                END AS fault
                FROM offer o
                FULL JOIN (SELECT offer_id, count(*) AS piles, min(pile)::integer AS lowest, max(pile)::integer AS highest,
                                  min(items_left) AS least, sum(items_left) AS items_left
                           FROM offer_stock GROUP BY offer_id) s ON s.offer_id = o.id
                LEFT JOIN (SELECT offer_id, sum(items) AS stocked FROM offer_restock GROUP BY offer_id) i
                    ON i.offer_id = o.id
                LEFT JOIN (SELECT r.offer_id, count(*) AS gone
                           FROM redemption r LEFT JOIN redemption_end e ON e.redemption_id = r.id
                           LEFT JOIN redemption_refund f ON f.redemption_id = r.id
                           WHERE COALESCE(e.ended, 'captured') = 'captured' AND f.redemption_id IS NULL
                               AND r.points > COALESCE((
                                   SELECT sum(p.points) FROM redemption_part p WHERE p.redemption_id = r.id), 0)
                           GROUP BY r.offer_id) g ON g.offer_id = o.id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("it is the stock of no limited offer", "没有对应的限量商品"),
            "piles": ("its piles are not sixteen", "库存分堆不是十六"),
            "sum": (
                "what is left is not what was stocked less what is held and captured",
                "余量不等于上货减去冻结与核销",
            ),
        },
    ),
)


async def held(session: AsyncSession) -> Checked:
    """A redemption is at its offer's price, and the ledger holds its points from the citizen's lots; nothing else is held."""
    return await look_for(session, Checked(rows=await count_rows(session, _REDEMPTIONS)), _HELD)


async def ends(session: AsyncSession) -> Checked:
    """A redemption ended once, as the ledger has it: captured for its merchant with a good code, given back, or refunded."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM redemption_end"))
    await look_for(session, checked, (_HOURS,), said_within_s=SAID_WITHIN_S)
    return await look_for(session, checked, _ENDS, refund_within_days=REFUND_WITHIN.days)


async def parts(session: AsyncSession) -> Checked:
    """Parts are within what was captured and in time, and went back to the lots that were drawn."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM redemption_part"))
    return await look_for(session, checked, _PARTS, refund_within_days=REFUND_WITHIN.days)


async def asked(session: AsyncSession) -> Checked:
    """A till asked about what has to be confirmed, under a good code; it was answered in time, and a yes is the capture."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM redemption_asked"))
    return await look_for(session, checked, _ASKED, confirm_within_s=CONFIRM_WITHIN.total_seconds())


async def codes(session: AsyncSession) -> Checked:
    """A redemption stands or has ended, and stands as long as its last code: a minute each, ten in all; limits hold."""
    checked = Checked(rows=await count_rows(session, _REDEMPTIONS))
    return await look_for(
        session,
        checked,
        _CODES,
        code_lives_s=CODE_LIVES.total_seconds(),
        stands_at_most_s=STANDS_AT_MOST.total_seconds(),
    )


async def stock(session: AsyncSession) -> Checked:
    """What is left of an offer is what was put up less what is held and captured."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM offer_stock"))
    return await look_for(session, checked, _STOCK)
