"""Whatever a database superuser changes, adds or removes behind the application's back, the audit names it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from backend import log
from puhui import embedded
from puhui.audit import Report
from tests.audit.conftest import Connection, Copy, copy_of, put_back, said

TABLES = (
    "ledger_kind", "ledger_rule", "ledger_serial_rule", "serial_book", "serial_block", "serial_movement", "ledger_account", "ledger_transfer", "ledger_resolution", "ledger_checkpoint",
    "action", "action_claim", "intake_chunk", "intake_source", "intake_job", "intake_rejection", "intake_conflict",
    "intake_held", "intake_decision", "action_withdrawn", "action_trimmed", "action_revision", "intake_correction", "intake_appeal",
    "intake_appeal_answer", "place_retention",
    "fingerprint_match", "external_claim", "external_claim_decision",
    "participant", "account_join", "action_released", "person_proof", "account_closed", "account_forfeit", "guardianship",
    "guardianship_ended", "guardian_word", "person_look", "membership", "membership_end", "group_act", "firm_claim", "firm_check", "means", "means_holding", "means_ended", "means_takeover", "means_takeover_step", "assignment_of_right",
    "pack_text", "programme", "programme_pack", "programme_overlay", "method_ref",
    "methodology_filing", "methodology_demo_override", "two_person_act", "two_person_decision",
    "organisation", "agreement_text", "consent_event",
    "partner_key", "partner_key_revoked", "partner_quota",
    "intake_upload", "intake_upload_job", "intake_upload_step", "intake_upload_removed",
    "registry_mode", "registry_account", "compliance_obligation", "compliance_rules", "unit_lot",
    "unit_pledge", "unit_pledge_lot", "unit_release", "compliance_close", "unit_surrender", "unit_surrender_lot",
    "surrender_recount", "unit_cancellation", "cash_movement",
    "bridge_transfer", "bridge_step", "credit_transfer", "credit_cancellation", "sale", "sale_end",
    "batch", "batch_leaf", "batch_node", "batch_report", "batch_report_certified", "batch_assignment", "batch_sample",
    "batch_draw", "batch_finding", "batch_statement", "batch_issuance",
    "certification_shortfall", "certification_correction", "certification_cancellation", "certification_cover",
    "shop", "shop_edition", "suspension", "application_submission", "application_end",
    "offer", "offer_withdrawal", "offer_restock", "offer_stock", "offer_step", "offer_terms", "offer_shop",
    "offer_budget", "offer_budget_offer", "offer_budget_end", "redemption_budget",
    "coupon_import", "coupon_code", "coupon_given", "coupon_left", "image", "offer_image", "offer_image_removal",
    "voucher", "voucher_use",
    "contract_edition", "capture_value", "refund_value",
    "settlement_statement", "settlement_line", "settlement_invoice", "settlement_dispute", "settlement_answer",
    "settlement_payout", "settlement_payout_line", "settlement_payout_end",
    "redemption", "redemption_code", "redemption_open", "redemption_end", "redemption_refund",
    "redemption_asked", "redemption_answer", "redemption_part", "programme_redeeming", "programme_step",
    "footprint_entry", "footprint_withdrawal",
    "budget_reached", "action_unfunded", "benefit_payout", "benefit_payout_line",
    "reward_grant", "reward_outcome", "cause_handover", "lottery", "lottery_commitment", "lottery_entry", "lottery_close", "lottery_reveal",
    "lottery_result", "lottery_winner", "tree_batch", "tree_batch_order", "tree",
    "event", "event_called_off", "event_signup", "event_signup_end", "event_check_in",
    "circle_event", "circle_invitation", "circle_friendship", "circle_friendship_end", "team", "team_event",
    "feed_post", "feed_like", "feed_report", "feed_removal", "news_item", "news_withdrawal",
    "collecting_taken",
    "award", "award_taken", "campaign_batch", "campaign_grant", "campaign_returned", "task_accepted", "task_finished",
    "task_undone", "referral_code", "referral", "referral_rewarded", "referral_undone", "acted_day",
    "audit_run",
    "log_entry", "log_node", "log_key", "log_tree_head", "log_seal",
    "transparency_progress", "transparency_event", "transparency_source", "transparency_range", "transparency_batch",
)  # fmt: skip

CHANGED = {
    "bigint": "{0} + 1",
    "integer": "{0} + 1",
    "smallint": "{0} + 1",
    "numeric": "{0} + 1",
    "text": "{0} || 'x'",
    "uuid": "gen_random_uuid()",
    "date": "{0} + 1",
    "timestamp with time zone": "{0} + interval '1 day'",
    "boolean": "NOT {0}",
    "bytea": "set_byte({0}, 0, 255 - get_byte({0}, 0))",
    "jsonb": "{0} || '{{\"tampered\": 1}}'",
    "xid8": "'3'",
    "int8range": "int8range(lower({0}) + 50, upper({0}) + 50)",
    "text[]": "{0} || 'x'::text",
}
MAY_CHANGE = {  # what is closed, ended or revoked later; the invariants look at it, the seals cannot
    "means_holding": {"held"},
    "assignment_of_right": {"covers", "revoked_at"},
    "intake_job": {"finished_at"},
}
GIVEN = {  # what stands where there was nothing
    "bigint": "1",
    "integer": "1",
    "boolean": "true",
    "text": "'x'",
    "uuid": "gen_random_uuid()",
    "bytea": "'x'::bytea",
    "date": "'2027-01-01'",
    "timestamp with time zone": "now()",
}
CHOSEN = {
    "coupon_left": "valid_until",  # nothing comes after infinity
    "ledger_checkpoint": "abs(balance) DESC",
    "log_key": "generation",
    "batch": "sequence DESC",
    "batch_leaf": "position DESC",
    "intake_upload_job": "dry_run",
    "partner_key": "replaces IS NULL",  # a chain has one beginning
    "programme_redeeming": "matures_after_days DESC",  # without a row a programme has no such section
}

SLIPPED = {
    "firm_check": "confirmed",
    "circle_event": "kind",  # a handle is given to one person, and told of when that one hides
    "action_withdrawn": "replaced_by NULLS FIRST",  # what stands instead does so for one act
    "intake_upload_job": "dry_run DESC",  # a file is taken in once, and tried more often
    "partner_key": "replaces NULLS FIRST",  # a key is replaced by one other
    "settlement_line": "kind <> 'fee'",  # a capture is on one line
}


async def columns_of(superuser: Connection, table: str) -> dict[str, str]:
    rows = await superuser.fetch(
        """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
           WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        table,
    )
    return {row[0]: row[1] for row in rows}


