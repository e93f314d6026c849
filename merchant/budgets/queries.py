"""All SQL about budgets of offers. What is taken is moved by the database's functions."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO offer_budget (id, programme, merchant_id, name_zh, name_en, points, first_day, last_day, set_by, set_at)
    VALUES (:id, :programme, :merchant, :name_zh, :name_en, :points, :first_day, :last_day, :by, :at)
""")
USED = text("INSERT INTO offer_budget_used (budget_id, points) VALUES (:id, 0)")
# Only offers of the programme come through.
OFFERS = text("""
    INSERT INTO offer_budget_offer (budget_id, offer_id)
    SELECT :id, o.id FROM offer o WHERE o.programme = :programme AND o.id = ANY (CAST(:offers AS uuid[])) RETURNING offer_id
""")
END = text("""
    INSERT INTO offer_budget_end (budget_id, ended_by, ended_at) VALUES (:id, :by, :at) ON CONFLICT (budget_id) DO NOTHING
""")
_BUDGET = """
    SELECT b.id, b.programme, b.merchant_id, b.name_zh, b.name_en, b.points, u.points AS used_points, b.first_day, b.last_day,
           b.set_at, e.ended_at,
           ARRAY(SELECT o.offer_id FROM offer_budget_offer o WHERE o.budget_id = b.id ORDER BY o.offer_id) AS offers
    FROM offer_budget b JOIN offer_budget_used u ON u.budget_id = b.id LEFT JOIN offer_budget_end e ON e.budget_id = b.id
"""
ONE = text(f"{_BUDGET} WHERE b.id = :id AND b.programme = :programme")
MANY = text(f"""
    {_BUDGET} WHERE (CAST(:programme AS text) IS NULL OR b.programme = :programme)
        AND (CAST(:merchant AS uuid) IS NULL OR b.merchant_id = :merchant OR EXISTS (
            SELECT FROM offer_budget_offer l JOIN offer o ON o.id = l.offer_id
            WHERE l.budget_id = b.id AND o.merchant_id = :merchant))
        AND (CAST(:after_at AS timestamptz) IS NULL
             OR (b.set_at, b.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY b.set_at DESC, b.id DESC LIMIT :limit
""")
