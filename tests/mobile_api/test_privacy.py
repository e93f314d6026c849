"""My account as a whole over HTTP: the archive, the looks, closing, and accounts of my children."""

from __future__ import annotations

import io
import json
import zipfile
from uuid import uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from backend import inbox
from backend.identity import closing, consent, guardians, looks, means, organisations, people, proving, staff
from backend.identity.organisations import Role
from backend.inbox import Kind, Topic
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import wallets
from puhui.surfaces import SURFACES
from tests.mobile_api.conftest import WORDS, Citizen, PhoneBox, sign_in, step_up

GUARDIAN = consent.agreement(guardians.GUARDIAN, purpose="guardian").sha256.hex()

HEARD = Kind("test.told_before_leaving", Topic.POINTS, "积分", "points")
inbox.register(HEARD)


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


async def test_the_archive_tells_names_ends_and_what_hangs_on_rows_of_mine(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings
) -> None:
    device = {"Puhui-Device": "d" * 32}
    who = await sign_in(client, phones, headers=device, device_name="出行手机")
    code = means.link_code(
        settings.keys, kind="card", operator="metro", number="6222-4321", day=clock.today()
    )
    linked = await who.post(
        "/means",
        {"kind": "card", "operator": "metro", "number": "6222-4321", "code": code, "consent_sha256": WORDS},
    )
    assert (await who.post(f"/means/{linked.json()['id']}/lost")).status_code == 200
    assert (await who.post("/members/groups", {"kind": "household", "name": "梧桐里"})).status_code == 201
    await step_up(who, phones, "export")
    answer = await who.post("/me/archive")
    assert answer.status_code == 200, answer.text
    files = zipfile.ZipFile(io.BytesIO(answer.content))
    held = {name: json.loads(files.read(name)) for name in files.namelist() if name.endswith(".json")}
    assert [one["name"] for one in held["ways_in.json"]["device"]] == ["出行手机"]
    assert [one["number_ends_with"] for one in held["means.json"]["means_holding"]] == ["4321"]
    assert [one["why"] for one in held["means.json"]["means_ended.holding_id.participant_id"]] == ["lost"]
    assert [one["name"] for one in held["members.json"]["member_group.group_id.member_id"]] == ["梧桐里"]
    assert "6222-4321" not in json.dumps(held)


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
        await inbox.tell(session, participant_id=bob.id, kind=HEARD.name, refers_to="closing", facts={})
    told = (await bob.get("/me/closure")).json()
    assert told["messages"] == [{"messages": 1}]
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
        assert await inbox.items_of(session, participant_id=bob.id) == []


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
    for where, build in SURFACES.items():
        assert set(_coordinates(build(settings))) <= PLACES.get(where, set()), where


# Coordinates of shops, which are no person's: their merchant gives them, and anybody may find the shop.
PLACES = {"/merchant/v1": {"Place.latitude", "Place.longitude"}}


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
