"""Every operation of the document, asked for by those who may not: who may is written down here."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from backend.identity import tokens
from backend.identity.organisations import Role
from backend.identity.tokens import Audience
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.operator_api.conftest import SignedIn

OPEN_TO_ALL = {"sign_in", "refresh_tokens"}
EVERYBODY = frozenset(Role)
LOTTERY_PARTIES = frozenset({Role.OPERATOR, Role.AUTHORITY, Role.VERIFICATION_BODY, Role.PARTNER})
PERMITTED: dict[str, frozenset[Role]] = {
    "sign_out": EVERYBODY,
    "get_me": EVERYBODY,
    "change_password": EVERYBODY,
    "list_organisations": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_staff": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "propose_organisation": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "propose_staff": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_admissions": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "approve_admission": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "reject_admission": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "suspend_staff": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "create_participant": frozenset({Role.OPERATOR}),
    "look_at_participant": frozenset({Role.OPERATOR}),
    "note_proof": frozenset({Role.OPERATOR}),
    "link_means_list": frozenset({Role.OPERATOR, Role.PARTNER}),
    "make_link_code": frozenset({Role.PARTNER}),
    "list_own_keys": frozenset({Role.PARTNER}),
    "list_key_proposals": frozenset({Role.PARTNER}),
    "propose_key": frozenset({Role.PARTNER}),
    "approve_key": frozenset({Role.PARTNER}),
    "reject_key": frozenset({Role.PARTNER}),
    "revoke_key": frozenset({Role.PARTNER, Role.OPERATOR, Role.AUTHORITY}),
    "list_partner_keys": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_partner_quota": frozenset({Role.PARTNER, Role.OPERATOR, Role.AUTHORITY}),
    "set_partner_quota": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_programmes": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "run_programme": frozenset({Role.OPERATOR}),
    "get_programme": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_programme_figures": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_programme_liability": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "try_event": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_benefits": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "propose_payout": frozenset({Role.OPERATOR}),
    "approve_payout": frozenset({Role.OPERATOR}),
    "reject_payout": frozenset({Role.OPERATOR}),
    "list_payouts": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_payout_file": frozenset({Role.OPERATOR}),
    "propose_closing": frozenset({Role.OPERATOR}),
    "approve_closing": frozenset({Role.OPERATOR}),
    "reject_closing": frozenset({Role.OPERATOR}),
    "list_programme_statements": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_programme_statement": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_programme_statement_lines": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_programme_statement_workbook": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_programme_statement_pdf": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_settled_redemption": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_programme_disputes": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "answer_dispute": frozenset({Role.OPERATOR}),
    "propose_settlement_correction": frozenset({Role.OPERATOR}),
    "approve_settlement_correction": frozenset({Role.OPERATOR}),
    "reject_settlement_correction": frozenset({Role.OPERATOR}),
    "propose_settlement_payout": frozenset({Role.OPERATOR}),
    "approve_settlement_payout": frozenset({Role.OPERATOR}),
    "reject_settlement_payout": frozenset({Role.OPERATOR}),
    "list_settlement_payouts": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_settlement_payout_file": frozenset({Role.OPERATOR}),
    "tell_payout_outcome": frozenset({Role.OPERATOR}),
    "propose_contract": frozenset({Role.OPERATOR}),
    "approve_contract": frozenset({Role.OPERATOR}),
    "reject_contract": frozenset({Role.OPERATOR}),
    "list_applications": frozenset({Role.OPERATOR}),
    "get_merchant_application": frozenset({Role.OPERATOR}),
    "get_application_document": frozenset({Role.OPERATOR}),
    "propose_merchant": frozenset({Role.OPERATOR}),
    "admit_merchant": frozenset({Role.OPERATOR}),
    "reject_merchant": frozenset({Role.OPERATOR}),
    "send_application_back": frozenset({Role.OPERATOR}),
    "list_firm_claims": frozenset({Role.OPERATOR}),
    "check_firm": frozenset({Role.OPERATOR}),
    "list_takeovers": frozenset({Role.OPERATOR}),
    "decide_takeover": frozenset({Role.OPERATOR}),
    "list_suspensions": frozenset({Role.OPERATOR}),
    "suspend": frozenset({Role.OPERATOR}),
    "get_suspension": frozenset({Role.OPERATOR}),
    "resume": frozenset({Role.OPERATOR}),
    "set_budget": frozenset({Role.OPERATOR}),
    "list_programme_budgets": frozenset({Role.OPERATOR}),
    "end_budget": frozenset({Role.OPERATOR}),
    "list_submitted_offers": frozenset({Role.OPERATOR}),
    "publish_offer": frozenset({Role.OPERATOR}),
    "send_offer_back": frozenset({Role.OPERATOR}),
    "list_programme_contracts": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "simulate_pack": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_sources": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "register_source": frozenset({Role.OPERATOR}),
    "list_jobs": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_held": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_held": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "decide_held": frozenset({Role.OPERATOR}),
    "list_external_claims": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "decide_external_claim": frozenset({Role.OPERATOR}),
    "list_conflicts": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "take_act_back": frozenset({Role.OPERATOR}),
    "list_appeals": frozenset({Role.OPERATOR}),
    "answer_appeal": frozenset({Role.OPERATOR}),
    "list_methodologies": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_filings": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_filing_proposals": frozenset({Role.AUTHORITY}),
    "propose_filing": frozenset({Role.AUTHORITY}),
    "approve_filing": frozenset({Role.AUTHORITY}),
    "reject_filing": frozenset({Role.AUTHORITY}),
    "list_demo_overrides": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "set_demo_override": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_open_pools": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_batches": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "close_period": frozenset({Role.OPERATOR}),
    "get_batch": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "get_report": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_report_proposals": frozenset({Role.OPERATOR}),
    "propose_report": frozenset({Role.OPERATOR}),
    "certify_report": frozenset({Role.OPERATOR}),
    "reject_report": frozenset({Role.OPERATOR}),
    "assign_verification_body": frozenset({Role.AUTHORITY}),
    "list_samples": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_findings": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_statements": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_issuance_proposals": frozenset({Role.AUTHORITY}),
    "propose_issuance": frozenset({Role.AUTHORITY}),
    "approve_issuance": frozenset({Role.AUTHORITY}),
    "reject_issuance": frozenset({Role.AUTHORITY}),
    "get_issuance": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_shortfalls": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_withdrawn_acts": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_compulsory_cancellations": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "order_cancellation": frozenset({Role.AUTHORITY}),
    "show_task_figures": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "show_campaign_figures": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "show_reward_figures": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "show_referral_figures": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_grants": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "deliver_grant": frozenset({Role.OPERATOR}),
    "refuse_grant": frozenset({Role.OPERATOR}),
    "list_causes": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "list_handovers": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "hand_over": frozenset({Role.OPERATOR}),
    "correct_handover": frozenset({Role.OPERATOR}),
    "open_lottery": frozenset({Role.OPERATOR}),
    "list_lotteries": LOTTERY_PARTIES,
    "get_lottery": LOTTERY_PARTIES,
    "commit_to_lottery": LOTTERY_PARTIES,
    "reveal_secret": LOTTERY_PARTIES,
    "list_trees": frozenset({Role.PARTNER, Role.OPERATOR, Role.AUTHORITY}),
    "list_tree_batches": frozenset({Role.PARTNER, Role.OPERATOR, Role.AUTHORITY}),
    "hand_trees_over": frozenset({Role.OPERATOR}),
    "report_planted": frozenset({Role.OPERATOR, Role.PARTNER}),
    "report_failed": frozenset({Role.OPERATOR, Role.PARTNER}),
    "list_events": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "publish_event": frozenset({Role.OPERATOR}),
    "list_reported_posts": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "hide_post": frozenset({Role.OPERATOR}),
    "list_published_news": frozenset({Role.OPERATOR, Role.AUTHORITY}),
    "publish_news": frozenset({Role.OPERATOR}),
    "withdraw_news": frozenset({Role.OPERATOR}),
    "get_event_code": frozenset({Role.OPERATOR}),
    "call_event_off": frozenset({Role.OPERATOR}),
}


def operations(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Method, path with plausible values, and operation id of all that a document lists."""
    return [
        (method.upper(), re.sub(r"\{[a-z_]*\}", str(uuid4()), path), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_in_the_table_and_has_an_id_of_its_own(app: FastAPI) -> None:
    names = [name for _, _, name in operations(app.openapi())]
    assert len(names) == len(set(names))
    assert set(names) == set(PERMITTED) | OPEN_TO_ALL


async def test_nothing_but_a_staff_token_opens_anything(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, db: Database
) -> None:
    async with db.transaction() as session:
        citizen = await tokens.start_session(session, settings, Audience.CITIZEN, subject=uuid4())
        nobody = await tokens.start_session(session, settings, Audience.STAFF, subject=uuid4())
    bad = ["", "x", citizen.access_token, nobody.access_token, "x" * 5000]
    for token in bad:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for method, path, name in operations(app.openapi()):
            if name not in OPEN_TO_ALL:
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == 401, (name, answer.text)


async def test_each_role_reaches_exactly_what_the_table_says(app: FastAPI, signed_in: SignedIn) -> None:
    for role in Role:
        person = await signed_in(role)
        for method, path, name in operations(app.openapi()):
            if name in OPEN_TO_ALL or name == "sign_out":
                continue
            answer = await person.client.request(method, path, headers=person.headers())
            forbidden = answer.status_code == 403 and answer.json()["code"] == "kit.forbidden"
            assert forbidden is (role not in PERMITTED[name]), (role, name, answer.status_code, answer.text)
            assert answer.status_code < 500
