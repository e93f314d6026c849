"""All SQL of lotteries but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

LOCK = text("SELECT pg_advisory_xact_lock(7318031, hashtext(CAST(:lottery AS text)))")

ADD = text("""
    INSERT INTO lottery (id, programme_id, reward, operator_id, second_id, points, most_per_person, most_entries,
        one_prize_per_person, prizes, enter_from, enter_until, reveal_until, opened_by, opened_at, log_index)
    VALUES (:id, :programme_id, :reward, :operator_id, :second_id, :points, :most_per_person, :most_entries,
        :one_prize_per_person, CAST(:prizes AS jsonb), :enter_from, :enter_until, :reveal_until, :opened_by, :opened_at,
        :log_index)
""")
_LOTTERIES = """
    SELECT l.id, p.code AS programme, l.reward, l.operator_id, o.code AS operator, l.second_id, s.code AS second, l.points,
           l.most_per_person, l.most_entries, l.one_prize_per_person, l.prizes, l.enter_from, l.enter_until,
           l.reveal_until, l.opened_by, l.opened_at, l.log_index,
           (SELECT jsonb_object_agg(c.party, encode(c.commitment, 'hex')) FROM lottery_commitment c
            WHERE c.lottery_id = l.id) AS commitments,
           (SELECT jsonb_object_agg(r.party, encode(r.secret, 'hex')) FROM lottery_reveal r
            WHERE r.lottery_id = l.id) AS secrets,
           x.closed_at, x.entries_sha256, d.outcome, COALESCE(d.failed_by, '{}') AS failed_by, d.decided_at
    FROM lottery l
    JOIN programme p ON p.id = l.programme_id
    JOIN organisation o ON o.id = l.operator_id
    JOIN organisation s ON s.id = l.second_id
    LEFT JOIN lottery_close x ON x.lottery_id = l.id
    LEFT JOIN lottery_result d ON d.lottery_id = l.id
"""
ONE = text(_LOTTERIES + " WHERE l.id = :id")
OF_PROGRAMME = text(
    _LOTTERIES
    + """
    WHERE p.code = :programme
        AND (CAST(:before AS timestamptz) IS NULL
             OR (l.opened_at, l.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY l.opened_at DESC, l.id DESC LIMIT :limit
    """
)
OF_PARTY = text(
    _LOTTERIES
    + """
    WHERE :organisation IN (l.operator_id, l.second_id)
        AND (CAST(:before AS timestamptz) IS NULL
             OR (l.opened_at, l.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY l.opened_at DESC, l.id DESC LIMIT :limit
    """
)
ALL = text(_LOTTERIES + " ORDER BY l.id")

COMMIT = text("""
    INSERT INTO lottery_commitment (lottery_id, party, organisation_id, commitment, committed_by, committed_at, log_index)
    VALUES (:lottery, :party, :organisation, :commitment, :by, :at, :log_index)
""")
COUNTED = text("""
    SELECT count(*) AS entries, count(*) FILTER (WHERE participant_id = :participant) AS own,
           max(handle) FILTER (WHERE participant_id = :participant) AS handle
    FROM lottery_entry WHERE lottery_id = :lottery
""")
ENTER = text("""
    INSERT INTO lottery_entry (id, lottery_id, participant_id, number, handle, points, entered_at)
    VALUES (:id, :lottery_id, :participant_id, :number, :handle, :points, :entered_at)
""")
_ENTRIES = "SELECT id, lottery_id, participant_id, number, handle, points, entered_at FROM lottery_entry"
ENTRIES = text(_ENTRIES + " WHERE lottery_id = :lottery ORDER BY handle, number")
OWN_ENTRIES = text(
    _ENTRIES + " WHERE lottery_id = :lottery AND participant_id = :participant ORDER BY number"
)
CLOSE = text("""
    INSERT INTO lottery_close (lottery_id, entries, entries_sha256, closed_at, log_index, log_count)
    VALUES (:lottery, :entries, :sha256, :at, :log_index, :log_count)
""")
REVEAL = text("""
    INSERT INTO lottery_reveal (lottery_id, party, secret, revealed_by, revealed_at, log_index)
    VALUES (:lottery, :party, :secret, :by, :at, :log_index)
""")
RESULT = text("""
    INSERT INTO lottery_result (lottery_id, outcome, seed, failed_by, decided_at, log_index)
    VALUES (:lottery, :outcome, :seed, CAST(:failed_by AS text[]), :at, :log_index)
""")
WIN = text("""
    INSERT INTO lottery_winner (lottery_id, place, prize, entry_id, grant_id)
    VALUES (:lottery, :place, :prize, :entry, :grant)
""")
WINNERS = text("""
    SELECT w.place, w.prize, e.handle || '-' || e.number AS label, e.participant_id, w.grant_id
    FROM lottery_winner w JOIN lottery_entry e ON e.id = w.entry_id
    WHERE w.lottery_id = :lottery ORDER BY w.place
""")
DUE = text("""
    SELECT l.id FROM lottery l
    LEFT JOIN lottery_close x ON x.lottery_id = l.id LEFT JOIN lottery_result d ON d.lottery_id = l.id
    WHERE x.lottery_id IS NULL AND l.enter_until <= :now OR d.lottery_id IS NULL AND l.reveal_until <= :now
    ORDER BY l.id
""")
LOGGED = text("""
    SELECT l.log_index, 1 AS entries FROM lottery l WHERE l.id = :lottery
    UNION ALL SELECT c.log_index, 1 FROM lottery_commitment c WHERE c.lottery_id = :lottery
    UNION ALL SELECT x.log_index - x.log_count + 1, x.log_count FROM lottery_close x WHERE x.lottery_id = :lottery
    UNION ALL SELECT r.log_index, 1 FROM lottery_reveal r WHERE r.lottery_id = :lottery
    UNION ALL SELECT d.log_index, 1 FROM lottery_result d WHERE d.lottery_id = :lottery
    ORDER BY 1
""")
