"""Staff sign in, change their password, and are kept out the moment they are suspended."""

from __future__ import annotations

from datetime import timedelta

import httpx

from backend.identity.organisations import Role
from backend.kit import clock
from tests.identity.conftest import Hire
from tests.operator_api.conftest import SignedIn, sign_in


async def test_staff_sign_in_and_see_who_they_are(signed_in: SignedIn) -> None:
    person = await signed_in(Role.OPERATOR, Role.AUTHORITY)
    me = (await person.get("/me")).json()
    assert me["login"] == person.hired.login
    assert me["roles"] == ["authority", "operator"]


async def test_five_bad_attempts_lock_the_login_in_the_same_words(
    client: httpx.AsyncClient, hire: Hire
) -> None:
    hired = await hire(Role.OPERATOR)
    refusals = [await sign_in(client, hired, password="wrong") for _ in range(5)]
    refusals.append(await sign_in(client, hired))  # right, but locked
    refusals.append(
        await client.post("/sign-in", json={"login": "nobody", "password": "x", "totp": "000000"})
    )
    assert {refusal.status_code for refusal in refusals} == {401}
    for refusal in refusals:
        refusal.json().pop("trace_id")
    assert len({tuple(sorted((refusal.json() | {"trace_id": ""}).items())) for refusal in refusals}) == 1
    with clock.travel(clock.now() + timedelta(minutes=16)):
        assert (await sign_in(client, hired)).status_code == 200


async def test_a_refresh_token_is_good_once_and_idle_staff_sign_in_again(signed_in: SignedIn) -> None:
    person = await signed_in(Role.OPERATOR)
    given = {"refresh_token": person.tokens["refresh_token"]}
    second = (await person.client.post("/sign-in/refresh", json=given)).json()
    with clock.travel(clock.now() + timedelta(minutes=31)):
        late = await person.client.post("/sign-in/refresh", json={"refresh_token": second["refresh_token"]})
        assert late.status_code == 401
    assert (await person.client.post("/sign-in/refresh", json=given)).status_code == 401
    assert (await person.get("/me")).status_code == 401  # the session ended with the reuse


async def test_signing_out_ends_reading_too(signed_in: SignedIn) -> None:
    person = await signed_in(Role.OPERATOR)
    assert (await person.post("/sign-in/sign-out")).status_code == 204
    assert (await person.get("/me")).status_code == 401


async def test_a_new_password_ends_the_other_sessions(signed_in: SignedIn, client: httpx.AsyncClient) -> None:
    person = await signed_in(Role.OPERATOR)
    with clock.travel(clock.now() + timedelta(minutes=2)):
        other = (await sign_in(client, person.hired)).json()
    with clock.travel(clock.now() + timedelta(minutes=4)):
        change = {
            "password": "correct horse battery",
            "totp": person.hired.code(),
            "new_password": "another horse battery",
        }
        weak = await person.put("/me/password", change | {"new_password": "short"})
        assert (weak.status_code, weak.json()["code"]) == (422, "identity.password_weak")
        assert (await person.put("/me/password", change)).status_code == 204
        assert (await person.get("/me")).status_code == 200
        elsewhere = {"Authorization": f"Bearer {other['access_token']}"}
        assert (await client.get("/me", headers=elsewhere)).status_code == 401
    with clock.travel(clock.now() + timedelta(minutes=6)):
        assert (await sign_in(client, person.hired)).status_code == 401
        assert (await sign_in(client, person.hired, password="another horse battery")).status_code == 200


async def test_the_suspended_are_refused_from_the_next_request_on(signed_in: SignedIn) -> None:
    operator, authority, partner = [
        await signed_in(role) for role in (Role.OPERATOR, Role.AUTHORITY, Role.PARTNER)
    ]
    refused = await operator.post(f"/staff/{authority.id}/suspension")
    assert refused.json()["code"] == "identity.admission_needs_authority"
    assert (await operator.post(f"/staff/{partner.id}/suspension")).status_code == 204
    assert (await partner.get("/me")).status_code == 401
    assert (await authority.post(f"/staff/{operator.id}/suspension")).status_code == 204
    assert (await operator.get("/me")).status_code == 401
    assert (await authority.post(f"/staff/{authority.id}0/suspension")).status_code == 422
