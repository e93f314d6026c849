"""Every attack on a token is refused at every surface: forged, confused, re-targeted, out of time, used again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.identity import Role, organisations, people, staff, tokens
from backend.identity.tokens import Audience, TokenPair
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.keys import Keys
from backend.kit.settings import Settings
from puhui.app import create_app
from puhui.surfaces import SURFACES

UNSIGNED_IN = {"/public/v1"}
SIGNED = {"/partner/v1"}  # requests are signed there: no token of any kind opens it
AUDIENCES = {
    prefix: Audience.CITIZEN if prefix == "/mobile/v1" else Audience.STAFF
    for prefix in SURFACES
    if prefix not in UNSIGNED_IN | SIGNED
}
WORTH_MORE = [Role.OPERATOR, Role.AUTHORITY, Role.MERCHANT, Role.VERIFICATION_BODY, Role.ENTERPRISE]


@dataclass
class Aimed:
    """A good token of an audience, and what an attacker makes others of: its parts, and every key there is."""

    settings: Settings
    audience: Audience
    header: dict[str, Any]
    claims: dict[str, Any]
    good: str
    refresh: str

    def key(self, *, months_ago: int = 0, keys: Keys | None = None) -> Ed25519PrivateKey:
        """The surface's own signing key: what an attacker would have who found a hole elsewhere."""
        month = clock.now().astimezone(UTC).replace(day=15) - timedelta(days=30 * months_ago)
        return (keys or self.settings.keys).signing(f"token/{self.audience.value}/{month:%Y-%m}")

    def signed(
        self, *, header: dict[str, Any] | None = None, key: Any = None, without: str = "", **claims: Any
    ) -> str:
        """A token with a right signature (of `key`, by default the surface's own) over other content."""
        content = {name: value for name, value in (self.claims | claims).items() if name != without}
        head = {name: value for name, value in (self.header | (header or {})).items() if value is not None}
        return _joined(head, content, (key or self.key()).sign)


