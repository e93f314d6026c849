"""All SQL about units with serial numbers."""

from __future__ import annotations

from sqlalchemy import text

OPEN_BOOK = text("SELECT serial_open_book(:code, :unit, :demo)")

POST = text(
    "SELECT posting_id, outcome FROM ledger_post_serials(CAST(:postings AS uuid[]), CAST(:lines AS integer[]), "
    "CAST(:debits AS bigint[]), CAST(:credits AS bigint[]), CAST(:amounts AS bigint[]), "
    "CAST(:reasons AS text[]), CAST(:happened AS timestamptz[]), CAST(:piece_postings AS uuid[]), "
    "CAST(:piece_lines AS integer[]), CAST(:piece_lows AS bigint[]), CAST(:piece_highs AS bigint[]))"
)
MOVED = text("""
    SELECT posting_id, line, lower(serials) AS low, upper(serials) AS high FROM serial_movement
    WHERE posting_id = ANY (CAST(:postings AS uuid[])) ORDER BY posting_id, line, piece
""")

BOOKS = text("""
    SELECT code, unit, demo FROM serial_book
    WHERE CAST(:codes AS text[]) IS NULL OR code = ANY (CAST(:codes AS text[])) ORDER BY code
""")

BLOCKS = text("""
    SELECT k.code AS book, lower(b.serials) AS low, upper(b.serials) AS high, a.code AS account
    FROM ledger_account a
    JOIN serial_block b ON b.account_id = a.id
    JOIN serial_book k ON k.id = b.book_id
    WHERE a.code >= :low COLLATE "C" AND a.code < :high COLLATE "C"
    ORDER BY k.code, lower(b.serials)
""")

BLOCK_OF = text("""
    SELECT k.code AS book, lower(b.serials) AS low, upper(b.serials) AS high, a.code AS account
    FROM serial_book k
    JOIN serial_block b ON int8range(b.book_id, b.book_id, '[]') && int8range(k.id, k.id, '[]')
        AND b.serials && int8range(CAST(:number AS bigint), CAST(:number AS bigint) + 1)
    JOIN ledger_account a ON a.id = b.account_id
    WHERE k.code = :book
""")

HISTORY = text("""
    SELECT m.posting_id, m.line, lower(m.serials) AS low, upper(m.serials) AS high, t.reason,
           d.code AS debit, c.code AS credit, t.happened_at, t.recorded_at
    FROM serial_book k
    JOIN serial_movement m ON int8range(m.book_id, m.book_id, '[]') && int8range(k.id, k.id, '[]')
        AND m.serials && int8range(CAST(:number AS bigint), CAST(:number AS bigint) + 1)
    JOIN ledger_transfer t ON t.posting_id = m.posting_id AND t.line = m.line
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    WHERE k.code = :book ORDER BY m.seq
""")

EVERY_BOOK = text("SELECT id, code FROM serial_book ORDER BY id")
MOVEMENTS_OF = text("""
    SELECT lower(m.serials) AS low, upper(m.serials) AS high, t.debit_id, t.credit_id
    FROM serial_movement m JOIN ledger_transfer t ON t.posting_id = m.posting_id AND t.line = m.line
    WHERE m.book_id = :book
""")
BLOCKS_OF = text("""
    SELECT lower(serials) AS low, upper(serials) AS high, account_id FROM serial_block
    WHERE book_id = :book ORDER BY lower(serials)
""")
MINTS = text(
    "SELECT a.id FROM ledger_account a JOIN ledger_kind k ON k.kind = a.kind WHERE k.serials = 'mint'"
)
