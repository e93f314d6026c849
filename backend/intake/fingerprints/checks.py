"""What must hold of comparisons, external claims and what was decided of them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_RULES = (
    Rule(
        "fingerprint_match",
        """SELECT id::text AS place, fault FROM (
               SELECT x.id, CASE
                   WHEN x.noted <> (SELECT count(*) FROM external_claim e WHERE e.match_id = x.id) THEN 'noted'
                   WHEN x.noted > x.matched OR x.matched > x.acts THEN 'sums'
                   WHEN (x.agreement ->> 'bits')::integer <> x.bits
                       OR x.agreement ->> 'exchange' <> x.exchange
                       OR NOT x.agreement -> 'between' ? x.platform THEN 'agreement'
               END AS fault FROM fingerprint_match x) found
           WHERE fault IS NOT NULL""",
        {
            "noted": ("its external claims are not as many as it noted", "外部申报数与其记录不符"),
            "sums": (
                "it noted more than it matched, or matched more than there was",
                "记录数、匹配数与行为数不符",
            ),
            "agreement": ("it is not what its agreement says", "与其协议不符"),
        },
    ),
    Rule(
        "external_claim",
        """SELECT place, fault FROM (
               SELECT e.claim_key || '/' || e.platform AS place, CASE
                   WHEN x.id IS NULL OR x.platform <> e.platform THEN 'match'
                   WHEN a.claim_key IS NULL THEN 'act'
                   WHEN (a.happened_at AT TIME ZONE 'UTC' + interval '8 hours')::date NOT BETWEEN
                       (x.agreement ->> 'from')::date AND (x.agreement ->> 'until')::date THEN 'day'
               END AS fault
               FROM external_claim e
               LEFT JOIN fingerprint_match x ON x.id = e.match_id
               LEFT JOIN action a ON a.claim_key = e.claim_key) found
           WHERE fault IS NOT NULL""",
        {
            "match": ("no comparison with its platform found it", "没有与该平台的比对得出它"),
            "act": ("there is no such act", "没有该行为"),
            "day": ("its act lies outside the days of the agreement", "行为不在协议的日期内"),
        },
    ),
    Rule(
        "external_claim_decision",
        """SELECT place, fault FROM (
               SELECT d.id::text AS place, CASE
                   WHEN e.claim_key IS NULL THEN 'claim'
                   WHEN d.outcome = 'theirs' AND w.claim_key IS NULL THEN 'stands'
                   WHEN d.reason = '' OR NOT EXISTS (
                       SELECT FROM staff f JOIN organisation o ON o.id = f.organisation_id
                       JOIN action a ON a.claim_key = d.claim_key
                       JOIN intake_source s ON s.id = a.source_id JOIN programme p ON p.id = s.programme_id
                       WHERE f.id = d.staff_id AND o.code = p.operator_code) THEN 'staff'
               END AS fault
               FROM external_claim_decision d
               LEFT JOIN external_claim e ON e.claim_key = d.claim_key AND e.platform = d.platform
               LEFT JOIN action_withdrawn w ON w.claim_key = d.claim_key) found
           WHERE fault IS NOT NULL""",
        {
            "claim": ("it decides a claim that was never noted", "所决定的外部申报不存在"),
            "staff": (
                "no person of the programme's operator decided it with a reason",
                "并非该计划运营方人员附理由所定",
            ),
            "stands": (
                "the act was found to be another platform's, and still counts",
                "行为已判归其他平台，却仍计入",
            ),
        },
    ),
)


async def exchanges(session: AsyncSession) -> Checked:
    """A match notes the claims that it says; a decision for the other platform withdraws the act."""
    checked = Checked(
        rows=await count_rows(
            session,
            """SELECT (SELECT count(*) FROM fingerprint_match) + (SELECT count(*) FROM external_claim)
                   + (SELECT count(*) FROM external_claim_decision)""",
        )
    )
    return await look_for(session, checked, _RULES)
