"""What must hold of withdrawn acts that were certified: each gram of them is noted, and made good once or still open."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification.model import FindingReason
from backend.certification.shortfalls import cancelling, queries
from backend.certification.shortfalls.model import Cancellation
from backend.identity import Role
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.log import canonical

_SERIES = "project, methodology, vintage_year, demo"
_SHORTFALLS = (
    Rule(
        "certification_shortfall",
        f"""
            SELECT place, fault FROM (
                SELECT COALESCE(s.claim_key, w.claim_key) AS place, CASE
                    WHEN s.claim_key IS NULL THEN 'unnoted'
                    WHEN w.claim_key IS NULL THEN 'unfounded'
                    WHEN s.batch_id <> w.batch_id THEN 'batch'
                    WHEN s.grams <> w.grams THEN 'grams'
                    WHEN (s.project, s.methodology, s.vintage_year, s.demo)
                        <> (b.project, b.methodology, b.vintage_year, b.demo) THEN 'series'
                END AS fault
                FROM certification_shortfall s
                FULL JOIN (
                    SELECT * FROM (
                        SELECT l.claim_key, l.batch_id, {queries.KEEPS} AS grams
                        FROM action_withdrawn a
                        JOIN batch_leaf l ON l.claim_key = a.claim_key
                        JOIN batch_issuance i ON i.batch_id = l.batch_id
                        JOIN batch_statement t ON t.batch_id = i.batch_id AND t.revision = i.revision
                    ) certified WHERE grams > 0
                ) w ON w.claim_key = s.claim_key
                LEFT JOIN batch b ON b.id = s.batch_id
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608 - put together from constants
        {
            "unnoted": (
                "it was withdrawn, stands in an issued batch and is not noted",
                "已撤回而仍在已签发批次中,未见记录",
            ),
            "unfounded": (
                "it was not withdrawn, or no issued batch certified it",
                "并未撤回,或没有已签发批次核定过它",
            ),
            "batch": ("it was certified in another batch", "核定于另一批次"),
            "grams": ("its grams are not those that were certified", "克数与核定的不符"),
            "series": ("it is not of its batch's series", "系列与其批次不符"),
        },
    ),
    Rule.single(
        "certification_shortfall",
        f"""
            SELECT claim_key AS place FROM (
                SELECT claim_key, number, row_number() OVER (PARTITION BY {_SERIES} ORDER BY number, claim_key) AS own
                FROM certification_shortfall) s
            WHERE number <> own
        """,  # noqa: S608 - put together from constants
        en="shortfalls of its series are not counted from 1 without a gap",
        zh="该系列的缺口序号不连续",
    ),
    Rule.single(
        "batch_finding",
        """
            SELECT f.batch_id || '/' || f.number AS place
            FROM batch_finding f LEFT JOIN batch_leaf l ON l.batch_id = f.batch_id AND l.position = f.position
            WHERE f.reason = :withdrawn
              AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = l.claim_key)
        """,
        en="it finds an act withdrawn that was not",
        zh="所称已撤回的行为并未撤回",
    ),
)
_OPEN = """
    SELECT s.*, s.grams - COALESCE(c.grams, 0) AS open_g, COALESCE(c.grams, 0) AS covered_g
    FROM certification_shortfall s
    LEFT JOIN (SELECT claim_key, sum(grams) AS grams FROM certification_cover GROUP BY 1) c
        ON c.claim_key = s.claim_key
"""
_SAME = """{0}.project = {1}.project AND {0}.methodology = {1}.methodology AND {0}.vintage_year = {1}.vintage_year
                        AND {0}.demo = {1}.demo"""
