"""Trips from a partner's file become grams and points that their rider, and nobody else, can follow."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backend import intake, methodologies, packs, programmes
from backend.identity import approvals, consent, means
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import Hire, hire
from tests.mobile_api.conftest import WORDS, Citizen, PhoneBox, sign_in

__all__ = ["hire"]

MAPPING = "bike-share-distance"
HEADER = "account_no,started_at,ended_at,distance_m"


@pytest.fixture(scope="module")
def library() -> packs.Library:
    return packs.load_all()


@pytest.fixture
async def source(db: Database, library: packs.Library) -> str:
    """The feed of a bike operator into the sample programme."""
    code = f"bikes-{uuid4().hex[:8]}"
    async with db.transaction() as session:
        programme = await programmes.register(session, pack=library.find("gd-green-travel"))
        feed = intake.Source(
            code=code,
            programme=programme.code,
            partner="gz-bikes",
            region="CN-GD-GZ",
            evidence="operator_feed",
            mapping=MAPPING,
            overlays=(),
            covered_boundary=False,
        )
        await intake.register_source(session, feed, programme_id=programme.id)
    return code


@pytest.fixture
async def filed(db: Database, library: packs.Library, hire: Hire) -> None:
    """The cycling methodology, filed by two people of the authority."""
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    async with db.transaction() as session:
        act = await methodologies.propose_filing(
            session,
            pack=library.find("cn-shared-bike-km"),
            region="CN-GD",
            valid_from=dt.date(2020, 1, 1),
            proposed_by=first.id,
        )
        await methodologies.approve_filing(
            session, act_id=act.id, approved_by=second.id, subject_sha256=approvals.sha256_of(act.body)
        )


class Feed:
    """Sends files of trips as the bike operator does."""

    def __init__(
        self, db: Database, settings: Settings, library: packs.Library, source: str, tmp: Path
    ) -> None:
        self._db, self._settings, self._library, self._source, self._tmp = db, settings, library, source, tmp

    async def send(self, *trips: tuple[str, dt.datetime, int]) -> intake.Summary:
        lines = [HEADER]
        for account, started, metres in trips:
            began = started.astimezone(clock.SHANGHAI)
            ended = began + dt.timedelta(minutes=9, seconds=metres // 10)
            lines.append(f"{account},{began:%Y-%m-%d %H:%M:%S},{ended:%Y-%m-%d %H:%M:%S},{metres}")
        path = self._tmp / f"{uuid4()}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return await intake.ingest(
            self._db,
            self._settings,
            path=path,
            source=self._source,
            mapping=intake.mapping_of(self._library.find(MAPPING)),
            library=self._library,
        )


@pytest.fixture
def feed(db: Database, settings: Settings, library: packs.Library, source: str, tmp_path: Path) -> Feed:
    return Feed(db, settings, library, source, tmp_path)


async def _holds(
    db: Database, settings: Settings, whose: UUID, account: str, *, since: dt.datetime, right: bool
) -> None:
    async with db.transaction() as session:
        await means.link(
            session,
            settings.keys,
            participant_id=whose,
            kind="bike_account",
            operator="gz-bikes",
            number=account,
            held_from=since,
            proof_reference="list 1",
        )
        if right:
            await consent.assign_right_list(session, participant_ids=[whose], covers_from=since)


def _ago(**span: float) -> dt.datetime:
    return (clock.now() - dt.timedelta(**span)).replace(microsecond=0)


@pytest.mark.usefixtures("filed")
async def test_a_month_of_rides_adds_up_on_every_page(
    alice: Citizen, bob: Citizen, feed: Feed, db: Database, settings: Settings
) -> None:
    account = uuid4().hex[:12]
    await _holds(db, settings, alice.id, account, since=_ago(days=40), right=True)
    summary = await feed.send(
        (account, _ago(minutes=20), 2_000), (account, _ago(days=35), 1_000), (account, _ago(days=39), 10_009)
    )
    assert (summary.accepted, summary.waiting) == (3, 0)

    home = (await alice.get("/home")).json()
    assert home["total"] == {"acts": 3, "reduction_g": 97 + 48 + 487, "points_earned": summary.points}
    beside = home["co_benefits"]
    assert (beside["so2_mg"], beside["nox_mg"]) == (632 * 32 // 10, 632 * 28 // 10)
    assert "不是任何减排量的一部分" in beside["note"]
    assert home["today"]["reduction_g"] in {0, 97}  # 20 minutes ago may be yesterday in Shanghai
    assert home["month"]["reduction_g"] in {0, 97}

    first = (await alice.get("/acts", params={"limit": 2})).json()
    rest = (await alice.get("/acts", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    acts = first["items"] + rest["items"]
    assert [act["reduction_g"] for act in acts] == [97, 48, 487]
    assert {(act["status"], act["uncredited_because"]) for act in acts} == {("pooled", None)}
    assert {act["pending_until"] for act in acts} == {None}
    assert rest["next_cursor"] is None

    wallet = (await alice.get("/wallets/gd-green-travel")).json()
    assert (
        wallet["spendable"] == sum(lot["points"] for lot in wallet["lots"]) == home["total"]["points_earned"]
    )
    (lot,) = wallet["lots"]
    assert lot["expires_on"]
    assert {act["expires_on"] for act in acts if act["points"]} == {lot["expires_on"]}
    assert {act["expires_on"] for act in acts if not act["points"]} <= {None}
    assert (await alice.get("/wallets")).json() == [wallet]
    movements = (await alice.get("/wallets/gd-green-travel/statement")).json()["items"]
    assert (
        sum(movement["points"] for movement in movements if movement["part"] == "wallet")
        == wallet["spendable"]
    )

    for foreign in (await bob.get("/acts"), await bob.get("/wallets/gd-green-travel/statement")):
        assert foreign.json()["items"] == []
    assert (await bob.get(f"/acts/{acts[0]['id']}")).status_code == 404
    assert (await bob.get("/home")).json()["total"]["acts"] == 0


@pytest.mark.usefixtures("filed")
async def test_an_act_explains_its_grams_with_every_figure_and_its_source(
    alice: Citizen, feed: Feed, db: Database, settings: Settings
) -> None:
    account = uuid4().hex[:12]
    await _holds(db, settings, alice.id, account, since=_ago(days=2), right=True)
    await feed.send((account, _ago(hours=3), 2_345))
    (act,) = (await alice.get("/acts")).json()["items"]
    zh = (await alice.get(f"/acts/{act['id']}")).json()
    assert zh["act"] == act
    explained = zh["explanation"]
    assert explained["reduction_g"] == act["reduction_g"] == 114  # 48.7 g/km over 2.345 km, rounded down
    assert explained["inputs"] == {"distance_m": "2345 m"}
    assert [(factor["value"], factor["unit"]) for factor in explained["factors"]] == [("48.7", "gCO2e/km")]
    assert explained["factors"][0]["source_url"].startswith("https://")
    assert explained["baseline"] == {"text": "该方法学未写明基准线。", "source": None}
    assert explained["official"] is False
    assert account not in str(zh)
    en = await alice.client.get(
        f"/acts/{act['id']}",
        headers={"Authorization": f"Bearer {alice.tokens['access_token']}", "Accept-Language": "en"},
    )
    assert "rounded down" in en.json()["explanation"]["text"]


@pytest.mark.usefixtures("filed")
async def test_without_the_right_the_points_come_and_the_grams_say_why_they_are_not_pooled(
    alice: Citizen, feed: Feed, db: Database, settings: Settings
) -> None:
    account = uuid4().hex[:12]
    await _holds(db, settings, alice.id, account, since=_ago(days=2), right=False)
    summary = await feed.send((account, _ago(hours=3), 5_000))
    (act,) = (await alice.get("/acts")).json()["items"]
    assert (act["status"], act["uncredited_because"]) == ("uncredited", "right_not_assigned")
    assert "委托" in act["uncredited_because_text"]
    assert (await alice.get("/wallets/gd-green-travel")).json()["spendable"] == summary.points > 0


@pytest.mark.usefixtures("filed")
async def test_acts_of_an_unlinked_account_wait_and_linking_brings_their_points_once(
    client: httpx.AsyncClient, phones: PhoneBox, feed: Feed, settings: Settings
) -> None:
    account = uuid4().hex[:12]
    summary = await feed.send((account, _ago(days=3), 8_000), (account, _ago(days=2), 4_000))
    assert (summary.accepted, summary.waiting, summary.points) == (2, 2, 0)
    carol = await sign_in(client, phones)
    code = means.link_code(
        settings.keys, kind="bike_account", operator="gz-bikes", number=account, day=clock.today()
    )
    body: dict[str, Any] = {
        "kind": "bike_account",
        "operator": "gz-bikes",
        "number": account,
        "code": code,
        "consent_sha256": WORDS,
    }
    for _ in range(2):
        assert (await carol.post("/means", body)).status_code == 201
    acts = (await carol.get("/acts")).json()["items"]
    assert [act["uncredited_because"] for act in acts] == ["unlinked", "unlinked"]
    assert all(act["claimed_at"] for act in acts)
    wallet = (await carol.get("/wallets/gd-green-travel")).json()
    assert {act["expires_on"] for act in acts} == {lot["expires_on"] for lot in wallet["lots"]}
    assert wallet["spendable"] == sum(act["points"] for act in acts) > 0


@pytest.mark.usefixtures("source")
async def test_a_forecast_says_which_points_lapse_when_if_none_is_spent(alice: Citizen, db: Database) -> None:
    before = (await alice.get("/wallets/gd-green-travel/forecast")).json()
    lots = [(dt.date(2031, 12, 31), 30), (dt.date(2031, 6, 30), 20), (None, 7)]
    for expires_on, points in lots:
        async with db.transaction() as session:
            await programmes.wallets.earn(
                session,
                participant_id=alice.id,
                programme="gd-green-travel",
                points=points,
                expires_on=expires_on,
                posting_id=uuid4(),
                happened_at=clock.now(),
            )
    after = (await alice.get("/wallets/gd-green-travel/forecast")).json()
    assert after["spendable"] == before["spendable"] + 57
    assert after["never_points"] == before["never_points"] + 7
    assert [(one["last_day"], one["points"], one["left_points"]) for one in after["lapsing"][-2:]] == [
        ("2031-06-30", 20, after["never_points"] + 30),
        ("2031-12-31", 30, after["never_points"]),
    ]


async def test_what_is_not_there_is_unknown(alice: Citizen) -> None:
    assert (await alice.get(f"/acts/{uuid4()}")).status_code == 404
    assert (await alice.get("/acts/not-an-id")).status_code == 422
    assert (await alice.get("/wallets/no-such-programme")).status_code == 404
    assert (await alice.get("/wallets/no-such-programme/statement")).status_code == 404
    assert (await alice.get("/acts", params={"cursor": "made-up"})).json()["code"] == "kit.cursor_unusable"
