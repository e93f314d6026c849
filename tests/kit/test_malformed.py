"""Ten thousand malformed requests to the real app: never a 5xx, never an echo of what was sent.

`PUHUI_TEST_SEED` repeats a run; the seed is in every failure.
"""

from __future__ import annotations

import json
import os
import random
import string
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.datastructures import Headers

from backend.identity import Role, organisations, people, staff, tokens
from backend.identity.tokens import Audience
from backend.kit import edge, problems
from backend.kit.db import Database
from backend.kit.problems import BodyTooDeep, RequestMalformed
from backend.kit.settings import Settings
from puhui.app import create_app
from puhui.surfaces import SURFACES
from tests.partner_api.conftest import register
from tests.partner_api.signing import Signer, sign_headers

COUNT = int(os.environ.get("PUHUI_TEST_MALFORMED", "10000"))
SEED = int(os.environ.get("PUHUI_TEST_SEED", "20261122"))

MARK = "zqmarkqz"  # in everything sent that could be told back


@dataclass(frozen=True)
class Target:
    """One operation of one surface, with what its document says it takes."""

    method: str
    path: str
    parameters: list[dict[str, Any]] = field(default_factory=list)
    body: dict[str, Any] | None = None
    schemas: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request as it is on the wire: address and headers are bytes that a careless client wrote."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    content: bytes

    async def send_to(self, app: FastAPI) -> tuple[int, Headers, bytes]:
        """Hand it to the app as the web server would; the answer's status, headers and body."""
        waiting: list[dict[str, Any]] = [{"type": "http.request", "body": self.content, "more_body": False}]
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        length = {"content-length": str(len(self.content))} if self.content else {}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
            "method": self.method, "path": unquote(self.path), "raw_path": self.path.encode(),
            "query_string": self.query.encode(), "server": ("puhui.test", 80), "client": ("192.0.2.1", 40000),
            "headers": [(name.encode(), value.encode()) for name, value in (self.headers | length).items()],
        }  # fmt: skip
        await app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], Headers(raw=list(sent[0]["headers"])), body

    def __str__(self) -> str:
        return f"{self.method} {self.path[:200]}?{self.query[:200]} {self.headers} {self.content[:300]!r}"


_KEPT = "%/?&=+;:@,'!*()-._~"


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://puhui.test"
    ) as client:
        yield client


@pytest.fixture(scope="module")
async def targets(client: httpx.AsyncClient) -> list[Target]:
    """Every operation of every published document, and the addresses beside them."""
    found = [
        Target("GET", "/healthz"),
        Target("GET", "/readyz"),
        Target("GET", "/nothing"),
        Target("POST", "/"),
    ]
    for prefix in SURFACES:
        document = (await client.get(f"{prefix}/openapi.json")).json()
        schemas = document["components"]["schemas"]
        found.append(Target("GET", f"{prefix}/openapi.json"))
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                content = operation.get("requestBody", {}).get("content", {})
                found.append(
                    Target(
                        method.upper(),
                        prefix + path,
                        operation.get("parameters", []),
                        content.get("application/json", {}).get("schema"),
                        schemas,
                    )
                )
    return found


@pytest.fixture(scope="module")
async def authorizations(settings: Settings, db: Database) -> dict[str, list[str]]:
    """By surface, a good token, so that requests come past the door, and bad ones."""
    async with db.transaction() as session:
        citizen = await people.register(session)
        roles = tuple(Role)
        await organisations.create_organisation(
            session, code="office", name_zh="机构", name_en="Office", roles=roles
        )
        new = await staff.create_staff(
            session,
            settings.keys,
            organisation_code="office",
            login="clerk",
            password="correct horse battery",
            roles=roles,
        )
        clerks = await tokens.start_session(session, settings, Audience.STAFF, subject=new.staff.id)
        pairs = dict.fromkeys(SURFACES, clerks)
        pairs["/mobile/v1"] = await tokens.start_session(
            session, settings, Audience.CITIZEN, subject=citizen.id
        )
    bad = [f"Bearer {MARK}", f"Basic {MARK}", "Bearer", f"Bearer {'x' * 9000}{MARK}"]
    return {
        prefix: [f"Bearer {pair.access_token}"] * 6 + [f"Bearer {pair.access_token[:-4]}", *bad]
        for prefix, pair in pairs.items()
    }


