"""Profiles, friends, teams, leaderboards, the feed and news in the app: nobody is shown who did not agree, or no longer does."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest
from sqlalchemy import text

import operator_api
from backend import packs, programmes
from backend.engagement import circle
from backend.identity import Role, consent, organisations, staff
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from backend.programmes import Registered
from tests.audit import social
from tests.identity.conftest import PASSWORD, Hired
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in
from tests.operator_api.conftest import Person
from tests.operator_api.conftest import sign_in as sign_in_staff

TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE).sha256.hex()
NOBODY = "0" * 16
MORE = """
[[board]]
id       = "teams"
title_zh = "队榜"
title_en = "Teams"
measure  = "grams"
by       = "team"
period   = "all"
source   = "programme policy"

[[achievement]]
id       = "rider"
title_zh = "骑手"
title_en = "Rider"
measure  = "grams"
count    = "100"
source   = "programme policy"

[[news]]
id       = "begun"
on       = 2024-01-01
title_zh = "开始了"
title_en = "It has begun"
body_zh  = "计划开始。"
body_en  = "The programme has begun."

[[board]]
id       = "week"
"""
PACK = social.PACK.replace("news         = true", "news = true\nachievements = true").replace(
    '[[board]]\nid       = "week"\n', MORE.lstrip()
)
_number = count(1)


class Place:
    """A programme of its own with every social feature, its citizens, and its operator's clerk."""

    def __init__(
        self, db: Database, client: httpx.AsyncClient, phones: PhoneBox, running: Registered
    ) -> None:
        self.db, self.client, self.phones, self.running = db, client, phones, running
        self.here = f"/programmes/{running.code}"

    async def arrive(self, name: str | None = None) -> Citizen:
        """Somebody new, shown under a name if there is one."""
        who = await sign_in(self.client, self.phones)
        if name is not None:
            await self.agree(who, name)
        return who

    async def agree(self, who: Citizen, name: str) -> str:
        """The handle under which somebody is shown."""
        told = ok(await who.put(f"{self.here}/profile", {"display_name": name, "text_sha256": TEXT}))
        assert told["display_name"] == name
        return str(told["handle"])

    async def hide(self, who: Citizen) -> None:
        assert (await who.delete(f"{self.here}/profile")).status_code == 204

    async def befriend(self, one: Citizen, other: Citizen) -> None:
        code = ok(await one.post(f"{self.here}/friends/invitations"), 201)["code"]
        ok(await other.post(f"{self.here}/friends", {"code": code}), 201)

    async def did(self, who: Citizen, grams: int) -> None:
        """So many grams today, as the follower of acts leaves them."""
        async with self.db.transaction() as session:
            await session.execute(
                text("INSERT INTO acted_day VALUES (:programme, :who, :day, 'bus', 1, :grams, 1)"),
                {"programme": self.running.id, "who": who.id, "day": clock.today(), "grams": grams},
            )

    async def get(self, who: Citizen, path: str) -> Any:
        return ok(await who.get(f"{self.here}{path}"))

    async def ranks(self, who: Citizen, board: str = "week") -> list[tuple[int, str | None, int]]:
        told = await self.get(who, f"/boards/{board}")
        return [(one["rank"], one["name"], one["value"]) for one in told["places"]]

    async def feed(self, who: Citizen) -> list[tuple[str, str, int, bool]]:
        items = (await self.get(who, "/feed"))["items"]
        return [(one["display_name"], one["title"], one["likes"], one["liked"]) for one in items]

    async def share(self, who: Citizen, audience: str = "programme") -> str:
        asked = {"kind": "achievement", "reference": "rider", "audience": audience}
        return str(ok(await who.post(f"{self.here}/feed", asked), 201)["id"])


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def said(answer: httpx.Response) -> tuple[int, str]:
    """What a refusal says."""
    return answer.status_code, answer.json().get("code", "")


async def opened(db: Database, client: httpx.AsyncClient, phones: PhoneBox) -> Place:
    pack = PACK.replace(social.CODE, f"social-{next(_number)}")
    async with db.transaction() as session:
        running = await programmes.register(session, pack=packs.parse(pack.encode()))
    return Place(db, client, phones, running)


@pytest.fixture
async def place(db: Database, client: httpx.AsyncClient, phones: PhoneBox) -> Place:
    return await opened(db, client, phones)


