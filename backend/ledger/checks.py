"""What must hold of the books, recomputed from the transfers themselves."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, Since, count_rows, given, look_for, written_since
from backend.ledger.chart import chart

_ACCOUNTS = "SELECT count(*) FROM ledger_account"
_TRANSFERS = "SELECT count(*) FROM ledger_transfer"

_FOLD = """
    SELECT account_id, sum(amount) AS amount FROM (
        SELECT credit_id AS account_id, sum(amount) AS amount FROM ledger_transfer GROUP BY credit_id
        UNION ALL
        SELECT debit_id, -sum(amount) FROM ledger_transfer GROUP BY debit_id
    ) moves GROUP BY account_id
"""

_BALANCES = (
    Rule.single(
        "ledger_transfer",
        f"""
            SELECT COALESCE(a.unit, '?') AS place FROM ({_FOLD}) f LEFT JOIN ledger_account a ON a.id = f.account_id
            GROUP BY a.unit HAVING sum(f.amount) <> 0
        """,  # noqa: S608 - put together from constants
        en="debits and credits of this unit differ",
        zh="该单位的借方与贷方不等",
    ),
    Rule(
        "ledger_account",
        f"""
            SELECT place, fault FROM (
                SELECT a.code AS place, CASE
                    WHEN a.guard = 'none' AND a.balance IS NOT NULL THEN 'stored'
                    WHEN a.guard <> 'none' AND a.balance IS DISTINCT FROM COALESCE(f.amount, 0) THEN 'sum'
                    WHEN a.guard = 'floor' AND a.balance < 0 OR a.guard = 'ceiling' AND a.balance > 0 THEN 'guard'
                END AS fault
                FROM ledger_account a LEFT JOIN ({_FOLD}) f ON f.account_id = a.id
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608
        {
            "stored": ("an unguarded account stores no balance", "不设限的账户不应存有余额"),
            "sum": ("the balance is not the sum of its transfers", "余额不等于各笔划转之和"),
            "guard": ("the balance passes its guard", "余额越过了限制"),
        },
    ),
)


async def balances(session: AsyncSession) -> Checked:
    """Per unit debits equal credits; a guarded balance is the sum of its transfers and within its guard."""
    checked = Checked(rows=await count_rows(session, _ACCOUNTS))
    return await look_for(session, checked, _BALANCES)


_CHECKPOINTS = (
    Rule(
        "ledger_checkpoint",
        """
            SELECT COALESCE(a.code, 'account ' || c.account_id) AS place, CASE
                WHEN a.id IS NULL THEN 'account' WHEN a.guard <> 'none' THEN 'guarded' ELSE 'ahead' END AS fault
            FROM ledger_checkpoint c LEFT JOIN ledger_account a ON a.id = c.account_id
            WHERE a.id IS NULL OR a.guard <> 'none' OR c.horizon > pg_snapshot_xmin(pg_current_snapshot())
        """,
        {
            "account": ("there is no such account", "没有该账户"),
            "guarded": ("a guarded account has no checkpoint", "设限的账户没有检查点"),
            "ahead": ("it covers transactions that are not finished", "覆盖了尚未结束的事务"),
        },
    ),
    Rule.single(
        "ledger_checkpoint",
        """
            SELECT COALESCE(a.code, 'account ' || c.account_id) AS place
            FROM ledger_checkpoint c LEFT JOIN ledger_account a ON a.id = c.account_id
            LEFT JOIN (
                SELECT credit_id AS id, amount, xid FROM ledger_transfer
                UNION ALL
                SELECT debit_id, -amount, xid FROM ledger_transfer
            ) m ON m.id = c.account_id AND m.xid < c.horizon
            GROUP BY a.code, c.account_id, c.balance HAVING c.balance <> COALESCE(sum(m.amount), 0)
        """,
        en="the checkpoint is not the sum of the transfers before it",
        zh="检查点不等于其前各笔划转之和",
    ),
)


