"""All SQL about applications of merchants."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO merchant_application
        (id, secret_digest, code, name_zh, name_en, credit_code, programmes, contact_sealed, made_at, changed_at)
    VALUES (:id, :digest, :code, :name_zh, :name_en, :credit_code, :programmes, :contact, :at, :at)
""")
CHANGE = text("""
    UPDATE merchant_application SET code = :code, name_zh = :name_zh, name_en = :name_en, credit_code = :credit_code,
        programmes = :programmes, contact_sealed = :contact, changed_at = :at
    WHERE id = :id
""")
TOUCH = text("UPDATE merchant_application SET changed_at = :at WHERE id = :id")

# How an application stands: what was submitted last, and how that ended.
_ONE = """
    SELECT a.id, a.secret_digest, a.code, a.name_zh, a.name_en, a.credit_code, a.programmes, a.contact_sealed, a.manager_id,
           a.made_at, a.changed_at, s.id AS submission_id, s.number, s.body, s.subject_sha256, s.submitted_at,
           e.ended, e.reason, e.organisation_id, e.ended_at
    FROM merchant_application a
    LEFT JOIN LATERAL (SELECT * FROM application_submission l WHERE l.application_id = a.id ORDER BY l.number DESC LIMIT 1) s
        ON true
    LEFT JOIN application_end e ON e.submission_id = s.id
"""
ONE = text(f"{_ONE} WHERE a.id = :id")
WAITING = text(f"""
    {_ONE} WHERE s.id IS NOT NULL AND e.submission_id IS NULL
        AND (CAST(:after_at AS timestamptz) IS NULL
             OR (s.submitted_at, a.id) > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY s.submitted_at, a.id LIMIT :limit
""")

ADD_DOCUMENT = text("""
    INSERT INTO merchant_document (id, application_id, kind, media_type, size_bytes, sha256, content_sealed, added_at)
    VALUES (:id, :application, :kind, :media_type, :size_bytes, :sha256, :content, :at)
""")
DOCUMENTS = text("""
    SELECT id, kind, media_type, size_bytes, sha256, added_at FROM merchant_document
    WHERE application_id = :application ORDER BY added_at, id
""")
DOCUMENT = text("""
    SELECT id, kind, media_type, size_bytes, sha256, added_at, content_sealed FROM merchant_document
    WHERE application_id = :application AND id = :id
""")
REMOVE_DOCUMENT = text(
    "DELETE FROM merchant_document WHERE application_id = :application AND id = :id RETURNING id"
)

SUBMIT = text("""
    INSERT INTO application_submission (id, application_id, number, body, subject_sha256, submitted_at)
    VALUES (:id, :application, :number, CAST(:body AS jsonb), :sha256, :at)
""")
WAITING_CODE = text("""
    SELECT 1 FROM application_submission s LEFT JOIN application_end e ON e.submission_id = s.id
    WHERE s.body ->> 'credit_code' = :credit_code AND e.submission_id IS NULL LIMIT 1
""")
ADMITTED_CODE = text("SELECT 1 FROM application_end WHERE credit_code = :credit_code")
END = text("""
    INSERT INTO application_end (submission_id, ended, reason, organisation_id, credit_code, act_id, ended_by, ended_at)
    VALUES (:submission, :ended, :reason, :organisation, :credit_code, :act, :by, :at)
    ON CONFLICT DO NOTHING RETURNING submission_id
""")
MANAGER = text("UPDATE merchant_application SET manager_id = :manager WHERE id = :id")

# Applications that nobody goes on with, with their documents; those that were admitted stay.
FORGET = text("""
    DELETE FROM merchant_application a WHERE a.changed_at < :before AND (a.changed_at < :handed_in_before
            OR NOT EXISTS (SELECT FROM application_submission s WHERE s.application_id = a.id))
        AND NOT EXISTS (SELECT FROM application_submission s LEFT JOIN application_end e ON e.submission_id = s.id
                        WHERE s.application_id = a.id AND e.ended IS DISTINCT FROM 'sent_back')
""")
