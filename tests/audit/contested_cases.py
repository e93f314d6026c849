"""What breaks the invariants of held rows, decisions, withdrawals, corrections and appeals."""

from __future__ import annotations

OTHER = "gen_random_uuid()"
BY_TIER = "by_rule = 'tier' AND outcome = '{}'"
BY_STAFF = "staff_id IS NOT NULL AND outcome = '{}'"
ANOTHER_ACT = "(SELECT min(claim_key::text)::uuid FROM action)"
TILL = "(SELECT id FROM staff WHERE login = 'till')"
BACK = "(SELECT t.posting_id FROM ledger_transfer t WHERE t.reason = 'acts.withdrawn' ORDER BY 1 LIMIT 1)"
POSTED = "(posting_id, line) = (SELECT posting_id, line FROM ledger_transfer WHERE reason = '{}' ORDER BY 1, 2 LIMIT 1)"
ONE_GONE = "(SELECT min(claim_key::text)::uuid FROM action_withdrawn WHERE cause = '{}')"
ONE_UPHELD = "(SELECT min(appeal_id::text)::uuid FROM intake_appeal_answer WHERE outcome = 'upheld')"
WITHDRAWN_BY = "(SELECT id FROM intake_correction WHERE staff_id IS NOT NULL ORDER BY id LIMIT 1)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "held.decided": [
        ("UPDATE intake_held SET line = line + 9000",),
        ("UPDATE intake_held SET source_id = source_id + 100",),
        ("UPDATE intake_held SET method_id = 99",),
        ("UPDATE intake_held SET ended_at = happened_at - interval '1 second'",),
        (f"UPDATE intake_decision SET job_id = {OTHER}",),
        (f"UPDATE intake_decision SET staff_id = {TILL} WHERE staff_id IS NOT NULL",),
        ("UPDATE intake_decision SET reason = '' WHERE staff_id IS NOT NULL",),
        ("UPDATE intake_decision SET by_rule = 'tier' WHERE staff_id IS NOT NULL",),
        ("UPDATE intake_decision SET by_rule = NULL WHERE by_rule = 'tier'",),
        ("UPDATE intake_decision SET by_rule = 'dice' WHERE by_rule = 'tier'",),
        ("UPDATE intake_held SET kind = 'late' WHERE kind = 'claim'",),
        ("DELETE FROM intake_correction WHERE held_job_id IS NOT NULL",),
        ("UPDATE intake_source SET evidence = 'operator_feed' WHERE code = 'gz-receipts'",),
        ("UPDATE intake_source SET evidence = 'self_report' WHERE code = 'gz-docks'",),
        (f"UPDATE action_withdrawn SET reference = {OTHER} WHERE cause = 'conflict'",),
        (f"UPDATE intake_decision SET claim_key = NULL WHERE {BY_STAFF.format('accepted')}",),
        (f"UPDATE intake_decision SET claim_key = {ANOTHER_ACT} WHERE {BY_STAFF.format('accepted')}",),
        (f"UPDATE intake_decision SET outcome = 'refused' WHERE {BY_TIER.format('accepted')}",),
        (f"UPDATE intake_decision SET outcome = 'accepted' WHERE {BY_TIER.format('refused')}",),
        (
            """UPDATE intake_held SET grams = grams + 1 WHERE (job_id, line) IN
               (SELECT job_id, line FROM intake_decision WHERE outcome = 'accepted')""",
        ),
        (
            """UPDATE intake_held SET inputs = inputs || '{"distance_m": 1}' WHERE (job_id, line) IN
               (SELECT job_id, line FROM intake_decision WHERE outcome = 'accepted')""",
        ),
        (f"DELETE FROM intake_decision WHERE {BY_STAFF.format('accepted')}",),
        (f"DELETE FROM intake_decision WHERE {BY_TIER.format('accepted')}",),
        ("DELETE FROM intake_correction WHERE replaced_by IS NOT NULL",),
        ("UPDATE intake_appeal_answer SET outcome = 'dismissed', accepted_key = NULL WHERE outcome = 'upheld'",),
    ],
    "acts.withdrawn": [
        (
            """UPDATE action_withdrawn SET claim_key = (left(claim_key::text, 8) || right(gen_random_uuid()::text, 28))::uuid
               WHERE cause = 'withdrawn'""",
        ),
        *((f"UPDATE action_withdrawn SET reference = {OTHER} WHERE cause = '{cause}'",)
          for cause in ("withdrawn", "corrected", "conflict", "appeal")),
        ("UPDATE action_withdrawn SET cause = 'conflict' WHERE cause = 'withdrawn'",),
        *((f"UPDATE action_withdrawn SET replaced_by = {ANOTHER_ACT} WHERE claim_key = {ONE_GONE.format(cause)}",)
          for cause in ("withdrawn", "corrected", "conflict", "appeal")),
        ("DELETE FROM action_withdrawn WHERE cause = 'withdrawn'",),
        ("DELETE FROM action_withdrawn WHERE cause = 'corrected'",),
        (f"UPDATE intake_correction SET withdrew = {ANOTHER_ACT} WHERE withdrew = {ONE_GONE.format('corrected')}",),
        ("UPDATE intake_correction SET source_id = source_id + 100",),
        (f"UPDATE intake_correction SET replaced_by = {ANOTHER_ACT} WHERE replaced_by IS NOT NULL",),
        (
            f"UPDATE intake_correction SET replaced_by = {ANOTHER_ACT} WHERE withdrew = {ONE_GONE.format('corrected')}",
            f"UPDATE action_withdrawn SET replaced_by = {ANOTHER_ACT} WHERE claim_key = {ONE_GONE.format('corrected')}",
        ),
        (
            """UPDATE intake_decision SET outcome = 'accepted' WHERE by_rule = 'corrected'""",
        ),
        ("UPDATE intake_decision SET by_rule = 'withdrawn' WHERE by_rule = 'corrected'",),
        (f"UPDATE intake_correction SET staff_id = {TILL} WHERE staff_id IS NOT NULL",),
        (f"UPDATE ledger_transfer SET amount = amount + 1 WHERE {POSTED.format('acts.withdrawn')}",),
        (f"UPDATE ledger_transfer SET credit_id = debit_id WHERE {POSTED.format('acts.withdrawn')}",),
        (f"UPDATE ledger_transfer SET posting_id = {OTHER} WHERE {POSTED.format('acts.withdrawn')}",),
        (
            f"""UPDATE ledger_transfer SET debit_id = (SELECT id FROM ledger_account WHERE kind = 'pool' ORDER BY id LIMIT 1)
                WHERE {POSTED.format('acts.withdrawn')}""",
        ),
        (
            f"""INSERT INTO ledger_transfer SELECT {OTHER}, line, debit_id, credit_id, unit, amount, reason, happened_at,
                recorded_at, reverses, captures, xid FROM ledger_transfer WHERE {POSTED.format('acts.withdrawn')}""",
        ),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.clawed_back'",),
        ("UPDATE ledger_transfer SET reason = 'points.withdrawn' WHERE reason = 'points.clawed_back'",),
        ("DELETE FROM ledger_transfer WHERE reason = 'points.clawed_back'",),
    ],
    "acts.revised": [
        (f"UPDATE action_revision SET root = {ANOTHER_ACT} WHERE number = 2",),
        ("UPDATE action_revision SET number = number + 10",),
        (
            """UPDATE action_revision SET claim_key = (left(claim_key::text, 8) || right(gen_random_uuid()::text, 28))::uuid
               WHERE number = 1""",
        ),
        (
            """UPDATE action_revision SET root = (SELECT claim_key FROM action_revision WHERE number = 1 LIMIT 1)
               WHERE number = 2""",
        ),
        ("DELETE FROM action_revision WHERE number = 1",),
        ("DELETE FROM action_withdrawn WHERE cause = 'conflict'",),
        ("DELETE FROM action_withdrawn WHERE cause = 'corrected'",),
    ],
    "appeals.answered": [
        (f"UPDATE intake_appeal SET participant_id = {OTHER} WHERE claim_key IS NOT NULL",),
        (f"UPDATE intake_appeal SET participant_id = {OTHER} WHERE held_job_id IS NOT NULL",),
        (
            f"DELETE FROM action_withdrawn WHERE reference = {WITHDRAWN_BY}",
        ),
        ("UPDATE intake_appeal SET due_on = due_on + 1",),
        (f"UPDATE intake_appeal_answer SET appeal_id = {OTHER}",),
        (f"UPDATE intake_appeal_answer SET staff_id = {TILL}",),
        ("UPDATE intake_appeal_answer SET accepted_key = NULL WHERE outcome = 'upheld'",),
        (f"UPDATE intake_appeal_answer SET accepted_key = {ANOTHER_ACT} WHERE appeal_id = {ONE_UPHELD}",),
        ("UPDATE intake_appeal_answer SET outcome = 'upheld' WHERE outcome = 'dismissed'",),
        ("UPDATE intake_job SET file_name = 'appeal:x' WHERE file_name LIKE 'appeal:%'",),
        (
            """UPDATE intake_decision SET outcome = 'accepted' WHERE (job_id, line) IN (SELECT held_job_id, held_line
               FROM intake_appeal p JOIN intake_appeal_answer n ON n.appeal_id = p.id WHERE n.outcome = 'dismissed')""",
        ),
    ],
}  # fmt: skip
