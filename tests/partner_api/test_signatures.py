"""Signed requests: what is taken, and everything that is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import text

from backend.identity import partners
from backend.identity.partners import Message, points, signatures
from backend.kit import clock
from backend.kit.db import Database
from tests.partner_api.conftest import Metro, NewPartner, register
from tests.partner_api.signing import Signer, public_bytes, sign, sign_headers

MARK = "zqmarkqz"


@pytest.fixture
async def metro(new_partner: NewPartner) -> Metro:
    return await new_partner()


def signed(signer: Signer, *, path: str = "/me", body: bytes | None = None) -> httpx.Request:
    """A signed request that is still to be sent, or spoilt."""
    made = httpx.Request(
        "GET" if body is None else "PUT",
        f"http://puhui.test{path}",
        content=body,
        headers={"content-type": "application/json"} if body is not None else {},
    )
    sign(made, signer)
    return made


async def test_a_signed_request_by_the_documented_recipe_is_taken(
    client: httpx.AsyncClient, metro: Metro
) -> None:
    for signer, sandbox in ((metro.live, False), (metro.sandbox, True)):
        answered = await client.get("/me?a=%E4%B8%AD&b", auth=signer)
        assert answered.status_code == 200, answered.text
        told = answered.json()
        assert (told["organisation"], told["sandbox"]) == (metro.code, sandbox)
        assert told["key_id"] == str(signer.key_id)
        assert [key["key_id"] for key in told["keys"]] == [str(signer.key_id)]
        assert answered.headers["ratelimit-policy"].startswith('"events";q=1000000;w=86400')


def test_the_vector_of_rfc_9421_for_ed25519_is_verified() -> None:
    """Appendix B.2.6, with the key of B.1.4."""
    key = load_pem_private_key(
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
        b"-----END PRIVATE KEY-----\n",
        None,
    )
    assert isinstance(key, Ed25519PrivateKey)
    assert base64.b64encode(public_bytes(key)) == b"JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
    headers = {
        "host": "example.com",
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "content-type": "application/json",
        "content-length": "18",
        "content-digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        "signature-input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"',
        "signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
    }
    url = "http://example.com/foo?param=Value&Pet=dog"
    known = {"key_id": "test-key-ed25519", "public_key": public_bytes(key)}
    signatures.verify(Message("POST", url, headers, True), **known)  # type: ignore[arg-type]
    signatures.check_digest(headers, b'{"hello": "world"}')
    for changed in (
        {"date": "Tue, 20 Apr 2021 02:07:56 GMT"},
        {"content-length": "19"},
        {"content-type": "text/plain"},
    ):
        with pytest.raises(partners.SignatureWrong):
            signatures.verify(Message("POST", url, headers | changed, True), **known)  # type: ignore[arg-type]
    with pytest.raises(partners.DigestDiffers):
        signatures.check_digest(headers, b'{"hello": "World"}')
    with pytest.raises(partners.SignatureIncomplete) as refused:
        signatures.presented(Message("POST", url, headers, True))
    assert refused.value.missing == ["@target-uri", "content-digest", "nonce"]


def _drop(name: str) -> Callable[[httpx.Request], None]:
    return lambda request: request.headers.__delitem__(name)


def _replace(name: str, old: str, new: str) -> Callable[[httpx.Request], None]:
    def change(request: httpx.Request) -> None:
        assert old in request.headers[name]
        request.headers[name] = request.headers[name].replace(old, new, 1)

    return change


def _set(name: str, value: str) -> Callable[[httpx.Request], None]:
    return lambda request: request.headers.__setitem__(name, value)


SPOILT: dict[str, tuple[Callable[[httpx.Request], None], str]] = {
    "no signature": (_drop("signature"), "missing"),
    "no input": (_drop("signature-input"), "missing"),
    "nonsense": (_set("signature-input", "((("), "unreadable"),
    "a number": (_set("signature-input", "puhui=1"), "unreadable"),
    "nothing covered": (_set("signature-input", "puhui=()"), "incomplete"),
    "too long": (_set("signature-input", "a" * 5000), "unreadable"),
    "two signatures": (
        lambda r: r.headers.update(
            {
                "signature-input": r.headers["signature-input"] + ', b=("@method")',
                "signature": r.headers["signature"] + ", b=:AA==:",
            }
        ),
        "unreadable",
    ),
    "another label": (_replace("signature", "puhui", MARK), "wrong"),
    "method uncovered": (_replace("signature-input", '"@method" ', ""), "incomplete"),
    "path uncovered": (_replace("signature-input", '"@path" ', ""), "incomplete"),
    "query uncovered": (_replace("signature-input", ' "@query"', ""), "incomplete"),
    "digest uncovered": (_replace("signature-input", ' "content-digest"', ""), "incomplete"),
    "type uncovered": (_replace("signature-input", ' "content-type"', ""), "incomplete"),
    "covered with a parameter": (_replace("signature-input", '"@method"', '"@method";req'), "incomplete"),
    "no nonce": (_replace("signature-input", ";nonce=", ";tag="), "incomplete"),
    "no time": (_replace("signature-input", ";created=", ";expires="), "incomplete"),
    "no key": (_replace("signature-input", ";keyid=", ";tag="), "incomplete"),
    "a short nonce": (lambda r: _set("signature-input", _nonce(r, "short"))(r), "unreadable"),
    "a long nonce": (lambda r: _set("signature-input", _nonce(r, "n" * 129))(r), "unreadable"),
    "another nonce": (lambda r: _set("signature-input", _nonce(r, "n" * 20))(r), "wrong"),
    "a time in words": (_replace("signature-input", ";created=", ';created="x";expires='), "unreadable"),
    "another algorithm": (_replace("signature-input", "ed25519", "hmac-sha256"), "wrong"),
    "an unknown key": (lambda r: _set("signature-input", _key(r, str(uuid4())))(r), "wrong"),
    "a key that is no id": (lambda r: _set("signature-input", _key(r, MARK))(r), "wrong"),
    "another type": (_set("content-type", "application/xml+json"), "wrong"),
    "another digest": (_replace("content-digest", "sha-256=:", "sha-256=:A"), "wrong"),
    "another host": (_set("host", "elsewhere.test"), "wrong"),
    "an uncovered key of idempotency": (_set("idempotency-key", "12345678"), "incomplete"),
    "another signature": (_set("signature", f"puhui=:{'A' * 86}==:"), "wrong"),
}


def _nonce(request: httpx.Request, nonce: str) -> str:
    before, _, rest = request.headers["signature-input"].partition('nonce="')
    return f'{before}nonce="{nonce}"{rest.partition(chr(34))[2]}'


def _key(request: httpx.Request, key_id: str) -> str:
    before, _, rest = request.headers["signature-input"].partition('keyid="')
    return f'{before}keyid="{key_id}"{rest.partition(chr(34))[2]}'


@pytest.mark.parametrize("fault", SPOILT)
async def test_a_spoilt_signature_is_refused_by_its_fault_and_nothing_is_echoed(
    client: httpx.AsyncClient, metro: Metro, fault: str
) -> None:
    spoil, code = SPOILT[fault]
    request = signed(metro.sandbox, path="/sandbox/clock", body=b'{"at": null}')
    spoil(request)
    for language, told in (("zh", "签名"), ("en", "sign")):
        request.headers["accept-language"] = language
        answered = await client.send(request)
        assert answered.status_code == 401, answered.text
        assert answered.json()["code"] == f"identity.signature_{code}"
        assert told in answered.json()["title"]
        assert answered.headers["www-authenticate"] == 'Signature realm="puhui"'
        assert answered.headers["accept-signature"].startswith('puhui=("@method"')
        assert MARK not in answered.text + str(answered.headers)
    again = signed(metro.sandbox, path="/sandbox/clock", body=b'{"at": null}')
    assert (await client.send(again)).status_code == 200  # it was the fault that was refused


async def test_an_altered_body_or_address_is_refused(client: httpx.AsyncClient, metro: Metro) -> None:
    body = b'{"at": null}'
    sent = signed(metro.sandbox, path="/sandbox/clock", body=body)
    altered = httpx.Request("PUT", sent.url, headers=sent.headers, content=b'{"at" :null}')
    answered = await client.send(altered)
    assert (answered.status_code, answered.json()["code"]) == (400, "identity.digest_differs")
    for other in (
        httpx.Request("POST", sent.url, headers=sent.headers, content=body),
        httpx.Request("PUT", str(sent.url) + "?a=1", headers=sent.headers, content=body),
    ):
        answered = await client.send(other)
        assert answered.status_code in {401, 405}, answered.text
    elsewhere = signed(metro.sandbox, path="/me")
    moved = httpx.Request("GET", "http://puhui.test/sandbox/clock", headers=elsewhere.headers)
    assert (await client.send(moved)).json()["code"] == "identity.signature_wrong"


async def test_every_digest_of_the_body_is_compared(client: httpx.AsyncClient, metro: Metro) -> None:
    body = b'{"at": null}'
    request = httpx.Request("PUT", "http://puhui.test/sandbox/clock", content=body)
    headers = {"host": "puhui.test", "content-type": "application/json"}
    made = sign_headers(
        "PUT", str(request.url), headers, body, key=metro.sandbox.key, key_id=str(metro.sandbox.key_id)
    )
    two = made["content-digest"] + f", sha-512=:{base64.b64encode(bytes(64)).decode()}:"
    base = made["signature-input"].removeprefix("puhui=")
    covered = {"@method": "PUT", "@authority": "puhui.test", "@path": "/sandbox/clock", "@query": "?",
               "content-digest": two, "content-type": "application/json"}  # fmt: skip
    lines = "".join(f'"{name}": {value}\n' for name, value in covered.items())
    signature = metro.sandbox.key.sign(f'{lines}"@signature-params": {base}'.encode())
    made |= {"content-digest": two, "signature": f"puhui=:{base64.b64encode(signature).decode()}:"}
    answered = await client.put("/sandbox/clock", content=body, headers=made)
    assert answered.json()["code"] == "identity.digest_differs"


@pytest.mark.parametrize(("seconds", "taken"), [(-298, True), (-302, False), (298, True), (302, False)])
async def test_a_signature_is_taken_within_five_minutes_of_its_making(
    client: httpx.AsyncClient, metro: Metro, seconds: int, taken: bool
) -> None:
    made_at = clock.now().timestamp() + seconds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: made_at)
        request = signed(metro.live)
    answered = await client.send(request)
    assert answered.status_code == (200 if taken else 401), answered.text
    if not taken:
        assert answered.json()["code"] == "identity.signature_out_of_time"
        assert answered.json()["tolerance_s"] == 300


async def test_a_replay_is_refused_and_another_key_may_have_the_same_nonce(
    client: httpx.AsyncClient, metro: Metro
) -> None:
    request = signed(metro.live)
    assert (await client.send(request)).status_code == 200
    again = await client.send(request)
    assert (again.status_code, again.json()["code"]) == (401, "identity.nonce_used")
    assert (await client.get("/me", auth=metro.live)).status_code == 200


async def test_a_refused_request_has_used_its_nonce_up(client: httpx.AsyncClient, metro: Metro) -> None:
    request = signed(metro.live, path="/sandbox/clock")  # not with a real key
    assert (await client.send(request)).status_code == 403
    assert (await client.send(request)).json()["code"] == "identity.nonce_used"


async def test_a_second_connection_with_the_nonce_waits_and_is_refused(db: Database, metro: Metro) -> None:
    request = signed(metro.live)
    message = Message("GET", str(request.url), request.headers, has_body=False)

    async def second() -> None:
        async with db.transaction() as session:
            await partners.authenticate(session, message, body=b"")

    async with db.transaction() as session:
        await partners.authenticate(session, message, body=b"")
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    with pytest.raises(partners.NonceUsed):
        await waiting


async def test_a_nonce_is_remembered_until_its_signature_is_out_of_time(db: Database, metro: Metro) -> None:
    request = signed(metro.live)
    message = Message("GET", str(request.url), request.headers, has_body=False)
    async with db.transaction() as session:
        await partners.authenticate(session, message, body=b"")
    for seconds, left in ((302, 1), (400, 0)):
        with clock.travel(clock.now() + timedelta(seconds=seconds)):
            async with db.transaction() as session:
                await partners.forget_nonces(session)
                kept = await session.execute(
                    text("SELECT count(*) FROM partner_nonce WHERE key_id = :key"), {"key": metro.live.key_id}
                )
                assert kept.scalar_one() == left
            with pytest.raises(partners.SignatureOutOfTime):
                async with db.transaction() as session:
                    await partners.authenticate(session, message, body=b"")


async def test_the_key_of_another_signs_nothing_in_this_ones_name(
    client: httpx.AsyncClient, metro: Metro, new_partner: NewPartner
) -> None:
    other = await new_partner()
    answered = await client.get("/me", auth=Signer(metro.live.key_id, other.live.key))
    assert answered.json()["code"] == "identity.signature_wrong"


async def test_a_revoked_key_and_one_that_ended_are_refused_at_once(
    client: httpx.AsyncClient, db: Database, metro: Metro
) -> None:
    assert (await client.get("/me", auth=metro.live)).status_code == 200
    async with db.transaction() as session:
        await partners.revoke_key(
            session, key_id=metro.live.key_id, revoked_by=metro.second.id, reason="lost"
        )
    answered = await client.get("/me", auth=metro.live)
    assert (answered.status_code, answered.json()["code"]) == (401, "identity.partner_key_not_live")
    assert (await client.get("/me", auth=metro.sandbox)).status_code == 200
    later, signer = await register(
        db, metro.first.id, metro.second.id, valid_from=clock.now() + timedelta(days=3)
    )
    assert (await client.get("/me", auth=signer)).json()["code"] == "identity.partner_key_not_live"
    with clock.travel(later.valid_until):
        sent = httpx.Request("GET", "http://puhui.test/me")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("time.time", lambda: clock.now().timestamp())
            sign(sent, signer)
        answered = await client.send(sent)
        assert answered.json()["code"] == "identity.partner_key_not_live"


def test_keys_that_anybody_could_sign_for_are_no_keys() -> None:
    small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ]
    not_canonical = ["edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "ff" * 32]
    no_point = ["0200000000000000000000000000000000000000000000000000000000000000"]
    for written in [*small, *not_canonical, *no_point]:
        assert not points.is_sound(bytes.fromhex(written)), written
    assert not points.is_sound(b"")
    for number in range(20):
        made = public_bytes(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
        assert points.is_sound(made)
        mixed = _plus_small_order(made)
        assert not points.is_sound(mixed)


def _plus_small_order(raw: bytes) -> bytes:
    """A point of the curve outside the prime-order group: the key plus the point of order two."""
    point, two = points.decoded(raw), (0, points.P - 1, 1, 0)
    assert point is not None
    x, y, z, _ = points.added(point, two)
    inverse = pow(z, -1, points.P)
    x, y = x * inverse % points.P, y * inverse % points.P
    return (y | (x & 1) << 255).to_bytes(32, "little")


async def test_the_document_says_that_requests_are_signed(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert list(document["components"]["securitySchemes"]) == ["signature"]
    operation = document["paths"]["/me"]["get"]
    assert operation["security"] == [{"signature": []}]
    assert "identity.nonce_used" in json.dumps(operation["responses"]["401"])
