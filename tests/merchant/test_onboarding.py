"""From somebody who wants to take points to a merchant whose manager signs in: documents, two people, and one credit code."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from PIL import Image

from backend.identity import Role, approvals, credit_codes
from backend.kit import clock, files
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant import onboarding
from merchant.app import build
from operator_api import build as build_operator
from tests import contracts
from tests.identity.conftest import Hire, hire
from tests.merchant.conftest import PROGRAMME, run_programme
from tests.operator_api.conftest import Person, sign_in
from tests.waiting import somebody_waits

__all__ = ["hire"]

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def png(width: int = 8) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (width, 8), "red").save(kept, "PNG")
    return kept.getvalue()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def a_code() -> str:
    """A sound unified social credit code that nobody had before in these tests."""
    return credit_codes.complete(
        "91440101" + uuid4().hex[:9].upper().translate(str.maketrans("", "", "IOSVZ"))
    )


def about(**other: object) -> dict[str, Any]:
    return {
        "code": f"tea-{uuid4().hex[:8]}", "name_zh": "新茶馆", "name_en": "New teahouse", "credit_code": a_code(),
        "contact": {"name": "值班经理", "phone": "+86 20 8888 0000"},
    } | other  # fmt: skip


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database) -> FastAPI:
    app = build(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://puhui.test"
    ) as client:
        yield client


@pytest.fixture
async def operators(settings: Settings, db: Database, hire: Hire) -> AsyncIterator[list[Person]]:
    """Two people of an operator, signed in."""
    app = build_operator(settings)
    wire(app, settings=settings, db=db)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://puhui.test"
    ) as client:
        people = [await hire(Role.OPERATOR) for _ in range(2)]
        yield [Person(one, (await sign_in(client, one)).json(), client) for one in people]


class Applicant:
    """Somebody with an application and its secret."""

    def __init__(self, client: httpx.AsyncClient, begun: dict[str, Any]) -> None:
        self.client, self.id = client, begun["application_id"]
        self.headers = {"Application-Secret": begun["secret"]}

    async def ask(self, method: str, path: str = "", body: object = None) -> httpx.Response:
        return await self.client.request(
            method, f"/applications/{self.id}{path}", json=body, headers=self.headers
        )

    async def add(self, content: bytes = PDF, kind: str = "licence") -> httpx.Response:
        return await self.ask("POST", "/documents", {"kind": kind, "content": b64(content)})

    async def submitted(self) -> dict[str, Any]:
        assert (await self.add()).status_code == 201
        answer = await self.ask("POST", "/submission")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


async def begin(client: httpx.AsyncClient, **said: object) -> Applicant:
    answer = await client.post("/applications", json=about(**said))
    assert answer.status_code == 201, answer.text
    return Applicant(client, answer.json())


async def admit(operators: list[Person], told: dict[str, Any]) -> httpx.Response:
    first, second = operators
    shown = {"subject_sha256": told["subject_sha256"]}
    at = f"/applications/{told['application_id']}/proposals"
    act = (await first.post(at, shown)).json()
    return await second.post(f"{at}/{act['id']}/approval", shown)


async def test_a_merchant_is_admitted_by_two_people_and_only_its_writer_learns_the_password(
    client: httpx.AsyncClient, operators: list[Person]
) -> None:
    applicant = await begin(client)
    early = await applicant.ask("POST", "/manager", {"login": f"m{uuid4().hex[:8]}"})
    assert early.json()["code"] == "merchant.application_stands"
    assert (await applicant.ask("POST", "/submission")).json()["code"] == "merchant.document_missing"
    picture = (await applicant.add(png(), "other")).json()
    told = await applicant.submitted()
    assert (told["stands"], told["submissions"]) == ("submitted", 1)
    assert (await applicant.add()).json()["code"] == "merchant.application_stands"
    first, second = operators
    waiting = (await first.get("/applications?limit=100")).json()["items"]
    assert told["application_id"] in [one["application_id"] for one in waiting]
    at = f"/applications/{applicant.id}"
    seen = (await first.get(at)).json()
    assert seen["contact"]["name"] == "值班经理"
    document = await first.get(f"{at}/documents/{picture['document_id']}")
    assert (document.content, document.headers["content-type"]) == (png(), "image/png")
    assert document.headers["x-content-type-options"] == "nosniff"
    assert (await first.get(f"{at}/documents/{uuid4()}")).status_code == 404
    shown = {"subject_sha256": seen["subject_sha256"]}
    wrong = await first.post(f"{at}/proposals", {"subject_sha256": "0" * 64})
    assert wrong.status_code == 409
    act = (await first.post(f"{at}/proposals", shown)).json()
    assert "值班经理" not in str(act)
    alone = await first.post(f"{at}/proposals/{act['id']}/approval", shown)
    assert alone.json()["code"] == "identity.act_needs_second_person"
    other = await begin(client)
    assert (
        await second.post(f"/applications/{other.id}/proposals/{act['id']}/approval", shown)
    ).status_code == 404
    admitted = await second.post(f"{at}/proposals/{act['id']}/approval", shown)
    assert admitted.status_code == 200, admitted.text
    assert (await applicant.ask("GET")).json()["stands"] == "admitted"
    login = f"m{uuid4().hex[:8]}"
    made = await applicant.ask("POST", "/manager", {"login": login})
    assert made.status_code == 201, made.text
    authenticator = pyotp.parse_uri(made.json()["totp_uri"])
    assert isinstance(authenticator, pyotp.TOTP)
    given = {"login": login, "password": made.json()["first_password"], "totp": authenticator.at(clock.now())}
    signed_in = await client.post("/sign-in", json=given)
    assert signed_in.status_code == 200, signed_in.text
    mine = await client.get("/shops", headers={"Authorization": f"Bearer {signed_in.json()['access_token']}"})
    assert (mine.status_code, mine.json()) == (200, [])
    again = await applicant.ask("POST", "/manager", {"login": f"m{uuid4().hex[:8]}"})
    assert again.json()["code"] == "merchant.manager_made_already"
    assert made.json()["first_password"] not in again.text


async def test_an_application_that_is_sent_back_is_mended_and_handed_in_again(
    client: httpx.AsyncClient, operators: list[Person]
) -> None:
    applicant = await begin(client)
    before = await applicant.submitted()
    back = await operators[0].post(f"/applications/{applicant.id}/return", {"reason": "营业执照不清晰"})
    assert (back.status_code, back.json()["stands"]) == (200, "sent_back")
    assert (await applicant.ask("GET")).json()["reason"] == "营业执照不清晰"
    (document,) = before["documents"]
    gone = await applicant.ask("DELETE", f"/documents/{document['document_id']}")
    assert gone.status_code == 204
    assert (await applicant.ask("PUT", "", about())).status_code == 200
    after = await applicant.submitted()
    assert (after["submissions"], after["subject_sha256"] == before["subject_sha256"]) == (2, False)
    stale = await operators[0].post(
        f"/applications/{applicant.id}/proposals", {"subject_sha256": before["subject_sha256"]}
    )
    assert stale.status_code == 409
    assert (await admit(operators, after)).status_code == 200


async def test_one_credit_code_is_one_merchant_whoever_is_first(
    client: httpx.AsyncClient, operators: list[Person]
) -> None:
    code = a_code()
    both = [await begin(client, credit_code=code) for _ in range(2)]
    for one in both:
        assert (await one.add()).status_code == 201
    handed_in = await asyncio.gather(*(one.ask("POST", "/submission") for one in both))
    assert sorted(answer.status_code for answer in handed_in) == [200, 409]
    first, late = sorted(range(2), key=lambda number: handed_in[number].status_code)
    assert handed_in[late].json()["code"] == "merchant.another_application_waits"
    back = await operators[0].post(f"/applications/{both[first].id}/return", {"reason": "not the company's"})
    assert back.status_code == 200
    told = await both[late].ask("POST", "/submission")
    assert told.status_code == 200, told.text
    assert (await both[first].ask("POST", "/submission")).json()[
        "code"
    ] == "merchant.another_application_waits"
    assert (await admit(operators, told.json())).status_code == 200
    assert (await both[first].ask("POST", "/submission")).json()["code"] == "merchant.credit_code_taken"


async def test_drafts_are_forgotten_after_a_month_and_what_came_back_after_half_a_year(
    client: httpx.AsyncClient, operators: list[Person], db: Database
) -> None:
    draft, returned, waits = [await begin(client) for _ in range(3)]
    for one in (returned, waits):
        await one.submitted()
    await operators[0].post(f"/applications/{returned.id}/return", {"reason": "unreadable"})
    stand = []
    for days in (29, 31, 179, 181):
        with clock.travel(clock.now() + dt.timedelta(days=days)):
            async with db.transaction() as session:
                await onboarding.forget(session)
        stand.append([(await one.ask("GET")).status_code == 200 for one in (draft, returned, waits)])
    assert stand == [[True, True, True], [False, True, True], [False, True, True], [False, False, True]]


async def test_an_application_names_programmes_that_there_are(
    client: httpx.AsyncClient, operators: list[Person], db: Database
) -> None:
    await run_programme(db)
    unknown = await client.post("/applications", json=about(programmes=["nowhere"]))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "programmes.not_found")
    applicant = await begin(client, programmes=[PROGRAMME, PROGRAMME])
    told = await applicant.submitted()
    assert told["programmes"] == [PROGRAMME]
    shown = {"subject_sha256": told["subject_sha256"]}
    act = (await operators[0].post(f"/applications/{applicant.id}/proposals", shown)).json()
    assert PROGRAMME in str(act)


async def test_an_application_is_nobody_elses(client: httpx.AsyncClient) -> None:
    mine, other = await begin(client), await begin(client)
    mine.headers = other.headers
    for method, path in (("GET", ""), ("POST", "/submission")):
        answer = await mine.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "merchant.application_unknown")
    missing = await client.get(f"/applications/{mine.id}")
    assert missing.status_code == 422


@pytest.mark.parametrize("code", ["91350100M000100Y44", "91350100M000100O43", "9135010"])
async def test_a_credit_code_is_checked_to_its_last_character(client: httpx.AsyncClient, code: str) -> None:
    assert credit_codes.is_sound("91350100M000100Y43")
    answer = await client.post("/applications", json=about(credit_code=code))
    assert answer.status_code == 422
    assert "credit_code" in answer.text


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7 cut off", png()[:-30], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ\x90\x00", b"GIF89a" + bytes(20)],
    ids=["a cut pdf", "a cut picture", "svg", "a program", "gif"],
)  # fmt: skip
async def test_a_document_is_what_its_bytes_say(client: httpx.AsyncClient, content: bytes) -> None:
    applicant = await begin(client)
    answer = await applicant.add(content)
    assert (answer.status_code, answer.json()["code"]) == (422, "merchant.document_unreadable")


async def test_documents_are_limited_in_bytes_pixels_and_number(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    applicant = await begin(client)
    most = onboarding.service.MOST_BYTES
    fits = PDF + b" " * (most - len(PDF) - 6) + b"%%EOF\n"
    assert len(fits) == most
    assert (await applicant.add(fits)).status_code == 201
    assert (await applicant.add(fits + b"\n")).json()["code"] == "merchant.document_too_large"
    monkeypatch.setattr(files, "MOST_PIXELS", 63)
    assert (await applicant.add(png())).status_code == 422
    monkeypatch.undo()
    for _ in range(onboarding.service.MOST_DOCUMENTS - 1):
        assert (await applicant.add(png(), "other")).status_code == 201
    assert (await applicant.add(png(), "other")).json()["code"] == "merchant.too_many_documents"


async def test_whoever_approves_second_waits_and_finds_it_decided(
    client: httpx.AsyncClient, operators: list[Person], db: Database, settings: Settings
) -> None:
    applicant = await begin(client)
    told = await applicant.submitted()
    sha256 = bytes.fromhex(told["subject_sha256"])
    first, second = await contracts.operators(db, settings.keys)
    async with db.transaction() as session:
        act = await onboarding.propose(
            session,
            application_id=UUID(applicant.id),
            proposed_by=first,
            subject_sha256=sha256,
        )
    async with db.transaction() as session:
        given = {"application_id": UUID(applicant.id), "act_id": act.id, "subject_sha256": sha256}
        await onboarding.approve(session, approved_by=second, **given)  # type: ignore[arg-type]
        sent = operators[0].post(f"/applications/{applicant.id}/return", {"reason": "too late"})
        task = asyncio.ensure_future(sent)
        await somebody_waits(db)
    answer = await task
    assert (answer.status_code, answer.json()["stands"]) == (409, "admitted")
    async with db.transaction() as session:
        with pytest.raises(approvals.ActDecidedAlready):
            await onboarding.approve(session, approved_by=second, **given)  # type: ignore[arg-type]


async def test_whoever_approves_at_once_waits_and_one_merchant_is_made(
    client: httpx.AsyncClient, operators: list[Person], db: Database, settings: Settings
) -> None:
    told = await (await begin(client)).submitted()
    first, second = await contracts.operators(db, settings.keys)
    about_it: dict[str, Any] = {
        "application_id": UUID(told["application_id"]), "subject_sha256": bytes.fromhex(told["subject_sha256"]),
    }  # fmt: skip
    async with db.transaction() as session:
        act = await onboarding.propose(session, proposed_by=first, **about_it)
    at = f"/applications/{told['application_id']}/proposals/{act.id}/approval"
    async with db.transaction() as session:
        made = await onboarding.approve(session, act_id=act.id, approved_by=second, **about_it)
        late = asyncio.ensure_future(operators[1].post(at, {"subject_sha256": told["subject_sha256"]}))
        await somebody_waits(db)
    answer = await late
    assert (answer.status_code, answer.json()["code"]) == (409, "identity.act_decided_already")
    seen = (await operators[0].get(f"/applications/{told['application_id']}")).json()
    assert seen["organisation_id"] == str(made.id)


async def test_a_second_application_of_a_company_waits_for_the_first_one_and_is_refused(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    code = a_code()
    one, two = [await begin(client, credit_code=code) for _ in range(2)]
    for applicant in (one, two):
        assert (await applicant.add()).status_code == 201
    async with db.transaction() as session:
        await onboarding.submit(
            session, settings.keys, application_id=UUID(one.id), secret=one.headers["Application-Secret"]
        )
        late = asyncio.ensure_future(two.ask("POST", "/submission"))
        await somebody_waits(db)
    assert (await late).json()["code"] == "merchant.another_application_waits"
    assert (await one.ask("GET")).json()["stands"] == "submitted"
