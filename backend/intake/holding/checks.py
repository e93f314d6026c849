"""What must hold of held rows, decisions, withdrawals, corrections and appeals, recomputed from their rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import claims, pools
from backend.intake.holding import standing
from backend.intake.holding.appeals import ANSWER_DAYS
from backend.intake.holding.hooks import PooledGrams
from backend.intake.holding.model import Stored
from backend.intake.holding.withdrawing import posting_id
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.settings import Settings

_AT_ONCE = 2_000
_TIER = "array_position(ARRAY['operator_feed', 'receipt_upload', 'self_report'], {0})"
# A person of the organisation that operates the programme `p`.
_OPERATES = """EXISTS (SELECT FROM staff f JOIN organisation o ON o.id = f.organisation_id
                WHERE f.id = {0} AND o.code = p.operator_code)"""
# The act `a` says what the row `h` said.
_SAME = """(a.source_id, a.method_id, a.means_token, a.happened_at, a.grams) IS NOT DISTINCT FROM
           (h.source_id, h.method_id, h.means_token, h.happened_at, h.grams)
           AND a.ended_at IS NOT DISTINCT FROM h.ended_at AND a.inputs = h.inputs"""
_STAFF = ("no person of the programme's operator decided it", "并非该计划运营方人员所定")

_HELD = Rule(
    "intake_held",
    """
        SELECT h.job_id || '/' || h.line AS place, CASE
            WHEN k.job_id IS NULL THEN 'chunk'
            WHEN h.source_id IS DISTINCT FROM j.source_id THEN 'source'
            WHEN m.id IS NULL THEN 'method'
            ELSE 'ended'
        END AS fault
        FROM intake_held h
        LEFT JOIN intake_job j ON j.id = h.job_id
        LEFT JOIN method_named m ON m.id = h.method_id
        LEFT JOIN intake_chunk k ON k.job_id = h.job_id AND k.seq = h.seq AND h.line BETWEEN k.first_line AND k.last_line
        WHERE k.job_id IS NULL OR h.source_id IS DISTINCT FROM j.source_id OR m.id IS NULL
           OR h.ended_at < h.happened_at
    """,
    {
        "chunk": ("no chunk brought its line", "没有导入该行的数据块"),
        "source": ("it names another source than its job", "来源与导入任务不符"),
        "method": ("it names a method that is not known", "所记方法不存在"),
        "ended": ("it ended before it began", "结束早于开始"),
    },
)
_DECIDED = Rule(
    "intake_decision",
    f"""
        SELECT place, fault FROM (
            SELECT d.id AS place, CASE
                WHEN h.job_id IS NULL THEN 'row'
                WHEN d.staff_id IS NOT NULL AND (d.reason = '' OR NOT {_OPERATES.format("d.staff_id")}) THEN 'staff'
                WHEN (d.staff_id IS NULL) = (d.by_rule IS NULL) THEN 'whose'
                WHEN d.by_rule IS NOT NULL AND d.by_rule NOT IN ('tier', 'withdrawn', 'corrected') THEN 'rule'
                WHEN d.by_rule = 'tier' AND h.kind NOT IN ('claim', 'overlap') THEN 'rule'
                WHEN d.by_rule IN ('withdrawn', 'corrected') AND (d.outcome <> 'refused' OR NOT EXISTS (
                    SELECT FROM intake_correction c
                    WHERE c.kind = d.by_rule AND c.source_id = h.source_id AND c.asked_key = h.claim_key
                      AND c.held_job_id IS NOT NULL)) THEN 'rule'
                WHEN d.by_rule = 'tier' AND d.outcome = 'accepted' AND (NOT EXISTS (
                        SELECT FROM action_withdrawn w WHERE w.reference = d.id)
                    OR EXISTS (
                        SELECT FROM action_withdrawn w JOIN action b ON b.claim_key = w.claim_key
                            JOIN intake_source t ON t.id = b.source_id
                        WHERE w.reference = d.id
                          AND {_TIER.format("t.evidence")} <= {_TIER.format("s.evidence")})) THEN 'rule'
                WHEN d.by_rule = 'tier' AND d.outcome = 'refused' AND NOT EXISTS (
                        SELECT FROM action b JOIN intake_source t ON t.id = b.source_id
                            LEFT JOIN action_revision r ON r.claim_key = b.claim_key
                        WHERE {_TIER.format("t.evidence")} < {_TIER.format("s.evidence")}
                          AND (b.claim_key IN (h.against, h.claim_key) OR r.root IN (h.against, h.claim_key)
                               OR b.participant_id = h.participant_id
                                  AND b.happened_at < COALESCE(h.ended_at, h.happened_at)
                                  AND COALESCE(b.ended_at, b.happened_at) > h.happened_at)) THEN 'rule'
                WHEN (d.claim_key IS NOT NULL) <> (d.outcome = 'accepted') THEN 'act'
                WHEN d.outcome = 'accepted' AND (a.claim_key IS NULL OR NOT ({_SAME})
                    OR COALESCE(v.root, a.claim_key) <> h.claim_key OR q.file_name <> 'decision:' || d.id) THEN 'act'
            END AS fault
            FROM intake_decision d
            LEFT JOIN intake_held h ON h.job_id = d.job_id AND h.line = d.line
            LEFT JOIN intake_source s ON s.id = h.source_id
            LEFT JOIN programme p ON p.id = s.programme_id
            LEFT JOIN action a ON a.claim_key = d.claim_key
            LEFT JOIN action_revision v ON v.claim_key = d.claim_key
            LEFT JOIN intake_job q ON q.id = a.job_id
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "row": ("there is no row that it decides of", "没有所决定的数据行"),
        "staff": _STAFF,
        "whose": ("it is not of either a rule or a person", "须恰由规则或人员之一作出"),
        "rule": ("the rule that it names decides otherwise", "所依规则的结果并非如此"),
        "act": ("the act that was accepted is not what the row said", "所接受的行为与数据行不符"),
    },
)
# What an internal job is of: without it, its act came from nowhere.
_JOBS = Rule.single(
    "intake_job",
    r"""
        SELECT j.id AS place FROM intake_job j
        WHERE j.file_name ~ '^(decision|correction|appeal):[0-9a-f-]{36}$'
          AND j.file_sha256 = encode(sha256(convert_to(j.file_name, 'UTF8')), 'hex')
          AND NOT EXISTS (SELECT FROM intake_decision d WHERE j.file_name = 'decision:' || d.id)
          AND NOT EXISTS (SELECT FROM intake_correction c WHERE j.file_name = 'correction:' || c.id)
          AND NOT EXISTS (SELECT FROM intake_appeal_answer n
                          WHERE j.file_name = 'appeal:' || n.appeal_id AND n.outcome = 'upheld')
    """,
    en="no decision, correction or appeal asked for its act",
    zh="没有决定、更正或申诉要求其行为",
)


