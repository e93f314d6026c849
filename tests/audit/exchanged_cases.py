"""What breaks the invariant of comparisons, external claims and what was decided of them."""

from __future__ import annotations

CASES: dict[str, list[tuple[str, ...]]] = {
    "exchanges.noted": [
        ("DELETE FROM external_claim WHERE claim_key = (SELECT min(claim_key::text)::uuid FROM external_claim)",),
        ("UPDATE fingerprint_match SET noted = noted + 1",),
        ("UPDATE fingerprint_match SET matched = noted - 1 WHERE noted > 0",),
        ("UPDATE fingerprint_match SET acts = 0",),
        ("UPDATE fingerprint_match SET bits = bits + 1",),
        ("UPDATE fingerprint_match SET exchange = 'another'",),
        (
            "UPDATE fingerprint_match SET platform = 'another'",
            "UPDATE external_claim SET platform = 'another'",
            "UPDATE external_claim_decision SET platform = 'another'",
        ),
        ("UPDATE external_claim_decision SET platform = 'another'",),
        ("UPDATE fingerprint_match SET id = gen_random_uuid()",),
        ("UPDATE external_claim SET claim_key = gen_random_uuid()",),
        ("""UPDATE fingerprint_match SET agreement = agreement || '{"until": "2026-11-08"}'""",),
        ("""UPDATE fingerprint_match SET agreement = agreement || '{"from": "2026-11-10"}'""",),
        ("UPDATE external_claim_decision SET outcome = 'theirs'",),
        ("DELETE FROM action_withdrawn WHERE claim_key IN (SELECT claim_key FROM external_claim_decision)",),
        ("UPDATE external_claim_decision SET staff_id = (SELECT id FROM staff WHERE login = 'till')",),
        ("UPDATE external_claim_decision SET reason = ''",),
    ],
}  # fmt: skip
