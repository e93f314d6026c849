"""My account as a whole over HTTP: the archive, the looks, closing, and accounts of my children."""

from __future__ import annotations

import io
import json
import zipfile
from uuid import uuid4

from fastapi import FastAPI
from sqlalchemy import text

from backend.identity import closing, consent, guardians, looks, organisations, people, proving, staff
from backend.identity.organisations import Role
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import wallets
from mobile_api import build as mobile
from operator_api import build as operator
from tests.mobile_api.conftest import Citizen, PhoneBox, step_up

GUARDIAN = consent.agreement(guardians.GUARDIAN, purpose="guardian").sha256.hex()


async def test_the_archive_needs_a_step_up_and_holds_what_is_mine_alone(
    alice: Citizen, bob: Citizen, phones: PhoneBox
) -> None:
    assert (await alice.post("/me/archive")).status_code == 403
    await step_up(alice, phones, "export")
    answer = await alice.post("/me/archive")
    assert answer.headers["content-type"] == "application/zip"
    files = zipfile.ZipFile(io.BytesIO(answer.content))
    held = {name: files.read(name).decode() for name in files.namelist()}
    assert alice.phone[-8:] in held["person.json"]
    assert "您的个人信息副本" in held["index.md"]
    whole = "".join(held.values())
    assert str(bob.id) not in whole
    assert not {"digest", "subject_sealed", "phone_index", "lat_e7", "wrapped"} & set(_keys(held))
    assert (await alice.post("/me/archive")).status_code == 403  # a step-up is good once


def _keys(held: dict[str, str]) -> list[str]:
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            found.extend(value)
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for name, body in held.items():
        if name.endswith(".json"):
            walk(json.loads(body))
    return found


async def test_a_look_is_told_to_the_person_and_to_nobody_else(
    alice: Citizen, bob: Citizen, db: Database, settings: Settings
) -> None:
    async with db.transaction() as session:
        made = await organisations.create_organisation(
            session, code="looker", name_zh="看客", name_en="Looker", roles=[Role.OPERATOR]
        )
        person = await staff.create_staff(
            session, settings.keys, organisation_code="looker", login="looker", password="correct horse battery",
            roles=[Role.OPERATOR],
        )  # fmt: skip
        for reason in ("first", "second"):
            await looks.look(
                session, participant_id=alice.id, staff_id=person.staff.id, organisation_id=made.id,
                operation="look_at_participant", reason=reason,
            )  # fmt: skip
    page = (await alice.get("/looks?limit=1")).json()
    assert [(one["organisation"], one["reason"]) for one in page["items"]] == [("looker", "second")]
    rest = (await alice.get("/looks", params={"cursor": page["next_cursor"], "limit": 1})).json()
    assert [one["reason"] for one in rest["items"]] == ["first"]
    assert "staff" not in str(page)
    assert (await bob.get("/looks")).json()["items"] == []


async def test_closing_says_what_becomes_of_things_then_does_it_and_leads_to_nobody(
    bob: Citizen, phones: PhoneBox, db: Database
) -> None:
    async with db.transaction() as session:
        await wallets.earn(
            session, participant_id=bob.id, programme="gd-green-travel", points=40, expires_on=None,
            posting_id=ids.uuid7(), happened_at=clock.now(),
        )  # fmt: skip
    told = (await bob.get("/me/closure")).json()
    assert [one["points_forfeited"] for one in told["wallets"]] == [40]
    assert (await bob.post("/me/closure")).status_code == 403
    await step_up(bob, phones, "close_account")
    closed = await bob.post("/me/closure")
    assert closed.status_code == 200, closed.text
    assert closed.json()["wallets"] == told["wallets"]
    assert (await bob.put("/consents/bus", {"given": True, "text_sha256": GUARDIAN})).status_code == 401
    async with db.transaction() as session:
        assert not await proving.may_redeem(session, participant_id=bob.id)
        left = await session.execute(
            text("SELECT count(*) FROM person_key WHERE participant_id = :who"), {"who": bob.id}
        )
        assert left.scalar_one() == 0
        assert (await closing.told(session, participant_id=bob.id))["wallets"] == []


async def test_a_second_account_of_one_person_redeems_nothing_until_the_first_is_closed(
    db: Database, settings: Settings
) -> None:
    async with db.transaction() as session:
        first, second = await people.register_many(session, count=2)
    given = {"provider": "names", "subject": "somebody"}
    async with db.transaction() as session:
        assert (await proving.prove(session, settings.keys, participant_id=first, **given)).redeemable
    async with db.transaction() as session:
        assert not (await proving.prove(session, settings.keys, participant_id=second, **given)).redeemable
        stored = await session.execute(text("SELECT encode(subject_index, 'escape') FROM person_proof"))
        assert "somebody" not in "".join(stored.scalars())
    async with db.transaction() as session:
        await closing.close(session, participant_id=first)
    async with db.transaction() as session:
        assert await proving.may_redeem(session, participant_id=second)


async def test_a_guardian_keeps_a_childs_account_and_closes_it(
    alice: Citizen, db: Database, phones: PhoneBox
) -> None:
    year = clock.today().year + 5
    wrong = await alice.post("/children", {"ends_on": f"{year}-03-02", "text_sha256": GUARDIAN})
    assert wrong.status_code == 422
    made = (await alice.post("/children", {"ends_on": f"{year}-03-01", "text_sha256": GUARDIAN})).json()
    path = f"/children/{made['child_id']}"
    assert (await alice.get("/children")).json() == [made]
    async with db.transaction() as session:
        assert not await proving.may_redeem(session, participant_id=made["child_id"])
    allowed = await alice.put(f"{path}/allowances/redeem", {"allowed": True, "text_sha256": GUARDIAN})
    assert allowed.json()["allowed"] == ["redeem"]
    async with db.transaction() as session:
        assert await proving.may_redeem(session, participant_id=made["child_id"])
        assert not await guardians.allows(session, participant_id=made["child_id"], scope="lottery")
    other = await alice.put(
        f"/children/{uuid4()}/allowances/redeem", {"allowed": True, "text_sha256": GUARDIAN}
    )
    assert other.status_code == 404
    await step_up(alice, phones, "close_account")
    assert (await alice.post(f"{path}/closure")).status_code == 200
    assert (await alice.get("/children")).json() == []


def test_no_answer_of_any_surface_has_a_coordinate(settings: Settings) -> None:
    for app in (mobile(settings), operator(settings)):
        assert not _coordinates(app)


def _coordinates(app: FastAPI) -> list[str]:
    words = {"lat", "lon", "lng", "latitude", "longitude", "coordinates", "lat_e7", "lon_e7"}
    schemas = app.openapi()["components"]["schemas"]
    asked = {name for name in schemas if name.endswith(("Asked", "Request"))}
    return [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if name not in asked
        for field in schema.get("properties", {})
        if words & {field, *field.split("_")}
    ]
