"""What must hold of partners' files and of the jobs that took them in."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_UPLOADS = Rule(
    "intake_upload",
    """
        SELECT place, fault FROM (
            SELECT u.id AS place, CASE
                WHEN NOT EXISTS (SELECT FROM intake_source s JOIN organisation o ON o.code = s.partner_code
                                 WHERE s.id = u.source_id AND o.id = u.organisation_id) THEN 'source'
                WHEN NOT EXISTS (SELECT FROM partner_key k WHERE k.id = u.key_id AND NOT k.sandbox
                                 AND k.organisation_id = u.organisation_id) THEN 'key'
            END AS fault
            FROM intake_upload u
        ) found WHERE fault IS NOT NULL
    """,
    {
        "source": ("it is of a source that is not its sender's", "所属来源不是发送方的"),
        "key": ("no key of its sender stands for it", "没有发送方的密钥为其签名"),
    },
)
_JOBS = Rule(
    "intake_upload_job",
    """
        SELECT place, fault FROM (
            SELECT j.id AS place, CASE
                WHEN u.id IS NULL OR j.asked_at < u.received_at THEN 'upload'
                WHEN NOT EXISTS (SELECT FROM partner_key k WHERE k.id = j.key_id AND NOT k.sandbox
                                 AND k.organisation_id = u.organisation_id) THEN 'key'
                WHEN j.events <> CASE WHEN j.dry_run THEN 0 ELSE COALESCE(u.lines, 0) END THEN 'events'
                WHEN NOT EXISTS (SELECT FROM intake_upload_step s WHERE s.job_id = j.id) THEN 'steps'
                WHEN NOT j.dry_run AND EXISTS (
                    SELECT FROM intake_upload_job o WHERE o.upload_id = j.upload_id AND o.id <> j.id AND NOT o.dry_run)
                    THEN 'twice'
            END AS fault
            FROM intake_upload_job j LEFT JOIN intake_upload u ON u.id = j.upload_id
        ) found WHERE fault IS NOT NULL
    """,
    {
        "upload": ("there was no such file when it was asked for", "要求时没有该文件"),
        "key": ("no key of the file's sender stands for it", "没有文件发送方的密钥为其签名"),
        "events": ("it counts other events than its file has", "计入配额的事件数与文件不符"),
        "steps": ("nothing is noted of it", "没有任何步骤"),
        "twice": ("its file is taken in by another job, too", "同一文件另有接入任务"),
    },
)
_STEPS = Rule(
    "intake_upload_step",
    """
        SELECT place, fault FROM (
            SELECT s.job_id || '/' || s.seq AS place, CASE
                WHEN j.id IS NULL THEN 'job'
                WHEN s.seq = 1 AND s.state <> 'waiting' OR s.seq > 1 AND (before.seq IS NULL OR NOT CASE before.state
                    WHEN 'waiting' THEN s.state IN ('running', 'cancelled', 'failed')
                    WHEN 'running' THEN s.state IN ('cancelled', 'finished', 'failed')
                    WHEN 'cancelled' THEN s.state IN ('waiting', 'finished')
                    WHEN 'failed' THEN s.state = 'waiting' ELSE false END) THEN 'order'
                WHEN s.at < COALESCE(before.at, j.asked_at) THEN 'time'
                WHEN (s.code <> '') <> (s.state = 'failed') THEN 'code'
                WHEN (s.counts IS NOT NULL) <> (s.state = 'finished' AND j.dry_run) OR (s.counts->>'received')::bigint <>
                    (s.counts->>'accepted')::bigint + (s.counts->>'duplicates')::bigint
                    + (s.counts->>'conflicts')::bigint + (s.counts->>'rejected')::bigint
                    + (s.counts->>'filtered')::bigint THEN 'counts'
                WHEN (s.intake_job IS NOT NULL) <> (s.state = 'finished' AND NOT j.dry_run) THEN 'run'
                WHEN s.intake_job IS NOT NULL AND NOT EXISTS (
                    SELECT FROM intake_job r JOIN intake_upload u ON u.source_id = r.source_id AND u.sha256 = r.file_sha256
                    WHERE r.id = s.intake_job AND u.id = j.upload_id AND r.finished_at IS NOT NULL) THEN 'run'
            END AS fault
            FROM intake_upload_step s
            LEFT JOIN intake_upload_job j ON j.id = s.job_id
            LEFT JOIN intake_upload_step before ON before.job_id = s.job_id AND before.seq = s.seq - 1
        ) found WHERE fault IS NOT NULL
    """,
    {
        "job": ("it is of no job", "没有所属的任务"),
        "order": ("it cannot follow the step before it", "不能接续前一步"),
        "time": ("it is earlier than the step before it", "早于前一步"),
        "code": ("it has a reason without a failure, or a failure without a reason", "失败与原因不一致"),
        "counts": ("its counts are not those of a trial that finished", "试算计数与完成的试算不符"),
        "run": ("what took the file in is not what it names", "所记接入与文件不符"),
    },
)
_REMOVED = Rule.single(
    "intake_upload_removed",
    """
        SELECT g.upload_id AS place FROM intake_upload_removed g
        WHERE NOT EXISTS (SELECT FROM intake_upload u WHERE u.id = g.upload_id AND u.received_at <= g.removed_at)
           OR EXISTS (
               SELECT FROM intake_upload_job j
               CROSS JOIN LATERAL (SELECT state, at FROM intake_upload_step WHERE job_id = j.id
                                   ORDER BY seq DESC LIMIT 1) last
               WHERE j.upload_id = g.upload_id AND (last.state IN ('waiting', 'running') OR last.at > g.removed_at))
    """,
    en="its file was removed before it was there, or while a job still had to do with it",
    zh="文件在接收之前或任务未结束时被删除",
)


async def uploads(session: AsyncSession) -> Checked:
    """Files come from their senders; each is taken in by one job at most, whose steps follow each other to what it names."""
    checked = Checked(
        rows=await count_rows(
            session, "SELECT (SELECT count(*) FROM intake_upload) + (SELECT count(*) FROM intake_upload_step)"
        )
    )
    return await look_for(session, checked, (_UPLOADS, _JOBS, _STEPS, _REMOVED))
