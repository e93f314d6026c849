"""What breaks the invariants of contracts, of what captures are worth, and of statements and payouts."""

from __future__ import annotations

ONE = "(SELECT id FROM settlement_statement WHERE number = 1 LIMIT 1)"
CAPTURE = "kind = 'capture' AND redemption_id IN (SELECT redemption_id FROM refund_value WHERE part_id = '')"
PART = "part_id = 'half'"
WHOLE = "part_id = '' AND redemption_id IN (SELECT redemption_id FROM settlement_line)"
VALUED = "redemption_id = (SELECT redemption_id FROM refund_value WHERE part_id = 'half' LIMIT 1)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "contracts.agreed": [
        ("UPDATE contract_edition SET fen_per_point = fen_per_point + 1",),
        ('UPDATE contract_edition SET terms = terms || \'{"summer": [["programme", "1"]]}\'',),
        (
            "UPDATE contract_edition SET account_sealed = account_sealed || 'x'::bytea WHERE account_sealed IS NOT NULL",
        ),
        ("UPDATE two_person_act SET kind = 'merchant.payout' WHERE kind = 'merchant.contract'",),
        (
            "UPDATE two_person_decision SET decision = 'rejected' WHERE act_id IN (SELECT act_id FROM contract_edition)",
        ),
        (
            """DELETE FROM contract_edition WHERE edition = 1 AND merchant_id IN
                (SELECT merchant_id FROM contract_edition WHERE edition = 2)""",
        ),
    ],
    "captures.worth": [
        (f"UPDATE capture_value SET captured_at = captured_at + interval '1 second' WHERE {VALUED}",),
        (f"UPDATE capture_value SET points = points + 1 WHERE {VALUED}",),
        (
            f"UPDATE capture_value SET edition_id = (SELECT id FROM contract_edition WHERE edition = 2) WHERE {VALUED}",
        ),
        ("UPDATE contract_edition SET valid_until = valid_from",),
        ("UPDATE contract_edition SET valid_from = '2020-01-02' WHERE edition = 2",),
        (f"UPDATE capture_value SET value_fen = value_fen + 1 WHERE {VALUED}",),
        (f"UPDATE capture_value SET funded = funded || '{{\"merchant\": 0}}' WHERE {VALUED}",),
        (f"DELETE FROM capture_value WHERE {VALUED}",),
        (f"UPDATE refund_value SET refunded_at = refunded_at + interval '1 second' WHERE {PART}",),
        (f"UPDATE refund_value SET refunded_at = refunded_at + interval '1 second' WHERE {WHOLE}",),
        (f"UPDATE refund_value SET points_before = 1 WHERE {PART}",),
        (f"UPDATE refund_value SET points = points - 1 WHERE {WHOLE}",),
        (f"UPDATE refund_value SET value_fen = value_fen + 1 WHERE {PART}",),
        (f"UPDATE refund_value SET funded = funded || '{{\"merchant\": 99}}' WHERE {PART}",),
        (f"DELETE FROM refund_value WHERE {PART}",),
        (f"DELETE FROM refund_value WHERE {WHOLE}",),
    ],
    "statements.closed": [
        (f"UPDATE settlement_statement SET payable_fen = payable_fen + 1 WHERE id = {ONE}",),
        (f"UPDATE settlement_statement SET captured_fen = captured_fen + 1 WHERE id = {ONE}",),
        (f"UPDATE settlement_statement SET edition_id = gen_random_uuid() WHERE id = {ONE}",),
        (f"UPDATE settlement_statement SET cut = cut + interval '1 day' WHERE id = {ONE}",),
        (f"UPDATE settlement_statement SET opening_points = 1 WHERE id = {ONE}",),
        (f"UPDATE settlement_statement SET closed_at = cut - interval '1 hour' WHERE id = {ONE}",),
        (f"DELETE FROM settlement_statement WHERE id = {ONE}",),
        ("UPDATE settlement_statement SET merchant_id = gen_random_uuid() WHERE number = 2",),
        (
            "UPDATE two_person_decision SET decision = 'rejected' WHERE act_id IN (SELECT act_id FROM settlement_statement)",
        ),
        (f"UPDATE settlement_line SET points = points + 1 WHERE {CAPTURE}",),
        ("UPDATE settlement_line SET value_fen = value_fen - 1 WHERE kind = 'refund'",),
        ("UPDATE settlement_line SET payable_fen = payable_fen - 1 WHERE kind = 'correction'",),
        ("UPDATE settlement_line SET payable_fen = payable_fen - 1 WHERE kind = 'fee'",),
        (f"UPDATE settlement_line SET happened_at = happened_at + interval '60 days' WHERE {CAPTURE}",),
        (
            f"UPDATE capture_value SET xid = (SELECT horizon FROM settlement_statement WHERE id = {ONE}) WHERE {VALUED}",
        ),
        (f"DELETE FROM settlement_line WHERE {CAPTURE}",),
        ("DELETE FROM settlement_line WHERE kind = 'refund'",),
        ("DELETE FROM settlement_line WHERE kind = 'fee'",),
        ("UPDATE settlement_invoice SET given_by = (SELECT told_by FROM settlement_payout_end LIMIT 1)",),
        ("UPDATE settlement_dispute SET opened_by = (SELECT told_by FROM settlement_payout_end LIMIT 1)",),
        ("UPDATE settlement_dispute SET line = 1000000 WHERE line = 1",),
        ("UPDATE settlement_answer SET correction_fen = correction_fen + 1",),
        ("UPDATE settlement_answer SET correction_points = correction_points + 1 WHERE act_id IS NOT NULL",),
        (  # two people agreed to more than there was to correct
            "UPDATE settlement_answer SET correction_points = 100 WHERE act_id IS NOT NULL",
            """UPDATE two_person_act SET body = jsonb_set(body, '{correction_points}', '100')
                WHERE kind = 'merchant.correction'""",
            "UPDATE settlement_line SET points = 100 WHERE kind = 'correction'",
            "UPDATE ledger_transfer SET amount = 100 WHERE reason = 'points.corrected'",
        ),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.corrected'",),
        ("DELETE FROM settlement_line WHERE kind = 'correction'",),
        ("UPDATE settlement_line SET points = points + 1 WHERE kind = 'correction'",),
        ("UPDATE settlement_answer SET words = words || 'x' WHERE act_id IS NOT NULL",),
        ("UPDATE settlement_answer SET dispute_id = gen_random_uuid() WHERE act_id IS NULL",),
    ],
    "statements.paid": [
        ("UPDATE settlement_payout SET amount_fen = amount_fen + 1",),
        ("UPDATE settlement_payout SET file_sha256 = repeat('0', 64)",),
        (
            "UPDATE two_person_decision SET decision = 'rejected' WHERE act_id IN (SELECT act_id FROM settlement_payout)",
        ),
        ("UPDATE settlement_payout_line SET amount_fen = amount_fen + 1",),
        ("UPDATE settlement_payout_line SET edition_id = gen_random_uuid()",),
        ("DELETE FROM settlement_payout_line",),
        ("UPDATE settlement_payout_end SET told_at = told_at - interval '1 day' WHERE outcome = 'failed'",),
        ("UPDATE settlement_payout_end SET told_at = told_at + interval '1 day' WHERE outcome = 'paid'",),
        ("DELETE FROM settlement_payout_end WHERE outcome = 'paid'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.settled'",),
        ("DELETE FROM ledger_transfer WHERE reason = 'settlement.paid'",),
    ],
    "statements.owed": [
        ("UPDATE settlement_statement SET payable_points = payable_points + 1 WHERE number = 2",),
        ("DELETE FROM settlement_payout_end WHERE outcome = 'paid'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.settled'",),
        ("DELETE FROM settlement_line WHERE kind = 'refund'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.captured'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.corrected'",),
    ],
}
