"""Keys: two people register one, two are good at once for a while, one person revokes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.identity import approvals, organisations, partners
from backend.identity.organisations import Role
from backend.identity.partners import CallingPartner, PartnerKey
from backend.kit import clock
from backend.kit.db import Database
from tests.identity.conftest import Hire, Hired
from tests.operator_api.conftest import sign_in
from tests.partner_api.conftest import Metro, NewPartner, register
from tests.partner_api.signing import Signer, public_bytes

SOON = timedelta(days=100)


@pytest.fixture
async def metro(new_partner: NewPartner) -> Metro:
    return await new_partner()


async def tokens(client: httpx.AsyncClient, hired: Hired) -> dict[str, str]:
    answered = await sign_in(client, hired)
    assert answered.status_code == 200, answered.text
    return {"authorization": f"Bearer {answered.json()['access_token']}"}


def written(key: Ed25519PrivateKey | None = None) -> str:
    return partners.written_key(public_bytes(key or Ed25519PrivateKey.generate()))


def asked(**other: object) -> dict[str, object]:
    return {"public_key": written(), "valid_until": (clock.now() + SOON).isoformat()} | other


async def test_a_key_takes_two_people_of_the_partner_and_signs_from_then_on(
    client: httpx.AsyncClient, staff_client: httpx.AsyncClient, hire: Hire
) -> None:
    first = await hire(Role.PARTNER)
    one = await tokens(staff_client, first)
    code = (await staff_client.get("/me", headers=one)).json()["organisation_code"]
    second, stranger = await hire(Role.PARTNER, organisation=code), await hire(Role.PARTNER)
    two, other = await tokens(staff_client, second), await tokens(staff_client, stranger)
    key = Ed25519PrivateKey.generate()
    proposed = await staff_client.post(
        "/partner-keys/proposals",
        json=asked(public_key=written(key)),
        headers=one | {"idempotency-key": str(uuid4())},
    )
    assert proposed.status_code == 201, proposed.text
    act = proposed.json()
    address = f"/partner-keys/proposals/{act['id']}"
    shown = {"subject_sha256": act["subject_sha256"]}
    assert [a["id"] for a in (await staff_client.get("/partner-keys/proposals", headers=two)).json()] == [
        act["id"]
    ]
    assert (await staff_client.get("/partner-keys/proposals", headers=other)).json() == []
    for who, status, refused in (
        (one, 403, "identity.act_needs_second_person"),
        (other, 404, "identity.act_unknown"),
    ):
        answered = await staff_client.post(f"{address}/approval", json=shown, headers=who)
        assert (answered.status_code, answered.json()["code"]) == (status, refused)
    approved = await staff_client.post(f"{address}/approval", json=shown, headers=two)
    assert approved.status_code == 200, approved.text
    signer = Signer(UUID(approved.json()["key_id"]), key)
    assert (await client.get("/me", auth=signer)).json()["organisation"] == code
    assert (await staff_client.get("/partner-keys", headers=other)).json() == []
    gone = await staff_client.post(
        f"/partner-keys/{signer.key_id}/revocation", json={"reason": "x"}, headers=other
    )
    assert (gone.status_code, gone.json()["code"]) == (404, "identity.partner_key_unknown")
    revoked = await staff_client.post(
        f"/partner-keys/{signer.key_id}/revocation", json={"reason": "a laptop was lost"}, headers=one
    )
    assert revoked.json()["ends_at"] == revoked.json()["revoked_at"]
    assert (await client.get("/me", auth=signer)).json()["code"] == "identity.partner_key_not_live"
    again = await staff_client.post(
        f"/partner-keys/{signer.key_id}/revocation", json={"reason": "again"}, headers=two
    )
    assert (again.status_code, again.json()["code"]) == (409, "identity.partner_key_revoked")


async def test_an_unsound_key_and_one_that_somebody_has_are_refused(
    staff_client: httpx.AsyncClient, metro: Metro, hire: Hire
) -> None:
    person = await tokens(staff_client, await hire(Role.PARTNER))

    async def propose(public_key: str) -> tuple[int, str]:
        answered = await staff_client.post(
            "/partner-keys/proposals",
            json=asked(public_key=public_key),
            headers=person | {"idempotency-key": str(uuid4())},
        )
        return answered.status_code, answered.json()["code"]

    assert await propose(partners.written_key(bytes(32))) == (422, "identity.partner_key_unsound")
    assert await propose("*" * 44) == (422, "identity.partner_key_unsound")
    assert await propose(written(metro.live.key)) == (409, "identity.partner_key_taken")


@pytest.mark.parametrize(
    ("days", "taken"),
    [
        ((30, 430, 30), True),
        ((31, 100, 7), False),
        ((0, 401, 7), False),
        ((5, 5, 7), False),
        ((0, 100, 31), False),
        ((0, 100, -1), False),
        ((-3, 100, 0), True),
    ],
)
async def test_times_and_overlap_of_a_key_are_bounded(
    db: Database, metro: Metro, days: tuple[int, int, int], taken: bool
) -> None:
    now, (begins, ends, overlap) = clock.now(), days
    asking = register(
        db,
        metro.first.id,
        metro.second.id,
        valid_from=now + timedelta(days=begins),
        valid_until=now + timedelta(days=ends),
        overlap_days=overlap,
    )
    if not taken:
        with pytest.raises(partners.PartnerKeyTimes):
            await asking
        return
    key, _ = await asking
    assert key.valid_from >= now
    assert (await standing(db, metro.live.key_id)).ends_at == key.valid_from + timedelta(days=overlap)


async def standing(db: Database, key_id: UUID) -> PartnerKey:
    async with db.transaction() as session:
        return await partners.key(session, key_id=key_id)


async def test_two_keys_are_good_at_once_until_the_overlap_is_over(
    client: httpx.AsyncClient, db: Database, metro: Metro
) -> None:
    second, signer = await register(db, metro.first.id, metro.second.id, overlap_days=3)
    assert second.replaces == metro.live.key_id
    for one in (metro.live, signer):
        assert (await client.get("/me", auth=one)).status_code == 200
    for days, old in ((2.9, True), (3.1, False)):
        moment = clock.now() + timedelta(days=days)
        assert (await standing(db, metro.live.key_id)).live(moment) is old
        assert (await standing(db, signer.key_id)).live(moment)
    with pytest.raises(partners.PartnerKeysOverlap) as refused:  # a third beside the two
        await register(db, metro.first.id, metro.second.id, overlap_days=3)
    first_ends = (await standing(db, metro.live.key_id)).ends_at
    assert refused.value.from_ == first_ends
    third, _ = await register(db, metro.first.id, metro.second.id, valid_from=first_ends, overlap_days=0)
    assert (await standing(db, second.id)).ends_at == third.valid_from


async def test_a_revoked_key_makes_room_for_the_next(db: Database, metro: Metro) -> None:
    second, _ = await register(db, metro.first.id, metro.second.id)
    async with db.transaction() as session:
        await partners.revoke_key(session, key_id=second.id, revoked_by=metro.first.id, reason="lost")
    third, _ = await register(db, metro.first.id, metro.second.id)
    async with db.transaction() as session:
        keys = await partners.keys_of(session, organisation_id=metro.id)
    assert {key.id for key in keys if key.live(clock.now()) and not key.sandbox} == {
        metro.live.key_id,
        third.id,
    }


async def test_two_approvals_at_once_make_one_key_after_the_other(db: Database, metro: Metro) -> None:
    acts = []
    for _ in range(2):
        async with db.transaction() as session:
            acts.append(
                await partners.propose_key(
                    session,
                    proposed_by=metro.first.id,
                    public_key=written(),
                    sandbox=False,
                    valid_from=None,
                    valid_until=clock.now() + SOON,
                    overlap_days=7,
                )
            )

    async def approve(act: approvals.TwoPersonAct) -> PartnerKey:
        async with db.transaction() as session:
            return await partners.approve_key(
                session, act_id=act.id, approved_by=metro.second.id, subject_sha256=act.subject_sha256
            )

    async with db.transaction() as session:
        await partners.approve_key(
            session,
            act_id=acts[0].id,
            approved_by=metro.second.id,
            subject_sha256=acts[0].subject_sha256,
        )
        waiting = asyncio.create_task(approve(acts[1]))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    with pytest.raises(partners.PartnerKeysOverlap):
        await waiting


async def test_one_key_proposed_twice_is_registered_once(db: Database, metro: Metro) -> None:
    key = Ed25519PrivateKey.generate()
    made = [register(db, metro.first.id, metro.second.id, key=key) for _ in range(2)]
    await made[0]
    with pytest.raises(partners.PartnerKeyTaken):
        await made[1]


async def test_an_organisation_that_is_no_partner_has_no_keys_and_no_quota(db: Database, hire: Hire) -> None:
    person = await hire(Role.OPERATOR)
    with pytest.raises(partners.NotAPartner):
        async with db.transaction() as session:
            await partners.propose_key(
                session, proposed_by=person.id, public_key=written(), sandbox=False,
                valid_from=None, valid_until=clock.now() + SOON, overlap_days=0,
            )  # fmt: skip
    async with db.transaction() as session:
        office = await organisations.create_organisation(
            session, code=f"office-{uuid4().hex[:6]}", name_zh="处", name_en="Office", roles=[Role.OPERATOR]
        )
        with pytest.raises(partners.NotAPartner):
            await partners.set_quota(
                session, organisation_id=office.id, quota=partners.DEFAULT, reason="x", set_by=person.id
            )


def test_a_sandbox_has_keys_of_idempotency_of_its_own(metro: Metro) -> None:
    def named(caller: CallingPartner) -> str:
        return str(caller)

    assert named(metro.calling()) != named(metro.calling(sandbox=True))
