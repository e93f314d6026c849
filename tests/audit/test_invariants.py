"""Each invariant sees by itself what breaks it, whether or not the rows were sealed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from puhui import embedded
from puhui.audit import INVARIANTS
from tests.audit import (
    benefits,
    capped,
    collecting_cases,
    contested_cases,
    counters,
    couponed,
    exchanged_cases,
    followed_cases,
    footprint_cases,
    further_cases,
    games_cases,
    joined_cases,
    members_cases,
    partner_cases,
    private_cases,
    sent_cases,
    settled_cases,
    social_cases,
    stopped,
    vouchered,
)
from tests.audit.conftest import Copy, copy_of, put_back, said

ONE_WALLET = "id = (SELECT min(id) FROM ledger_account WHERE kind = 'wallet' AND balance > 0)"
ONE_HOLD = "posting_id = (SELECT captures FROM ledger_transfer WHERE captures IS NOT NULL LIMIT 1)"
ONE_CAPTURE = """captures IS NOT NULL AND NOT EXISTS
    (SELECT FROM ledger_transfer r WHERE r.reverses = ledger_transfer.posting_id)"""
ONE_EARNING = """(posting_id, line) =
    (SELECT posting_id, line FROM ledger_transfer WHERE reason = 'points.earned' ORDER BY 1, 2 LIMIT 1)"""
HELD = "claim_key = (SELECT min(claim_key::text)::uuid FROM action WHERE credit = 'pooled')"
FIRST = "claim_key = (SELECT min(claim_key::text)::uuid FROM action)"
AGAIN = """
    INSERT INTO ledger_transfer SELECT {posting}, line, debit_id, credit_id, unit, amount, reason, happened_at,
        recorded_at, reverses, captures, xid FROM ledger_transfer WHERE {where}