@pytest.fixture(scope="module")
async def signers(settings: Settings, db: Database, authorizations: dict[str, list[str]]) -> list[Signer]:
    """A partner's key and one of its sandbox."""
    del authorizations  # makes the office
    async with db.transaction() as session:
        two = [
            (
                await staff.create_staff(
                    session,
                    settings.keys,
                    organisation_code="office",
                    login=login,
                    password="correct horse battery",
                    roles=[Role.PARTNER],
                )
            ).staff.id
            for login in ("machine-room", "machine-hall")
        ]
    keys = [
        Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2)
    ]  # always the same
    return [
        (await register(db, *two, sandbox=sandbox, key=key))[1]
        for sandbox, key in zip((False, True), keys, strict=True)
    ]


class Sender:
    """Makes one malformed request after another, always the same ones for a seed."""

    def __init__(
        self, targets: list[Target], authorizations: dict[str, list[str]], signers: list[Signer]
    ) -> None:
        self.signers = signers
        self.dice = random.Random(SEED)
        self.targets = targets
        self.demanding = [target for target in targets if target.body or target.parameters]
        self.authorizations = authorizations

    def request(self) -> Request:
        dice = self.dice
        target = dice.choice(self.targets if dice.random() < 0.3 else self.demanding)
        method = (
            target.method
            if dice.random() < 0.93
            else dice.choice(["PUT", "PATCH", "TRACE", "QWERTY", "HEAD"])
        )
        path = target.path
        for parameter in target.parameters:
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", self.path_part())
        if dice.random() < 0.03:
            path += dice.choice(["/", "//", "/%2e%2e/", "%00", "/%ff%fe", f"/{MARK}", ";a=b"])
        query = self.query(target)
        prefix = (
            dice.choice(list(SURFACES))
            if dice.random() < 0.03
            else target.path[: target.path.find("/v1") + 3]
        )
        headers = {}
        if dice.random() < 0.9:
            headers["authorization"] = dice.choice(self.authorizations.get(prefix, [MARK]))
        if "sign-out" in path:
            headers.clear()  # one good request would shut the door on the rest
        if dice.random() < 0.8:
            headers["idempotency-key"] = dice.choice(
                [str(uuid4()), str(uuid4()), MARK, "x" * 300, "", "\x7f" * 9]
            )
        if dice.random() < 0.3:
            headers["accept-language"] = dice.choice(["en", "zh", "*;q=,,", MARK, "en;q=9e999", ";" * 400])
        content = b""
        if method not in {"GET", "HEAD", "TRACE"}:
            content = self.body(target)
            headers["content-type"] = dice.choice(
                ["application/json"] * 12
                + ["application/json; charset=gbk", "text/plain", f"{MARK}/{MARK}", "multipart/form-data",
                   "application/x-www-form-urlencoded", "application/vnd.x+json", "a" * 300, ""]
            )  # fmt: skip
        path, query = quote(path, safe=_KEPT), quote(query, safe=_KEPT)
        if prefix == "/partner/v1":
            headers = self.signed(method, path, query, headers, content)
        return Request(method, path, query, headers, content)

    def signed(
        self, method: str, path: str, query: str, headers: dict[str, str], content: bytes
    ) -> dict[str, str]:
        """The headers with a signature: mostly a good one, else one that is spoilt, or none."""
        dice = self.dice
        headers["host"] = "puhui.test"
        if dice.random() < 0.05:
            return headers
        signer = dice.choice(self.signers)
        url = f"http://puhui.test{path}" + (f"?{query}" if query else "")
        signed = sign_headers(method, url, headers, content, key=signer.key, key_id=str(signer.key_id))
        if dice.random() < 0.25:
            spoilt = dice.choice(
                [name for name in signed if name.startswith(("signature", "content-digest"))]
            )
            signed[spoilt] = dice.choice(
                [MARK, "", signed[spoilt][:-3], signed[spoilt].replace('"', MARK, 1), signed[spoilt] * 2,
                 signed[spoilt] + ", " + signed[spoilt].replace("puhui", MARK), "x" * 9000, "a=1", "puhui=()", "\xff",
                 signed[spoilt].replace("created=1", "created=9"), signed[spoilt].replace("@", ""), "puhui=:*:", "(" * 500,
                 signed[spoilt].replace("@query", "@query-param"), signed[spoilt].replace("created", MARK)]
            )  # fmt: skip
        return signed

    def path_part(self) -> str:
        return self.dice.choice(
            [str(uuid4()), MARK, "-1", "0", str(2**70), "%00", "%ff", "%ED%A0%80", "%", "..", "%2F%2F", "'%22--",
             "x" * 5000, "null", "NaN", "中文", str(uuid4()) + MARK]
        )  # fmt: skip

    def query(self, target: Target) -> str:
        dice = self.dice
        names = [parameter["name"] for parameter in target.parameters if parameter["in"] == "query"]
        names = [*names, MARK] if dice.random() < 0.3 else names
        pairs = []
        for name in names:
            if dice.random() < 0.6:
                value = dice.choice(
                    [MARK, "", "0", "-1", str(2**64), "1e9", "NaN", "%00", "%ff", "%zz", "true", "a&" + MARK,
                     "9" * 5000, "x" * 9000, "2026-02-30", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]
                )  # fmt: skip
                pairs.append(f"{name}={value}")
        return "&".join(pairs)

    def body(self, target: Target) -> bytes:
        dice = self.dice
        if dice.random() < 0.25:
            return dice.choice(self.wholes)
        document = self.sample(target.body or {"type": "object"}, target.schemas, 0)
        spoilt = self.spoil(document)
        if dice.random() < 0.08:
            return spoilt[: dice.randrange(len(spoilt) + 1)]
        return spoilt

    wholes = (
        b"", b"{", b"[]", b"null", b"0", b'"' + MARK.encode() + b'"', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}",
        "{“a”:1}".encode(), '{"a":"乱码"}'.encode("gbk"), b"[" * 5000 + b"]" * 5000, b"[" * 100_000,
        b'{"a":' * 400 + b"1" + b"}" * 400, b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"9" * 5000,
        b'"\\ud800"', b'{"\\udfff":1}', b'"\\u0000"', b"{'a':1}", b'{"a":1,}', b'{"a":1}{"b":2}', b"\x00" * 64,
        b"x" * 2_000_000, b'{"' + b"a" * 70_000 + b'":1}', b'{"a":1,"a":2}', b"\r\n\t {} ", b'{"a":tru}',
    )  # fmt: skip

    def spoil(self, document: Any) -> bytes:
        """The document as JSON with one or more of its values replaced."""
        dice = self.dice
        if isinstance(document, dict) and dice.random() < 0.3:
            document = {**document, MARK: MARK}
        places = list(self.places(document)) or [()]
        text = document
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            text = self.replaced(text, dice.choice(places))
        written = json.dumps(text, ensure_ascii=dice.random() < 0.8)
        for number, literal in enumerate(self.literals):
            written = written.replace(f'"literal-{number}"', literal)
        return written.encode("utf-8", "surrogatepass")

    literals = (
        "NaN", "Infinity", "-Infinity", "1e400", "-0", "1.0", "1e2", "9" * 4000, "123456789012345678901234567890",
        '"\\ud83d"', '"\\u0000"', '"' + MARK + '\\ud800"', "0.1", "9223372036854775808", "-1",
    )  # fmt: skip

    def odd(self) -> Any:
        dice = self.dice
        if dice.random() < 0.4:
            return f"literal-{dice.randrange(len(self.literals))}"
        return dice.choice(
            [None, True, False, 0, -1, 2**63, -(2**63) - 1, 2**200, 0.5, "", MARK, MARK * 500, "\ud800", "\x00" + MARK,
             "x" * 100_000, [], {}, [MARK], {MARK: MARK}, [[[[MARK]]]], "2026-02-30", "25:00", "1", "true", "\u202e" + MARK,
             "00000000-0000-0000-0000-000000000000", "'; --" + MARK, "{{7*7}}", "../../etc/passwd", "１２３"]
        )  # fmt: skip

    def places(self, document: Any, path: tuple[Any, ...] = ()) -> Any:
        yield path
        if isinstance(document, dict):
            for key, value in document.items():
                yield from self.places(value, (*path, key))
        elif isinstance(document, list):
            for index, value in enumerate(document):
                yield from self.places(value, (*path, index))

    def replaced(self, document: Any, path: tuple[Any, ...]) -> Any:
        if not path:
            return self.odd()
        if isinstance(document, dict) and path[0] in document:
            if len(path) == 1 and self.dice.random() < 0.2:
                return {key: value for key, value in document.items() if key != path[0]}
            return {**document, path[0]: self.replaced(document[path[0]], path[1:])}
        if isinstance(document, list) and isinstance(path[0], int) and path[0] < len(document):
            return [
                self.replaced(value, path[1:]) if index == path[0] else value
                for index, value in enumerate(document)
            ]
        return document

    def sample(self, schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
        """A value that the schema would take, so that spoiling one place comes far."""
        dice = self.dice
        if "$ref" in schema:
            return self.sample(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, depth + 1)
        choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if choices:
            return self.sample(dice.choice(choices), schemas, depth + 1)
        given = (
            schema.get("enum") or schema.get("examples") or ([schema["const"]] if "const" in schema else [])
        )
        if given:
            return dice.choice(given)
        kind = schema.get("type", "string")
        if kind == "object":
            inner = schema.get("properties", {}) if depth < 8 else {}
            return {name: self.sample(value, schemas, depth + 1) for name, value in inner.items()}
        if kind == "array":
            return [self.sample(schema.get("items", {}), schemas, depth + 1)] * max(
                1, schema.get("minItems", 1)
            )
        plain = {
            "integer": max(int(schema.get("minimum", 1)), 1),
            "number": 1.5,
            "boolean": True,
            "null": None,
        }
        return plain[kind] if kind in plain else self.text(schema)

    def text(self, schema: dict[str, Any]) -> str:
        forms = {"uuid": str(uuid4()), "date-time": "2026-11-01T08:00:00+08:00", "date": "2026-11-01"}
        padded = MARK.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 100)]
        return forms.get(schema.get("format", ""), padded)