async def change_one(superuser: Connection, *, table: str, column: str, kind: str) -> None:
    """Change one column of one row, of one that holds a value where there is any."""
    if kind == "boolean":
        await without_keys(superuser, table=table, column=column)
    order = CHOSEN.get(table, "1")
    there = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")
    value = await other(superuser, table, column, kind) if there else GIVEN[kind]
    done = await superuser.execute(f"""
        UPDATE {table} SET {column} = {value} WHERE (tableoid, ctid) = (
            SELECT tableoid, ctid FROM {table} WHERE {column} IS NOT NULL OR NOT {bool(there)}
            ORDER BY {order}, ctid LIMIT 1)
    """)
    assert done == "UPDATE 1", (table, column, done)


async def without_keys(superuser: Connection, *, table: str, column: str) -> None:
    """Take away the unique keys that hold a column: of two values the other one may be in use for every row."""
    rows = await superuser.fetch(
        """SELECT conname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = ANY (conkey)
           WHERE conrelid = $1::text::regclass AND contype = 'u' AND attname = $2""",
        table,
        column,
    )
    for row in rows:
        await superuser.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{row[0]}"')


async def other(superuser: Connection, table: str, column: str, kind: str) -> str:
    """Another value for a column: the nearest one, but for a key one that is not in use."""
    if (table, column) == ("batch", "sequence"):  # the next one is taken
        return "sequence + 1000"
    if column == "claim_key":  # of the same day, which its partition asks for
        return "(left(claim_key::text, 8) || right(gen_random_uuid()::text, 28))::uuid"
    if kind in {"bigint", "integer", "smallint"} and column in await key_of(superuser, table):
        return f"{column} + {20 if kind == 'smallint' or column == 'level' else 1_000_000}"
    return CHANGED[kind].format(column)


def tables_named(report: Report) -> set[str]:
    return {violation.table for result in report.results for violation in result.checked.violations}


@pytest.fixture(scope="module")
async def copy(servers: embedded.Servers, unguarded_city: str) -> AsyncIterator[Copy]:
    """One copy for all tables: it was the changes that were named, and nothing else."""
    async with copy_of(servers, unguarded_city) as made:
        yield made
        assert said(await made.audit()) == []


