"""Organisations and staff are admitted by two people, and by those who may."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pyotp

from backend.identity.organisations import Role
from backend.kit import clock
from tests.operator_api.conftest import Person, SignedIn


def _organisation(*roles: str) -> dict[str, Any]:
    return {"code": f"new-{uuid4().hex[:8]}", "name_zh": "新机构", "name_en": "New", "roles": list(roles)}


async def _approve(person: Person, act: dict[str, Any], **changed: str) -> Any:
    shown = {"subject_sha256": act["subject_sha256"]} | changed
    return await person.post(f"/admissions/{act['id']}/approval", shown)


async def test_two_operators_admit_a_partner_and_then_its_staff_who_can_sign_in(signed_in: SignedIn) -> None:
    first, second = await signed_in(Role.OPERATOR), await signed_in(Role.OPERATOR)
    proposal = _organisation("partner")
    act = (await first.post("/organisations/proposals", proposal)).json()
    assert act["body"] == proposal
    assert act["id"] in {one["id"] for one in (await second.get("/admissions")).json()}
    alone = await _approve(first, act)
    assert (alone.status_code, alone.json()["code"]) == (403, "identity.act_needs_second_person")
    made = (await _approve(second, act)).json()
    assert made["organisation"]["code"] == proposal["code"]
    assert made["first_password"] is None
    assert (await _approve(second, act)).json()["code"] == "identity.act_decided_already"

    asked = {"organisation_code": proposal["code"], "login": f"p{uuid4().hex[:8]}", "roles": ["partner"]}
    hiring = (await second.post("/staff/proposals", asked)).json()
    hired = (await _approve(first, hiring)).json()
    totp = pyotp.parse_uri(hired["totp_uri"])
    assert isinstance(totp, pyotp.TOTP)
    signed = await first.client.post(
        "/sign-in",
        json={"login": asked["login"], "password": hired["first_password"], "totp": totp.at(clock.now())},
    )
    assert signed.status_code == 200
    assert (await first.get("/staff", params={"limit": 200})).text.count(asked["login"]) == 1


async def test_operators_cannot_make_themselves_an_authority(signed_in: SignedIn) -> None:
    operator, authority, other = [
        await signed_in(role) for role in (Role.OPERATOR, Role.AUTHORITY, Role.AUTHORITY)
    ]
    for role in ("authority", "operator", "verification_body", "enterprise"):
        refused = await operator.post("/organisations/proposals", _organisation(role, "partner"))
        assert (refused.status_code, refused.json()["code"]) == (403, "identity.act_needs_role")
    act = (await authority.post("/organisations/proposals", _organisation("authority"))).json()
    assert act["id"] not in {one["id"] for one in (await operator.get("/admissions")).json()}
    assert (await _approve(operator, act)).json()["code"] == "identity.act_needs_role"
    assert (await _approve(other, act)).status_code == 200


async def test_what_is_approved_is_what_was_shown(signed_in: SignedIn) -> None:
    first, second = await signed_in(Role.OPERATOR), await signed_in(Role.OPERATOR)
    act = (await first.post("/organisations/proposals", _organisation("merchant"))).json()
    differs = await _approve(second, act, subject_sha256="00" * 32)
    assert (differs.status_code, differs.json()["code"]) == (409, "identity.act_shown_differs")
    rejected = await second.post(
        f"/admissions/{act['id']}/rejection", {"subject_sha256": act["subject_sha256"]}
    )
    assert rejected.json()["decision"] == "rejected"
    assert (await _approve(second, act)).status_code == 409
    unknown = await _approve(second, act | {"id": str(uuid4())})
    assert unknown.status_code == 404


async def test_a_taken_code_undoes_the_whole_approval(signed_in: SignedIn) -> None:
    first, second = await signed_in(Role.OPERATOR), await signed_in(Role.OPERATOR)
    proposal = _organisation("merchant")
    acts = [(await first.post("/organisations/proposals", proposal)).json() for _ in range(2)]
    assert (await _approve(second, acts[0])).status_code == 200
    assert (await _approve(second, acts[1])).json()["code"] == "identity.organisation_code_taken"
    assert acts[1]["id"] in {one["id"] for one in (await second.get("/admissions")).json()}


async def test_the_same_key_proposes_once(signed_in: SignedIn) -> None:
    person, key, proposal = await signed_in(Role.OPERATOR), str(uuid4()), _organisation("merchant")
    answers = [await person.post("/organisations/proposals", proposal, key=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_pages_of_organisations_hold_each_once(signed_in: SignedIn) -> None:
    people = [await signed_in(Role.OPERATOR) for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await people[0].get("/organisations", params=asked)).json()
        seen += [one["code"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) >= 5
    assert seen == sorted(set(seen))