async def test_ten_thousand_malformed_requests_meet_no_failure_and_no_echo(
    app: FastAPI, targets: list[Target], authorizations: dict[str, list[str]], signers: list[Signer]
) -> None:
    sender = Sender(targets, authorizations, signers)
    seen: Counter[int] = Counter()
    refused = 0
    for number in range(2 * COUNT):
        if refused == COUNT:
            break
        request = sender.request()
        where = f"seed {SEED}, request {number}: {request}"
        status, headers, body = await request.send_to(app)
        seen[status] += 1
        assert status < 500, f"{status} {body!r} {where}"
        if status < 400:
            continue  # what was spoilt was not needed, or nothing was
        refused += 1
        assert headers["content-type"] == "application/problem+json", where
        problem = json.loads(body)
        assert problem["code"], where
        assert len(problem["trace_id"]) == 32, where
        told = body.decode() + " ".join(f"{name}: {value}" for name, value in headers.items())
        assert MARK not in told, f"{told[:500]} {where}"
        assert len(body) < 8000, where
    assert refused == COUNT, f"too few were refused to mean anything: {seen}"
    assert COUNT < 5000 or {400, 401, 404, 405, 413, 422} <= set(seen), (
        f"a kind of refusal was never reached: {seen}"
    )


@pytest.mark.parametrize("depth", [edge.MAX_DEPTH, edge.MAX_DEPTH + 1])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_refused_beyond_its_limit_only(depth: int, opening: str) -> None:
    body = (opening * depth + "1" + ("]" if opening == "[" else "}") * depth).encode()
    assert edge.depth_of(body) == depth
    if depth <= edge.MAX_DEPTH:
        edge.check_json(body)
    else:
        with pytest.raises(BodyTooDeep):
            edge.check_json(body)


