"""Every operation of the registry and the market, asked for by those who may not: who may is written down here."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from backend.identity import tokens
from backend.identity.organisations import Role
from backend.identity.tokens import Audience
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.offset_bridge.conftest import SignIn
from tests.operator_api.test_permissions import operations

OPEN_TO_ALL = {"sign_in", "refresh_tokens"}
EVERYBODY = frozenset(Role)
AUTHORITY = frozenset({Role.AUTHORITY})
HOLDERS = frozenset({Role.OPERATOR, Role.ENTERPRISE})
PARTIES = AUTHORITY | HOLDERS
ONESELF = dict.fromkeys(("sign_out", "get_me", "change_password"), EVERYBODY)
AT_REGISTRY = {
    **ONESELF,
    **dict.fromkeys(
        (
            "list_proposals", "propose_mode", "propose_obligation", "propose_rules", "propose_allocation",
            "propose_registration", "propose_close", "approve_proposal", "reject_proposal", "open_account",
        ),
        AUTHORITY,
    ),
    **dict.fromkeys(
        (
            "get_mode", "list_accounts", "list_holdings", "list_obligations", "list_rules", "evaluate_offsets",
            "list_pledges", "get_pledge", "list_surrenders", "list_cancellations",
        ),
        PARTIES,
    ),
    **dict.fromkeys(
        (
            "pledge_units", "release_pledge", "cancel_units", "list_credits", "transfer_credits", "cancel_credits",
            "start_bridge_transfer", "list_bridge_transfers", "get_bridge_transfer",
        ),
        HOLDERS,
    ),
}  # fmt: skip
AT_MARKET = {
    **ONESELF,
    **dict.fromkeys(("record_deposit", "record_withdrawal", "list_cash_records"), AUTHORITY),
    **dict.fromkeys(
        (
            "offer_sale", "list_sales", "get_sale", "accept_sale", "decline_sale", "withdraw_sale", "list_cash",
            "list_cash_movements",
        ),
        HOLDERS,
    ),
}  # fmt: skip

surfaces = pytest.mark.parametrize(
    ("surface", "permitted"), [("registry_app", AT_REGISTRY), ("market_app", AT_MARKET)]
)
Table = dict[str, frozenset[Role]]


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://puhui.test")


@surfaces
def test_every_operation_is_in_the_table_and_has_an_id_of_its_own(
    request: pytest.FixtureRequest, surface: str, permitted: Table
) -> None:
    names = [name for _, _, name in operations(request.getfixturevalue(surface).openapi())]
    assert len(names) == len(set(names))
    assert set(names) == set(permitted) | OPEN_TO_ALL


@surfaces
async def test_nothing_but_a_staff_token_opens_anything(
    *, request: pytest.FixtureRequest, surface: str, permitted: Table, settings: Settings, db: Database
) -> None:
    app: FastAPI = request.getfixturevalue(surface)
    async with db.transaction() as session:
        citizen = await tokens.start_session(session, settings, Audience.CITIZEN, subject=uuid4())
    async with client_of(app) as client:
        for token in ("", "x", citizen.access_token):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for method, path, name in operations(app.openapi()):
                if name in permitted:
                    answer = await client.request(method, path, headers=headers)
                    assert answer.status_code == 401, (name, answer.text)


@surfaces
async def test_each_role_reaches_exactly_what_the_table_says(
    request: pytest.FixtureRequest, surface: str, permitted: Table, signed_in: SignIn
) -> None:
    app: FastAPI = request.getfixturevalue(surface)
    async with client_of(app) as client:
        for role in Role:
            person = await signed_in(role)
            for method, path, name in operations(app.openapi()):
                if name in OPEN_TO_ALL or name == "sign_out":
                    continue
                answer = await client.request(method, path, headers=person.headers())
                forbidden = answer.status_code == 403 and answer.json()["code"] == "kit.forbidden"
                assert forbidden is (role not in permitted[name]), (role, name, answer.text)
                assert answer.status_code < 500