"""

NEXT_DEMO = "(SELECT id FROM batch WHERE demo AND sequence = 2)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "ledger.balances": [
        (f"UPDATE ledger_account SET balance = balance + 1 WHERE {ONE_WALLET}",),
        ("UPDATE ledger_account SET balance = 0 WHERE guard = 'none'",),
        ("UPDATE ledger_account SET unit = 'g' WHERE kind = 'breakage'",),
        (  # the sum is right and passes the floor
            f"""UPDATE ledger_transfer SET amount = amount + 1000000000
                WHERE debit_id IN (SELECT id FROM ledger_account WHERE {ONE_WALLET})""",
            """UPDATE ledger_account a SET balance = f.amount FROM (
                   SELECT id, sum(amount) AS amount FROM (
                       SELECT credit_id AS id, amount FROM ledger_transfer
                       UNION ALL SELECT debit_id, -amount FROM ledger_transfer) m GROUP BY id) f
               WHERE a.id = f.id AND a.guard <> 'none'""",
        ),
    ],
    "places.forgotten": [("INSERT INTO action_place (claim_key, from_place) VALUES ('00000001-0000-0000-0000-000000000000', 'N1')",)],
    "ledger.checkpoints": [
        ("UPDATE ledger_checkpoint SET balance = balance + 1",),
        ("UPDATE ledger_checkpoint SET horizon = '9000000000000'",),
        ("UPDATE ledger_checkpoint SET account_id = account_id + 1000, balance = 0",),
        ("UPDATE ledger_account SET guard = 'floor' WHERE kind = 'issuer'",),
    ],
    "ledger.transfers": [
        (f"UPDATE ledger_transfer SET reason = 'points.expired' WHERE {ONE_EARNING}",),
        (f"UPDATE ledger_transfer SET unit = 'g' WHERE {ONE_EARNING}",),
        (f"UPDATE ledger_transfer SET amount = 0 WHERE {ONE_EARNING}",),
        (f"UPDATE ledger_transfer SET credit_id = debit_id WHERE {ONE_EARNING}",),
        (f"UPDATE ledger_transfer SET credit_id = 100000 WHERE {ONE_EARNING}",),
        (f"UPDATE ledger_transfer SET line = line + 7 WHERE {ONE_EARNING}",),
        ("DELETE FROM ledger_rule WHERE reason = 'points.earned'",),
    ],
    "ledger.resolutions": [
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reverses IS NOT NULL",),
        (f"UPDATE ledger_transfer SET amount = amount + 1 WHERE {ONE_CAPTURE}",),
        (f"UPDATE ledger_transfer SET amount = amount + 1 WHERE {ONE_HOLD}",),
        (AGAIN.format(posting="gen_random_uuid()", where="reverses IS NOT NULL"),),
        (AGAIN.format(posting="gen_random_uuid()", where="captures IS NOT NULL"),),
        ("DELETE FROM ledger_resolution WHERE resolution = 'captured'",),
        ("UPDATE ledger_resolution SET by_posting = gen_random_uuid() WHERE resolution = 'reversed'",),
        (  # a posting of several lines, undone line by line by several others
            """INSERT INTO ledger_transfer
               SELECT gen_random_uuid(), line, credit_id, debit_id, unit, amount, 'points.withdrawn', happened_at,
                      recorded_at, posting_id, NULL, xid
               FROM ledger_transfer WHERE posting_id = (SELECT posting_id FROM ledger_transfer
                   WHERE reason = 'points.earned' AND line = 2 LIMIT 1)""",
        ),
        (  # what was captured is released as well
            """INSERT INTO ledger_transfer
               SELECT gen_random_uuid(), line, credit_id, debit_id, unit, amount, 'points.released', happened_at,
                      recorded_at, posting_id, NULL, xid
               FROM ledger_transfer h WHERE EXISTS (
                   SELECT FROM ledger_transfer c WHERE c.captures = h.posting_id)
                   AND NOT EXISTS (SELECT FROM ledger_transfer r WHERE r.reverses = h.posting_id)""",
        ),
    ],
    "ledger.accounts": [
        ("UPDATE ledger_account SET kind = 'hold' WHERE kind = 'wallet'",),
        ("UPDATE ledger_account SET unit = 't' WHERE kind = 'debt'",),
        ("UPDATE ledger_account SET guard = 'floor' WHERE kind = 'debt'",),
        ("UPDATE ledger_account SET due = due + 1 WHERE kind = 'wallet'",),
    ],
    "ledger.serials": [
        ("UPDATE serial_block SET serials = '[20,22)' WHERE lower(serials) = 3",),
        ("UPDATE serial_block SET account_id = (SELECT id FROM ledger_account WHERE code = 'holder:audited:ann')",),
        ("INSERT INTO serial_block SELECT * FROM serial_block LIMIT 1",),
        ("DELETE FROM serial_movement WHERE seq = (SELECT max(seq) FROM serial_movement)",),
        ("UPDATE serial_movement SET serials = '[1,2)' WHERE seq = (SELECT max(seq) FROM serial_movement)",),
        ("UPDATE serial_movement SET piece = 2 WHERE seq = (SELECT max(seq) FROM serial_movement)",),
        ("UPDATE serial_movement SET book_id = book_id + 50",),
        (  # moved by somebody who does not hold them, with a transfer to show for it
            "UPDATE serial_movement SET serials = '[7,9)' WHERE serials = '[1,3)'",
        ),
    ],
    "ledger.chart": [
        ("UPDATE ledger_kind SET guard = 'none' WHERE kind = 'wallet'",),
        ("INSERT INTO ledger_rule VALUES ('points.gifted', 'issuer', 'payable')",),
        ("DELETE FROM ledger_rule WHERE reason = 'points.settled'",),
        ("INSERT INTO ledger_serial_rule VALUES ('unit.taken_back', 'surrendered', 'entity')",),
    ],
    "actions.once": [
        (f"UPDATE action SET happened_at = happened_at + interval '1 day', ended_at = NULL WHERE {FIRST}",),
        ("ALTER TABLE action_2026_11 RENAME TO action_2026_12",),
        (f"UPDATE action SET line = 99999 WHERE {FIRST}",),
        (f"UPDATE action SET seq = 9 WHERE {FIRST}",),
        (f"UPDATE action SET source_id = 3 - source_id WHERE {FIRST}",),
        ("UPDATE action SET ended_at = happened_at - interval '1 second'",),
        (f"UPDATE action SET grams = -1 WHERE {FIRST}",),
        (f"UPDATE action SET participant_id = NULL WHERE {HELD}",),
        (
            "ALTER TABLE action DROP CONSTRAINT action_pkey CASCADE",
            f"INSERT INTO action SELECT * FROM action WHERE {FIRST}",
        ),
    ],
    "actions.holders": [
        (f"UPDATE action SET participant_id = gen_random_uuid() WHERE {HELD}",),
        (f"UPDATE action SET means_token = gen_random_uuid() WHERE {HELD}",),
        ("UPDATE action SET credit = 'pooled' WHERE credit = 'right_not_assigned'",),
        ("UPDATE assignment_of_right SET covers = tstzrange('2026-11-20', NULL)",),
        ("UPDATE means_holding SET held = tstzrange('2026-11-20', NULL)",),
        ("DELETE FROM means_holding",),
        ("UPDATE action_claim SET points = points + 1",),
        ("UPDATE action_claim SET participant_id = gen_random_uuid()",),
        (f"""UPDATE action_claim SET claim_key = (SELECT claim_key FROM action WHERE {HELD})
             WHERE claim_key = (SELECT min(claim_key::text)::uuid FROM action_claim)""",),
    ],
    "actions.recomputed": [
        (f"UPDATE action SET grams = grams + 1 WHERE {FIRST}",),
        (f"UPDATE action SET points = points + 1 WHERE {FIRST}",),
        ("UPDATE action SET inputs = inputs || '{\"distance_m\": 90000}' WHERE inputs ? 'distance_m'",),
        ("UPDATE action SET inputs = inputs - 'distance_m' WHERE inputs ? 'distance_m'",),
        ("UPDATE action SET inputs = '{\"distance_m\": \"far\"}' WHERE inputs ? 'distance_m'",),
        ("UPDATE action SET inputs = '{\"distance_m\": 1.5}' WHERE inputs ? 'distance_m'",),
        (f"UPDATE action SET method_id = 99 WHERE {FIRST}",),
        ("UPDATE intake_source SET evidence = 'self_report'",),
    ],
    "chunks.add_up": [
        ("UPDATE intake_chunk SET received = received + 1",),
        ("UPDATE intake_chunk SET accepted = accepted + 1, duplicates = duplicates - 1",),
        ("UPDATE intake_chunk SET waiting = waiting + 1",),
        ("UPDATE intake_chunk SET grams = grams + 1",),
        ("UPDATE intake_chunk SET points = points + 1",),
        ("UPDATE intake_chunk SET rejected = rejected + 1, filtered = filtered - 1",),
        ("DELETE FROM intake_rejection",),
        ("DELETE FROM intake_chunk WHERE seq = 1",),
        ("UPDATE intake_chunk SET last_line = last_line + 1 WHERE seq = 1",),
    ],
    "points.posted": [
        (f"UPDATE ledger_transfer SET amount = amount + 1 WHERE {ONE_EARNING}",),
        (f"DELETE FROM ledger_transfer WHERE {ONE_EARNING}",),
        ("UPDATE ledger_transfer SET posting_id = gen_random_uuid() WHERE reason = 'points.earned'",),
        ("UPDATE ledger_account SET due = due + 40 WHERE kind = 'wallet'",),
        ("UPDATE action_claim SET claim_id = gen_random_uuid()",),
        (  # points that no action earned, written as the ledger itself would write them
            f"""SELECT ledger_post(ARRAY[gen_random_uuid()], ARRAY[1],
                    ARRAY[(SELECT id FROM ledger_account WHERE code = 'issuer:gd-green-travel')],
                    ARRAY[(SELECT id FROM ledger_account WHERE {ONE_WALLET})],
                    ARRAY[5::bigint], ARRAY['points.earned'], ARRAY[now()])""",
        ),
    ],
    "grams.posted": [
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'acts.pooled'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'acts.uncredited'",),
        ("DELETE FROM methodology_filing",),
        ("DELETE FROM methodology_demo_override",),
        ("UPDATE methodology_filing SET region = 'CN-BJ'",),
        ("UPDATE methodology_filing SET valid_from = '2027-01-01'",),
        ("UPDATE methodology_filing SET valid_until = '2026-02-01'",),
        ("UPDATE methodology_filing SET filed_at = '2099-01-01'",),
        ("UPDATE intake_source SET covered_boundary = true",),
        ("UPDATE intake_source SET region = 'CN-BJ'",),
        ("UPDATE ledger_account SET code = left(code, -5) WHERE code LIKE 'pool:%:demo'",),
        ("UPDATE ledger_account SET code = replace(code, '2026-11', '2026-07') WHERE code LIKE '%:2026-11'",),
        ("UPDATE action SET credit = 'evidence' WHERE credit = 'unlinked'",),
        (
            """SELECT ledger_post(ARRAY[gen_random_uuid()], ARRAY[1],
                   ARRAY[(SELECT id FROM ledger_account WHERE code = 'measured:gd-green-travel')],
                   ARRAY[(SELECT min(id) FROM ledger_account WHERE kind = 'pool')],
                   ARRAY[1000000::bigint], ARRAY['acts.pooled'], ARRAY[now()])""",
        ),
    ],
    "points.identity": [
        ("UPDATE ledger_account SET code = 'issuer:another' WHERE code = 'issuer:gd-green-travel'",),
        ("UPDATE ledger_account SET code = replace(code, ':gd-', ':xx-') WHERE kind = 'payable'",),
        ("UPDATE ledger_account SET balance = -1 WHERE kind = 'hold'",),
    ],
    "programmes.apart": [
        ("UPDATE ledger_account SET code = code || '-2' WHERE kind = 'payable'",),
        ("UPDATE ledger_account SET code = replace(code, 'pool:', 'pool:other-') WHERE kind = 'pool'",),
    ],
    "programmes.packs": [
        ("UPDATE programme_pack SET pack_sha256 = (SELECT sha256 FROM pack_text WHERE kind = 'methodology' LIMIT 1)",),
        ("UPDATE programme SET operator_code = 'someone'",),
        ("DELETE FROM programme_pack",),
        ("UPDATE programme_overlay SET overlay_sha256 = 'nothing'",),
        (
            """UPDATE programme_overlay SET overlay_sha256 = (
                   SELECT sha256 FROM pack_text WHERE kind = 'overlay' AND pack_id <> 'two-nine-demo' LIMIT 1)""",
        ),
        ("UPDATE programme_overlay SET overlay_sha256 = (SELECT min(pack_sha256) FROM programme_pack)",),
        (
            "UPDATE pack_text SET text = replace(text, 'level.forest.count', 'level.leaf.count') WHERE pack_id = 'two-nine-demo'",
        ),
    ],
    "packs.texts": [
        ("UPDATE pack_text SET text = replace(text, '48.7', '48.8') WHERE pack_id = 'cn-shared-bike-km'",),
        ("UPDATE pack_text SET pack_id = 'other' WHERE pack_id = 'cn-shared-bike-km'",),
        ("UPDATE pack_text SET engine_version = ''",),
    ],
    "methods.recoverable": [
        ("UPDATE method_ref SET edition = 'other'",),
        ("UPDATE method_ref SET engine_version = '0'",),
        ("DELETE FROM pack_text WHERE kind = 'methodology'",),
    ],
    "acts.two_people": [
        ("UPDATE two_person_decision SET decided_by = proposed_by",),
        ("UPDATE two_person_decision SET decided_at = expires_at",),
        ("UPDATE two_person_decision SET proposed_by = gen_random_uuid()",),
        ("UPDATE two_person_act SET body = body || '{\"region\": \"CN\"}'",),
        ("UPDATE two_person_act SET kind = 'other'",),
        ("DELETE FROM two_person_act",),
    ],
    "filings.as_agreed": [
        ("UPDATE methodology_filing SET region = 'CN'",),
        ("UPDATE methodology_filing SET valid_until = '2030-01-01'",),
        ("UPDATE methodology_filing SET approved_by = proposed_by",),
        ("UPDATE two_person_decision SET decision = 'rejected'",),
        ("DELETE FROM methodology_filing",),
        ("UPDATE methodology_demo_override SET reason = 'other'",),
        ("DELETE FROM methodology_demo_override",),
    ],
    "batches.acts": [
        ("UPDATE batch_leaf SET grams = grams + 1 WHERE position = 3",),
        ("UPDATE batch_leaf SET day = day + 1 WHERE position = 3",),
        ("UPDATE batch_leaf SET region = 'CN-GD-SZ' WHERE position = 3",),
        ("UPDATE batch_leaf SET position = position + 5000 WHERE position = 3",),
        (  # two neighbours change places
            "UPDATE batch_leaf SET position = 9000 - position WHERE position IN (3, 4)",
            "UPDATE batch_leaf SET position = position - 8993 WHERE position > 8000",
        ),
        ("ALTER TABLE batch_leaf DROP CONSTRAINT batch_leaf_once",
         """UPDATE batch_leaf SET claim_key = (SELECT claim_key FROM batch_leaf WHERE position = 4 LIMIT 1)
            WHERE position = 3"""),
        ("DELETE FROM batch_leaf WHERE position = 3",),
        ("UPDATE batch SET acts = acts + 1",),
        ("UPDATE batch SET frozen_g = frozen_g + 1",),
        ("UPDATE batch SET carry_in_g = carry_in_g + 1",),
        ("UPDATE batch SET sequence = sequence + 10",),
        ("UPDATE batch SET previous_id = NULL",),
        ("UPDATE batch SET demo = NOT demo, vintage_year = 2025",),
        ("UPDATE batch SET closed_at = closed_at - interval '1 year'",),
        ("UPDATE action SET credit = 'evidence' WHERE claim_key = (SELECT claim_key FROM batch_leaf LIMIT 1)",),
    ],
    "batches.grams": [
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'batch.frozen'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'batch.carried_in'",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'credit.issued'",),
        ("DELETE FROM ledger_transfer WHERE reason = 'batch.rejected'",),
        ("UPDATE batch_issuance SET carry_out_g = carry_out_g + 1",),
        ("UPDATE batch_issuance SET first_serial = first_serial + 1",),
        ("UPDATE batch_issuance SET quantity_t = quantity_t + 1",),
        ("DELETE FROM batch_issuance WHERE book = 'phcer-demo'",),
        (  # credits that no batch stands behind
            """INSERT INTO ledger_transfer SELECT gen_random_uuid(), line, debit_id, credit_id, unit, 1, reason, happened_at,
                   recorded_at, NULL, NULL, xid FROM ledger_transfer t WHERE reason = 'credit.issued' AND debit_id =
                   (SELECT id FROM ledger_account WHERE code = 'issuance:phcer') LIMIT 1""",
        ),
    ],
    "batches.trees": [
        ("UPDATE batch_leaf SET digest = set_byte(digest, 0, 255 - get_byte(digest, 0)) WHERE position = 3",),
        ("UPDATE action SET inputs = inputs || '{\"distance_m\": 99999}' WHERE claim_key = (SELECT claim_key FROM batch_leaf LIMIT 1)",),
        ("UPDATE batch SET frozen_root = set_byte(frozen_root, 0, 255 - get_byte(frozen_root, 0))",),
        ("UPDATE batch_node SET hash = set_byte(hash, 0, 255 - get_byte(hash, 0)) WHERE level = 9",),
        ("UPDATE batch_node SET from_gram = from_gram + 1 WHERE level = 8 AND number = 2",),
        ("DELETE FROM batch_node WHERE level = 8 AND number = 2",),
        ("UPDATE batch_node SET revision = revision + 3 WHERE revision = 2",),
        ("UPDATE batch_finding SET keeps_g = keeps_g + 1 WHERE number = 1",),
        ("DELETE FROM batch_finding WHERE keeps_g = 0",),
        ("UPDATE batch_statement SET findings = 0",),
        ("UPDATE batch_statement SET rejected_g = rejected_g + 1",),
        ("UPDATE batch_statement SET deducted_g = deducted_g + 1",),
        ("UPDATE batch_statement SET verified_g = verified_g + 1",),
        ("UPDATE batch_statement SET kept_acts = kept_acts - 1",),
        ("UPDATE batch_statement SET last_keeps_g = last_keeps_g + 1",),
        ("UPDATE batch_statement SET certified_leaves = certified_leaves + 1",),
    ],
    "batches.reports": [
        ("UPDATE batch_report SET document = replace(convert_from(document, 'UTF8'), 'notice 1', 'notice 2')::bytea",),
        ("UPDATE batch_report SET sha256 = set_byte(sha256, 0, 255 - get_byte(sha256, 0))",),
        ("DELETE FROM batch_report",),
        ("UPDATE batch SET benefit_split = 'another'",),
        ("UPDATE batch_report_certified SET approved_by = proposed_by",),
        ("UPDATE batch_report_certified SET proposed_by = (SELECT id FROM staff WHERE login = 'vera')",),
        ("UPDATE batch_report_certified SET organisation_id = (SELECT id FROM organisation WHERE code = 'verifier')",),
        ("UPDATE staff SET organisation_id = (SELECT id FROM organisation WHERE code = 'authority') WHERE login = 'boris'",),
        ("DELETE FROM batch_report_certified",),
        ("DELETE FROM two_person_decision d USING two_person_act a WHERE a.id = d.act_id AND a.kind = 'certification.report'",),
    ],
    "batches.verified": [
        ("UPDATE batch_assignment SET organisation_id = (SELECT id FROM organisation WHERE code = 'gd-operator')",),
        ("UPDATE batch_assignment SET organisation_id = (SELECT id FROM organisation WHERE code = 'authority')",),
        ("UPDATE batch_assignment SET assigned_by = (SELECT id FROM staff WHERE login = 'anna')",),
        ("UPDATE batch_assignment SET assigned_at = assigned_at + interval '1 day'",),
        ("UPDATE batch_sample SET seed = set_byte(seed, 0, 255 - get_byte(seed, 0))",),
        ("UPDATE batch_sample SET draws = draws + 1",),
        ("UPDATE batch_sample SET drawn_by = (SELECT id FROM staff WHERE login = 'anna')",),
        ("UPDATE batch_draw SET position = position + 1 WHERE draw = 2",),
        ("UPDATE batch_draw SET gram = gram + 1 WHERE draw = 2",),
        ("DELETE FROM batch_draw WHERE draw = 2",),
        ("UPDATE batch_finding SET found_by = (SELECT id FROM staff WHERE login = 'anna')",),
        ("UPDATE batch_finding SET remark = 'another'",),
        ("UPDATE batch_finding SET reason = 'other'",),
        ("UPDATE batch_finding SET found_at = found_at + interval '1 day'",),
        ("UPDATE batch_finding SET number = number + 5",),
        ("UPDATE batch_statement SET issued_by = (SELECT id FROM staff WHERE login = 'first')",),
        ("UPDATE batch_statement SET document = replace(convert_from(document, 'UTF8'), 'CONFIRM', 'x')::bytea || ' '::bytea",),
        ("UPDATE batch_statement SET sha256 = set_byte(sha256, 0, 255 - get_byte(sha256, 0))",),
        ("UPDATE batch_report_certified SET certified_at = certified_at + interval '1 day'",),
    ],
    "batches.issued": [
        ("UPDATE batch_issuance SET approved_by = (SELECT id FROM staff WHERE login = 'anna')",),
        ("UPDATE batch_issuance SET proposed_by = approved_by",),
        ("UPDATE staff SET organisation_id = (SELECT id FROM organisation WHERE code = 'verifier') WHERE login = 'first'",),
        ("UPDATE staff SET organisation_id = (SELECT id FROM organisation WHERE code = 'gd-operator') WHERE login = 'second'",),
        ("UPDATE batch_issuance SET revision = 1",),
        ("UPDATE batch_issuance SET quantity_t = quantity_t - 1, carry_out_g = carry_out_g + 1000000",),
        ("UPDATE batch_issuance SET owner_id = (SELECT id FROM organisation WHERE code = 'verifier')",),
        ("UPDATE batch_issuance SET book = 'phcer', first_serial = 500 WHERE ctid = (SELECT min(ctid) FROM batch_issuance WHERE book = 'phcer-demo')",),
        ("UPDATE methodology_filing SET valid_from = '2026-09-02'",),
        ("UPDATE methodology_filing SET region = 'CN-GD-SZ'",),
        ("DELETE FROM methodology_filing",),
        ("DELETE FROM batch_issuance WHERE book = 'phcer'",),
        ("DELETE FROM two_person_decision d USING two_person_act a WHERE a.id = d.act_id AND a.kind = 'certification.issuance'",),
    ],
    "batches.logged": [
        ("UPDATE batch SET log_index = log_index + 1",),
        ("UPDATE batch SET first_month = '2026-01-01'",),
        ("UPDATE batch_issuance SET log_index = log_index + 1",),
        ("UPDATE batch_statement SET log_index = log_index + 1",),
        ("DELETE FROM batch_issuance WHERE book = 'phcer-demo'",),
        ("DELETE FROM batch_report_certified",),
        ("DELETE FROM batch_statement WHERE revision = 1",),
        ("UPDATE batch_issuance SET first_serial = first_serial + 1",),
    ],
    "withdrawn.made_good": [
        ("DELETE FROM certification_shortfall WHERE number = 2",),
        ("DELETE FROM action_withdrawn",),
        (f"UPDATE certification_shortfall SET batch_id = {NEXT_DEMO}",),
        ("UPDATE certification_shortfall SET grams = grams + 1 WHERE number = 2",),
        ("UPDATE certification_shortfall SET vintage_year = 2025",),
        ("UPDATE certification_shortfall SET number = number + 5 WHERE number = 2",),
        (  # withdrawn, certified, and nobody noted it
            "DELETE FROM certification_cover",
            "DELETE FROM certification_shortfall",
        ),
        (  # an act that nobody withdrew is found withdrawn
            "UPDATE batch_finding SET reason = 'withdrawn'",
        ),
        ("UPDATE certification_cover SET claim_key = gen_random_uuid() WHERE batch_id IS NULL",),
        ("UPDATE certification_cover SET number = number + 1",),
        (
            f"UPDATE certification_cover SET batch_id = {NEXT_DEMO}",
        ),
        ("UPDATE certification_cover SET batch_id = (SELECT batch_id FROM certification_shortfall LIMIT 1) WHERE batch_id IS NOT NULL",),
        ("UPDATE certification_cover SET covered_at = covered_at + interval '1 second' WHERE batch_id IS NOT NULL",),
        ("UPDATE certification_cover SET cancellation_id = gen_random_uuid() WHERE cancellation_id IS NOT NULL",),
        ("UPDATE certification_cover SET covered_at = covered_at - interval '1 day' WHERE cancellation_id IS NOT NULL",),
        ("UPDATE certification_shortfall SET recorded_at = recorded_at + interval '1 day'",),
        ("UPDATE certification_cover SET grams = grams + 1 WHERE cancellation_id IS NOT NULL",),
        ("UPDATE certification_cover SET grams = grams - 1 WHERE batch_id IS NOT NULL",),
        (  # the newer one first
            "DELETE FROM certification_cover WHERE batch_id IS NOT NULL",
            "DELETE FROM certification_correction",
        ),
        (  # a batch with grams left passed it over
            "DELETE FROM certification_cover",
            "DELETE FROM certification_correction",
            f"UPDATE batch_statement SET verified_g = 1 WHERE batch_id = {NEXT_DEMO}",
        ),
        ("UPDATE certification_correction SET revision = revision + 1",),
        ("UPDATE certification_correction SET grams = grams + 1",),
        ("UPDATE certification_correction SET grams = grams - 1",),
        ("DELETE FROM certification_correction",),
    ],
    "withdrawn.cancelled": [
        ("UPDATE certification_cancellation SET vintage_year = 2025",),
        ("UPDATE certification_cancellation SET operator_id = (SELECT id FROM organisation WHERE code = 'verifier')",),
        (
            "UPDATE certification_cancellation SET quantity_t = quantity_t + 1",
        ),
        ("UPDATE certification_cancellation SET owed_g = owed_g + 1",),
        ("UPDATE certification_cover SET grams = grams + 1000000 WHERE cancellation_id IS NOT NULL",),
        (  # what it has left over lies idle
            "DELETE FROM certification_cover WHERE batch_id IS NOT NULL",
        ),
        ("UPDATE certification_cancellation SET ordered_by = NULL, term_days = 30",),
        (
            "UPDATE certification_cancellation SET ordered_by = NULL",
        ),
        ("UPDATE certification_cancellation SET ordered_by = (SELECT id FROM staff WHERE login = 'anna')",),
        ("UPDATE certification_cancellation SET book = 'phcer'",),
        ("UPDATE certification_cancellation SET log_index = log_index + 1",),
        ("UPDATE ledger_transfer SET amount = amount + 1 WHERE reason = 'credit.forfeited'",),
        ("DELETE FROM ledger_transfer WHERE reason = 'credit.forfeited'",),
        ("DELETE FROM certification_cancellation",),
    ],
    "bridge.steps": [
        ("UPDATE bridge_step SET posting_id = gen_random_uuid() WHERE step = 'deposited'",),
        ("DELETE FROM bridge_step WHERE step = 'locked'",),
        ("DELETE FROM bridge_step WHERE step = 'deposited'",),
        ("UPDATE bridge_transfer SET owner = 'buyer'",),
        ("UPDATE bridge_transfer SET quantity_t = quantity_t + 1",),
        ("DELETE FROM bridge_transfer",),
        (  # deposited, and returned as well
            "ALTER TABLE bridge_step DROP CONSTRAINT bridge_step_followed_once",
            """INSERT INTO bridge_step SELECT bridge_id, 'returned', 'locked', gen_random_uuid(), 'x', taken_at, xid
               FROM bridge_step WHERE step = 'deposited'""",
        ),
        (  # other numbers on the other side
            """UPDATE serial_movement SET serials = int8range(lower(serials) + 50, upper(serials) + 50)
               WHERE posting_id = (SELECT posting_id FROM bridge_step WHERE step = 'deposited' LIMIT 1)""",
        ),
        (  # units over the bridge that no step stands for
            "INSERT INTO ledger_account (id, code, kind, unit, guard, balance, xid) VALUES (9001, 'entity:b:x', 'entity', 't', 'floor', 1, '3')",
            """INSERT INTO ledger_transfer SELECT gen_random_uuid(), line, debit_id, 9001, unit, amount, reason, happened_at,
                   recorded_at, NULL, NULL, xid FROM ledger_transfer WHERE reason = 'bridge.deposited' LIMIT 1""",
        ),
    ],
    "credits.across": [
        ("DELETE FROM bridge_step WHERE step = 'deposited'",),  # what is locked and what arrived are two then
        ("DELETE FROM serial_block WHERE account_id IN (SELECT id FROM ledger_account WHERE kind = 'cancelled')",),
        ("DELETE FROM serial_block WHERE account_id IN (SELECT id FROM ledger_account WHERE code = 'entity:guangdong-phcer:buyer')",),
        (  # a number that nobody issued
            """INSERT INTO serial_block SELECT book_id, '[9000,9001)', account_id FROM serial_block
               WHERE account_id = (SELECT id FROM ledger_account WHERE code = 'entity:guangdong-phcer:buyer')""",
        ),
        (  # back in the holder's hands after it crossed
            """INSERT INTO serial_block SELECT book_id, serials, (SELECT id FROM ledger_account WHERE code = 'holder:phcer:seller')
               FROM serial_block WHERE account_id = (SELECT id FROM ledger_account WHERE kind = 'bridged_out')""",
        ),
    ],
    "credits.holders": [
        ("UPDATE credit_transfer SET taker = 'seller', giver = 'buyer'",),
        ("UPDATE credit_transfer SET price_fen = 1",),
        ("DELETE FROM credit_transfer",),
        ("UPDATE credit_cancellation SET purpose = 'another'",),
        ("DELETE FROM credit_cancellation",),
    ],
    "market.sales": [
        ("UPDATE sale SET price_fen = price_fen + 1",),
        ("UPDATE sale SET buyer = 'seller'",),
        ("UPDATE sale SET market = 'beijing'",),
        ("UPDATE sale SET expires_at = offered_at + interval '1 microsecond'",),
        ("UPDATE sale_end SET outcome = 'expired' WHERE outcome = 'withdrawn'",),
        ("UPDATE sale_end SET outcome = 'withdrawn' WHERE outcome = 'settled'",),
        ("DELETE FROM sale_end WHERE outcome = 'settled'",),
        ("DELETE FROM sale WHERE id NOT IN (SELECT sale_id FROM sale_end)",),
        (  # set aside for nobody
            """UPDATE serial_block SET account_id = (SELECT id FROM ledger_account WHERE code = 'offered:guangdong-phcer:seller')
               WHERE account_id = (SELECT id FROM ledger_account WHERE code = 'entity:guangdong-phcer:seller')""",
        ),
        (  # the money went elsewhere
            """UPDATE ledger_transfer SET credit_id = (SELECT id FROM ledger_account WHERE kind = 'deposited' LIMIT 1)
               WHERE reason = 'sale.paid'""",
        ),
    ],
    "seals.rows": [("UPDATE organisation SET name_en = 'Somebody'",)],
    "seals.tables": [
        ("CREATE TABLE strange (id integer, xid xid8 NOT NULL DEFAULT pg_current_xact_id())",),
    ],
    "log.consistent": [("UPDATE log_entry SET body = '{}' WHERE index = 0",)],
}  # fmt: skip


CASES |= stopped.CASES | counters.CASES | footprint_cases.CASES | collecting_cases.CASES
CASES |= contested_cases.CASES | exchanged_cases.CASES | further_cases.CASES | partner_cases.CASES
CASES |= settled_cases.CASES | couponed.CASES | vouchered.CASES
CASES |= social_cases.CASES | followed_cases.CASES
CASES |= (
    sent_cases.CASES
    | capped.CASES
    | games_cases.CASES
    | joined_cases.CASES
    | private_cases.CASES
    | members_cases.CASES
    | benefits.CASES
)


def test_every_invariant_has_a_case() -> None:
    assert set(CASES) == {invariant.name for invariant in INVARIANTS}


def tables_of(changes: tuple[str, ...]) -> list[str]:
    """The tables whose rows the statements change; none where one does something else."""
    if not all(re.match(r"\s*(UPDATE|DELETE|INSERT|WITH)\b", change) for change in changes):
        return []
    found = (re.findall(r"\b(?:UPDATE|DELETE FROM|INSERT INTO)\s+([a-z_]+)", change) for change in changes)
    return sorted({table for some in found for table in some})


@pytest.fixture(scope="module")
async def whole_again(servers: embedded.Servers, unguarded_city: str) -> AsyncIterator[Copy]:
    """One copy for everything that is put back; in the end nothing is broken."""
    async with copy_of(servers, unguarded_city) as copy:
        yield copy
        assert said(await copy.audit()) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param(name, changes, id=f"{name}-{number}")
        for name, cases in CASES.items()
        for number, changes in enumerate(cases)
        if tables_of(changes)
    ],
)
async def test_an_invariant_names_what_breaks_it(
    whole_again: Copy, name: str, changes: tuple[str, ...]
) -> None:
    async with put_back(whole_again.superuser, *tables_of(changes)):
        await break_by(whole_again, changes)
        assert (await whole_again.audit(name)).found > 0


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param(name, changes, id=f"{name}-{number}")
        for name, cases in CASES.items()
        for number, changes in enumerate(cases)
        if not tables_of(changes)
    ],
)
async def test_an_invariant_names_what_breaks_the_shape_of_a_table(
    servers: embedded.Servers, unguarded_city: str, name: str, changes: tuple[str, ...]
) -> None:
    async with copy_of(servers, unguarded_city) as copy:
        await break_by(copy, changes)
        assert (await copy.audit(name)).found > 0


async def break_by(copy: Copy, changes: tuple[str, ...]) -> None:
    for change in changes:
        done = await copy.superuser.execute(change)
        assert not done.endswith(" 0"), change


async def test_a_check_that_cannot_be_completed_is_a_violation_and_the_others_are_still_asked(
    servers: embedded.Servers, unguarded_city: str
) -> None:
    async with copy_of(servers, unguarded_city) as copy:
        await copy.superuser.execute("ALTER TABLE method_ref DROP COLUMN activity CASCADE")
        await copy.superuser.execute(f"UPDATE ledger_account SET balance = balance + 1 WHERE {ONE_WALLET}")
        found = {result.invariant.name: result.checked for result in (await copy.audit()).results}
    assert "could not be completed" in found["methods.recoverable"].violations[0].en
    assert found["ledger.balances"].found == 1
    assert found["packs.texts"].found == 0


async def test_many_violations_are_all_counted_and_the_first_ones_named(
    servers: embedded.Servers, unguarded_city: str
) -> None:
    async with copy_of(servers, unguarded_city) as copy:
        await copy.superuser.execute("""
            INSERT INTO ledger_account (id, code, kind, unit, guard, balance, xid)
            SELECT 1000 + n, 'hold:nobody:p' || n, 'hold', 'pt', 'floor', 1, '3' FROM generate_series(1, 500) n
        """)
        (balances,) = (await copy.audit("ledger.balances")).results
    assert (balances.checked.found, len(balances.checked.violations)) == (500, 20)
