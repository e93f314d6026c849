"""What of intake is sealed into the log: everything but when a job ended."""

from __future__ import annotations

from backend import log

log.register(
    log.Sealed("action", key=("claim_key",)),
    log.Sealed("action_claim", key=("claim_key",)),
    log.Sealed("intake_chunk", key=("id",)),
    log.Sealed("intake_source", key=("id",)),
    log.Sealed("intake_job", key=("id",), leave_out=("finished_at",)),
    log.Sealed("intake_rejection", key=("job_id", "line")),
    log.Sealed("intake_conflict", key=("job_id", "line")),
    log.Sealed("intake_held", key=("job_id", "line")),
    log.Sealed("action_trimmed", key=("claim_key",)),
    log.Sealed("action_unfunded", key=("claim_key",)),
    log.Sealed("budget_reached", key=("posting_id",)),
    log.Sealed("action_withdrawn", key=("claim_key",)),
    log.Sealed("action_revision", key=("claim_key",)),
    log.Sealed("intake_decision", key=("id",)),
    log.Sealed("intake_correction", key=("id",)),
    log.Sealed("intake_appeal", key=("id",)),
    log.Sealed("intake_appeal_answer", key=("appeal_id",)),
    log.Sealed("intake_upload", key=("id",)),
    log.Sealed("intake_upload_job", key=("id",)),
    log.Sealed("intake_upload_step", key=("job_id", "seq")),
    log.Sealed("intake_upload_removed", key=("upload_id",)),
)
