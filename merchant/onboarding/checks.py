"""What must hold of merchants that applied."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_ADMITTED = (
    Rule(
        "application_submission",
        """
            SELECT place, fault FROM (
                SELECT s.id AS place, CASE
                    WHEN s.body ->> 'submission_id' <> s.id::text OR s.body ->> 'application_id' <> s.application_id::text
                        OR NOT s.body -> 'documents' @> '[{"kind": "licence"}]' THEN 'body'
                    WHEN s.number > 1 AND (e.ended IS DISTINCT FROM 'sent_back' OR e.ended_at > s.submitted_at) THEN 'order'
                END AS fault
                FROM application_submission s
                LEFT JOIN application_submission before
                    ON before.application_id = s.application_id AND before.number = s.number - 1
                LEFT JOIN application_end e ON e.submission_id = before.id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "body": (
                "it is about another application, or has no licence",
                "内容属于另一申请，或没有营业执照",
            ),
            "order": ("the one before it was not sent back", "前一次提交并未退回"),
        },
    ),
    Rule(
        "application_end",
        """
            SELECT place, fault FROM (
                SELECT e.submission_id AS place, CASE
                    WHEN e.ended_at < s.submitted_at
                        OR NOT EXISTS (SELECT FROM organisation_role r WHERE r.organisation_id = w.organisation_id
                                       AND r.role = 'operator') THEN 'stranger'
                    WHEN e.ended = 'sent_back' THEN NULL
                    WHEN a.kind IS DISTINCT FROM 'merchant.admission' OR d.decision IS DISTINCT FROM 'approved'
                        OR d.decided_by <> e.ended_by OR a.subject_sha256 <> s.subject_sha256 OR a.body <> s.body THEN 'unapproved'
                    WHEN e.credit_code <> s.body ->> 'credit_code' OR o.code <> s.body ->> 'code'
                        OR o.name_zh <> s.body ->> 'name_zh' OR o.name_en <> s.body ->> 'name_en'
                        OR NOT EXISTS (SELECT FROM organisation_role r WHERE r.organisation_id = o.id AND r.role = 'merchant')
                        THEN 'another'
                END AS fault
                FROM application_end e JOIN application_submission s ON s.id = e.submission_id
                JOIN staff w ON w.id = e.ended_by
                LEFT JOIN two_person_act a ON a.id = e.act_id
                LEFT JOIN two_person_decision d ON d.act_id = e.act_id
                LEFT JOIN organisation o ON o.id = e.organisation_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "stranger": (
                "nobody of an operator ended it, or not after it was handed in",
                "并非由运营方人员在其提交之后了结",
            ),
            "unapproved": ("two people did not agree to what was handed in", "两人所同意的并非所提交的内容"),
            "another": ("the merchant is another one than was handed in", "入驻的商户与所提交的不符"),
        },
    ),
)


async def admitted(session: AsyncSession) -> Checked:
    """What was handed in was decided once, by the operator; who was admitted is whom two people agreed to."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM application_submission"))
    return await look_for(session, checked, _ADMITTED)
