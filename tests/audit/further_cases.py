"""What breaks the invariants of shops, of the compliance registry, of audits and of what the public is told."""

from __future__ import annotations

OTHER = "gen_random_uuid()"

CASES: dict[str, list[tuple[str, ...]]] = {
    "offers.own": [
        ("UPDATE offer SET created_by = (SELECT id FROM staff WHERE login = 'first')",),
        (f"UPDATE offer SET merchant_id = {OTHER}",),
        ("UPDATE offer SET programme = 'another'",),
        ("UPDATE offer SET last_day = first_day - 1",),
        ("UPDATE offer_restock SET restocked_by = (SELECT id FROM staff WHERE login = 'first')",),
        ("UPDATE offer SET limited = NOT limited",),
        (f"UPDATE offer_withdrawal SET offer_id = {OTHER}",),
    ],
    "offers.stock": [
        ("UPDATE offer_stock SET items_left = items_left + 1 WHERE pile = 0",),
        ("UPDATE offer_stock SET items_left = -1 WHERE pile = 0",),
        ("UPDATE offer_stock SET pile = pile + 100",),
        (f"UPDATE offer_stock SET offer_id = {OTHER} WHERE pile = 3",),
        ("DELETE FROM offer_restock",),
        ("DELETE FROM redemption_refund",),
    ],
    "redemptions.held": [
        ("UPDATE redemption SET points = points + 1",),
        (f"UPDATE redemption SET offer_id = {OTHER}",),
        (f"UPDATE redemption SET participant_id = {OTHER}",),
        ("UPDATE redemption SET made_at = made_at - interval '400 days'",),
        ("DELETE FROM redemption WHERE id = (SELECT redemption_id FROM redemption_end LIMIT 1)",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'points.held'",),
    ],
    "redemptions.ended": [
        ("UPDATE redemption_answer SET answer = 'refused' WHERE answer = 'confirmed'",),
        ("UPDATE redemption_end SET shop_id = gen_random_uuid() WHERE ended = 'captured'",),
        ("UPDATE redemption_end SET till_id = gen_random_uuid() WHERE ended = 'captured'",),
        (
            """INSERT INTO redemption_refund (redemption_id, posting_id, reason, refunded_by, refunded_at)
               SELECT redemption_id, posting_id, reason, refunded_by, refunded_at FROM redemption_part
               WHERE part_id = 'line-1'""",
        ),
        ("UPDATE redemption_end SET ended = 'lapsed' WHERE ended = 'captured'",),
        ("UPDATE redemption_end SET ended = 'cancelled' WHERE ended = 'lapsed'",),
        (f"UPDATE redemption_end SET redemption_id = {OTHER} WHERE ended = 'lapsed'",),
        (f"UPDATE redemption_end SET merchant_id = {OTHER} WHERE ended = 'captured'",),
        ("UPDATE redemption_end SET ended_at = ended_at + interval '1 day' WHERE ended = 'captured'",),
        (f"UPDATE redemption_end SET posting_id = {OTHER}",),
        ("UPDATE redemption_refund SET refunded_at = refunded_at + interval '30 days'",),
        ("DELETE FROM redemption_refund",),
    ],
    "programmes.redeeming": [
        ("UPDATE programme_redeeming SET matures_after_days = matures_after_days + 1",),
        ("UPDATE programme_redeeming SET unknown = 'redeem.refund_within_days'",),
        ("UPDATE programme_redeeming SET confirm_above_points = 1",),
    ],
    "redemptions.asked": [
        ("UPDATE redemption_asked SET merchant_id = gen_random_uuid()",),
        ("UPDATE redemption_asked SET until = until + interval '1 minute'",),
        ("UPDATE redemption_asked SET mac = set_byte(mac, 0, 255 - get_byte(mac, 0))",),
        ("UPDATE redemption_answer SET answered_at = answered_at + interval '1 hour'",),
        ("UPDATE redemption_answer SET answer = 'confirmed' WHERE answer = 'refused'",),
        ("UPDATE redemption_open SET asked_id = gen_random_uuid() WHERE asked_id IS NOT NULL",),
        (
            """INSERT INTO redemption_answer (asked_id, answer, answered_by, answered_at)
               SELECT s.asked_id, 'refused', gen_random_uuid(), q.asked_at
               FROM redemption_open s JOIN redemption_asked q ON q.id = s.asked_id""",
        ),
    ],
    "redemptions.parts": [
        ("UPDATE redemption_part SET points = points + 1 WHERE part_id = 'line-1'",),
        ("UPDATE redemption_part SET points = points + 100 WHERE part_id = 'line-0'",),
        ("UPDATE redemption_part SET refunded_at = refunded_at + interval '30 days'",),
        ("UPDATE redemption_part SET refunded_by = gen_random_uuid()",),
        ("UPDATE redemption_part SET redemption_id = gen_random_uuid()",),
        ("DELETE FROM redemption_part WHERE part_id = 'line-2'",),
        (
            """UPDATE ledger_transfer SET credit_id = (SELECT min(id) FROM ledger_account WHERE kind = 'wallet')
               WHERE reason = 'points.part_refunded'""",
        ),
    ],
    "redemptions.codes": [
        ("UPDATE redemption_open SET stands_until = stands_until + interval '1 second'",),
        ("DELETE FROM redemption_open",),
        ("DELETE FROM redemption_end WHERE ended = 'lapsed'",),
        ("UPDATE redemption_code SET expires_at = expires_at + interval '5 minutes'",),
        ("UPDATE redemption SET code_expires_at = code_expires_at + interval '5 minutes'",),
        ("UPDATE offer SET per_citizen = 0 WHERE per_citizen IS NOT NULL",),
    ],
    "registry.agreed": [
        ("UPDATE registry_mode SET mode = 'demo'",),
        ("UPDATE compliance_obligation SET obligation_t = obligation_t + 1",),
        ("UPDATE compliance_obligation SET revision = revision + 50",),
        ("UPDATE compliance_rules SET surrender_by = surrender_by + 1",),
        ("UPDATE compliance_rules SET pools = pools || '{\"another\": 1}'",),
        (f"UPDATE compliance_rules SET act_id = {OTHER}",),
        ("UPDATE compliance_obligation SET approved_by = proposed_by",),
        ("DELETE FROM two_person_decision WHERE act_id IN (SELECT act_id FROM compliance_rules)",),
        ("DELETE FROM compliance_rules",),
        ("UPDATE unit_lot SET facts = facts || '{\"year\": 1999}' WHERE source = 'allocated'",),
        (f"UPDATE unit_lot SET source_id = {OTHER} WHERE source = 'registered'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'allowance.allocated'",),
        ("UPDATE registry_account SET regulated = false WHERE regulated",),
    ],
    "registry.accounts": [
        ("UPDATE registry_account SET region = 'CN-HB'",),
        ("UPDATE registry_account SET market = 'hubei'",),
        (f"UPDATE registry_account SET organisation_id = {OTHER}",),
        ("DELETE FROM registry_account WHERE regulated",),
    ],
    "units.lots": [
        ("UPDATE unit_lot SET unit = 'CEA'",),
        ("UPDATE unit_lot SET serials = int8range(lower(serials), upper(serials) + 1)",),
        ("DELETE FROM unit_lot WHERE source = 'bridged'",),
        ("UPDATE unit_lot SET book_id = book_id + 1000",),
        ("UPDATE serial_book SET demo = true WHERE code LIKE 'guangdong-%'",),
        ("DELETE FROM registry_mode",),
    ],
    "surrender.decided": [
        ("UPDATE unit_pledge SET cap_t = cap_t + 1",),
        ("UPDATE unit_pledge SET used_before_t = used_before_t + 1",),
        ("UPDATE unit_pledge SET asked = asked || '{\"compliance_year\": 1999}'",),
        ("UPDATE unit_pledge SET answer = answer || '{\"pledge_id\": null}'",),
        ("UPDATE unit_pledge SET step = step + 50",),
        ("UPDATE unit_pledge SET edition = 'another'",),
        ("UPDATE unit_pledge_lot SET serials = int8range(lower(serials), upper(serials) + 1)",),
        ("DELETE FROM unit_pledge_lot",),
        ("DELETE FROM unit_release",),
        ("UPDATE unit_surrender SET offset_t = offset_t + 1",),
        ("UPDATE unit_surrender_lot SET serials = int8range(lower(serials) + 1, upper(serials) + 1)",),
        ("DELETE FROM unit_surrender",),
        (f"UPDATE compliance_close SET act_id = {OTHER}",),
        ("UPDATE surrender_recount SET excess_t = excess_t + 1",),
        ("DELETE FROM surrender_recount",),
    ],
    "surrender.moved": [
        ("UPDATE ledger_transfer SET reason = 'unit.released' WHERE reason = 'unit.surrendered'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'unit.pledged'",),
        ("DELETE FROM unit_pledge",),
        ("DELETE FROM unit_cancellation",),
        ("DELETE FROM serial_movement WHERE posting_id IN (SELECT posting_id FROM ledger_transfer WHERE reason = 'unit.pledged')",),
    ],
    "cash.recorded": [
        ("UPDATE cash_movement SET amount_fen = amount_fen + 1",),
        ("UPDATE cash_movement SET market = 'hubei'",),
        ("DELETE FROM cash_movement",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'cash.deposited'",),
    ],
    "audits.recorded": [
        ("UPDATE audit_run SET violations = violations + 1",),
        ("UPDATE audit_run SET horizon = (horizon::text::bigint - 1)::text::xid8",),
        ("UPDATE audit_run SET ended_at = ended_at + interval '1 day'",),
        ("UPDATE audit_run SET mac = set_byte(mac, 0, 255 - get_byte(mac, 0))",),
    ],
    "transparency.follows": [
        ("UPDATE transparency_event SET kind = 'credit.cancelled'",),
        ("UPDATE transparency_range SET serials = int8range(lower(serials) + 100000, upper(serials) + 100000)",),
        ("DELETE FROM transparency_source",),
        ("UPDATE transparency_batch SET entry_index = entry_index + 1000",),
        ("DELETE FROM transparency_progress",),
        ("DELETE FROM transparency_range",),
    ],
}  # fmt: skip
