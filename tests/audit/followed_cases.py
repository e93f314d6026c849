"""What breaks the invariants of followed acts, awards, tasks, campaigns and referrals."""

from __future__ import annotations

OURS = "(SELECT id FROM programme WHERE code = 'audited-tasks')"
STANDS = """id = (SELECT f.id FROM task_finished f WHERE f.task = 'two-rides' AND f.number = 1
    AND NOT EXISTS (SELECT FROM task_undone u WHERE u.finished_id = f.id) LIMIT 1)"""
AGAIN = "number = 2"
UNDONE = "id = (SELECT finished_id FROM task_undone LIMIT 1)"
TAKEN_ON = "task = 'taken-on'"
ONE_AWARD = f"posting_id = (SELECT id FROM task_finished WHERE {STANDS})"
FIRST = f"id = (SELECT id FROM campaign_batch WHERE programme_id = {OURS} AND number = 1)"
GRANT = "claim_key = (SELECT g.claim_key FROM campaign_grant g JOIN campaign_batch b ON b.id = g.batch_id WHERE b.number = 1 AND g.points > 0 AND NOT EXISTS (SELECT FROM campaign_returned r WHERE r.claim_key = g.claim_key) LIMIT 1)"
RETURNED = "claim_key = (SELECT claim_key FROM campaign_returned LIMIT 1)"
NOBODY = "gen_random_uuid()"
DAY = f"(programme_id, participant_id, day) = (SELECT programme_id, participant_id, day FROM acted_day WHERE programme_id = {OURS} LIMIT 1)"
REWARDED = "id = (SELECT id FROM referral_rewarded w WHERE NOT EXISTS (SELECT FROM referral_undone u WHERE u.rewarded_id = w.id) AND w.number = 1 LIMIT 1)"
REFERRED = f"(programme_id, newcomer_id) = (SELECT programme_id, newcomer_id FROM referral_rewarded WHERE {REWARDED})"

CASES: dict[str, list[tuple[str, ...]]] = {
    "acts.followed": [
        (f"DELETE FROM acted_day WHERE {DAY}",),
        (f"UPDATE acted_day SET acts = acts + 1 WHERE {DAY}",),
        (f"UPDATE acted_day SET points = points + 1 WHERE {DAY}",),
        (f"UPDATE acted_day SET participant_id = {NOBODY} WHERE {DAY}",),
    ],
    "awards.given": [
        (f"DELETE FROM award WHERE {ONE_AWARD}",),
        (f"UPDATE award SET points = points - 1 WHERE {ONE_AWARD}",),
        (f"UPDATE award SET participant_id = {NOBODY} WHERE {ONE_AWARD}",),
        (f"UPDATE award SET awarded_at = awarded_at + interval '1 second' WHERE {ONE_AWARD}",),
        (f"UPDATE award SET expires_on = expires_on + 1 WHERE {ONE_AWARD}",),
        ("UPDATE award_taken SET points = points + 1 WHERE cause LIKE 'task:%'",),
        (f"UPDATE award_taken SET participant_id = {NOBODY} WHERE cause LIKE 'task:%'",),
        ("UPDATE award_taken SET cause = 'task:other' WHERE cause LIKE 'task:%'",),
        (f"DELETE FROM task_finished WHERE {STANDS}",),
    ],
    "tasks.finished": [
        (f"UPDATE task_finished SET needed = needed + 7 WHERE {STANDS}",),
        (f"UPDATE task_finished SET points = points + 1 WHERE {STANDS}",),
        (f"UPDATE task_finished SET measure = 'days' WHERE {STANDS}",),
        (f"UPDATE task_finished SET counted_from = counted_from + 1 WHERE {STANDS}",),
        (f"UPDATE task_finished SET task = 'moon' WHERE {STANDS}",),
        (f"UPDATE task_finished SET number = number + 7 WHERE {STANDS}",),
        (f"UPDATE award SET cause = 'task:moon' WHERE {ONE_AWARD}",),
        (f"DELETE FROM acted_day WHERE programme_id = {OURS}",),
        (f"DELETE FROM task_undone WHERE finished_id = (SELECT id FROM task_finished WHERE {UNDONE})",),
        ("UPDATE task_undone SET undone_at = undone_at - interval '1 day'",),
        (f"UPDATE task_undone SET finished_id = {NOBODY}",),
        ("DELETE FROM award_taken WHERE cause LIKE 'task:%'",),
        ("UPDATE award_taken SET points = points - 1 WHERE cause LIKE 'task:%'",),
        ("UPDATE task_accepted SET accepted_on = accepted_on + 1",),
        ("DELETE FROM task_accepted",),
    ],
    "campaigns.granted": [
        (f"UPDATE campaign_batch SET number = number + 9 WHERE {FIRST}",),
        (f"UPDATE campaign_batch SET active_from = active_from + interval '1 day' WHERE {FIRST}",),
        (f"UPDATE campaign_batch SET room = room + 1 WHERE {FIRST}",),
        (f"UPDATE campaign_batch SET wanted = wanted + 1 WHERE {FIRST}",),
        (f"UPDATE campaign_grant SET wanted = wanted + 1 WHERE {GRANT}",),
        (f"UPDATE campaign_grant SET points = points - 1 WHERE {GRANT}",),
        (f"UPDATE campaign_grant SET participant_id = {NOBODY} WHERE {GRANT}",),
        (f"UPDATE campaign_grant SET campaign = 'moon' WHERE {GRANT}",),
        (f"UPDATE campaign_grant SET batch_id = {NOBODY} WHERE {GRANT}",),
        (f"UPDATE campaign_grant SET posting_id = {NOBODY} WHERE {GRANT}",),
        (f"DELETE FROM campaign_returned WHERE {RETURNED}",),
        (f"UPDATE campaign_returned SET points = points + 1 WHERE {RETURNED}",),
        (f"UPDATE campaign_returned SET posting_id = {NOBODY} WHERE {RETURNED}",),
        (f"UPDATE campaign_returned SET after = after + 5 WHERE {RETURNED}",),
        (f"UPDATE campaign_returned SET claim_key = (SELECT claim_key FROM campaign_grant WHERE {GRANT}) WHERE {RETURNED}",),
    ],
    "referrals.rewarded": [
        (f"UPDATE referral SET referrer_id = newcomer_id WHERE {REFERRED}",),
        (f"UPDATE referral SET referrer_id = {NOBODY} WHERE {REFERRED}",),
        ("DELETE FROM referral_code",),
        (f"UPDATE referral SET joined_on = joined_on - 1 WHERE {REFERRED}",),
        (f"UPDATE referral_rewarded SET needed = needed + 1 WHERE {REWARDED}",),
        (f"UPDATE referral_rewarded SET last = last + 1 WHERE {REWARDED}",),
        (f"UPDATE referral_rewarded SET to_referred = to_referred + 1 WHERE {REWARDED}",),
        ("UPDATE referral_rewarded SET number = 5 WHERE number = 2",),
        ("UPDATE referral_rewarded SET counts = true, to_referrer = 20 WHERE NOT counts",),
        ("UPDATE referral_undone SET undone_at = undone_at - interval '1 day'",),
        (f"UPDATE referral_undone SET rewarded_id = {NOBODY}",),
        ("DELETE FROM referral_undone",),
        ("DELETE FROM award_taken WHERE cause LIKE 'referral:%'",),
        ("DELETE FROM award WHERE cause LIKE 'referral:%'",),
        (f"DELETE FROM acted_day WHERE programme_id = {OURS}",),
    ],
}  # fmt: skip
