"""All SQL about contracts."""

from __future__ import annotations

from sqlalchemy import text

_EDITION = """
    SELECT id, merchant_id, programme, edition, valid_from, valid_until, period, fen_per_point, terms, fees, account_tail,
           agreed_at
    FROM contract_edition
"""

ADD = text("""
    INSERT INTO contract_edition (id, merchant_id, programme, edition, valid_from, valid_until, period, fen_per_point, terms,
                                  fees, account_sealed, account_tail, act_id, agreed_at)
    VALUES (:id, :merchant_id, :programme, :edition, :valid_from, :valid_until, :period, CAST(:fen_per_point AS numeric),
            CAST(:terms AS jsonb), CAST(:fees AS jsonb), :account_sealed, :account_tail, :act_id, :agreed_at)
""")

OF_MERCHANT = text(f"""
    {_EDITION} WHERE merchant_id = :merchant_id AND (CAST(:programme AS text) IS NULL OR programme = :programme)
    ORDER BY programme, edition DESC
""")

OF_PROGRAMME = text(f"{_EDITION} WHERE programme = :programme ORDER BY merchant_id, edition DESC")

ONE = text(f"{_EDITION} WHERE id = :id")

IN_FORCE = text(f"""
    {_EDITION} WHERE merchant_id = :merchant_id AND programme = :programme AND valid_from <= :day
    ORDER BY edition DESC LIMIT 1
""")

ACCOUNT = text("SELECT merchant_id, account_sealed FROM contract_edition WHERE id = :id")
