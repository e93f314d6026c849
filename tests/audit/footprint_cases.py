"""What breaks the invariants of personal footprints."""

from __future__ import annotations

OTHER = "(SELECT max(id::text)::uuid FROM participant)"
COMPUTED = "basis = 'computed'"
FIRST = "(SELECT replaces FROM footprint_entry WHERE replaces IS NOT NULL)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "footprints.recomputed": [
        (f"UPDATE footprint_entry SET emissions_g = emissions_g + 1 WHERE {COMPUTED}",),
        ("UPDATE footprint_entry SET quantity_milli = quantity_milli + 1000 WHERE item = 'metro-km'",),
        ("UPDATE footprint_entry SET item = 'bus-km' WHERE item = 'metro-km'",),
        ("UPDATE footprint_entry SET item = 'meat-meal', category = 'food' WHERE item = 'metro-km'",),
        ("UPDATE footprint_entry SET category = 'food' WHERE item = 'metro-km'",),
        ("UPDATE footprint_entry SET factor_year = 2022 WHERE item = 'electricity'",),
        ("UPDATE footprint_entry SET region = 'CN-BJ' WHERE item = 'electricity'",),
        ("UPDATE footprint_entry SET happened_on = '2021-06-05' WHERE item = 'electricity'",),
        ("UPDATE footprint_entry SET pack_sha256 = repeat('0', 64) WHERE item = 'metro-km'",),
        ("UPDATE footprint_entry SET item = NULL WHERE item = 'metro-km'",),
        ("UPDATE footprint_entry SET basis = 'computed' WHERE basis = 'self_stated'",),
        ("UPDATE footprint_entry SET emissions_g = -1 WHERE basis = 'self_stated'",),
        ("UPDATE footprint_entry SET participant_id = gen_random_uuid() WHERE basis = 'self_stated'",),
        (f"UPDATE footprint_entry SET participant_id = {OTHER} WHERE id = {FIRST}",),
        ("UPDATE footprint_entry SET replaces = gen_random_uuid() WHERE replaces IS NOT NULL",),
        (f"UPDATE footprint_entry SET recorded_at = recorded_at + interval '1 day' WHERE id = {FIRST}",),
        (
            f"""INSERT INTO footprint_withdrawal (entry_id, withdrawn_at)
                SELECT id, recorded_at FROM footprint_entry WHERE id = {FIRST}""",
        ),
        (
            "ALTER TABLE footprint_entry DROP CONSTRAINT footprint_entry_replaces_key",
            f"UPDATE footprint_entry SET replaces = {FIRST} WHERE item = 'electricity'",
        ),
        ("UPDATE footprint_withdrawal SET entry_id = gen_random_uuid()",),
        ("UPDATE footprint_withdrawal SET withdrawn_at = withdrawn_at - interval '1 day'",),
    ],
    "footprints.apart": [
        (
            """UPDATE ledger_transfer SET posting_id = (SELECT id FROM footprint_entry LIMIT 1)
               WHERE posting_id = (SELECT posting_id FROM ledger_transfer LIMIT 1)""",
        ),
        ("UPDATE ledger_account SET kind = 'footprint' WHERE id = (SELECT min(id) FROM ledger_account)",),
        (
            """UPDATE footprint_entry SET id = (SELECT claim_key FROM action LIMIT 1)
               WHERE basis = 'self_stated'""",
        ),
        (
            """UPDATE footprint_entry SET id = (SELECT claim_key FROM batch_leaf LIMIT 1)
               WHERE basis = 'self_stated'""",
        ),
    ],
}
