"""What breaks the invariant of partners' files."""

from __future__ import annotations

OTHER = "gen_random_uuid()"
DONE = "state = 'finished' AND intake_job IS NOT NULL"
TRIED = "state = 'finished' AND counts IS NOT NULL"

CASES: dict[str, list[tuple[str, ...]]] = {
    "uploads.jobs": [
        (
            "UPDATE intake_upload SET source_id = (SELECT min(id) FROM intake_source WHERE code <> 'metro-bikes')",
        ),
        (
            "UPDATE intake_upload SET organisation_id = (SELECT id FROM organisation WHERE code = 'authority')",
        ),
        (f"UPDATE intake_upload SET key_id = {OTHER}",),
        ("UPDATE intake_upload SET key_id = (SELECT id FROM partner_key WHERE sandbox LIMIT 1)",),
        ("UPDATE intake_upload SET received_at = received_at + interval '3 days'",),
        (f"UPDATE intake_upload SET sha256 = '{'0' * 64}'",),
        (f"UPDATE intake_upload_job SET upload_id = {OTHER}",),
        (f"UPDATE intake_upload_job SET key_id = {OTHER}",),
        ("UPDATE intake_upload_job SET events = events + 1",),
        ("UPDATE intake_upload_job SET dry_run = true",),
        (
            "DROP INDEX intake_upload_job_once",
            f"""INSERT INTO intake_upload_job (id, upload_id, dry_run, events, asked_at, key_id)
                SELECT {OTHER}, upload_id, dry_run, events, asked_at, key_id FROM intake_upload_job WHERE NOT dry_run""",
        ),
        ("DELETE FROM intake_upload_step",),
        ("DELETE FROM intake_upload_step WHERE state = 'running'",),
        (f"UPDATE intake_upload_step SET job_id = {OTHER}",),
        ("UPDATE intake_upload_step SET state = 'cancelled' WHERE state = 'running'",),
        ("UPDATE intake_upload_step SET state = 'running' WHERE seq = 1",),
        ("UPDATE intake_upload_step SET at = at - interval '1 day' WHERE seq = 2",),
        ("UPDATE intake_upload_step SET code = '' WHERE state = 'failed'",),
        ("UPDATE intake_upload_step SET code = 'x' WHERE state = 'running'",),
        (f"UPDATE intake_upload_step SET counts = counts || '{{\"accepted\": 9}}' WHERE {TRIED}",),
        (f"UPDATE intake_upload_step SET counts = NULL WHERE {TRIED}",),
        (f"UPDATE intake_upload_step SET intake_job = NULL WHERE {DONE}",),
        (
            f"""UPDATE intake_upload_step SET intake_job = (SELECT min(id::text)::uuid FROM intake_job WHERE source_id NOT IN
                (SELECT source_id FROM intake_upload)) WHERE {DONE}""",
        ),
        ("UPDATE intake_job SET finished_at = NULL WHERE id IN (SELECT intake_job FROM intake_upload_step)",),
        ("UPDATE intake_upload_removed SET removed_at = removed_at - interval '1 year'",),
        (f"UPDATE intake_upload_removed SET upload_id = {OTHER}",),
        ("DELETE FROM intake_upload_step WHERE state IN ('finished', 'failed')",),
    ],
}