def _part(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def _joined(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    text = _part(header) + b"." + _part(claims)
    return (text + b"." + base64.urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


def _with_a_mac(aimed: Aimed, algorithm: str, secret: bytes) -> str:
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    return _joined(
        aimed.header | {"alg": algorithm}, aimed.claims, lambda text: hmac.digest(secret, text, digest)
    )


def _public(aimed: Aimed, encoding: Encoding, form: PublicFormat) -> bytes:
    return aimed.key().public_key().public_bytes(encoding, form)


def _unsigned(aimed: Aimed, algorithm: str) -> str:
    return _joined(aimed.header | {"alg": algorithm}, aimed.claims, lambda _: b"")


def _by_rsa(aimed: Aimed) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(aimed.claims, key, algorithm="RS256", headers=_named(aimed))


def _by_curve(aimed: Aimed) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(aimed.claims, key, algorithm="ES256", headers=_named(aimed))


def _by_a_key_it_brings(aimed: Aimed, member: str) -> str:
    """Signed by a stranger, whose key the token offers."""
    stranger = Ed25519PrivateKey.generate()
    raw = stranger.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}
    brought = {"jwk": jwk, "jku": "https://attacker.example/keys", "x5u": "file:///etc/passwd"}[member]
    return aimed.signed(header={member: brought}, key=stranger)


def _named(aimed: Aimed) -> dict[str, Any]:
    return {name: aimed.header[name] for name in ("kid", "typ")}


def _at(aimed: Aimed, **shift: float) -> int:
    return int(aimed.claims["iat"] + timedelta(**shift).total_seconds())


def _flipped(token: str) -> str:
    head, claims, signature = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[10] ^= 1
    return f"{head}.{claims}.{base64.urlsafe_b64encode(bytes(raw)).rstrip(b'=').decode()}"


def _altered(token: str) -> str:
    head, claims, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{head}.{_part(said | {'sub': str(uuid4())}).decode()}.{signature}"


Attack = Callable[[Aimed], str]


def _each(label: str, values: Iterable[Any], make: Callable[[Aimed, Any], str]) -> dict[str, Attack]:
    return {f"{label} {value!r}"[:80]: partial(_made, make, value) for value in values}


def _made(make: Callable[[Aimed, Any], str], value: Any, aimed: Aimed) -> str:
    return make(aimed, value)


ATTACKS: dict[str, Attack] = {
    **_each("alg", ("none", "None", "NONE", "nOnE", ""), _unsigned),
    "alg none with the signature left on": lambda a: _joined(
        a.header | {"alg": "none"}, a.claims, a.key().sign
    ),
    "a mac of the raw public key": lambda a: _with_a_mac(
        a, "HS256", _public(a, Encoding.Raw, PublicFormat.Raw)
    ),
    "a mac of the public key in PEM": lambda a: _with_a_mac(
        a, "HS256", _public(a, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "a longer mac of the public key in DER": lambda a: _with_a_mac(
        a, "HS512", _public(a, Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "a mac of nothing": lambda a: _with_a_mac(a, "HS256", b""),
    "a mac of the key id": lambda a: _with_a_mac(a, "HS256", a.header["kid"].encode()),
    "another algorithm, RSA": _by_rsa,
    "another algorithm, a curve": _by_curve,
    "right signature, wrong name of it": lambda a: a.signed(header={"alg": "RS256"}),
    "a stranger's key under our key's id": lambda a: a.signed(key=Ed25519PrivateKey.generate()),
    **_each("a key it brings in", ("jwk", "jku", "x5u"), _by_a_key_it_brings),
    **_each(
        "key id",
        (
            "../../../../../../dev/null",
            "/etc/passwd",
            "file:///etc/passwd",
            "' OR 1=1 --",
            "citizen-0000000000000000",
            "",
            0,
            [],
            {},
            "x" * 2000,
            "\u0000",
        ),
        lambda a, kid: a.signed(header={"kid": kid}),
    ),
    "no key id": lambda a: a.signed(header={"kid": None}),
    **_each(
        "audience",
        ("partner", "public", "puhui", "", None, [], ["citizen", "staff"], 7),
        lambda a, aud: a.signed(aud=aud),
    ),
    "its own audience within a list": lambda a: a.signed(aud=[a.audience.value]),
    **_each(
        "type",
        ("JWT", "at+jwt", "puhui+jwt", "puhui-till+jwt", "", None),
        lambda a, typ: a.signed(header={"typ": typ}),
    ),
    "expired": lambda a: a.signed(iat=_at(a, minutes=-11), exp=_at(a, minutes=-1)),
    "expired this second": lambda a: a.signed(iat=_at(a, minutes=-10), exp=_at(a)),
    "without expiry": lambda a: a.signed(without="exp"),
    "expiry of another form": lambda a: a.signed(exp="2099-01-01T00:00:00Z"),
    "expiry in a fraction": lambda a: a.signed(exp=a.claims["exp"] + 0.5),
    "expiry beyond all time": lambda a: a.signed(exp=2**62),
    "made to last a year": lambda a: a.signed(exp=_at(a, days=365)),
    "issued in the future": lambda a: a.signed(iat=_at(a, minutes=5), exp=_at(a, minutes=15)),
    "without a time of issue": lambda a: a.signed(without="iat"),
    "another issuer": lambda a: a.signed(iss="somewhere.else"),
    "a list of issuers": lambda a: a.signed(iss=[a.claims["iss"], "somewhere.else"]),
    "without an issuer": lambda a: a.signed(without="iss"),
    **_each("without", ("aud", "sub", "jti", "sid"), lambda a, name: a.signed(without=name)),
    "another subject in the session": lambda a: a.signed(sub=str(uuid4())),
    "a subject that is no id": lambda a: a.signed(sub="admin"),
    "a session that is none": lambda a: a.signed(sid=str(uuid4())),
    "an unknown critical header": lambda a: a.signed(header={"crit": ["puhui"], "puhui": 1}),
    "content that is not encoded": lambda a: a.signed(header={"crit": ["b64"], "b64": False}),
    "the key of two months ago": lambda a: a.signed(
        key=a.key(months_ago=2), header={"kid": _kid(a, a.key(months_ago=2))}
    ),
    "the key of another deployment": lambda a: a.signed(
        key=a.key(keys=Keys(bytes(32))), header={"kid": _kid(a, a.key(keys=Keys(bytes(32))))}
    ),
    "one bit of the signature": lambda a: _flipped(a.good),
    "another content under the signature": lambda a: _altered(a.good),
    "no signature": lambda a: a.good.rpartition(".")[0] + ".",
    "two parts": lambda a: a.good.rpartition(".")[0],
    "four parts": lambda a: a.good + ".x",
    "a refresh token": lambda a: a.refresh,
    "nothing in it": lambda _: "..",
    "no token": lambda _: "x",
    "longer than any token": lambda a: a.good + "A" * 5000,
    "a second algorithm": lambda a: _joined(
        a.header | {"alg": ["EdDSA", "none"]}, a.claims, a.key().sign
    ),
}  # fmt: skip
SEES_AT_ONCE = {"another subject in the session", "a session that is none"}  # where the session is asked for


def _kid(aimed: Aimed, key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{aimed.audience.value}-{hashlib.sha256(raw).hexdigest()[:16]}"


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client,
    ):
        yield client


@pytest.fixture(scope="module")
async def whose(settings: Settings, db: Database) -> dict[Audience, UUID]:
    """A citizen, and a member of staff who may do everything."""
    async with db.transaction() as session:
        citizen = await people.register(session)
        await organisations.create_organisation(
            session, code="everything", name_zh="全能机构", name_en="Everything", roles=WORTH_MORE
        )
        made = await staff.create_staff(
            session, settings.keys, organisation_code="everything", login="everything",
            password="correct horse battery", roles=WORTH_MORE,
        )  # fmt: skip
    return {Audience.CITIZEN: citizen.id, Audience.STAFF: made.staff.id}


async def _pair(db: Database, settings: Settings, audience: Audience, subject: UUID) -> TokenPair:
    async with db.transaction() as session:
        return await tokens.start_session(session, settings, audience, subject=subject)


async def _aimed(db: Database, settings: Settings, whose: dict[Audience, UUID], audience: Audience) -> Aimed:
    pair = await _pair(db, settings, audience, whose[audience])
    return Aimed(
        settings,
        audience,
        jwt.get_unverified_header(pair.access_token),
        jwt.decode(pair.access_token, options={"verify_signature": False}),
        pair.access_token,
        pair.refresh_token,
    )


async def _ask(client: httpx.AsyncClient, surface: str, token: str, method: str = "GET") -> httpx.Response:
    path = "/me" if method == "GET" else "/sign-in/sign-out"
    headers = {b"authorization": b"Bearer " + token.encode("utf-8", "replace")}
    return await client.request(method, surface + path, headers=headers)


@pytest.mark.parametrize("surface", AUDIENCES)
async def test_every_forged_token_is_refused_and_the_good_one_is_not(
    client: httpx.AsyncClient, db: Database, settings: Settings, whose: dict[Audience, UUID], surface: str
) -> None:
    aimed = await _aimed(db, settings, whose, AUDIENCES[surface])
    assert (await _ask(client, surface, aimed.signed())).status_code == 200  # the forger's hand is good
    let_in = []
    for name, attack in ATTACKS.items():
        method = "POST" if name in SEES_AT_ONCE else "GET"
        answer = await _ask(client, surface, attack(aimed), method)
        if answer.status_code != 401 or answer.json()["code"] != "kit.unauthenticated":
            let_in.append((name, answer.status_code, answer.text))
    assert not let_in
    assert (await _ask(client, surface, aimed.good)).status_code == 200


@pytest.mark.parametrize("surface", [*AUDIENCES, *SIGNED])
async def test_a_good_token_of_another_audience_opens_nothing(
    client: httpx.AsyncClient, settings: Settings, whose: dict[Audience, UUID], surface: str
) -> None:
    for audience in Audience:
        if audience is AUDIENCES.get(surface):
            continue
        subjects = set(whose.values()) | {uuid4()}
        for subject in subjects:
            token, _ = tokens.sign_access(settings, audience, subject=subject, session_id=uuid4())
            answer = await _ask(client, surface, token)
            assert answer.status_code == 401, (surface, audience, answer.text)


@pytest.mark.parametrize("surface", AUDIENCES)
async def test_a_refresh_token_used_twice_or_at_another_surface_gives_nothing(
    client: httpx.AsyncClient, db: Database, settings: Settings, whose: dict[Audience, UUID], surface: str
) -> None:
    async def refresh(token: str) -> httpx.Response:
        return await client.post(f"{surface}/sign-in/refresh", json={"refresh_token": token})

    for audience in (Audience.CITIZEN, Audience.STAFF):
        pair = await _pair(db, settings, audience, whose[audience])
        if audience is not AUDIENCES[surface]:
            assert (await refresh(pair.refresh_token)).status_code == 401
            continue
        assert (await refresh(pair.access_token[:128])).status_code == 401
        following = (await refresh(pair.refresh_token)).json()
        assert (await _ask(client, surface, following["access_token"])).status_code == 200
        assert (await refresh(pair.refresh_token)).status_code == 401  # in two hands
        assert (await refresh(following["refresh_token"])).status_code == 401  # so the family is revoked
        assert (await _ask(client, surface, following["access_token"], "POST")).status_code == 401


@pytest.mark.parametrize("written", ["Basic {}", "Token {}", "{}", "Bearer {} {}", "Bearer\t{}"])
async def test_a_token_written_otherwise_is_none(
    client: httpx.AsyncClient, db: Database, settings: Settings, whose: dict[Audience, UUID], written: str
) -> None:
    aimed = await _aimed(db, settings, whose, Audience.CITIZEN)
    headers = {"authorization": written.format(aimed.good, aimed.good)}
    answer = await client.get("/mobile/v1/me", headers=headers)
    assert answer.status_code == 401
    by_address = await client.get("/mobile/v1/me", params={"access_token": aimed.good})
    assert by_address.status_code == 401
