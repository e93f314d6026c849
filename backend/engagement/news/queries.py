"""All SQL of news but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

STANDING = text("""
    SELECT i.id, i.on_day, i.title_zh, i.title_en, i.body_zh, i.body_en
    FROM news_item i LEFT JOIN news_withdrawal w ON w.item_id = i.id
    WHERE i.programme_id = :programme AND i.on_day <= :until AND w.item_id IS NULL
    ORDER BY i.on_day DESC, i.id DESC
""")
PUBLISH = text("""
    INSERT INTO news_item (id, programme_id, on_day, title_zh, title_en, body_zh, body_en, published_by, published_at)
    VALUES (:id, :programme, :on, :title_zh, :title_en, :body_zh, :body_en, :by, :at)
""")
WITHDRAW = text("""
    INSERT INTO news_withdrawal (item_id, withdrawn_by, withdrawn_at)
    SELECT id, :by, :at FROM news_item WHERE programme_id = :programme AND id = :id
    ON CONFLICT (item_id) DO NOTHING RETURNING item_id
""")
