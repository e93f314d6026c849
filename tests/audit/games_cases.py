"""What breaks the invariants of rewards, lotteries, trees and events."""

from __future__ import annotations

DRAWN = "(SELECT lottery_id FROM lottery_result WHERE outcome = 'drawn')"
FAILED = "(SELECT lottery_id FROM lottery_result WHERE outcome = 'failed')"
BAG = "id = (SELECT min(id::text)::uuid FROM reward_grant WHERE reward = 'bag')"
WAITING = """id = (SELECT g.id FROM reward_grant g WHERE g.reward = 'bag'
    AND NOT EXISTS (SELECT FROM reward_outcome o WHERE o.grant_id = g.id))"""
PLANTED = "grant_id = (SELECT grant_id FROM tree WHERE kind = 'planting' AND partner IS NOT NULL)"
ADOPTED = "kind = 'adoption'"
VIRTUAL = "partner IS NULL"
LECTURE = "(SELECT id FROM event WHERE title_en = 'lecture')"
RIDE = "(SELECT id FROM event WHERE title_en = 'ride')"
CAME = "(SELECT signup_id FROM event_check_in)"
NOBODY = "gen_random_uuid()"
STRANGER = "(SELECT id FROM staff WHERE login = 'till')"
LATER = "interval '1 day'"
ONE_ENTRY = f"id = (SELECT min(id::text)::uuid FROM lottery_entry WHERE lottery_id = {DRAWN})"
COPIED = """INSERT INTO reward_grant SELECT {id}, programme_id, reward, kind, participant_id, {number}, points,
    protects_from, protects_until, granted_at, xid FROM reward_grant WHERE """