@pytest.fixture
async def elsewhere(db: Database, client: httpx.AsyncClient, phones: PhoneBox) -> Place:
    return await opened(db, client, phones)


@pytest.fixture(scope="module")
async def offices(db: Database, settings: Settings) -> AsyncIterator[tuple[Person, Person]]:
    """Somebody of the programmes' operator, and of another operator, signed in."""
    app = operator_api.build(settings)
    wire(app, settings=settings, db=db)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        two = []
        for code in ("gd-operator", "sz-operator"):
            async with db.transaction() as session:
                await organisations.create_organisation(
                    session, code=code, name_zh="机构", name_en=code, roles=[Role.OPERATOR]
                )
                made = await staff.create_staff(
                    session, settings.keys, organisation_code=code, login=f"clerk-{code}", password=PASSWORD,
                    roles=[Role.OPERATOR],
                )  # fmt: skip
            authenticator = pyotp.parse_uri(made.totp_uri)
            assert isinstance(authenticator, pyotp.TOTP)
            hired = Hired(made.staff.id, made.staff.login, authenticator)
            two.append(Person(hired, ok(await sign_in_staff(client, hired)), client))
        yield two[0], two[1]


async def test_a_profile_is_agreed_to_renamed_and_withdrawn(place: Place) -> None:
    alice = await place.arrive()
    before = await place.get(alice, "/profile")
    assert (before["shown"], before["handle"], before["history"]) == (False, None, [])
    profile = f"{place.here}/profile"
    other = {"display_name": "小爱", "text_sha256": "0" * 64}
    assert (await alice.put(profile, other)).status_code >= 400, "another text was read"
    for name in ("13800138000", "微信 abc", "", "长" * 21):
        refused = await alice.put(profile, {"display_name": name, "text_sha256": TEXT})
        assert said(refused) == (422, "circle.name_refused"), name
    handle = await place.agree(alice, "小爱")
    assert await place.agree(alice, "爱丽") == handle, "another name is the same person"
    await place.hide(alice)
    await place.hide(alice)  # again, which changes nothing
    hidden = await place.get(alice, "/profile")
    assert (hidden["shown"], hidden["handle"], hidden["display_name"]) == (False, None, None)
    assert sorted(one["kind"] for one in hidden["history"]) == ["hidden", "named", "shown"]
    assert await place.agree(alice, "小爱") != handle, "who comes back is not told from a newcomer"


async def test_friends_are_made_by_an_invitation_while_both_are_shown(place: Place, elsewhere: Place) -> None:
    alice, bob = await place.arrive("小爱"), await place.arrive()
    friends, invitations = f"{place.here}/friends", f"{place.here}/friends/invitations"
    code = {"code": ok(await alice.post(invitations), 201)["code"]}
    assert said(await bob.post(invitations)) == (409, "circle.profile_missing")
    assert said(await bob.post(friends, code)) == (409, "circle.profile_missing")
    bobs = await place.agree(bob, "小波")
    assert said(await alice.post(friends, code)) == (409, "circle.invitation_own")
    await elsewhere.agree(bob, "小波")
    assert said(await bob.post(f"{elsewhere.here}/friends", code)) == (404, "circle.invitation_unknown")
    assert ok(await bob.post(friends, code), 201)["display_name"] == "小爱"
    assert said(await bob.post(friends, code)) == (404, "circle.invitation_unknown"), "it is good once"
    again = {"code": ok(await bob.post(invitations), 201)["code"]}
    assert said(await alice.post(friends, again)) == (409, "circle.friends_already")
    assert [one["handle"] for one in await place.get(alice, "/friends")] == [bobs]

    await place.hide(bob)
    assert await place.get(alice, "/friends") == await place.get(bob, "/friends") == []
    bobs = await place.agree(bob, "波波")
    assert [one["display_name"] for one in await place.get(alice, "/friends")] == ["波波"]
    cai = await place.arrive("小蔡")
    for path in (f"{friends}/{bobs}", f"{friends}/{NOBODY}"):
        assert said(await cai.delete(path)) == (404, "circle.person_unknown")
    assert said(await alice.delete(f"{elsewhere.here}/friends/{bobs}")) == (404, "circle.person_unknown")


