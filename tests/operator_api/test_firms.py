"""A firm says its unified social credit code, a person of the operator checks it, and only then it redeems; over HTTP."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.identity import credit_codes, members, people
from backend.identity.members import firms
from backend.identity.people import ParticipantKind
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.operator_api.conftest import Person
from tests.operator_api.test_programmes import operator

__all__ = ["operator"]


def _code() -> str:
    letters = "".join("0123456789ABCDEFGH"[int(one, 16)] for one in uuid4().hex[:9].upper())
    return credit_codes.complete(f"91440101{letters}")


async def _firm(db: Database, settings: Settings) -> tuple[UUID, UUID]:
    async with db.transaction() as session:
        manager = await people.citizen_without_phone(session, settings.keys)
        firm = await members.create(
            session, settings.keys, kind=ParticipantKind.FIRM, name="茶店", by=manager
        )
    return firm.id, manager


async def _say(db: Database, settings: Settings, firm: UUID, manager: UUID, code: str) -> firms.FirmClaim:
    async with db.transaction() as session:
        return await firms.claim(session, settings.keys, group_id=firm, code=code, by=manager)


async def _redeems(db: Database, who: UUID) -> bool:
    async with db.transaction() as session:
        return bool((await session.execute(text("SELECT redeemable(:who)"), {"who": who})).scalar_one())


async def test_a_firm_redeems_once_its_code_was_confirmed(
    db: Database, settings: Settings, operator: Person
) -> None:
    firm, manager = await _firm(db, settings)
    code = _code()
    said = await _say(db, settings, firm, manager, code)
    assert (await _say(db, settings, firm, manager, code)).id == said.id
    assert (await _redeems(db, firm), await _redeems(db, manager)) == (False, True)
    with pytest.raises(members.FirmClaimWaits):
        await _say(db, settings, firm, manager, _code())
    listed = (await operator.get("/firms", params={"limit": 100})).json()["items"]
    shown = next(one for one in listed if one["claim_id"] == str(said.id))
    assert (shown["name"], shown["credit_code"], shown["state"]) == ("茶店", code, "waiting")
    assert str(manager) not in str(listed)
    path = f"/firms/{said.id}/check"
    assert (await operator.post(path, {"confirmed": True, "reason": " "})).status_code == 422
    done = await operator.post(path, {"confirmed": True, "reason": "the register of enterprises"})
    assert (done.status_code, done.json()["state"]) == (200, "confirmed"), done.text
    again = await operator.post(path, {"confirmed": False, "reason": "once more"})
    assert (again.status_code, again.json()["code"]) == (409, "identity.firm_checked_already")
    assert await _redeems(db, firm)
    unknown = await operator.post(f"/firms/{uuid4()}/check", {"confirmed": True, "reason": "x"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "identity.firm_claim_unknown")


async def test_one_firm_has_one_account_and_a_refused_code_can_be_said_anew(
    db: Database, settings: Settings, operator: Person
) -> None:
    code = _code()
    (one, first), (other, second) = await _firm(db, settings), await _firm(db, settings)
    claims = [
        await _say(db, settings, one, first, code),
        await _say(db, settings, other, second, code),
    ]
    body = {"confirmed": True, "reason": "the register"}
    answers = await asyncio.gather(*(operator.post(f"/firms/{said.id}/check", body) for said in claims))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(said for said, answer in zip(claims, answers, strict=True) if answer.status_code == 409)
    taken = next(answer for answer in answers if answer.status_code == 409)
    assert taken.json()["code"] == "identity.credit_code_taken"
    refused = await operator.post(f"/firms/{lost.id}/check", {"confirmed": False, "reason": "has an account"})
    assert refused.json()["state"] == "refused"
    assert not await _redeems(db, lost.group_id)
    owner = first if lost.group_id == one else second
    assert (await _say(db, settings, lost.group_id, owner, _code())).state == "waiting"


async def test_only_a_firms_manager_says_a_code_and_only_a_sound_one(
    db: Database, settings: Settings
) -> None:
    firm, manager = await _firm(db, settings)
    code = _code()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(members.CreditCodeWrong):
        await _say(db, settings, firm, manager, wrong)
    with pytest.raises(members.GroupUnknown):
        await _say(db, settings, firm, (await _firm(db, settings))[1], code)
    async with db.transaction() as session:
        member = await people.citizen_without_phone(session, settings.keys)
        invited, _ = await members.invite(session, group_id=firm, by=manager)
        await members.accept(session, settings.keys, code=invited, member_id=member)
        home = await members.create(
            session, settings.keys, kind=ParticipantKind.HOUSEHOLD, name="家", by=manager
        )
    with pytest.raises(members.OnlyManagers):
        await _say(db, settings, firm, member, code)
    with pytest.raises(members.NotAFirm):
        await _say(db, settings, home.id, manager, code)