CASES: dict[str, list[tuple[str, ...]]] = {
    "points.spent": [
        (f"UPDATE reward_grant SET points = points + 1 WHERE {BAG}",),
        (f"UPDATE reward_grant SET granted_at = granted_at - interval '1 second' WHERE {BAG}",),
        (f"UPDATE lottery_entry SET points = points - 1 WHERE {ONE_ENTRY}",),
        (f"UPDATE event_signup SET points = 0 WHERE id = {CAME}",),
        ("UPDATE ledger_transfer SET reason = 'points.held' WHERE reason = 'points.spent'",),
        ("DELETE FROM reward_outcome WHERE outcome = 'refused'",),
        ("UPDATE reward_outcome SET outcome = 'refused' WHERE outcome = 'delivered'",),
        (f"DELETE FROM lottery_result WHERE lottery_id = {FAILED}",),
        ("DELETE FROM event_signup_end WHERE how = 'no_seat'",),
        ("UPDATE event_signup_end SET ended_at = ended_at + interval '1 second' WHERE how = 'cancelled'",),
        (f"DELETE FROM reward_grant WHERE {WAITING}",),
        (f"DELETE FROM lottery_entry WHERE {ONE_ENTRY}",),
        (f"DELETE FROM event_signup WHERE id = {CAME}",),
        (
            f"""INSERT INTO ledger_transfer
                SELECT gen_random_uuid(), line, credit_id, debit_id, unit, amount, 'points.given_back', happened_at,
                       recorded_at, posting_id, NULL, xid
                FROM ledger_transfer WHERE posting_id = (SELECT id FROM reward_grant WHERE {WAITING})""",
        ),
    ],
    "causes.handed": [
        ("UPDATE cause_handover SET noted_by = (SELECT id FROM staff WHERE login = 'games-desert')",),
        ("UPDATE cause_handover SET programme_id = (SELECT id FROM programme WHERE code = 'gd-green-travel')",),
        ("UPDATE cause_handover SET handed_on = handed_on + 1",),
        ("UPDATE cause_handover SET corrects = gen_random_uuid() WHERE corrects IS NOT NULL",),
        ("UPDATE cause_handover SET points = points + 1 WHERE corrects IS NOT NULL",),
        ("UPDATE cause_handover SET money_fen = money_fen + 1 WHERE corrects IS NOT NULL",),
        ("UPDATE cause_handover SET recipient_zh = 'x' WHERE corrects IS NOT NULL",),
        ("UPDATE cause_handover SET points = points + 100 WHERE reference = 'R-1'",),
        ("DELETE FROM reward_grant WHERE reward = 'reed-bed'",),
    ],
    "rewards.granted": [
        ("UPDATE reward_grant SET points = 6 WHERE reward = 'reed-bed'",),
        (f"UPDATE reward_grant SET number = number + 7 WHERE {BAG}",),
        (f"UPDATE reward_grant SET reward = 'moon' WHERE {BAG}",),
        (f"UPDATE reward_grant SET kind = 'voucher' WHERE {BAG}",),
        (f"UPDATE reward_grant SET points = points + 1 WHERE {BAG}",),
        (
            COPIED.format(id="gen_random_uuid()", number="number + 10") + BAG,
            COPIED.format(id="gen_random_uuid()", number="number + 11") + BAG,
            """UPDATE reward_grant g SET number = o.own
               FROM (SELECT id, row_number() OVER (ORDER BY number) AS own FROM reward_grant WHERE reward = 'bag') o
               WHERE o.id = g.id""",
        ),
        (
            COPIED.format(id="gen_random_uuid()", number="4") + BAG,
            "UPDATE reward_grant SET participant_id = gen_random_uuid() WHERE reward = 'bag' AND number = 4",
            "DELETE FROM reward_outcome WHERE outcome = 'refused'",
        ),
        (
            "UPDATE reward_grant SET participant_id = (SELECT participant_id FROM reward_grant WHERE reward = 'bag' AND number = 1) WHERE reward = 'bag'",
            "DELETE FROM reward_outcome WHERE outcome = 'refused'",
        ),
        ("UPDATE reward_grant SET protects_until = protects_until + interval '1 hour' WHERE kind = 'prop'",),
        ("UPDATE reward_grant SET protects_from = NULL, protects_until = NULL WHERE kind = 'prop'",),
        (f"UPDATE reward_grant SET protects_from = granted_at, protects_until = granted_at WHERE {BAG}",),
        ("UPDATE reward_outcome SET grant_id = gen_random_uuid() WHERE outcome = 'delivered'",),
        ("UPDATE reward_outcome SET grant_id = (SELECT max(id::text)::uuid FROM reward_grant WHERE kind = 'prop') WHERE outcome = 'refused' AND words = 'drought'",),
        (f"UPDATE reward_outcome SET decided_at = decided_at - {LATER}",),
        (f"UPDATE reward_outcome SET decided_by = {STRANGER} WHERE outcome = 'refused'",),
        (f"UPDATE reward_outcome SET decided_by = {NOBODY} WHERE outcome = 'refused'",),
    ],
    "lotteries.drawn": [
        (f"UPDATE lottery SET opened_by = {STRANGER}",),
        ("UPDATE lottery SET second_id = operator_id",),
        (f"UPDATE lottery SET second_id = {NOBODY}",),
        ("UPDATE lottery SET reveal_until = enter_until",),
        (f"UPDATE lottery SET points = points + 1 WHERE id = {DRAWN}",),
        (f"UPDATE lottery SET most_per_person = 2 WHERE id = {DRAWN}",),
        (f"UPDATE lottery SET most_entries = NULL WHERE id = {DRAWN}",),
        (f"UPDATE lottery SET one_prize_per_person = false WHERE id = {DRAWN}",),
        (f"UPDATE lottery SET prizes = jsonb_set(prizes, '{{0,count}}', '2') WHERE id = {DRAWN}",),
        (f"UPDATE lottery SET reward = 'autumn' WHERE id = {DRAWN}",),
        (f"UPDATE lottery_commitment SET committed_by = {STRANGER} WHERE party = 'second'",),
        (  # both are the operator's own
            "ALTER TABLE lottery_commitment DROP CONSTRAINT lottery_commitment_lottery_id_commitment_key",
            """UPDATE lottery_commitment c SET commitment = o.commitment FROM lottery_commitment o
               WHERE o.lottery_id = c.lottery_id AND o.party = 'operator' AND c.party = 'second'""",
        ),
        (f"UPDATE lottery_commitment SET committed_at = committed_at + 2 * {LATER}",),
        (f"UPDATE lottery_commitment SET commitment = sha256(commitment) WHERE lottery_id = {DRAWN}",),
        (f"DELETE FROM lottery_commitment WHERE lottery_id = {DRAWN} AND party = 'second'",),
        (f"UPDATE lottery_entry SET participant_id = {NOBODY} WHERE {ONE_ENTRY}",),
        (f"UPDATE lottery_entry SET lottery_id = {NOBODY} WHERE {ONE_ENTRY}",),
        (f"UPDATE lottery_entry SET points = points + 1 WHERE {ONE_ENTRY}",),
        (f"UPDATE lottery_entry SET entered_at = entered_at + {LATER} WHERE {ONE_ENTRY}",),
        (f"UPDATE lottery_entry SET entered_at = entered_at - {LATER} WHERE {ONE_ENTRY}",),
        (f"UPDATE lottery_entry SET number = number + 5 WHERE {ONE_ENTRY}",),
        (f"UPDATE lottery_entry SET handle = repeat('0', 16) WHERE {ONE_ENTRY}",),
        (f"DELETE FROM lottery_entry WHERE {ONE_ENTRY}",),
        (
            f"""INSERT INTO lottery_entry SELECT gen_random_uuid(), lottery_id, participant_id, number + 1, handle, points,
                entered_at, xid FROM lottery_entry WHERE lottery_id = {DRAWN} AND number = 2""",
        ),
        ("UPDATE lottery_close SET entries = entries + 1",),
        ("UPDATE lottery_close SET entries_sha256 = sha256(entries_sha256)",),
        (f"UPDATE lottery_close SET closed_at = closed_at - {LATER}",),
        (f"DELETE FROM lottery_close WHERE lottery_id = {DRAWN}",),
        (f"UPDATE lottery_close SET closed_at = closed_at + {LATER} WHERE lottery_id = {DRAWN}",),
        ("UPDATE lottery_reveal SET secret = sha256(secret) WHERE party = 'second'",),
        (f"UPDATE lottery_reveal SET revealed_at = revealed_at + {LATER}",),
        (f"UPDATE lottery_reveal SET revealed_by = {STRANGER} WHERE party = 'second'",),
        ("UPDATE lottery_result SET seed = sha256(seed) WHERE outcome = 'drawn'",),
        ("UPDATE lottery_result SET failed_by = '{operator}' WHERE outcome = 'failed'",),
        (f"UPDATE lottery_result SET decided_at = decided_at - {LATER} WHERE outcome = 'failed'",),
        ("UPDATE lottery_result SET outcome = 'failed', failed_by = '{second}', seed = NULL WHERE outcome = 'drawn'",),
        ("DELETE FROM lottery_result WHERE outcome = 'drawn'",),
        ("DELETE FROM lottery_winner WHERE place = 3",),
        ("UPDATE lottery_winner SET prize = 'bike' WHERE place = 2",),
        ("UPDATE lottery_winner SET place = place + 1 WHERE place = 3",),
        (
            f"""UPDATE lottery_winner SET entry_id = (SELECT e.id FROM lottery_entry e WHERE e.lottery_id = {DRAWN}
                    AND NOT EXISTS (SELECT FROM lottery_winner w WHERE w.entry_id = e.id) LIMIT 1) WHERE place = 1""",
        ),
        ("UPDATE lottery_winner SET grant_id = gen_random_uuid() WHERE place = 1",),
        ("UPDATE reward_grant SET participant_id = (SELECT max(id::text)::uuid FROM participant) WHERE kind = 'lottery'",),
        ("UPDATE reward_grant SET kind = 'lottery' WHERE reward = 'bag'",),
        (f"UPDATE lottery SET log_index = log_index + 1 WHERE id = {DRAWN}",),
        (f"UPDATE lottery_result SET log_index = 0 WHERE lottery_id = {DRAWN}",),
        (f"DELETE FROM lottery WHERE id = {FAILED}",),
    ],
    "trees.planted": [
        (f"UPDATE tree_batch SET made_by = {STRANGER}",),
        ("DELETE FROM tree_batch_order",),
        (f"UPDATE tree_batch SET made_at = made_at - {LATER}",),
        (f"UPDATE tree_batch_order SET grant_id = {NOBODY} WHERE {PLANTED}",),
        (f"UPDATE tree_batch_order SET batch_id = {NOBODY} WHERE {PLANTED}",),
        (
            """INSERT INTO tree_batch_order SELECT t.grant_id, b.id, b.xid FROM tree t, tree_batch b
               WHERE t.partner IS NULL""",
        ),
        (f"UPDATE tree_batch SET made_at = made_at + {LATER}",),
        (f"UPDATE tree SET grant_id = {NOBODY} WHERE {PLANTED}",),
        (f"UPDATE tree SET kind = 'adoption', stands_until = planted_on WHERE {PLANTED}",),
        (f"UPDATE tree SET planted_on = planted_on + 1 WHERE {VIRTUAL}",),
        (f"UPDATE tree SET reported_by = {STRANGER} WHERE {VIRTUAL}",),
        (f"UPDATE tree SET partner = 'another' WHERE {PLANTED}",),
        (f"UPDATE tree SET reported_by = {STRANGER} WHERE {PLANTED}",),
        (f"UPDATE tree SET reported_at = reported_at - {LATER} WHERE {PLANTED}",),
        (f"UPDATE tree SET place = NULL WHERE {PLANTED}",),
        (f"UPDATE tree SET planted_on = planted_on + 2 WHERE {PLANTED}",),
        (f"UPDATE tree SET planted_on = planted_on - 2 WHERE {PLANTED}",),
        (f"UPDATE tree SET stands_until = planted_on WHERE {PLANTED}",),
        (f"UPDATE tree SET stands_until = planted_on - 1 WHERE {ADOPTED}",),
        (f"UPDATE tree SET stands_until = NULL WHERE {ADOPTED}",),
        (
            "ALTER TABLE tree DROP CONSTRAINT IF EXISTS tree_certificate_key",
            "UPDATE tree SET certificate = (SELECT min(certificate) FROM tree)",
        ),
        (
            "DROP INDEX tree_planted_once",
            f"""UPDATE tree SET kind = 'planting', stands_until = NULL, reference = 'A-1' WHERE {ADOPTED}""",
        ),
        (f"DELETE FROM tree WHERE {PLANTED}",),
        (f"DELETE FROM tree WHERE {VIRTUAL}",),
        (
            """INSERT INTO tree SELECT o.grant_id, 'AAAA-AAAA-AAAA', t.kind, t.partner, 'A-9', t.place, t.planted_on,
                   t.stands_until, o.decided_by, o.decided_at, t.xid
               FROM tree t, reward_outcome o WHERE t.reference = 'A-1' AND o.words = 'drought'""",
        ),
        (f"UPDATE tree SET partner = NULL, reported_by = NULL, reference = NULL, place = NULL WHERE {PLANTED}",),
    ],
    "events.attended": [
        (f"UPDATE event SET published_by = {STRANGER}",),
        ("UPDATE event SET ends_at = starts_at",),
        (f"UPDATE event_called_off SET called_off_at = called_off_at + {LATER}",),
        (f"UPDATE event_called_off SET called_off_by = {STRANGER}",),
        (f"UPDATE event_called_off SET event_id = {LECTURE}",),
        (f"UPDATE event_called_off SET event_id = {NOBODY}",),
        (f"UPDATE event_signup SET event_id = {NOBODY} WHERE id = {CAME}",),
        (f"UPDATE event_signup SET participant_id = {NOBODY} WHERE id = {CAME}",),
        (f"UPDATE event_signup SET points = points + 1 WHERE id = {CAME}",),
        (f"UPDATE event_signup SET signed_up_at = signed_up_at + {LATER} WHERE id = {CAME}",),
        (f"UPDATE event_signup SET signed_up_at = signed_up_at - {LATER} WHERE id = {CAME}",),
        (f"UPDATE event_signup SET number = number + 9 WHERE id = {CAME}",),
        (
            f"""UPDATE event_signup SET participant_id = (SELECT participant_id FROM event_signup WHERE id = {CAME})
                WHERE event_id = {LECTURE} AND number = 3""",
        ),
        (f"UPDATE event_signup_end SET signup_id = {NOBODY} WHERE how = 'cancelled'",),
        (f"UPDATE event_signup_end SET signup_id = {CAME} WHERE how = 'cancelled'",),
        (f"UPDATE event_signup_end SET ended_at = ended_at + {LATER} WHERE how = 'cancelled'",),
        (f"UPDATE event_signup_end SET ended_at = ended_at - {LATER} WHERE how = 'called_off'",),
        (f"UPDATE event_signup_end SET ended_at = ended_at - {LATER} WHERE how = 'no_seat'",),
        (f"UPDATE event SET capacity = 3 WHERE id = {LECTURE}",),
        (f"UPDATE event SET capacity = NULL WHERE id = {LECTURE}",),
        (f"UPDATE event_check_in SET signup_id = {NOBODY}",),
        (f"UPDATE event_check_in SET checked_in_at = checked_in_at - {LATER}, shown = shown - 2880",),
        ("UPDATE event_check_in SET shown = shown - 2",),
        ("UPDATE event_check_in SET shown = shown + 1",),
        (f"UPDATE event SET capacity = 0 WHERE id = {LECTURE}",),
        ("UPDATE event_check_in SET award = award + 1",),
        (f"UPDATE event_check_in SET award_posting = (SELECT id FROM reward_grant WHERE {BAG})",),
        (f"DELETE FROM event_signup_end WHERE signup_id IN (SELECT id FROM event_signup WHERE event_id = {RIDE})",),
    ],
}  # fmt: skip
