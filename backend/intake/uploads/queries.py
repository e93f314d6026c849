"""All SQL of uploads and their jobs."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO intake_upload (id, source_id, organisation_id, key_id, file_name, file_type, sha256, size_bytes, lines,
                               received_at)
    VALUES (:id, :source_id, :organisation_id, :key_id, :file_name, :file_type, :sha256, :size_bytes, :lines, :at)
""")
_UPLOAD = """
    SELECT u.id, u.source_id, s.code AS source, u.file_name, u.file_type, u.sha256, u.size_bytes, u.lines, u.received_at,
           gone.removed_at
    FROM intake_upload u JOIN intake_source s ON s.id = u.source_id
    LEFT JOIN intake_upload_removed gone ON gone.upload_id = u.id
    WHERE u.organisation_id = :organisation_id
"""
ONE = text(_UPLOAD + " AND u.id = :id")
KEPT_SAME = text(
    _UPLOAD
    + """ AND u.source_id = :source_id AND u.sha256 = :sha256 AND u.file_type = :file_type AND gone.upload_id IS NULL
    ORDER BY u.received_at, u.id LIMIT 1"""
)
PAGE = text(
    _UPLOAD
    + """ AND (CAST(:at AS timestamptz) IS NULL OR (u.received_at, u.id) < (:at, CAST(:before AS uuid)))
    ORDER BY u.received_at DESC, u.id DESC LIMIT :limit"""
)
COUNT_KEPT = text("""
    SELECT count(*) FROM intake_upload u WHERE u.organisation_id = :organisation_id
        AND NOT EXISTS (SELECT FROM intake_upload_removed gone WHERE gone.upload_id = u.id)
""")

ADD_JOB = text("""
    INSERT INTO intake_upload_job (id, upload_id, dry_run, events, asked_at, key_id)
    VALUES (:id, :upload_id, :dry_run, :events, :at, :key_id)
    ON CONFLICT (upload_id) WHERE NOT dry_run DO NOTHING RETURNING id
""")
REAL_JOB_OF = text("SELECT id FROM intake_upload_job WHERE upload_id = :upload_id AND NOT dry_run")
LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtext('puhui.upload_job'), hashtext(CAST(CAST(:job AS uuid) AS text)))"
)
LAST_STEP = text("SELECT seq, state FROM intake_upload_step WHERE job_id = :job ORDER BY seq DESC LIMIT 1")
ADD_STEP = text("""
    INSERT INTO intake_upload_step (job_id, seq, state, code, intake_job, counts, at)
    VALUES (:job, :seq, :state, :code, :intake_job, CAST(:counts AS jsonb), :at)
""")

# The run of a job is the latest of its file that had not ended when the job began; of a finished job the one it names.
_RUN = """
    SELECT r.id FROM intake_job r
    WHERE r.source_id = u.source_id AND r.file_sha256 = u.sha256 AND NOT j.dry_run
      AND (r.id = last.intake_job OR last.intake_job IS NULL AND (r.finished_at IS NULL OR r.finished_at >= began.at))
    ORDER BY r.started_at DESC LIMIT 1
"""
_JOB = f"""
    SELECT j.id, j.upload_id, u.source_id, u.organisation_id, s.code AS source, u.file_name, u.file_type, u.lines,
           j.dry_run, j.asked_at, last.seq AS step, last.state, last.code, last.counts, last.at AS state_at,
           run.id AS intake_job, run.finished_at AS run_finished_at, gone.upload_id IS NOT NULL AS removed, sums.*
    FROM intake_upload_job j
    JOIN intake_upload u ON u.id = j.upload_id
    JOIN intake_source s ON s.id = u.source_id
    LEFT JOIN intake_upload_removed gone ON gone.upload_id = u.id
    CROSS JOIN LATERAL (SELECT * FROM intake_upload_step WHERE job_id = j.id ORDER BY seq DESC LIMIT 1) last
    LEFT JOIN LATERAL (SELECT at FROM intake_upload_step WHERE job_id = j.id AND state = 'running'
                       ORDER BY seq LIMIT 1) began ON true
    LEFT JOIN LATERAL (SELECT * FROM intake_job r WHERE r.id IN ({_RUN})) run ON began.at IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT COALESCE(max(c.seq), 0) AS chunk, COALESCE(max(c.last_line), 0) AS done,
               COALESCE(sum(c.received), 0)::bigint AS received, COALESCE(sum(c.accepted), 0)::bigint AS accepted,
               COALESCE(sum(c.duplicates), 0)::bigint AS duplicates,
               COALESCE(sum(c.conflicts), 0)::bigint AS conflicts, COALESCE(sum(c.rejected), 0)::bigint AS rejected,
               COALESCE(sum(c.filtered), 0)::bigint AS filtered, COALESCE(sum(c.waiting), 0)::bigint AS waiting,
               COALESCE(sum(c.grams), 0)::bigint AS grams, COALESCE(sum(c.points), 0)::bigint AS points
        FROM intake_chunk c WHERE c.job_id = run.id
    ) sums ON true
"""
JOB = text(_JOB + " WHERE j.id = :id")
JOB_OF = text(_JOB + " WHERE j.id = :id AND u.organisation_id = :organisation_id")
JOBS_OF = text(_JOB + " WHERE j.upload_id = :upload_id ORDER BY j.asked_at, j.id")

# Lines per second over the last chunks.
PACE = text("""
    SELECT (max(last_line) - min(last_line)) / NULLIF(EXTRACT(epoch FROM max(committed_at) - min(committed_at)), 0) AS pace
    FROM (SELECT last_line, committed_at FROM intake_chunk WHERE job_id = :job ORDER BY seq DESC LIMIT 8) recent
""")

REJECTED = text("""
    SELECT line, field, code, bound FROM (
        (SELECT line, field, code, bound FROM intake_rejection
         WHERE job_id = :job AND line > :after ORDER BY line LIMIT :limit)
        UNION ALL
        (SELECT line, '', 'conflict', '' FROM intake_conflict
         WHERE job_id = :job AND line > :after ORDER BY line LIMIT :limit)
        UNION ALL
        (SELECT line, '', CASE kind WHEN 'claim' THEN 'conflict' WHEN 'screen' THEN code ELSE kind END, bound
         FROM intake_held WHERE job_id = :job AND line > :after ORDER BY line LIMIT :limit)
    ) refused ORDER BY line LIMIT :limit
""")

# Jobs that are to go on and that nobody has promised to go on with.
FORGOTTEN = text("""
    SELECT j.id FROM intake_upload_job j
    CROSS JOIN LATERAL (SELECT state, at FROM intake_upload_step WHERE job_id = j.id ORDER BY seq DESC LIMIT 1) last
    WHERE last.state IN ('waiting', 'running') ORDER BY j.asked_at, j.id LIMIT :limit
""")

REMOVABLE = text("""
    SELECT u.id, u.file_type FROM intake_upload u
    WHERE u.received_at < :before
      AND NOT EXISTS (SELECT FROM intake_upload_removed gone WHERE gone.upload_id = u.id)
      AND NOT EXISTS (
          SELECT FROM intake_upload_job j
          CROSS JOIN LATERAL (SELECT state, at FROM intake_upload_step WHERE job_id = j.id ORDER BY seq DESC LIMIT 1) last
          WHERE j.upload_id = u.id AND (last.state IN ('waiting', 'running') OR last.at >= :before))
    ORDER BY u.received_at LIMIT :limit
""")
ADD_REMOVED = text("""
    INSERT INTO intake_upload_removed (upload_id, removed_at) VALUES (:id, :at) ON CONFLICT DO NOTHING
""")