async def test_a_friendship_is_ended_by_either(place: Place) -> None:
    alice, bob = await place.arrive("小爱"), await place.arrive("小波")
    await place.befriend(alice, bob)
    (friend,) = await place.get(bob, "/friends")
    assert (await bob.delete(f"{place.here}/friends/{friend['handle']}")).status_code == 204
    assert await place.get(alice, "/friends") == []
    assert said(await bob.delete(f"{place.here}/friends/{friend['handle']}")) == (
        404,
        "circle.person_unknown",
    )


async def test_a_team_is_founded_joined_led_and_left_and_shown_from_five_who_agree(
    place: Place, elsewhere: Place
) -> None:
    team = f"{place.here}/team"
    crowd = [await place.arrive(f"队员{n}") for n in range(5)]
    founder, last = crowd[0], crowd[4]
    assert said(await founder.get(team)) == (404, "teams.unknown")
    made = ok(await founder.post(team, {"name": "绿队"}), 201)
    code = {"code": made["code"]}
    for who in crowd:
        await place.did(who, 10)
    for who in crowd[1:4]:
        four = ok(await who.post(f"{team}/membership", code), 201)
    assert (four["public"], len(four["members"])) == (False, 4)
    shared = {"kind": "team", "reference": made["id"], "audience": "programme"}
    assert said(await founder.post(f"{place.here}/feed", shared)) == (409, "feed.nothing_to_share")
    await elsewhere.agree(last, "队员4")
    assert said(await last.post(f"{elsewhere.here}/team/membership", code)) == (404, "teams.unknown")
    with clock.travel(clock.now() + dt.timedelta(days=1)):
        reader = await sign_in(place.client, place.phones, founder.phone)
        assert await place.ranks(reader, "teams") == [], "four are not shown"

    five = ok(await last.post(f"{team}/membership", code), 201)
    assert (five["public"], len(five["members"])) == (True, 5)
    assert said(await last.post(f"{team}/membership", code)) == (409, "teams.in_team_already")
    ok(await founder.post(f"{place.here}/feed", shared), 201)
    assert await place.feed(last) == [("队员0", "绿队", 0, False)]
    with clock.travel(clock.now() + dt.timedelta(days=1)):
        reader = await sign_in(place.client, place.phones, crowd[1].phone)
        assert await place.ranks(reader, "teams") == [(1, "绿队", 50)]
        leaver = await sign_in(place.client, place.phones, last.phone)
        await place.hide(leaver)
        assert await place.ranks(reader, "teams") == [], "four agree"
        assert await place.feed(reader) == []
        assert said(await leaver.get(f"{place.here}/team")) == (409, "circle.profile_missing")
        own = await place.get(reader, "/team")
        assert [one["display_name"] for one in own["members"]] == ["队员0", "队员1", "队员2", "队员3"]


async def test_a_team_has_another_leader_and_name_and_is_empty_once_all_left(place: Place) -> None:
    team = f"{place.here}/team"
    founder, second, stranger = await place.arrive("甲"), await place.arrive("乙"), await place.arrive("丙")
    code = {"code": ok(await founder.post(team, {"name": "绿队"}), 201)["code"]}
    own = ok(await second.post(f"{team}/membership", code), 201)
    handles = {one["display_name"]: one["handle"] for one in own["members"]}
    assert said(await second.put(f"{team}/name", {"name": "蓝队"})) == (409, "teams.not_leader")
    mine = (await place.get(stranger, "/profile"))["handle"]
    for handle in (mine, NOBODY):  # in the programme, but no member; and nobody
        assert said(await founder.put(f"{team}/leader", {"handle": handle})) == (404, "circle.person_unknown")
    assert (await founder.put(f"{team}/leader", {"handle": handles["乙"]})).status_code == 204
    assert (await second.put(f"{team}/name", {"name": "蓝队"})).status_code == 204
    own = await place.get(founder, "/team")
    assert (own["name"], own["leader"]) == ("蓝队", handles["乙"])
    for who in (second, founder):
        assert (await who.delete(f"{team}/membership")).status_code == 204
    assert said(await founder.get(team)) == (404, "teams.unknown")
    assert said(await stranger.post(f"{team}/membership", code)) == (404, "teams.unknown")


