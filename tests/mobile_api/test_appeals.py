"""A citizen sees what waits or was withdrawn, is told why, and can ask a person to look at it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from backend.identity import joining
from backend.identity.organisations import Role
from backend.intake import holding
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.identity.conftest import Hire, hire
from tests.intake.holding.conftest import Town, filed, ride
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in

__all__ = ["filed", "hire"]

pytestmark = pytest.mark.usefixtures("filed")


@pytest.fixture
async def town(db: Database, settings: Settings, tmp_path: Path, hire: Hire) -> Town:
    here = Town(db, settings, load_all(), tmp_path)
    await here.open()
    here.staff_id = (await hire(Role.OPERATOR)).id
    return here


async def rider(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox, account: str
) -> tuple[Citizen, UUID]:
    """A signed-in citizen with one ride."""
    who = await sign_in(client, phones)
    async with town.db.transaction() as session:
        await town.link(session, who.id, account)
    await town.ingest([ride(account)])
    (key,) = await town.keys_of(who.id)
    return who, key


async def test_a_held_act_is_shown_with_the_reason_and_can_be_appealed(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    who, key = await rider(town, client, phones, "a")
    job, line = await town.hold_like(key, kind="overlap")
    (row,) = (await who.get("/held-acts")).json()["items"]
    assert (row["state"], row["kind"], row["appeal"], row["job_id"]) == ("waiting", "overlap", None, str(job))
    assert "同一时间" in row["why"]
    path = f"/held-acts/{job}/{line}/appeal"
    filed = await who.post(path, {"words": "我在车上"})
    assert filed.status_code == 200, filed.text
    assert (await who.post(path, {"words": "again"})).json() == filed.json()
    assert [one["id"] for one in (await who.get("/appeals")).json()["items"]] == [filed.json()["id"]]
    assert (await who.get("/held-acts")).json()["items"][0]["appeal"] == "open"
    stranger = await sign_in(client, phones)
    assert (await stranger.post(path, {"words": "mine"})).status_code == 404
    assert (await stranger.get("/held-acts")).json()["items"] == []
    assert (await who.post(f"/held-acts/{uuid4()}/1/appeal", {"words": "?"})).status_code == 404


async def test_a_screen_says_in_its_own_words_why_it_held_an_act(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    who = await sign_in(client, phones)
    async with town.db.transaction() as session:
        await town.link(session, who.id, "fast")
    await town.ingest([ride("fast", metres=60_000)])
    (row,) = (await who.get("/held-acts")).json()["items"]
    assert (row["kind"], row["code"], row["reduction_g"] > 0) == ("screen", "cycling-too-fast", True)
    assert row["appeal_until"] is None
    (told,) = (await who.get("/inbox")).json()["items"]
    assert told["kind"] == "act.held"
    assert "45" in row["why"]


async def test_a_withdrawn_act_is_marked_counts_for_nothing_and_can_be_appealed(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    who, key = await rider(town, client, phones, "b")
    assert (await who.post(f"/acts/{key}/appeal", {"words": "?"})).json()[
        "code"
    ] == "intake.nothing_to_appeal"
    async with town.db.transaction() as session:
        await holding.take_back(session, key=key, staff_id=town.staff_id, reason="looks farmed")
    (act,) = (await who.get("/acts")).json()["items"]
    assert (act["status"], act["withdrawn_because"], act["replaced_by"]) == ("withdrawn", "withdrawn", None)
    assert act["withdrawn_because_text"]
    assert (await who.get(f"/acts/{key}")).json()["act"]["status"] == "withdrawn"
    assert (await who.get("/home")).json()["total"] == {"acts": 0, "reduction_g": 0, "points_earned": 0}
    (told,) = (await who.get("/inbox")).json()["items"]
    assert (told["kind"], act["appeal_until"]) == (
        "act.withdrawn",
        str(clock.today() + dt.timedelta(days=30)),
    )
    assert str(act["points"]) in told["text"]
    with clock.travel(clock.now() + dt.timedelta(days=31)):
        async with town.db.transaction() as session:
            with pytest.raises(holding.AppealTooLate) as refused:
                await holding.appeal_withdrawn(
                    session, town.settings.keys, participant_id=who.id, key=key, words="it was me"
                )
        assert refused.value.until == act["appeal_until"]
    with clock.travel(clock.now() + dt.timedelta(days=30)):
        last = await sign_in(client, phones, who.phone)
        filed = await last.post(f"/acts/{key}/appeal", {"words": "it was me"})
    assert (filed.json()["state"], filed.json()["kind"]) == ("open", "withdrawn")
    assert filed.json()["due_on"] == str(clock.today() + dt.timedelta(days=45))


async def test_a_refused_act_says_what_the_operator_wrote(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    who, key = await rider(town, client, phones, "c")
    job, line = await town.hold_like(key, kind="late")
    async with town.db.transaction() as session:
        await holding.decide(
            session, town.settings.keys, job_id=job, line=line, outcome="refused",
            staff_id=town.staff_id, reason="三个月后才报送",
        )  # fmt: skip
    (row,) = (await who.get("/held-acts")).json()["items"]
    assert (row["state"], row["reason"]) == ("refused", "三个月后才报送")
    assert row["appeal_until"] == str(clock.today() + dt.timedelta(days=30))
    (told,) = (await who.get("/inbox")).json()["items"]
    assert told["kind"] == "act.refused"
    assert row["appeal_until"] in told["text"]


async def test_the_answer_to_an_appeal_is_in_the_inbox(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    who, key = await rider(town, client, phones, "d")
    job, line = await town.hold_like(key, kind="late")
    filed = await who.post(f"/held-acts/{job}/{line}/appeal", {"words": "车次晚点"})
    assert filed.status_code == 200, filed.text
    async with town.db.transaction() as session:
        await holding.answer_appeal(
            session, town.settings.keys, appeal_id=filed.json()["id"], outcome="dismissed",
            staff_id=town.staff_id, reason="三个月后才报送",
        )  # fmt: skip
    (item,) = (await who.get("/inbox")).json()["items"]
    assert "三个月后才报送" in str(item)


async def test_whoever_joined_two_accounts_appeals_for_the_one_that_ended_and_hears_the_answer(
    town: Town, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    ended, key = await rider(town, client, phones, "e")
    job, line = await town.hold_like(key, kind="overlap")
    who, stranger = await sign_in(client, phones), await sign_in(client, phones)
    async with town.db.transaction() as session:
        await joining.join(session, town.settings.keys, joined=ended.id, into=who.id, shown="phone")
    (row,) = (await who.get("/held-acts")).json()["items"]
    assert (row["job_id"], row["state"]) == (str(job), "waiting")
    path = f"/held-acts/{job}/{line}/appeal"
    assert (await stranger.post(path, {"words": "mine"})).status_code == 404
    filed = await who.post(path, {"words": "我在车上"})
    assert filed.status_code == 200, filed.text
    assert [one["id"] for one in (await who.get("/appeals")).json()["items"]] == [filed.json()["id"]]
    async with town.db.transaction() as session:
        await holding.answer_appeal(
            session, town.settings.keys, appeal_id=filed.json()["id"], outcome="dismissed",
            staff_id=town.staff_id, reason="三个月后才报送",
        )  # fmt: skip
    assert "三个月后才报送" in str((await who.get("/inbox")).json()["items"])
