"""The surface as a whole: no operation without a signature, other people's signers, proxies, large bodies."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

import partner_api
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.limiting import client_scheme, networks
from backend.kit.settings import Settings
from puhui.app import create_app
from tests.operator_api.test_permissions import operations
from tests.partner_api.conftest import Metro, NewPartner, client_of
from tests.partner_api.signing import Signer, sign_headers


@pytest.fixture
async def metro(new_partner: NewPartner) -> Metro:
    return await new_partner()


async def test_no_operation_is_open_without_a_signature_or_to_a_token(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    seen = operations(document)
    assert {"get_me", "send_batch", "reset_sandbox"} & {name for _, _, name in seen}
    for method, path, name in seen:
        for headers in ({}, {"authorization": "Bearer x"}):
            answered = await client.request(
                method, path, headers=headers | {"idempotency-key": "12345678"}, json={}
            )
            assert answered.status_code in {401, 422}, (name, answered.text)
            assert "identity.signature_missing" in answered.text or name == "receive_upload", name


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        del key_id
        return self.key


def signed_by_the_library(request: httpx.Request, signer: Signer, *, body: bytes | None) -> None:
    """As a partner does who uses a library, with `@target-uri`."""
    given: dict[str, Any] = {} if body is None else {"body": body}
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_Keys(signer.key)).sign(
        request,
        key_id=str(signer.key_id),
        created=dt.datetime.now(dt.UTC),
        nonce=secrets.token_urlsafe(18),
        covered_component_ids=("@method", "@target-uri", *(() if body is None else ("content-type",))),
        **given,
    )


async def test_what_a_library_signs_is_taken(client: httpx.AsyncClient, metro: Metro) -> None:
    plain = client.build_request("GET", "/me?a=1")
    signed_by_the_library(plain, metro.live, body=None)
    assert (await client.send(plain)).status_code == 200
    body = b'{"at": "2026-12-01T08:00:00+08:00"}'
    put = client.build_request(
        "PUT", "/sandbox/clock", content=body, headers={"content-type": "application/json"}
    )
    signed_by_the_library(put, metro.sandbox, body=body)
    assert (await client.send(put)).status_code == 200


@pytest.mark.parametrize(("trusted", "status"), [("10.0.0.0/8", 200), ("", 401)])
async def test_behind_a_trusted_proxy_the_scheme_is_the_one_that_was_signed(
    settings: Settings, db: Database, metro: Metro, trusted: str, status: int
) -> None:
    behind = settings.model_copy(update={"trusted_proxies": trusted})
    app = partner_api.build(behind)
    wire(app, settings=behind, db=db)
    request = httpx.Request("GET", "https://puhui.test/me")
    signed_by_the_library(request, metro.live, body=None)
    transport = httpx.ASGITransport(app=app, client=("10.1.2.3", 1))
    async with httpx.AsyncClient(transport=transport) as inside:
        answered = await inside.get(
            "http://puhui.test/me", headers=dict(request.headers) | {"x-forwarded-proto": "https"}
        )
    assert answered.status_code == status, answered.text


def test_a_scheme_is_believed_of_trusted_proxies_only_and_only_if_it_is_one() -> None:
    def found(said: str, peer: str) -> str:
        scope = {
            "type": "http",
            "scheme": "http",
            "client": (peer, 1),
            "headers": [(b"x-forwarded-proto", said.encode())],
        }
        return client_scheme(scope, trusted=networks("10.0.0.0/8"))

    assert [found("https", "10.1.1.1"), found("https", "11.1.1.1"), found("gopher", "10.1.1.1")] == [
        "https",
        "http",
        "http",
    ]


@pytest.fixture(scope="module")
async def whole(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


async def test_batches_may_be_larger_than_what_other_addresses_take(whole: FastAPI, metro: Metro) -> None:
    body = json.dumps({"source": "none", "events": [{"note": "x" * 1000}] * 2_000}).encode()
    assert len(body) > 1 << 20
    headers = {"content-type": "application/json", "idempotency-key": "12345678", "host": "puhui.test"}
    async for client in client_of(whole):
        url = "http://puhui.test/partner/v1/batches"
        signed = sign_headers("POST", url, headers, body, key=metro.live.key, key_id=str(metro.live.key_id))
        answered = await client.post(url, content=body, headers=signed)
        assert (answered.status_code, answered.json()["code"]) == (404, "intake.source_unknown")
        policies = answered.headers["ratelimit-policy"]
        assert [one.split(";")[0] for one in policies.split(", ")] == ['"events"', '"partner"', '"partners"']
        elsewhere = await client.put("/partner/v1/sandbox/clock", content=body, headers=headers)
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (413, "kit.body_too_large")
        altered = await client.post(url, content=body.replace(b"x", b"y", 1), headers=signed)
        assert answered.status_code == 404
        assert altered.json()["code"] == "identity.digest_differs"
