"""What must hold of households, firms and their members."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_MEMBERS = Rule(
    "membership",
    """
        WITH known AS (
            SELECT m.*, e.ended_by, e.ended_at FROM membership m LEFT JOIN membership_end e ON e.membership_id = m.id
        )
        SELECT m.id AS place, f.fault
        FROM known m
        LEFT JOIN participant g ON g.id = m.group_id
        LEFT JOIN participant p ON p.id = m.member_id
        CROSS JOIN LATERAL (
            SELECT 'kinds' AS fault
            WHERE (g.kind IN ('household', 'firm') AND p.kind = 'citizen') IS NOT TRUE
                OR m.added_at < greatest(g.created_at, p.created_at) - interval '1 minute'
                OR m.ended_at < m.added_at
            UNION ALL
            SELECT 'twice' WHERE EXISTS (
                SELECT FROM known o WHERE o.id <> m.id AND o.group_id = m.group_id AND o.member_id = m.member_id
                    AND o.added_at < coalesce(m.ended_at, 'infinity') AND m.added_at < coalesce(o.ended_at, 'infinity'))
            UNION ALL
            SELECT 'let_in' WHERE NOT (
                (m.added_by = m.member_id AND m.role = 'manager'
                    AND NOT EXISTS (SELECT FROM known o WHERE o.group_id = m.group_id AND o.id <> m.id AND o.added_at < m.added_at))
                OR EXISTS (SELECT FROM account_join j WHERE j.joined_id = m.added_by AND j.into_id = m.member_id)
                OR EXISTS (SELECT FROM known o WHERE o.group_id = m.group_id AND o.member_id = m.added_by AND o.role = 'manager'
                    AND o.added_at <= m.added_at AND coalesce(o.ended_at, 'infinity') >= m.added_at))
            UNION ALL
            SELECT 'let_go' WHERE m.ended_by IS NOT NULL AND m.ended_by <> m.member_id AND NOT EXISTS (
                SELECT FROM known o WHERE o.group_id = m.group_id AND o.member_id = m.ended_by AND o.role = 'manager'
                    AND o.added_at <= m.ended_at AND coalesce(o.ended_at, 'infinity') >= m.ended_at)
        ) f
        UNION ALL
        SELECT DISTINCT m.group_id, 'nobody' FROM known m
        WHERE NOT EXISTS (SELECT FROM known o WHERE o.group_id = m.group_id AND o.role = 'manager' AND o.ended_at IS NULL)
            AND NOT EXISTS (SELECT FROM account_closed c WHERE c.participant_id = m.group_id)
        UNION ALL
        SELECT t.id, 'acting' FROM token_family t
        JOIN participant g ON g.id = t.subject AND g.kind IN ('household', 'firm')
        WHERE t.actor_id IS NOT NULL AND t.revoked_at IS NULL AND t.expires_at > now() AND NOT EXISTS (
            SELECT FROM known m WHERE m.group_id = t.subject AND m.member_id = t.actor_id AND m.ended_at IS NULL
                AND (m.role = 'observer') = t.see_only)
    """,
    {
        "kinds": ("it is not a citizen's in a household or firm of that time", "并非当时公民在家庭或企业中的成员关系"),
        "twice": ("somebody is in a group twice at once", "同一人同时两次在同一家庭或企业中"),
        "let_in": ("who let the member in was no manager then", "准入者当时并非管理成员"),
        "let_go": ("who ended it was neither the member nor a manager then", "终止者既非本人,也非当时的管理成员"),
        "nobody": ("nobody manages it, and it was not closed", "无人管理而并未注销"),
        "acting": ("somebody acts for a group without being in it, or an observer does more than see", "并非成员者在代为行事，或只能查看者可以变更"),
    },
)  # fmt: skip
_ENDS = Rule.single(
    "membership_end",
    """
        SELECT e.membership_id AS place FROM membership_end e
        WHERE NOT EXISTS (SELECT FROM membership m WHERE m.id = e.membership_id)
    """,
    en="it ends a membership that there is not",
    zh="所终止的成员关系不存在",
)


async def membership(session: AsyncSession) -> Checked:
    """Citizens are let into households and firms by a manager of that time, once; who acts for one is in it."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM membership"))
    return await look_for(session, checked, [_MEMBERS, _ENDS])


_FIRMS = Rule(
    "firm_claim",
    """
        SELECT f.id AS place, w.fault FROM firm_claim f
        LEFT JOIN participant g ON g.id = f.group_id
        CROSS JOIN LATERAL (
            SELECT 'kind' AS fault WHERE g.kind IS DISTINCT FROM 'firm'
            UNION ALL
            SELECT 'manager' WHERE NOT EXISTS (
                SELECT FROM membership m LEFT JOIN membership_end e ON e.membership_id = m.id
                WHERE m.group_id = f.group_id AND m.member_id = f.claimed_by AND m.role = 'manager'
                  AND m.added_at <= f.claimed_at AND coalesce(e.ended_at, 'infinity') >= f.claimed_at)
        ) w
        UNION ALL
        SELECT c.claim_id, 'check' FROM firm_check c
        LEFT JOIN firm_claim f ON f.id = c.claim_id AND f.group_id = c.group_id AND f.code_index = c.code_index
            AND f.claimed_at <= c.checked_at
        WHERE f.id IS NULL
        UNION ALL
        SELECT c.claim_id, 'twice' FROM firm_check c
        WHERE c.confirmed AND EXISTS (
            SELECT FROM firm_check o WHERE o.claim_id <> c.claim_id AND o.confirmed
                AND (o.code_index = c.code_index OR o.group_id = c.group_id))
    """,
    {
        "kind": ("what has a credit code is no firm", "申报企业代码者并非企业"),
        "manager": ("who said which firm it is was no manager then", "申报者当时并非管理成员"),
        "check": ("a check is of another claim, or came before it", "核对与申报不符,或早于申报"),
        "twice": ("one firm was confirmed for two accounts, or one account twice", "一家企业被确认两个账户,或一个账户被确认两次"),
    },
)  # fmt: skip


async def firms(session: AsyncSession) -> Checked:
    """Firms were said by a manager of that time and checked later; one firm has one account."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM firm_claim"))
    return await look_for(session, checked, [_FIRMS])


_ACTED = Rule.single(
    "group_act",
    """
        SELECT a.id AS place FROM group_act a
        LEFT JOIN participant g ON g.id = a.group_id
        WHERE (g.kind IN ('household', 'firm')) IS NOT TRUE OR NOT EXISTS (
            SELECT FROM membership m LEFT JOIN membership_end e ON e.membership_id = m.id
            WHERE m.group_id = a.group_id AND m.member_id = a.actor_id AND (m.role <> 'observer' OR a.operation = 'end_membership')
              AND m.added_at <= a.acted_at + interval '1 minute'
              AND coalesce(e.ended_at, 'infinity') >= a.acted_at - interval '1 minute')
    """,
    en="who did it was not in it then, or could only see",
    zh="行事者当时并非成员,或只能查看",
)


async def acted(session: AsyncSession) -> Checked:
    """What was done for a household or a firm was done by a member of that time who may do more than see."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM group_act"))
    return await look_for(session, checked, [_ACTED])