async def decided(session: AsyncSession) -> Checked:
    """Held rows lie in their chunks; each is decided once at most, as the rule says or by the operator, and becomes that act."""
    rows = await count_rows(
        session, "SELECT (SELECT count(*) FROM intake_held) + (SELECT count(*) FROM intake_decision)"
    )
    return await look_for(session, Checked(rows=rows), (_HELD, _DECIDED, _JOBS))


_WITHDRAWN = Rule(
    "action_withdrawn",
    """
        SELECT place, fault FROM (
            SELECT w.claim_key AS place, CASE
                WHEN a.claim_key IS NULL THEN 'action'
                WHEN w.cause IN ('withdrawn', 'corrected') AND c.id IS NULL
                    OR w.cause = 'conflict' AND d.id IS NULL
                    OR w.cause = 'appeal' AND n.appeal_id IS NULL THEN 'reference'
                WHEN w.cause = 'withdrawn' AND w.replaced_by IS NOT NULL
                    OR w.cause = 'corrected' AND w.replaced_by IS DISTINCT FROM c.replaced_by
                    OR w.cause = 'conflict' AND w.replaced_by <> d.claim_key
                    OR w.cause = 'appeal' AND w.replaced_by <> n.accepted_key THEN 'replaced'
            END AS fault
            FROM action_withdrawn w
            LEFT JOIN action a ON a.claim_key = w.claim_key
            LEFT JOIN intake_correction c ON c.id = w.reference AND c.withdrew = w.claim_key AND c.kind = w.cause
            LEFT JOIN intake_decision d ON d.id = w.reference AND d.outcome = 'accepted'
            LEFT JOIN intake_appeal_answer n ON n.appeal_id = w.reference AND n.outcome = 'upheld'
        ) found WHERE fault IS NOT NULL
    """,
    {
        "action": ("there is no such action", "没有该行为"),
        "reference": (
            "no correction, decision or appeal asked for it",
            "没有更正、决定或申诉要求撤销",
        ),
        "replaced": ("what stands instead is not what was accepted for it", "替代记录与所接受的不符"),
    },
)
_CORRECTED = Rule(
    "intake_correction",
    f"""
        SELECT place, fault FROM (
            SELECT c.id AS place, CASE
                WHEN c.withdrew IS NOT NULL AND (w.claim_key IS NULL OR w.reference <> c.id OR w.cause <> c.kind
                    OR w.replaced_by IS DISTINCT FROM c.replaced_by) THEN 'withdrew'
                WHEN c.source_id IS DISTINCT FROM COALESCE(a.source_id, h.source_id) THEN 'source'
                WHEN c.replaced_by IS NOT NULL AND (b.source_id IS DISTINCT FROM c.source_id
                    OR q.file_name IS DISTINCT FROM 'correction:' || c.id) THEN 'replaced'
                WHEN c.held_job_id IS NOT NULL AND (d.outcome IS DISTINCT FROM 'refused'
                    OR d.by_rule IS DISTINCT FROM c.kind) THEN 'held'
                WHEN c.staff_id IS NOT NULL AND NOT {_OPERATES.format("c.staff_id")} THEN 'staff'
            END AS fault
            FROM intake_correction c
            LEFT JOIN action_withdrawn w ON w.claim_key = c.withdrew
            LEFT JOIN action a ON a.claim_key = c.withdrew
            LEFT JOIN intake_held h ON h.job_id = c.held_job_id AND h.line = c.held_line
            LEFT JOIN intake_decision d ON d.job_id = c.held_job_id AND d.line = c.held_line
            LEFT JOIN action b ON b.claim_key = c.replaced_by
            LEFT JOIN intake_job q ON q.id = b.job_id
            LEFT JOIN intake_source s ON s.id = c.source_id
            LEFT JOIN programme p ON p.id = s.programme_id
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "withdrew": ("what it withdrew was not withdrawn for it", "所撤销的行为并非因其撤销"),
        "source": ("it is about an event of another source", "所涉事件属于其他来源"),
        "replaced": (
            "what stands instead was not accepted for it",
            "替代记录并非因其接受",
        ),
        "held": ("the row that it is about was not refused for it", "所涉数据行并非因其拒绝"),
        "staff": _STAFF,
    },
)
_TAKEN = ("the points taken back are not those that the act gave", "收回的积分与该行为所给不符")
_RETURNED = ("its grams did not go back where they came from", "其克数未退回原账户")
_STRAY = ("no withdrawn act asked for it", "没有被撤销的行为要求这笔过账")


async def withdrawn(session: AsyncSession) -> Checked:
    """An act is withdrawn for a correction, decision or appeal, and its points and grams went back, to the unit.

    Grams of a pooled act that did not go back lie in a batch: certification holds them against its shortfalls.
    """
    rows = await count_rows(
        session,
        "SELECT (SELECT count(*) FROM action_withdrawn) + (SELECT count(*) FROM intake_correction)",
    )
    checked = await look_for(session, Checked(rows=rows), (_WITHDRAWN, _CORRECTED))
    expected = set()
    async for acts in _withdrawn(session):
        for row in await session.execute(_POINTS, _points_of(acts)):
            checked.name("action_withdrawn", row.claim_key, _TAKEN)
        moved = await _moved(session, acts)
        accounts = await pools.accounts_of(session, acts)
        for act in acts:
            own = posting_id(act.claim_key, "grams")
            expected.add(own)
            right = {("acts.withdrawn", accounts[act.claim_key], f"measured:{act.programme}", act.grams)}
            found = moved.get(own, set())
            if found != (right if act.grams else set()) and (found or act.credit != "pooled"):
                checked.name("action_withdrawn", act.claim_key, _RETURNED)
    for (posting,) in await session.execute(_ALL_RETURNED):
        if posting not in expected:
            checked.name("ledger_transfer", f"posting {posting}", _STRAY)
    return checked


async def left_in_place(session: AsyncSession) -> list[PooledGrams]:
    """Withdrawn acts that were pooled and whose grams did not go back: a batch must hold each of them."""
    found = []
    async for acts in _withdrawn(session):
        moved = await _moved(session, acts)
        left = [
            act
            for act in acts
            if act.credit == "pooled" and act.grams and posting_id(act.claim_key, "grams") not in moved
        ]
        accounts = await pools.accounts_of(session, left)
        found += [PooledGrams(act.claim_key, accounts[act.claim_key], act.grams) for act in left]
    return found


_POINTS = text("""
    SELECT u.claim_key FROM unnest(CAST(:keys AS uuid[]), CAST(:postings AS uuid[]), CAST(:programmes AS text[]),
        CAST(:participants AS text[]), CAST(:points AS bigint[])) AS u(claim_key, posting_id, programme, who, points)
    LEFT JOIN LATERAL (
        SELECT sum(t.amount) AS points, bool_and(t.reverses IS NULL AND (
            t.reason = 'points.clawed_back' AND c.code = 'issuer:' || u.programme
                AND d.code LIKE 'wallet:' || u.who || ':' || u.programme || ':%'
            OR t.reason = 'benefit.clawed_back' AND c.code = 'subsidy:' || u.programme
                AND d.code LIKE 'benefit:' || u.who || ':' || u.programme || ':%'
            OR t.reason = 'benefit.owed' AND c.code = 'forgone:' || u.programme
                AND d.code = 'overpaid:' || u.who || ':' || u.programme
            OR t.reason = 'points.owed' AND c.code = 'breakage:' || u.programme
                AND d.code = 'debt:' || u.who || ':' || u.programme)) AS sound
        FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        JOIN ledger_account c ON c.id = t.credit_id
        WHERE t.posting_id = u.posting_id
    ) b ON true
    WHERE u.points <> COALESCE(b.points, 0) OR b.sound IS FALSE
""")
_MOVED = text("""
    SELECT t.posting_id, t.reason, d.code AS debit, c.code AS credit, t.amount
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    WHERE t.posting_id = ANY (CAST(:postings AS uuid[]))
""")
_ALL_RETURNED = text("SELECT DISTINCT posting_id FROM ledger_transfer WHERE reason = 'acts.withdrawn'")
_KEYS = text("""
    SELECT w.claim_key FROM action_withdrawn w JOIN action a ON a.claim_key = w.claim_key
    WHERE CAST(:after AS uuid) IS NULL OR w.claim_key > CAST(:after AS uuid) ORDER BY w.claim_key LIMIT :limit
""")

Move = tuple[str, str, str, int]  # reason, debited and credited account, amount


async def _withdrawn(session: AsyncSession) -> AsyncIterator[list[Stored]]:
    """The withdrawn acts, some at a time."""
    after = None
    while True:
        rows = await session.execute(_KEYS, {"after": after, "limit": _AT_ONCE})
        keys = list(rows.scalars())
        if not keys:
            return
        yield list((await standing.stored(session, keys)).values())
        after = keys[-1]


def _points_of(acts: Sequence[Stored]) -> dict[str, list[Any]]:
    holders = [act.participant_id or act.claimed_by for act in acts]
    return {
        "keys": [act.claim_key for act in acts],
        "postings": [posting_id(act.claim_key, "points") for act in acts],
        "programmes": [act.programme for act in acts],
        "participants": [str(holder or "") for holder in holders],
        "points": [act.points if holder else 0 for act, holder in zip(acts, holders, strict=True)],
    }


async def _moved(session: AsyncSession, acts: Sequence[Stored]) -> dict[Any, set[Move]]:
    found: dict[Any, set[Move]] = {}
    rows = await session.execute(_MOVED, {"postings": [posting_id(act.claim_key, "grams") for act in acts]})
    for row in rows:
        found.setdefault(row.posting_id, set()).add((row.reason, row.debit, row.credit, row.amount))
    return found


_REVISIONS = text("SELECT claim_key, root, number FROM action_revision ORDER BY root, number")
_FAMILIES = (
    Rule(
        "action_revision",
        """
            SELECT claim_key AS place, fault FROM (
                SELECT r.claim_key, CASE
                    WHEN a.claim_key IS NULL OR b.claim_key IS NULL THEN 'action'
                    WHEN EXISTS (SELECT FROM action_revision x WHERE x.claim_key = r.root) THEN 'root'
                    WHEN r.number <> row_number() OVER (PARTITION BY r.root ORDER BY r.number) THEN 'number'
                END AS fault
                FROM action_revision r
                LEFT JOIN action a ON a.claim_key = r.claim_key
                LEFT JOIN action b ON b.claim_key = r.root
            ) found WHERE fault IS NOT NULL
        """,
        {
            "action": ("there is no such action", "没有该行为"),
            "root": ("it revises a revision", "所修订者本身即为修订"),
            "number": ("the revisions of its claim are not counted from 1 without a gap", "修订序号不连续"),
        },
    ),
    Rule.single(
        "action_revision",
        """
            SELECT r.root AS place FROM (
                SELECT root, claim_key FROM action_revision
                UNION SELECT root, root FROM action_revision
            ) r
            WHERE NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = r.claim_key)
            GROUP BY r.root HAVING count(*) > 1
        """,
        en="more than one act stands for the same claim",
        zh="同一认领有不止一条有效记录",
    ),
)
_KEY = ("its key is not that of its claim and number", "其键与所属认领及序号不符")


async def revised(session: AsyncSession, settings: Settings) -> Checked:
    """A revision stands under the key of its claim and number, and for each claim stands one act at most."""
    checked = await look_for(session, Checked(), _FAMILIES)
    for row in await session.execute(_REVISIONS):
        checked.rows += 1
        if row.claim_key != claims.revision_key(settings.keys, row.root, row.number):
            checked.name("action_revision", row.claim_key, _KEY)
    return checked


_APPEALED = Rule(
    "intake_appeal",
    f"""
        SELECT place, fault FROM (
            SELECT x.id AS place, CASE
                WHEN x.held_job_id IS NOT NULL AND h.participant_id IS DISTINCT FROM x.participant_id
                    AND NOT EXISTS (SELECT FROM means_holder m WHERE m.token = h.means_token
                        AND m.held @> h.happened_at AND m.participant_id = x.participant_id) THEN 'whose'
                WHEN x.claim_key IS NOT NULL AND (a.participant_id IS DISTINCT FROM x.participant_id
                    AND k.participant_id IS DISTINCT FROM x.participant_id) THEN 'whose'
                WHEN x.claim_key IS NOT NULL AND w.claim_key IS NULL THEN 'withdrawn'
                WHEN x.due_on <> (x.appealed_at AT TIME ZONE 'UTC' + interval '8 hours')::date + {ANSWER_DAYS}
                    THEN 'due'
            END AS fault
            FROM intake_appeal x
            LEFT JOIN intake_held h ON h.job_id = x.held_job_id AND h.line = x.held_line
            LEFT JOIN action a ON a.claim_key = x.claim_key
            LEFT JOIN action_claim k ON k.claim_key = x.claim_key
            LEFT JOIN action_withdrawn w ON w.claim_key = x.claim_key
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "whose": ("it is about another's act", "所涉行为并非申诉人的"),
        "withdrawn": ("the act that it is about was not withdrawn", "所涉行为并未撤销"),
        "due": ("it is to be answered on another day than it was", "答复期限与规则不符"),
    },
)
_ANSWERED = Rule(
    "intake_appeal_answer",
    f"""
        SELECT place, fault FROM (
            SELECT n.appeal_id AS place, CASE
                WHEN x.id IS NULL THEN 'appeal'
                WHEN NOT {_OPERATES.format("n.staff_id")} THEN 'staff'
                WHEN (n.accepted_key IS NOT NULL) <> (n.outcome = 'upheld') THEN 'act'
                WHEN n.outcome = 'upheld' AND h.job_id IS NOT NULL AND NOT ({_SAME}) THEN 'act'
                WHEN n.outcome = 'upheld' AND g.claim_key IS NOT NULL AND NOT ({_SAME.replace("h.", "g.")}) THEN 'act'
                WHEN n.outcome = 'upheld' AND q.file_name IS DISTINCT FROM 'appeal:' || n.appeal_id
                    AND d.claim_key IS DISTINCT FROM n.accepted_key THEN 'act'
                WHEN n.outcome = 'dismissed' AND x.held_job_id IS NOT NULL AND d.outcome IS DISTINCT FROM 'refused'
                    THEN 'row'
            END AS fault
            FROM intake_appeal_answer n
            LEFT JOIN intake_appeal x ON x.id = n.appeal_id
            LEFT JOIN intake_held h ON h.job_id = x.held_job_id AND h.line = x.held_line
            LEFT JOIN intake_decision d ON d.job_id = x.held_job_id AND d.line = x.held_line
            LEFT JOIN action g ON g.claim_key = x.claim_key
            LEFT JOIN action a ON a.claim_key = n.accepted_key
            LEFT JOIN intake_job q ON q.id = a.job_id
            LEFT JOIN intake_source s ON s.id = COALESCE(h.source_id, g.source_id)
            LEFT JOIN programme p ON p.id = s.programme_id
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "appeal": ("there is no appeal that it answers", "没有所答复的申诉"),
        "staff": _STAFF,
        "act": ("the act that was accepted is not what was appealed for", "所接受的行为与所申诉的不符"),
        "row": ("the row was not refused though its appeal was dismissed", "申诉被驳回，而数据行未被拒绝"),
    },
)


async def appealed(session: AsyncSession) -> Checked:
    """Appeals are about the appellant's own acts; the operator answers them, and what is upheld became that act."""
    rows = await count_rows(session, "SELECT count(*) FROM intake_appeal")
    return await look_for(session, Checked(rows=rows), (_APPEALED, _ANSWERED))