async def checkpoints(session: AsyncSession) -> Checked:
    """A checkpoint is the fold of everything before its horizon."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM ledger_checkpoint"))
    return await look_for(session, checked, _CHECKPOINTS)


_LINES = """
            SELECT place, fault FROM (
                SELECT t.posting_id || '/' || t.line AS place, CASE
                    WHEN d.id IS NULL OR c.id IS NULL THEN 'account'
                    WHEN d.id = c.id THEN 'equal'
                    WHEN t.amount <= 0 THEN 'amount'
                    WHEN t.unit <> d.unit OR t.unit <> c.unit THEN 'unit'
                    WHEN t.reverses IS NULL AND r.reason IS NULL THEN 'chart'
                END AS fault
                FROM ledger_transfer t
                LEFT JOIN ledger_account d ON d.id = t.debit_id
                LEFT JOIN ledger_account c ON c.id = t.credit_id
                LEFT JOIN (SELECT * FROM ledger_rule UNION ALL SELECT * FROM ledger_serial_rule) r
                    ON r.reason = t.reason AND r.debit_kind = d.kind AND r.credit_kind = c.kind
                WHERE {written}
            ) found WHERE fault IS NOT NULL
"""
_LINE_FAULTS = {
    "account": ("an account that it names is not there", "所涉账户不存在"),
    "equal": ("it debits and credits one account", "借贷为同一账户"),
    "amount": ("the amount is not above zero", "金额不大于零"),
    "unit": ("its unit is not that of its accounts", "单位与账户不符"),
    "chart": ("the chart of accounts does not allow it", "会计科目表不允许"),
}
_WHOLE = """
            SELECT posting_id AS place FROM ledger_transfer
            WHERE posting_id IN (SELECT t.posting_id FROM ledger_transfer t WHERE {written}) GROUP BY posting_id
            HAVING min(line) <> 1 OR max(line) <> count(*)
                OR bool_or(reverses IS NULL) <> bool_and(reverses IS NULL)
                OR bool_or(captures IS NULL) <> bool_and(captures IS NULL)