@pytest.mark.parametrize("table", TABLES)
async def test_whatever_is_changed_removed_or_slipped_in_is_named(copy: Copy, table: str) -> None:
    """The first change is put before the whole audit, like a row that most invariants read; each further one before the
    table's own seals first, then before the invariants that named another change of this table, and before the whole
    where those say nothing. Every invariant is asked apart from the others, so what one of them names the whole audit
    names.
    """
    missed = {}
    asked_first: set[str] = set()
    before = await content_of(copy.superuser, table)
    for number, (name, change) in enumerate((await changes_of(copy.superuser, table)).items()):
        async with put_back(copy.superuser, table):
            await change(copy.superuser)
            wanted = SHOWN_BY.get((table, name), table)
            if number and wanted in await named_by_seals(copy, table):
                continue
            if asked_first and wanted in tables_named(await copy.audit(*asked_first)):
                continue
            report = await copy.audit()
            asked_first |= who_named(report, wanted)
            if wanted not in tables_named(report):
                missed[name] = said(report)
    assert await content_of(copy.superuser, table) == before
    assert missed == {}


async def content_of(superuser: Connection, table: str) -> str:
    """What a table holds, in a few letters."""
    found: str = await superuser.fetchval(
        f"SELECT count(*) || md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM {table} t"
    )
    return found


def who_named(report: Report, table: str) -> set[str]:
    """The invariants that named a table; its seals were asked alone before."""
    return {
        result.invariant.name
        for result in report.results
        if result.invariant.name != "seals.rows"
        and table in {named.table for named in result.checked.violations}
    }


async def named_by_seals(copy: Copy, table: str) -> set[str]:
    async with copy.db.transaction() as session:
        return {violation.table for violation in await log.verify_seals(session, only=table)}


Change = Callable[[Connection], Awaitable[None]]
SHOWN_BY = {("log_key", "removed"): "log_tree_head"}
# Without a checkpoint a balance is folded from the beginning, and a head that is gone proves nothing false: neither
# makes the books say anything else.
HARMLESS = {
    ("ledger_checkpoint", "removed"), ("ledger_checkpoint", "slipped in"),
    ("log_tree_head", "removed"), ("log_key", "slipped in"),
}  # fmt: skip


async def changes_of(superuser: Connection, table: str) -> dict[str, Change]:
    """One change for every column that may not change, one removed row, and one row slipped in."""
    found: dict[str, Change] = {
        column: partial(change_one, table=table, column=column, kind=kind)
        for column, kind in (await columns_of(superuser, table)).items()
        if column not in MAY_CHANGE.get(table, ())
    }
    found |= {"removed": partial(remove_one, table=table), "slipped in": partial(slip_in, table=table)}
    return {name: change for name, change in found.items() if (table, name) not in HARMLESS}


async def remove_one(superuser: Connection, *, table: str) -> None:
    done = await superuser.execute(f"""
        DELETE FROM {table} WHERE (tableoid, ctid) =
            (SELECT tableoid, ctid FROM {table} ORDER BY {CHOSEN.get(table, "1")}, ctid LIMIT 1)
    """)
    assert done == "DELETE 1"


async def slip_in(superuser: Connection, *, table: str) -> None:
    """A copy of a row under another key, of the same transaction: among rows that are sealed."""
    order = f"ORDER BY {SLIPPED[table]}" if table in SLIPPED else ""
    columns = await columns_of(superuser, table)
    async with superuser.transaction():
        await superuser.execute(
            f"CREATE TEMP TABLE slipped ON COMMIT DROP AS SELECT * FROM {table} {order} LIMIT 1"
        )
        for column in set(await key_of(superuser, table)) - {"table_name"}:
            value = await other(superuser, table, column, columns[column])
            await superuser.execute(f"UPDATE slipped SET {column} = {value}")
        await superuser.execute(f"INSERT INTO {table} SELECT * FROM slipped")


async def key_of(superuser: Connection, table: str) -> list[str]:
    """Every column of a unique key, so that a copy with others of them collides with nothing."""
    rows = await superuser.fetch(
        """SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a
               ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
           WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indpred IS NULL""",
        table,
    )
    return [row[0] for row in rows]


async def test_every_table_that_notes_its_transactions_is_tampered_with_here(
    servers: embedded.Servers, city: str
) -> None:
    async with copy_of(servers, city) as copy:
        rows = await copy.superuser.fetch("""
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
                AND a.attname = 'xid' AND c.relname <> 'kit_outbox'
        """)
    assert {row[0] for row in rows} - set(TABLES) == set()