def test_brackets_inside_texts_are_not_nesting() -> None:
    edge.check_json(json.dumps({"note": "[" * 500 + '\\"{' * 100}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'"\\u0000"',
        b'{"\\ud800": 1}',
        b'["\\udc00\\ud800"]',
        b"[NaN]",
        b"-Infinity",
        b"\xff",
        b"1" * 101,
        b"0." + b"1" * 101,
        b'{"a": "\\u12"}',
    ],
)
def test_what_no_column_and_no_number_can_hold_is_refused(body: bytes) -> None:
    with pytest.raises(RequestMalformed):
        edge.check_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"\\ud83d\\ude00"',
        '"😀 NaN 中文"'.encode(),
        b'"\\\\u0000"',
        b"1" * 100,
        b'"' + b"1" * 500 + b'"',
        b"{",
        b"",
    ],
)
def test_what_only_looks_like_it_passes(body: bytes) -> None:
    edge.check_json(body)


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
async def test_a_body_beyond_the_limit_is_413_with_and_without_a_length(
    client: httpx.AsyncClient, targets: list[Target], size: int, kind: str
) -> None:
    path = next(target.path for target in targets if target.method == "POST" and target.body)
    body = b'"' + b"x" * (size - 2) + b'"'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    for content in (body, pieces()):
        answer = await client.post(path, content=content, headers={"content-type": kind})
        expected = 413 if size > 1 << 20 else 422
        assert answer.status_code == expected, answer.text[:300]


