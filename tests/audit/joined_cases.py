"""What breaks the invariant of accounts that became one."""

from __future__ import annotations

ENDED = "(SELECT joined_id FROM account_join)"
STANDS = "(SELECT into_id FROM account_join)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "accounts.joined": [
        ("DELETE FROM account_join",),
        ("UPDATE account_join SET into_id = (SELECT min(id::text)::uuid FROM participant)",),
        ("UPDATE account_join SET joined_id = gen_random_uuid()",),
        ("UPDATE account_join SET joined_at = joined_at - interval '1 day'",),
        (f"UPDATE participant SET kind = 'household' WHERE id = {STANDS}",),
        (
            "INSERT INTO account_join (joined_id, into_id, shown, joined_at) SELECT into_id, joined_id, shown, joined_at FROM account_join",
        ),
        (f"UPDATE person SET phone_index = 'x' WHERE participant_id = {ENDED}",),
        (
            f"""INSERT INTO door (id, participant_id, provider, subject_index, opened_at)
                VALUES (gen_random_uuid(), {ENDED}, 'wechat', 'x', now())""",
        ),
        (f"UPDATE means_holding SET held = tstzrange(lower(held), NULL) WHERE participant_id = {ENDED}",),
        (
            f"""INSERT INTO token_family (id, audience, subject, started_at, expires_at)
                VALUES (gen_random_uuid(), 'citizen', {ENDED}, now(), now() + interval '1 day')""",
        ),
        (
            f"UPDATE ledger_account SET balance = 1 WHERE kind = 'wallet' AND code LIKE 'wallet:' || {ENDED} || ':%'",
            f"""UPDATE ledger_transfer SET recorded_at = now() - interval '2 days' WHERE debit_id IN (
                    SELECT id FROM ledger_account WHERE code LIKE 'wallet:' || {ENDED} || ':%') OR credit_id IN (
                    SELECT id FROM ledger_account WHERE code LIKE 'wallet:' || {ENDED} || ':%')""",
        ),
        (
            """UPDATE ledger_transfer SET credit_id = (
                   SELECT id FROM ledger_account WHERE kind = 'wallet' AND code NOT LIKE '%gd-green-travel%' LIMIT 1)
               WHERE reason = 'points.joined' AND credit_id IN (SELECT id FROM ledger_account WHERE kind = 'wallet')""",
        ),
    ],
}  # fmt: skip
