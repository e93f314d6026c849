"""What breaks the invariants of rights taken back and of closed accounts."""

from __future__ import annotations

CLOSED = "(SELECT participant_id FROM account_forfeit LIMIT 1)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "rights.taken_back": [
        ("UPDATE action_released SET claim_key = (SELECT claim_key FROM action WHERE credit <> 'pooled' LIMIT 1)",),
        ("UPDATE action_released SET assignment_id = (SELECT id FROM assignment_of_right WHERE revoked_at IS NULL LIMIT 1)",),
        ("UPDATE action_released SET released_at = released_at - interval '1 day'",),
        ("UPDATE action_released SET claim_key = (SELECT claim_key FROM batch_leaf LIMIT 1)",),
        ("UPDATE action_released SET part = part + 1",),
        ("DELETE FROM action_released",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'acts.released'",),
    ],
    "accounts.closed": [
        ("DELETE FROM account_closed",),
        (f"UPDATE account_closed SET closed_at = closed_at - interval '1 year' WHERE participant_id = {CLOSED}",),
        (f"UPDATE means_holding SET held = tstzrange(lower(held), NULL) WHERE participant_id = {CLOSED}",),
        (
            f"UPDATE ledger_account SET balance = 1 WHERE kind = 'wallet' AND code LIKE 'wallet:' || {CLOSED} || ':%'",
            f"""UPDATE ledger_transfer SET recorded_at = now() - interval '2 days' WHERE debit_id IN (
                    SELECT id FROM ledger_account WHERE code LIKE 'wallet:' || {CLOSED} || ':%') OR credit_id IN (
                    SELECT id FROM ledger_account WHERE code LIKE 'wallet:' || {CLOSED} || ':%')""",
        ),
        ("UPDATE account_forfeit SET amount = amount + 1",),
        ("DELETE FROM account_forfeit",),
    ],
}  # fmt: skip