async def test_a_board_shows_nobody_until_five_agree_and_nobody_who_withdrew(
    place: Place, elsewhere: Place
) -> None:
    crowd = [await place.arrive(f"骑手{n}") for n in range(4)]
    silent = await place.arrive()
    for n, who in enumerate((*crowd, silent)):
        await place.did(who, 10 * (n + 1))
    told = await place.get(crowd[0], "/boards/week")
    assert (told["places"], told["shown"], told["own_value"], told["own_rank"]) == ([], 0, 10, None)
    await place.agree(silent, "第五")
    expected = [(1, "第五", 50), *((n + 2, f"骑手{3 - n}", 10 * (4 - n)) for n in range(4))]
    assert await place.ranks(crowd[0]) == expected
    told = await place.get(crowd[0], "/boards/week?limit=1")
    assert [one["name"] for one in told["places"]] == ["第五"]
    assert (told["shown"], told["own_rank"]) == (5, 5)
    await place.hide(silent)
    assert await place.ranks(crowd[0]) == []
    assert {one["id"] for one in await place.get(silent, "/boards")} == {"week", "teams"}
    assert said(await silent.get(f"{place.here}/boards/month")) == (404, "boards.unknown")
    assert await elsewhere.ranks(silent) == []


async def test_an_achievement_is_shared_liked_and_gone_with_its_author(
    place: Place, elsewhere: Place
) -> None:
    author, fan, stranger = await place.arrive("作者"), await place.arrive("粉"), await place.arrive()
    feed = f"{place.here}/feed"
    asked = {"kind": "achievement", "reference": "rider", "audience": "friends"}
    assert said(await author.post(feed, asked)) == (409, "feed.nothing_to_share")
    await place.did(author, 100)
    await place.did(stranger, 100)
    assert said(await stranger.post(feed, asked)) == (409, "circle.profile_missing")
    await place.befriend(author, fan)
    friends_only = await place.share(author, "friends")
    assert await place.feed(fan) == [("作者", "骑手", 0, False)]
    assert await place.feed(stranger) == []
    assert said(await stranger.put(f"{feed}/{friends_only}/like", None)) == (409, "circle.profile_missing")
    await place.agree(stranger, "客")
    for path in ("like", "reports"):
        method = stranger.put if path == "like" else stranger.post
        assert said(await method(f"{feed}/{friends_only}/{path}", {"cause": "other"})) == (
            404,
            "feed.post_unknown",
        )

    post = await place.share(author)
    like = f"{feed}/{post}/like"
    for who in (fan, fan, stranger):
        assert (await who.put(like, None)).status_code == 204
    assert await place.feed(stranger) == [("作者", "骑手", 2, True)]
    await place.hide(fan)
    assert await place.feed(stranger) == [("作者", "骑手", 1, True)], "who withdrew is not counted"
    assert (await stranger.delete(like)).status_code == 204
    assert await place.feed(stranger) == [("作者", "骑手", 0, False)]
    await elsewhere.agree(stranger, "客")
    assert said(await stranger.put(f"{elsewhere.here}/feed/{post}/like", None)) == (404, "feed.post_unknown")
    for foreign in (f"{elsewhere.here}/feed/{post}", f"{feed}/{uuid4()}"):
        assert said(await author.delete(foreign)) == (404, "feed.post_unknown")
    assert said(await stranger.delete(f"{feed}/{post}")) == (404, "feed.post_unknown"), "it is not theirs"

    await place.hide(author)
    assert await place.feed(stranger) == []
    assert said(await stranger.put(like, None)) == (404, "feed.post_unknown")
    await place.agree(author, "作者")
    assert await place.feed(stranger) == [], "agreeing anew brings nothing back"
    own = (await place.get(author, "/feed/own"))["items"]
    assert [one["state"] for one in own] == ["lapsed", "taken_back"]


