"""All SQL about pictures of offers."""

from __future__ import annotations

from sqlalchemy import text

KEEP = text("""
    INSERT INTO image (sha256, media_type, width, height, content, kept_at)
    VALUES (:sha256, :media_type, :width, :height, :content, :at) ON CONFLICT (sha256) DO NOTHING
""")
OF_OFFER = text("""
    SELECT i.number, i.sha256, r.number IS NULL AS stands FROM offer_image i
    LEFT JOIN offer_image_removal r ON r.offer_id = i.offer_id AND r.number = i.number
    WHERE i.offer_id = :offer ORDER BY i.number
""")
ADD = text("""
    INSERT INTO offer_image (offer_id, number, sha256, added_by, added_at) VALUES (:offer, :number, :sha256, :by, :at)
""")
REMOVE = text("""
    INSERT INTO offer_image_removal (offer_id, number, removed_by, removed_at) VALUES (:offer, :number, :by, :at)
""")
# What no offer has any more is not told.
ONE = text("""
    SELECT i.media_type, i.width, i.height, i.content FROM image i
    WHERE i.sha256 = :sha256 AND EXISTS (
        SELECT FROM offer_image o WHERE o.sha256 = i.sha256 AND NOT EXISTS (
            SELECT FROM offer_image_removal r WHERE r.offer_id = o.offer_id AND r.number = o.number))
""")
