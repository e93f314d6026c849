"""A means that somebody holds passes to whoever shows its operator's code, unless they object; their acts stay theirs."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining, means, people
from backend.identity.means import takeovers
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import Hire, hire
from tests.mobile_api.conftest import WORDS, Citizen, PhoneBox, sign_in, step_up
from tests.waiting import second_meets

__all__ = ["hire"]

OVER = dt.timedelta(days=7, minutes=1)


def _named(number: str) -> dict[str, str]:
    return {"kind": "bike_account", "operator": "gz-bikes", "number": number}


def _coded(settings: Settings, number: str) -> dict[str, str]:
    code = means.link_code(settings.keys, **_named(number), day=clock.today())
    return _named(number) | {"code": code}


async def _two(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings
) -> tuple[Citizen, Citizen, str, int]:
    holder, taker = await sign_in(client, phones), await sign_in(client, phones)
    number = f"B-{uuid4().hex[:8]}"
    linked = await holder.post("/means", _coded(settings, number) | {"consent_sha256": WORDS})
    assert linked.status_code == 201, linked.text
    return holder, taker, number, linked.json()["id"]


async def _again(citizen: Citizen) -> None:
    token = {"refresh_token": citizen.tokens["refresh_token"]}
    citizen.tokens = (await citizen.client.post("/sign-in/refresh", json=token)).json()


async def test_after_a_week_without_objection_the_means_is_the_takers_and_the_past_the_holders(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings, db: Database
) -> None:
    holder, taker, number, holding = await _two(client, phones, settings)
    wrong = await taker.post("/means/takeovers", _named(number) | {"code": "00000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "identity.link_code_wrong")
    asked = await taker.post("/means/takeovers", _coded(settings, number))
    assert asked.status_code == 201, asked.text
    assert asked.json()["state"] == "waiting"
    assert str(holder.id) not in asked.text
    again = await taker.post("/means/takeovers", _coded(settings, number))
    assert again.json() == asked.json()
    (told,) = [
        one for one in (await holder.get("/inbox")).json()["items"] if one["kind"] == "means.asked_for"
    ]
    assert "gz-bikes" in str(told)
    path = f"/means/takeovers/{asked.json()['takeover_id']}/completion"
    body = _named(number) | {"consent_sha256": WORDS}
    early = await taker.post(path, body)
    assert (early.status_code, early.json()["code"]) == (409, "identity.takeover_not_yet")
    assert (await holder.post(path, body)).status_code == 404
    with clock.travel(clock.now() + OVER):
        await _again(taker)
        await _again(holder)
        late = await holder.post(f"/means/{holding}/objection", {"reason": "mine"})
        assert (late.status_code, late.json()["code"]) == (409, "identity.takeover_ended")
        done = await taker.post(path, body)
        assert done.status_code == 201, done.text
        token = means.means_token(settings.keys, *_named(number).values())
        async with db.transaction() as session:
            before = await means.holder_at(session, token=token, at=clock.now() - dt.timedelta(days=8))
            since = await means.holder_at(session, token=token, at=clock.now() + dt.timedelta(seconds=1))
        assert (before, since) == (holder.id, taker.id)
        assert (await taker.post(path, body)).json()["code"] == "identity.takeover_ended"
        assert "means.taken_over" in {one["kind"] for one in (await holder.get("/inbox")).json()["items"]}


async def test_whoever_objects_keeps_it_until_a_person_decides(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings, db: Database, hire: Hire
) -> None:
    holder, taker, number, holding = await _two(client, phones, settings)
    asked = (await taker.post("/means/takeovers", _coded(settings, number))).json()
    takeover = UUID(asked["takeover_id"])
    assert (await taker.post(f"/means/{holding}/objection", {"reason": "x"})).status_code == 404
    for _ in range(2):
        said = await holder.post(f"/means/{holding}/objection", {"reason": "it is in my drawer"})
        assert (said.status_code, said.json()["state"]) == (200, "objected")
    person = await hire(Role.OPERATOR)
    body = _named(number) | {"consent_sha256": WORDS}
    with clock.travel(clock.now() + OVER):
        await _again(taker)
        path = f"/means/takeovers/{takeover}/completion"
        assert (await taker.post(path, body)).json()["code"] == "identity.takeover_not_yet"
        async with db.transaction() as session:
            listed = await takeovers.objected(session, after=None, limit=1000)
            assert takeover in {one.id for one in listed}
            decided = await takeovers.decide(
                session, takeover_id=takeover, granted=False, reason="a receipt", by=person.id
            )
        assert decided.state == "refused"
        assert (await taker.post(path, body)).json()["code"] == "identity.takeover_ended"
        async with db.transaction() as session:
            with pytest.raises(means.TakeoverEnded):
                await takeovers.decide(session, takeover_id=takeover, granted=True, reason="no", by=person.id)


async def test_what_its_holder_let_go_lost_or_closed_with_the_account_is_nothing_to_take_over_any_more(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings
) -> None:
    ends = (
        lambda holder, holding: holder.delete(f"/means/{holding}"),
        lambda holder, holding: holder.post(f"/means/{holding}/lost"),
        lambda holder, _: _close(holder, phones),
    )
    for end in ends:
        holder, taker, number, holding = await _two(client, phones, settings)
        asked = (await taker.post("/means/takeovers", _coded(settings, number))).json()
        assert (await end(holder, holding)).status_code == 200
        ((listed),) = (await taker.get("/means/takeovers")).json()["items"]
        assert listed == asked | {"state": "ended"}
        with clock.travel(clock.now() + OVER):
            await _again(taker)
            path = f"/means/takeovers/{asked['takeover_id']}"
            late = await taker.post(f"{path}/completion", _named(number) | {"consent_sha256": WORDS})
            assert (late.status_code, late.json()["code"]) == (409, "identity.takeover_ended")
            assert (await taker.delete(path)).json()["code"] == "identity.takeover_ended"
            linked = await taker.post("/means", _coded(settings, number) | {"consent_sha256": WORDS})
            assert linked.status_code == 201, linked.text  # like anybody, by a code of that day


async def test_whoever_withdraws_or_leaves_makes_room_for_the_next_who_asks(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings
) -> None:
    holder, taker, number, holding = await _two(client, phones, settings)
    second = await sign_in(client, phones)
    asked = (await taker.post("/means/takeovers", _coded(settings, number))).json()
    path = f"/means/takeovers/{asked['takeover_id']}"
    assert (await second.delete(path)).status_code == 404
    for _ in range(2):
        assert (await taker.delete(path)).json()["state"] == "withdrawn"
    assert (await holder.post(f"/means/{holding}/objection", {"reason": "x"})).status_code == 409
    assert (await taker.post("/means/takeovers", _coded(settings, number))).status_code == 201
    waits = await second.post("/means/takeovers", _coded(settings, number))
    assert (waits.status_code, waits.json()["code"]) == (409, "identity.takeover_waits")
    assert (await _close(taker, phones)).status_code == 200
    assert (await second.post("/means/takeovers", _coded(settings, number))).status_code == 201


async def test_what_nobody_completes_within_thirty_days_is_free_to_be_asked_for_again(
    client: httpx.AsyncClient, phones: PhoneBox, settings: Settings
) -> None:
    _, taker, number, _ = await _two(client, phones, settings)
    second = await sign_in(client, phones)
    asked = (await taker.post("/means/takeovers", _coded(settings, number))).json()
    body, path = (
        _named(number) | {"consent_sha256": WORDS},
        f"/means/takeovers/{asked['takeover_id']}/completion",
    )
    begun = clock.now()
    for days, code in ((36, "identity.takeover_waits"), (37, None)):
        with clock.travel(begun + dt.timedelta(days=days, minutes=1)):
            second = await sign_in(client, phones, second.phone)
            again = await second.post("/means/takeovers", _coded(settings, number))
            assert again.json().get("code") == code
    with clock.travel(begun + dt.timedelta(days=37, minutes=2)):
        taker = await sign_in(client, phones, taker.phone)
        assert (await taker.post(path, body)).json()["code"] == "identity.takeover_ended"


async def test_who_joined_the_takers_account_completes_it_and_who_joined_the_holders_has_nothing_to_take(
    db: Database, settings: Settings
) -> None:
    keys, numbers = settings.keys, [f"B-{uuid4().hex[:8]}" for _ in range(2)]
    async with db.transaction() as session:
        holder, taker, other = [await people.citizen_without_phone(session, keys) for _ in range(3)]
        asked = []
        for number in numbers:
            await means.link_with_code(session, keys, participant_id=holder, **_coded(settings, number))
            asked.append(await takeovers.ask(session, keys, participant_id=taker, **_coded(settings, number)))
    async with db.transaction() as session:
        await joining.join(session, keys, joined=taker, into=other, shown="wechat")
        also = await joining.joined_accounts(session, participant_id=other)
    with clock.travel(clock.now() + OVER):
        async with db.transaction() as session:
            done, _ = await takeovers.complete(
                session,
                keys,
                participant_id=other,
                takeover_id=asked[0].id,
                also=also,
                **_named(numbers[0]),
            )
        assert done.participant_id == other
    async with db.transaction() as session:
        await joining.join(session, keys, joined=other, into=holder, shown="wechat")
        left = await takeovers.asked_by(session, takers=[taker, other], before=None, limit=9)
        assert [one.state for one in left] == [
            "withdrawn",
            "done",
        ]  # also what an account asked that was joined before
        with pytest.raises(means.TakeoverEnded):
            await _complete(session, settings, holder, asked[1].id, numbers[1], also=[taker, other])


async def _close(citizen: Citizen, phones: PhoneBox) -> httpx.Response:
    await step_up(citizen, phones, "close_account")
    return await citizen.post("/me/closure")


async def _complete(
    session: AsyncSession,
    settings: Settings,
    who: UUID,
    takeover: UUID,
    number: str,
    *,
    also: list[UUID] | None = None,
) -> UUID:
    made, _ = await takeovers.complete(
        session,
        settings.keys,
        participant_id=who,
        takeover_id=takeover,
        also=also or (),
        **_named(number),
    )
    return made.participant_id


Race = tuple[UUID, UUID, str, takeovers.Takeover]


async def _race(db: Database, settings: Settings) -> Race:
    keys, number = settings.keys, f"B-{uuid4().hex[:8]}"
    async with db.transaction() as session:
        holder, taker = [await people.citizen_without_phone(session, keys) for _ in range(2)]
        await means.link_with_code(session, keys, participant_id=holder, **_coded(settings, number))
        asked = await takeovers.ask(session, keys, participant_id=taker, **_coded(settings, number))
    return holder, taker, number, asked


async def test_an_objection_and_a_completion_at_once_are_one_or_the_other(
    db: Database, settings: Settings
) -> None:
    holder, taker, number, asked = await _race(db, settings)

    async def objects(session: AsyncSession) -> None:
        with clock.travel(asked.objects_until - dt.timedelta(seconds=1)):
            await takeovers.object_to(session, participant_id=holder, holding_id=asked.holding_id, reason="x")

    async def completes(session: AsyncSession) -> None:
        await _complete(session, settings, taker, asked.id, number)

    with clock.travel(clock.now() + OVER):
        assert await second_meets(db, objects, completes) == "identity.takeover_not_yet"
    holder, taker, number, asked = await _race(db, settings)
    with clock.travel(clock.now() + OVER):
        assert await second_meets(db, completes, objects) == "identity.takeover_ended"


async def test_of_two_completions_one_is_done_and_nothing_is_asked_for_of_a_holding_that_ends_meanwhile(
    db: Database, settings: Settings
) -> None:
    holder, taker, number, asked = await _race(db, settings)

    async def completes(session: AsyncSession) -> None:
        await _complete(session, settings, taker, asked.id, number)

    with clock.travel(clock.now() + OVER):
        assert await second_meets(db, completes, completes) == "identity.takeover_ended"
    holder, taker, number, asked = await _race(db, settings)

    async def lets_go(session: AsyncSession) -> None:
        await means.close_holding(session, settings.keys, participant_id=holder, holding_id=asked.holding_id)

    with clock.travel(clock.now() + OVER):
        assert await second_meets(db, lets_go, completes) == "identity.takeover_ended"
    holder, _, number, asked = await _race(db, settings)
    async with db.transaction() as session:
        other = await people.citizen_without_phone(session, settings.keys)

    async def ends(session: AsyncSession) -> None:
        await means.lose(session, settings.keys, participant_id=holder, holding_id=asked.holding_id)

    async def asks(session: AsyncSession) -> None:
        await takeovers.ask(session, settings.keys, participant_id=other, **_coded(settings, number))

    assert await second_meets(db, ends, asks) == "identity.holding_unknown"


async def test_of_two_who_ask_at_once_one_waits_and_is_refused(db: Database, settings: Settings) -> None:
    keys, number = settings.keys, f"B-{uuid4().hex[:8]}"
    async with db.transaction() as session:
        holder, *both = [await people.citizen_without_phone(session, keys) for _ in range(3)]
        await means.link_with_code(session, keys, participant_id=holder, **_coded(settings, number))

    async def ask(who: UUID) -> str:
        async with db.transaction() as session:
            try:
                made = await takeovers.ask(session, keys, participant_id=who, **_coded(settings, number))
            except means.TakeoverWaits:
                return "refused"
            return made.state

    async with db.transaction() as session:
        await takeovers.ask(session, keys, participant_id=both[0], **_coded(settings, number))
        second = asyncio.create_task(ask(both[1]))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert await second == "refused"