async def test_a_fault_is_named_by_place_and_reason_in_both_languages(
    client: httpx.AsyncClient, targets: list[Target]
) -> None:
    del targets
    for language, reason in (("zh", "缺少此项"), ("en", "is missing")):
        answer = await client.post(
            "/mobile/v1/sign-in/codes", json={MARK: 1}, headers={"accept-language": language}
        )
        faults = answer.json()["errors"]
        assert {"in": "body", "field": "phone", "code": "missing", "reason": reason} in faults
        assert MARK not in answer.text


def test_a_problem_names_its_codes_and_facts_in_the_document() -> None:
    described = problems.problems(problems.BodyTooLarge, BodyTooDeep, RequestMalformed)
    assert set(described) == {400, 413}
    schema = described[400]["content"]["application/problem+json"]["schema"]
    assert schema["properties"]["code"]["enum"] == ["kit.body_too_deep", "kit.request_malformed"]
    assert schema["properties"]["limit"] == {"type": "integer"}


def test_every_letter_of_a_made_up_name_is_hidden() -> None:
    from backend.kit.validation import listed_faults

    made_up = "".join(random.Random(SEED).choices(string.ascii_letters, k=20))
    [fault] = listed_faults(
        [{"type": "extra_forbidden", "loc": ("body", "rows", 3, made_up), "input": made_up, "msg": made_up}],
        known=frozenset({"rows"}),
        language="en",
    )
    assert fault == {
        "in": "body",
        "field": "rows.3.*",
        "code": "extra_forbidden",
        "reason": "is not taken here",
    }