_COVERS = (
    Rule(
        "certification_cover",
        f"""
            SELECT place, fault FROM (
                SELECT c.claim_key || '/' || c.number AS place, CASE
                    WHEN s.claim_key IS NULL THEN 'shortfall'
                    WHEN c.number <> row_number() OVER (PARTITION BY c.claim_key ORDER BY c.number) THEN 'number'
                    WHEN (c.batch_id IS NULL) = (c.cancellation_id IS NULL) THEN 'by'
                    WHEN c.batch_id IS NOT NULL AND (i.batch_id IS NULL OR NOT ({_SAME.format("n", "s")})
                        OR n.sequence <= b.sequence OR c.covered_at <> i.issued_at) THEN 'batch'
                    WHEN c.cancellation_id IS NOT NULL AND (x.id IS NULL OR NOT ({_SAME.format("x", "s")})
                        OR c.covered_at < x.cancelled_at) THEN 'cancellation'
                    WHEN c.covered_at < s.recorded_at THEN 'early'
                END AS fault
                FROM certification_cover c
                LEFT JOIN certification_shortfall s ON s.claim_key = c.claim_key
                LEFT JOIN batch b ON b.id = s.batch_id
                LEFT JOIN batch n ON n.id = c.batch_id
                LEFT JOIN batch_issuance i ON i.batch_id = c.batch_id
                LEFT JOIN certification_cancellation x ON x.id = c.cancellation_id
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608 - put together from constants
        {
            "shortfall": ("there is no shortfall that it makes good", "没有所补足的缺口"),
            "number": ("it is not counted from 1 without a gap", "序号不连续"),
            "by": ("it is by neither a batch nor a cancellation, or by both", "补足者不明"),
            "batch": (
                "no later batch of the series made it good when it was issued",
                "并非由同系列其后签发的批次补足",
            ),
            "cancellation": ("no cancellation for the series made it good", "并非由该系列的强制注销补足"),
            "early": ("it was made good before it was missing", "补足早于缺口"),
        },
    ),
    Rule(
        "certification_shortfall",
        f"""
            SELECT s.claim_key AS place, CASE
                WHEN s.open_g < 0 THEN 'twice'
                WHEN EXISTS (SELECT FROM ({_OPEN}) o
                             WHERE {_SAME.format("o", "s")} AND o.number > s.number AND o.covered_g > 0) THEN 'order'
                ELSE 'left' END AS fault
            FROM ({_OPEN}) s
            WHERE s.open_g < 0 OR (s.open_g > 0 AND (
                EXISTS (SELECT FROM ({_OPEN}) o
                        WHERE {_SAME.format("o", "s")} AND o.number > s.number AND o.covered_g > 0)
                OR EXISTS (SELECT FROM batch n
                           JOIN batch_issuance i ON i.batch_id = n.id
                           JOIN batch_statement t ON t.batch_id = i.batch_id AND t.revision = i.revision
                           WHERE {_SAME.format("n", "s")} AND t.log_index >= s.log_size AND t.verified_g > 0)))
        """,  # noqa: S608 - put together from constants
        {
            "twice": ("more of it was made good than was missing", "补足超过缺口"),
            "order": ("a later one was made good before it", "其后的缺口先于它补足"),
            "left": (
                "a batch was issued that had grams left and did not make it good",
                "有余量的批次签发而未予扣减",
            ),
        },
    ),
    Rule(
        "certification_correction",
        """
            SELECT place, fault FROM (
                SELECT COALESCE(c.batch_id, o.batch_id) || COALESCE('/' || c.revision, '') AS place, CASE
                    WHEN c.batch_id IS NOT NULL AND t.batch_id IS NULL THEN 'statement'
                    WHEN c.grams > t.deducted_g OR c.grams <= 0 THEN 'deducted'
                    WHEN (o.batch_id IS NOT NULL OR c.revision = i.revision)
                        AND o.grams IS DISTINCT FROM c.grams THEN 'covered'
                END AS fault
                FROM certification_correction c
                LEFT JOIN batch_statement t ON t.batch_id = c.batch_id AND t.revision = c.revision
                LEFT JOIN batch_issuance i ON i.batch_id = c.batch_id
                FULL JOIN (
                    SELECT m.batch_id, j.revision, sum(m.grams) AS grams
                    FROM certification_cover m LEFT JOIN batch_issuance j ON j.batch_id = m.batch_id
                    WHERE m.batch_id IS NOT NULL GROUP BY 1, 2
                ) o ON o.batch_id = c.batch_id AND o.revision = c.revision
            ) found WHERE fault IS NOT NULL
        """,
        {
            "statement": ("there is no statement that it is of", "没有所属的核查声明"),
            "deducted": ("it is more than its statement deducts", "超过该声明的扣减"),
            "covered": ("what its batch made good is not what it deducted", "批次的补足与扣减不符"),
        },
    ),
)
_CANCELLATIONS = (
    Rule(
        "certification_cancellation",
        f"""
            SELECT place, fault FROM (
                SELECT x.id AS place, CASE
                    WHEN NOT EXISTS (SELECT FROM certification_shortfall s JOIN batch b ON b.id = s.batch_id
                        WHERE {_SAME.format("s", "x")} AND b.operator_id = x.operator_id) THEN 'series'
                    WHEN x.quantity_t <= 0 OR x.quantity_t > (x.owed_g + 999999) / 1000000
                        OR COALESCE(c.grams, 0) < least(x.owed_g, x.quantity_t * 1000000) THEN 'owed'
                    WHEN c.grams > x.quantity_t * 1000000 THEN 'covered'
                    WHEN c.grams < x.quantity_t * 1000000 AND EXISTS (SELECT FROM ({_OPEN}) s
                        WHERE {_SAME.format("s", "x")} AND s.open_g > 0) THEN 'surplus'
                    WHEN (x.term_days IS NULL) = (x.ordered_by IS NULL) THEN 'by'
                    WHEN x.ordered_by IS NOT NULL AND (p.id IS NULL OR p.organisation_id = x.operator_id
                        OR NOT EXISTS (SELECT FROM organisation_role r
                            WHERE r.organisation_id = p.organisation_id AND r.role = :authority)) THEN 'person'
                    WHEN x.term_days IS NOT NULL AND NOT EXISTS (
                        SELECT FROM certification_cover m JOIN certification_shortfall s ON s.claim_key = m.claim_key
                        WHERE m.cancellation_id = x.id
                          AND s.recorded_at <= x.cancelled_at - make_interval(hours => 24 * x.term_days)) THEN 'term'
                END AS fault
                FROM certification_cancellation x
                LEFT JOIN staff p ON p.id = x.ordered_by
                LEFT JOIN (SELECT cancellation_id, sum(grams) AS grams FROM certification_cover GROUP BY 1) c
                    ON c.cancellation_id = x.id
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608 - put together from constants
        {
            "series": ("nothing of the operator was missing in its series", "该运营方在此系列没有缺口"),
            "owed": ("it is not what was owed in whole tonnes", "与所欠的整吨数不符"),
            "covered": ("it made good for more than it took", "补足超过其注销量"),
            "surplus": ("it has grams left while some are missing", "尚有余量而缺口未补"),
            "by": ("neither a term nor a person stands behind it, or both do", "依据不明"),
            "person": (
                "nobody of the authority apart from the operator ordered it",
                "并非由独立于运营方的主管部门人员下令",
            ),
            "term": ("the term was not over for anything that it made good", "所补足的缺口均未到期"),
        },
    ),
)
_POSTED = text("""
    SELECT t.posting_id, d.code AS debit, c.code AS credit, sum(t.amount)::bigint AS amount
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    WHERE t.reason = 'credit.forfeited' AND t.reverses IS NULL
    GROUP BY 1, 2, 3
""")
_MOVED = ("the tonnes moved are not what it says", "移动的吨数与其所载不符")
_STRAY = ("credits were forfeited without a record", "有减排量被强制注销而无记录")
_NOT_LOGGED = ("the log does not state it as it is", "日志未如实记载")
_NOT_STORED = ("the log states what is not there", "日志所载并不存在")
_KIND = "credit.forfeited"
_AT_ONCE = 50_000


async def made_good(session: AsyncSession) -> Checked:
    """Each withdrawn gram that an issued batch certified is noted, and deducted once, cancelled once, or open."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM certification_shortfall"))
    await look_for(session, checked, _SHORTFALLS[:2])
    await look_for(session, checked, _SHORTFALLS[2:], withdrawn=FindingReason.WITHDRAWN.value)
    await look_for(session, checked, _COVERS)
    return checked


async def cancellations(session: AsyncSession) -> Checked:
    """Compulsory cancellations took whole tonnes for what was owed, as posted and logged."""
    every = await cancelling.cancellations(session, limit=2**31 - 1)
    checked = Checked(rows=len(every))
    await look_for(session, checked, _CANCELLATIONS, authority=Role.AUTHORITY.value)
    wanted = {
        cancelling.posting_id(one.id): (
            f"holder:{one.series.book}:{one.operator}",
            f"cancelled:{one.series.book}",
            one.quantity_t,
        )
        for one in every
    }
    posted = {row.posting_id: (row.debit, row.credit, row.amount) for row in await session.execute(_POSTED)}
    for one in every:
        if (
            posted.get(cancelling.posting_id(one.id)) != wanted[cancelling.posting_id(one.id)]
            or one.book != one.series.book
        ):
            checked.name("certification_cancellation", one.id, _MOVED)
    for posting in sorted(posted.keys() - wanted.keys()):
        checked.name("ledger_transfer", posting, _STRAY)
    await _logged(session, checked, every)
    return checked


async def _logged(session: AsyncSession, checked: Checked, every: Sequence[Cancellation]) -> None:
    stated: dict[int, bytes] = {}
    size = await log.size(session)
    for low in range(0, size, _AT_ONCE):
        found = await log.entries(session, low=low, high=min(size, low + _AT_ONCE), kind=_KIND)
        stated |= {entry.index: canonical.encode(entry.body) for entry in found}
    for one in every:
        if stated.pop(one.log_index, None) != canonical.encode(one.stated()):
            checked.name("certification_cancellation", one.id, _NOT_LOGGED)
    for index in sorted(stated):
        checked.name(_KIND, index, _NOT_STORED)
