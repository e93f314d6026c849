"""The operator's staff decide of what waits, take acts back and answer appeals; nobody learns whose act it is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend.identity import people
from backend.identity.organisations import Role
from backend.intake import holding
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.holding.conftest import Town, filed, ride
from tests.operator_api.conftest import Person, SignedIn
from tests.operator_api.test_programmes import operator

__all__ = ["filed", "operator"]

pytestmark = pytest.mark.usefixtures("filed")


@pytest.fixture
async def town(db: Database, settings: Settings, tmp_path: Path, operator: Person) -> Town:
    here = Town(db, settings, load_all(), tmp_path)
    await here.open()
    here.staff_id = operator.id
    return here


async def waiting(town: Town, account: str) -> tuple[UUID, UUID, Town]:
    """A rider whose ride two feeds report with different facts: the act that stands, and the rider."""
    others = await town.beside("operator_feed")
    who = await town.rider(account)
    await town.ingest([ride(account)])
    await others.ingest([ride(account, metres=9_000)])
    (key,) = await town.keys_of(who)
    return key, who, others


async def test_what_waits_is_listed_and_decided_with_a_reason(town: Town, operator: Person) -> None:
    key, who, others = await waiting(town, "list")
    listed = (await operator.get("/held", params={"source": others.source})).json()
    (row,) = listed["items"]
    assert (row["kind"], row["state"], row["against"]["id"]) == ("claim", "waiting", str(key))
    assert str(who) not in str(listed)
    assert "means" not in str(listed)
    path = f"/held/{row['job_id']}/{row['line']}"
    assert (await operator.get(path)).json() == row
    assert (
        await operator.post(f"{path}/decision", {"outcome": "accepted", "reason": " "})
    ).status_code == 422
    again = str(uuid4())
    body = {"outcome": "accepted", "reason": "the dock's own log"}
    made = await operator.post(f"{path}/decision", body, key=again)
    assert made.status_code == 200, made.text
    assert [UUID(made.json()["act_id"])] == await town.keys_of(who)
    assert (await operator.post(f"{path}/decision", body, key=again)).json() == made.json()
    other = await operator.post(f"{path}/decision", {"outcome": "refused", "reason": "no"})
    assert (other.status_code, other.json()["code"]) == (409, "intake.decided_already")
    assert (await operator.get("/held", params={"source": others.source})).json()["items"] == []
    told = (await operator.get("/held", params={"source": others.source, "decided": True})).json()["items"]
    assert [(one["state"], one["reason"]) for one in told] == [("accepted", "the dock's own log")]


async def test_pages_of_what_waits_go_on_where_the_last_ended(town: Town, operator: Person) -> None:
    others = await town.beside("operator_feed")
    await town.ingest([ride("p", minute) for minute in (0, 60, 120)])
    await others.ingest([ride("p", minute, metres=8_000) for minute in (0, 60, 120)])
    seen, cursor = [], None
    while True:
        asked = {"source": others.source, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await operator.get("/held", params=asked)).json()
        seen += [row["line"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 3
    assert seen == sorted(set(seen))


async def test_another_operators_rows_and_acts_are_unknown(
    town: Town, operator: Person, signed_in: SignedIn
) -> None:
    key, _, others = await waiting(town, "theirs")
    stranger = await signed_in(Role.OPERATOR)
    (row,) = (await operator.get("/held", params={"source": others.source})).json()["items"]
    path = f"/held/{row['job_id']}/{row['line']}"
    assert (await stranger.get("/held")).json()["items"] == []
    body = {"outcome": "refused", "reason": "mine"}
    for answer in (
        await stranger.get(path),
        await stranger.post(f"{path}/decision", body),
        await stranger.post(f"/acts/{key}/withdrawal", {"reason": "mine"}),
        await operator.post(f"/acts/{uuid4()}/withdrawal", {"reason": "nobody's"}),
        await operator.get(f"/held/{uuid4()}/1"),
        await operator.post(f"/appeals/{uuid4()}/answer", {"outcome": "dismissed", "reason": "none"}),
    ):
        assert answer.status_code == 404, answer.text


async def test_conflicts_are_told_by_pair_of_sources(town: Town, operator: Person) -> None:
    _, _, others = await waiting(town, "pairs")
    asked = {"first": "2026-10-01", "last": "2026-10-31"}
    pairs = (await operator.get("/conflicts", params=asked)).json()
    (mine,) = [one for one in pairs if {one["source"], one["other"]} == {town.source, others.source}]
    assert (mine["kind"], mine["conflicts"], mine["waiting"], mine["by_rule"]) == ("claim", 1, 1, 0)
    assert (await operator.get("/conflicts", params=asked | {"last": "2026-10-11"})).json() == []


async def test_an_act_is_taken_back_once(town: Town, operator: Person) -> None:
    who = await town.rider("back")
    await town.ingest([ride("back")])
    (key,) = await town.keys_of(who)
    path, body = f"/acts/{key}/withdrawal", {"reason": "the same phone in forty hands"}
    assert (await operator.client.post(path, json=body, headers=operator.headers())).status_code == 400
    told = (await operator.post(path, body)).json()
    assert (told["owed"], told["returned"]) == (0, True)
    assert await town.points(who) == 0
    assert (await operator.post(path, body)).json()["code"] == "intake.withdrawn_already"


async def test_appeals_are_read_and_answered(town: Town, operator: Person, settings: Settings) -> None:
    async with town.db.transaction() as session:
        who = await people.citizen_with_phone(session, settings.keys, phone="13812345678")
        await town.link(session, who, "appeal")
    await town.ingest([ride("appeal")])
    (key,) = await town.keys_of(who)
    job, line = await town.hold_like(key, kind="screen", minutes=100, code="speed")
    async with town.db.transaction() as session:
        asked = await holding.appeal_held(
            session, settings.keys, participant_id=who, job_id=job, line=line, words="顺风"
        )
    (told,) = [one for one in (await operator.get("/appeals")).json()["items"] if one["id"] == str(asked.id)]
    assert (told["words"], told["state"], told["line"]) == ("顺风", "open", line)
    assert dt.date.fromisoformat(told["due_on"]) == asked.due_on
    assert str(who) not in str(told)
    answer = await operator.post(
        f"/appeals/{asked.id}/answer", {"outcome": "upheld", "reason": "there was wind"}
    )
    assert answer.json()["state"] == "upheld", answer.text
    assert len(await town.keys_of(who)) == 2