async def test_a_reported_post_is_hidden_by_its_operator_and_its_author_told_why(
    place: Place, elsewhere: Place, offices: tuple[Person, Person]
) -> None:
    clerk, foreign = offices
    author, reader = await place.arrive("作者"), await place.arrive()
    await place.did(author, 100)
    post = await place.share(author)
    for _ in range(2):
        answer = await reader.post(f"{place.here}/feed/{post}/reports", {"cause": "name"})
        assert answer.status_code == 204, answer.text
    reports = await clerk.get(f"{place.here}/feed/reports")
    (told,) = ok(reports)
    assert (told["id"], told["display_name"], told["reports"], told["causes"]) == (post, "作者", 1, ["name"])
    assert not [one.id for one in (author, reader) if str(one.id) in reports.text]
    hiding, reason = f"/feed/{post}/hiding", {"reason_zh": "名称不当", "reason_en": "The name may not stay"}
    for person, path in ((foreign, place.here), (clerk, elsewhere.here)):
        assert (await person.post(f"{path}{hiding}", reason)).status_code == 404
    assert await place.feed(reader) != []
    assert (await clerk.post(f"{place.here}{hiding}", reason)).status_code == 204
    assert said(await clerk.post(f"{place.here}{hiding}", reason)) == (409, "feed.post_removed_already")
    assert await place.feed(reader) == []
    (own,) = (await place.get(author, "/feed/own"))["items"]
    assert (own["state"], own["reason"]) == ("hidden", "名称不当")
    asked = {"kind": "achievement", "reference": "rider", "audience": "programme"}
    assert said(await author.post(f"{place.here}/feed", asked)) == (409, "feed.post_hidden")


async def test_news_are_those_of_the_pack_and_those_that_the_operator_tells(
    place: Place, elsewhere: Place, offices: tuple[Person, Person]
) -> None:
    clerk, foreign = offices
    reader = await place.arrive()
    words = {"title_zh": "新任务", "title_en": "A new task", "body_zh": "五次。", "body_en": "Five acts."}
    today = clock.today()
    assert (await foreign.post(f"{place.here}/news", words | {"on": str(today)})).status_code == 404
    made = ok(await clerk.post(f"{place.here}/news", words | {"on": str(today)}), 201)
    later = str(today + dt.timedelta(days=1))
    ok(await clerk.post(f"{place.here}/news", words | {"on": later, "title_zh": "明天"}), 201)

    async def titles(at: Place) -> list[str]:
        return [one["title"] for one in (await at.get(reader, "/news"))["items"]]

    assert await titles(place) == ["新任务", "开始了"]
    assert await titles(elsewhere) == ["开始了"]
    withdrawal = f"/news/{made['id']}/withdrawal"
    assert said(await clerk.post(f"{elsewhere.here}{withdrawal}")) == (404, "news.unknown")
    assert (await clerk.post(f"{place.here}{withdrawal}")).status_code == 204
    assert await titles(place) == ["开始了"]


async def test_what_is_switched_off_is_not_found(place: Place, offices: tuple[Person, Person]) -> None:
    async with place.db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find("gd-green-travel"))
    off, post = "/programmes/gd-green-travel", uuid4()
    alice, (clerk, _) = await place.arrive(), offices
    code, name = {"code": "NOSUCHCODE22"}, {"name": "绿队"}
    shared = {"kind": "achievement", "reference": "rider", "audience": "programme"}
    words = {"title_zh": "新", "title_en": "New", "body_zh": "新", "body_en": "New", "on": str(clock.today())}
    answers = [
        await alice.put(f"{off}/profile", {"display_name": "小爱", "text_sha256": TEXT}),
        await alice.get(f"{off}/friends"),
        await alice.post(f"{off}/friends/invitations"),
        await alice.post(f"{off}/friends", code),
        await alice.get(f"{off}/team"),
        await alice.post(f"{off}/team", name),
        await alice.post(f"{off}/team/membership", code),
        await alice.put(f"{off}/team/name", name),
        await alice.put(f"{off}/team/leader", {"handle": NOBODY}),
        await alice.get(f"{off}/boards"),
        await alice.get(f"{off}/boards/week"),
        await alice.get(f"{off}/feed"),
        await alice.post(f"{off}/feed", shared),
        await alice.put(f"{off}/feed/{post}/like", None),
        await alice.delete(f"{off}/feed/{post}/like"),
        await alice.post(f"{off}/feed/{post}/reports", {"cause": "other"}),
        await alice.get(f"{off}/news"),
        await clerk.post(f"{off}/news", words),
    ]
    refusals = {(str(answer.request.url.path), answer.request.method): said(answer) for answer in answers}
    assert {path: one for path, one in refusals.items() if one != (404, "programmes.feature_off")} == {}
    # What was said once can still be seen and taken back after a feature was switched off.
    assert (await alice.get(f"{off}/profile")).status_code == 200
    assert (await alice.delete(f"{off}/profile")).status_code == 204
