"""One person, one account to redeem from: proved by a provider, refused in the second account, and open again once joined."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from backend.identity import proving
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import spending, wallets
from tests.identity.simulators import RealNamesSimulator, served
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in, step_up

PROGRAMME = "gd-green-travel"


class Names:
    """A provider whose tokens say themselves whose they are."""

    provider = "names"

    async def subject(self, token: str) -> str:
        if token.startswith("nobody"):
            raise proving.ProofRefused
        return token.partition(".")[0]


@pytest.fixture(autouse=True)
def names(app: FastAPI) -> None:
    app.state.real_names = {"names": Names()}


async def prove(who: Citizen, person: str) -> httpx.Response:
    return await who.post("/me/proofs", {"provider": "names", "token": f"{person}.{uuid4().hex}"})


async def spend(db: Database, who: UUID, points: int) -> None:
    async with db.transaction() as session:
        await spending.spend(
            session, participant_id=who, programme=PROGRAMME, points=points, posting_id=ids.uuid7(),
            happened_at=clock.now(),
        )  # fmt: skip


async def test_the_second_account_of_a_person_is_told_why_and_joining_is_the_way_out(
    alice: Citizen, bob: Citizen, phones: PhoneBox, db: Database
) -> None:
    person = uuid4().hex
    async with db.transaction() as session:
        await wallets.earn(
            session, participant_id=bob.id, programme=PROGRAMME, points=40, expires_on=None,
            posting_id=ids.uuid7(), happened_at=clock.now(),
        )  # fmt: skip
    assert (await bob.get("/me/proofs")).json()["redeemable"] is True
    assert (await prove(alice, person)).json()["redeemable"] is True
    told = await prove(bob, person)
    assert (told.status_code, told.json()["because"]) == (200, "another_account")
    assert str(alice.id) not in told.text
    with pytest.raises(proving.NotRedeemable):
        await spend(db, bob.id, 10)
    again = (await prove(bob, person)).json()
    assert len(again["proofs"]) == 1
    asked = await alice.post("/me/phone/codes", {"phone": bob.phone})
    await step_up(alice, phones, "join")
    given = {"request_id": asked.json()["request_id"], "phone": bob.phone, "code": phones.codes[bob.phone]}
    joined = await alice.put("/me/phone", given | {"join": True})
    assert joined.status_code == 200, joined.text
    assert (joined.json()["participant_id"], joined.json()["points"]) == (str(alice.id), 40)
    await spend(db, alice.id, 10)


async def test_what_a_provider_refuses_or_says_of_another_person_changes_nothing(
    alice: Citizen, db: Database
) -> None:
    assert (await prove(alice, "nobody")).json()["code"] == "identity.proof_refused"
    unknown = await alice.post("/me/proofs", {"provider": "others", "token": "x"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "identity.real_names_unknown")
    person = uuid4().hex
    assert (await prove(alice, person)).status_code == 200
    other = await prove(alice, uuid4().hex)
    assert (other.status_code, other.json()["code"]) == (409, "identity.another_person")
    async with db.transaction() as session:
        rows = await session.execute(text("SELECT to_jsonb(p)::text FROM person_proof p"))
        whole = "".join(rows.scalars())
        keys = await session.execute(text("SELECT to_jsonb(c)::text FROM kit_idempotency_key c"))
        whole += "".join(keys.scalars())
    assert person not in whole
    assert person.encode().hex() not in whole


async def test_the_account_of_before_counts_again_for_nobody_once_it_is_closed(
    alice: Citizen, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    person = uuid4().hex
    await prove(alice, person)
    second = await sign_in(client, phones)
    assert (await prove(second, person)).json()["because"] == "another_account"
    await step_up(alice, phones, "close_account")
    assert (await alice.post("/me/closure")).status_code == 200
    assert (await second.get("/me/proofs")).json()["because"] is None


async def test_a_relay_says_who_it_is_and_whatever_else_it_answers_is_no_proof(
    settings: Settings, app: FastAPI, alice: Citizen
) -> None:
    simulator = RealNamesSimulator()
    async with served(simulator):
        named = settings.model_copy(
            update={"real_names_address": f"{simulator.address}/person",
                    "real_names_secret": SecretStr(simulator.secret)}
        )  # fmt: skip
        app.state.real_names = found = proving.default_real_names(named)
        relay, token = found["real-names"], simulator.code_for(uuid4().hex)
        told = await alice.post("/me/proofs", {"provider": "real-names", "token": token})
        assert [one["provider"] for one in told.json()["proofs"]] == ["real-names"]
        with pytest.raises(proving.ProofRefused):  # good once
            await relay.subject(token)
        for wrong in (b'{"subject": ""}', b'{"subject": 7}', b"{}", b"[]", b"oops", b"500", b"x" * 100_000):
            simulator.say(wrong)
            with pytest.raises(proving.RealNamesUnavailable):
                await relay.subject(simulator.code_for("somebody"))
        simulator.say(500)
        away = await alice.post("/me/proofs", {"provider": "real-names", "token": "x"})
        assert (away.status_code, away.json()["code"]) == (503, "identity.real_names_unavailable")
    assert proving.default_real_names(settings) == {}