"""


async def transfers(session: AsyncSession, since: Since | None = None) -> Checked:
    """A transfer names two accounts of its unit, in a way that the chart allows; the lines of a posting are whole."""
    written = written_since("t.xid", since)
    rules = (
        Rule("ledger_transfer", _LINES.format(written=written), _LINE_FAULTS),
        Rule.single(
            "ledger_transfer",
            _WHOLE.format(written=written),
            en="the lines of the posting are not whole",
            zh="该笔记账的各行不完整",
        ),
    )
    checked = Checked(rows=await count_rows(session, f"{_TRANSFERS} t WHERE {written}", **given(since)))
    return await look_for(session, checked, rules, **given(since))


_RESOLUTIONS = (
    Rule.single(
        "ledger_transfer",
        """
            SELECT r.posting_id || '/' || r.line AS place
            FROM ledger_transfer r
            LEFT JOIN ledger_transfer o ON o.posting_id = r.reverses AND o.line = r.line
            WHERE r.reverses IS NOT NULL AND (
                (o.debit_id, o.credit_id, o.amount, o.unit)
                    IS DISTINCT FROM (r.credit_id, r.debit_id, r.amount, r.unit)
                OR o.reverses IS NOT NULL OR r.captures IS NOT NULL)
        """,
        en="the reversal is not the mirror image of what it reverses",
        zh="冲正与原记账不成镜像",
    ),
    Rule.single(
        "ledger_transfer",
        """
            SELECT r.reverses AS place FROM ledger_transfer r WHERE r.reverses IS NOT NULL
            GROUP BY r.reverses
            HAVING count(*) <> (SELECT count(*) FROM ledger_transfer o WHERE o.posting_id = r.reverses)
                OR count(DISTINCT r.posting_id) > 1
        """,
        en="the posting is reversed in part, or more than once",
        zh="该笔记账被部分冲正，或冲正多于一次",
    ),
    Rule.single(
        "ledger_transfer",
        """
            SELECT c.posting_id || '/' || c.line AS place
            FROM ledger_transfer c
            LEFT JOIN LATERAL (
                SELECT sum(h.amount) AS amount, bool_and(h.credit_id = c.debit_id AND h.reverses IS NULL
                           AND h.captures IS NULL) AS held
                FROM ledger_transfer h WHERE h.posting_id = c.captures
            ) h ON true
            WHERE c.captures IS NOT NULL AND (c.amount IS DISTINCT FROM h.amount OR h.held IS NOT TRUE)
        """,
        en="the capture is not all that its hold set aside",
        zh="扣款不等于所冻结的全部",
    ),
    Rule.single(
        "ledger_transfer",
        """
            SELECT captures AS place FROM ledger_transfer WHERE captures IS NOT NULL
            GROUP BY captures HAVING count(*) > 1
        """,
        en="the hold is captured more than once",
        zh="该冻结被多次扣款",
    ),
    Rule.single(
        "ledger_transfer",
        """
            SELECT DISTINCT c.captures AS place
            FROM ledger_transfer c JOIN ledger_transfer r ON r.reverses = c.captures
            WHERE NOT EXISTS (SELECT FROM ledger_transfer u WHERE u.reverses = c.posting_id)
        """,
        en="the hold is both captured and released",
        zh="该冻结既被扣款又被释放",
    ),
    Rule.single(
        "ledger_resolution",
        """
            SELECT COALESCE(t.undone, r.posting_id) || ' ' || COALESCE(t.resolution, r.resolution) AS place
            FROM (SELECT DISTINCT reverses AS undone, 'reversed' AS resolution, posting_id FROM ledger_transfer
                  WHERE reverses IS NOT NULL
                  UNION SELECT captures, 'captured', posting_id FROM ledger_transfer WHERE captures IS NOT NULL) t
            FULL JOIN ledger_resolution r
                ON r.posting_id = t.undone AND r.resolution = t.resolution AND r.by_posting = t.posting_id
            WHERE t.undone IS NULL OR r.posting_id IS NULL
        """,
        en="what became of the posting is not what the transfers say",
        zh="所记处理结果与划转不符",
    ),
)


async def resolutions(session: AsyncSession) -> Checked:
    """A reversal mirrors its original whole and once; a capture takes its whole hold, once."""
    resolving = f"{_TRANSFERS} WHERE reverses IS NOT NULL OR captures IS NOT NULL"
    checked = Checked(rows=await count_rows(session, resolving))
    return await look_for(session, checked, _RESOLUTIONS)


_ACCOUNT_RULES = (
    Rule(
        "ledger_account",
        """
            SELECT place, fault FROM (
                SELECT a.code AS place, CASE
                    WHEN k.kind IS NULL OR NOT starts_with(a.code, a.kind || ':') THEN 'kind'
                    WHEN a.unit <> k.unit THEN 'unit'
                    WHEN a.guard <> k.guard THEN 'guard'
                    WHEN a.due IS NOT NULL AND right(a.code, 11) <> ':' || a.due::text THEN 'due'
                END AS fault
                FROM ledger_account a LEFT JOIN ledger_kind k ON k.kind = a.kind
            ) found WHERE fault IS NOT NULL
        """,
        {
            "kind": ("its kind is not the one that its code names", "种类与账户代码不符"),
            "unit": ("its unit is not that of its kind", "单位与种类不符"),
            "guard": ("its guard is not that of its kind", "限制与种类不符"),
            "due": ("its due date is not the one in its code", "到期日与账户代码不符"),
        },
    ),
)


async def accounts(session: AsyncSession) -> Checked:
    """An account is of the kind that its code names, with that kind's unit and guard."""
    checked = Checked(rows=await count_rows(session, _ACCOUNTS))
    return await look_for(session, checked, _ACCOUNT_RULES)


_NOT_IN_CHART = ("the stored chart is not the one that the program ships", "所存科目表与程序所附不符")


async def chart_tables(session: AsyncSession) -> Checked:
    """The stored chart of accounts is the one of `chart.toml`."""
    checked = Checked()
    shipped = chart()
    kinds = {
        tuple(row)
        for row in await session.execute(text("SELECT kind, unit, guard, serials FROM ledger_kind"))
    }
    checked.rows = len(kinds)
    for kind in sorted(kinds ^ {(k.kind, k.unit, k.guard, k.serials) for k in shipped.kinds.values()}):
        checked.name("ledger_kind", " ".join(kind), _NOT_IN_CHART)
    for table, numbered in (("ledger_rule", False), ("ledger_serial_rule", True)):
        stored = await session.execute(text(f"SELECT reason, debit_kind, credit_kind FROM {table}"))  # noqa: S608
        rules = {tuple(row) for row in stored}
        checked.rows += len(rules)
        for rule in sorted(rules ^ {one for one in shipped.rules if shipped.numbered(one) is numbered}):
            checked.name(table, " ".join(rule), _NOT_IN_CHART)
    return checked
