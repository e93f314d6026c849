"""A citizen links what they act with, says what may be done with it, and takes it back."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from backend.identity import consent, means
from backend.kit import clock
from backend.kit.settings import Settings
from tests.mobile_api.conftest import RIGHT, SHOWN, WORDS, Citizen

CHILD = consent.agreement("guardian-consent", purpose="guardian").sha256.hex()


def _link(settings: Settings, number: str, **changed: Any) -> dict[str, Any]:
    code = means.link_code(settings.keys, kind="card", operator="metro", number=number, day=clock.today())
    return {
        "kind": "card",
        "operator": "metro",
        "number": number,
        "code": code,
        "consent_sha256": WORDS,
    } | changed


async def test_a_card_is_linked_listed_and_unlinked(alice: Citizen, settings: Settings) -> None:
    linked = await alice.post("/means", _link(settings, "6222-0001-7788"))
    assert linked.status_code == 201, linked.text
    holding = linked.json()
    assert (holding["number_ends_with"], holding["held_until"], holding["proof"]) == (
        "7788",
        None,
        "partner_code",
    )
    assert "6222-0001" not in linked.text
    assert (await alice.get("/means")).json() == {"items": [holding], "next_cursor": None}
    closed = await alice.delete(f"/means/{holding['id']}")
    assert closed.json()["held_until"] is not None
    assert (await alice.delete(f"/means/{holding['id']}")).json() == closed.json()


async def test_the_same_key_links_once_and_another_body_with_it_is_refused(
    alice: Citizen, settings: Settings
) -> None:
    key, body = str(uuid4()), _link(settings, "once")
    answers = await asyncio.gather(*(alice.post("/means", body, key=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await alice.post("/means", _link(settings, "another"), key=key)
    assert other.json()["code"] == "kit.idempotency_key_reused"
    assert len((await alice.get("/means")).json()["items"]) == 1


async def test_another_citizens_card_can_neither_be_linked_nor_unlinked_nor_seen(
    alice: Citizen, bob: Citizen, settings: Settings
) -> None:
    held = (await alice.post("/means", _link(settings, "alices"))).json()
    assert (await bob.post("/means", _link(settings, "alices"))).json()["code"] == "identity.means_held"
    assert (await bob.delete(f"/means/{held['id']}")).status_code == 404
    assert (await bob.get("/means")).json()["items"] == []
    assert (await alice.get("/means")).json()["items"] == [held]


async def test_ten_wrong_codes_a_day_and_no_more(alice: Citizen, settings: Settings) -> None:
    right = _link(settings, "guessed")
    wrong = right | {"code": f"{(int(right['code']) + 1) % 10**8:08d}"}
    for _ in range(10):
        refused = await alice.post("/means", wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "identity.link_code_wrong")
    assert (await alice.post("/means", right)).status_code == 429


async def test_bodies_that_are_no_link_are_refused(alice: Citizen, settings: Settings) -> None:
    good = _link(settings, "fine")
    for changed in (
        {"kind": "rocket"},
        {"operator": "metro|x"},
        {"number": ""},
        {"number": "x" * 65},
        {"number": "tab\there"},
        {"code": "1234567"},
        {"code": 12345678},
        {"held_from": "2020-01-01T00:00:00Z"},
    ):
        assert (await alice.post("/means", good | changed)).status_code == 422, changed
    for holding_id in ("0", "-1", str(2**63), "x", "1.5"):
        assert (await alice.delete(f"/means/{holding_id}")).status_code == 422


async def test_pages_of_means_have_a_cursor_of_their_own(alice: Citizen, settings: Settings) -> None:
    for turn in range(3):
        await alice.post("/means", _link(settings, f"paged {uuid4()} {turn}"))
    first = (await alice.get("/means", params={"limit": 2})).json()
    rest = (await alice.get("/means", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    elsewhere = await alice.get("/consents/history", params={"cursor": first["next_cursor"]})
    assert elsewhere.json()["code"] == "kit.cursor_unusable"


async def test_the_texts_can_be_read_in_both_languages_and_have_one_fingerprint(alice: Citizen) -> None:
    zh = (await alice.client.get("/agreements")).json()
    en = (await alice.client.get("/agreements", headers={"Accept-Language": "en"})).json()
    assert [text["text_sha256"] for text in zh] == [text["text_sha256"] for text in en]
    assert {text["text_sha256"] for text in zh} == {RIGHT, WORDS, SHOWN, CHILD}
    assert all(text["sample"] for text in zh)
    assert all("示例" in text["title"] for text in zh)
    assert all("sample" in text["title"] for text in en)


async def test_consent_is_switched_per_scenario(alice: Citizen, bob: Citizen) -> None:
    said = await alice.put("/consents/bus", {"given": True, "text_sha256": WORDS})
    assert said.json()["given"] is True
    stands = {one["scenario"]: one["given"] for one in (await alice.get("/consents")).json()}
    assert stands["bus"] is True
    assert stands["metro"] is False
    assert not any(one["given"] for one in (await bob.get("/consents")).json())
    await alice.put("/consents/bus", {"given": False, "text_sha256": WORDS})
    history = (await alice.get("/consents/history")).json()["items"]
    assert [(one["scenario"], one["given"]) for one in history] == [("bus", True), ("bus", False)]
    assert (await alice.put("/consents/rocket", {"given": True, "text_sha256": WORDS})).status_code == 422
    assert (await alice.put("/consents/bus", {"given": "yes", "text_sha256": WORDS})).status_code == 422
    unread = await alice.put("/consents/bus", {"given": True, "text_sha256": RIGHT})
    assert (unread.status_code, unread.json()["code"]) == (409, "identity.agreement_changed")


async def test_the_right_is_assigned_and_taken_back(alice: Citizen, bob: Citizen) -> None:
    assigned = (await alice.put("/right", {"text_sha256": RIGHT})).json()
    assert (await alice.put("/right", {"text_sha256": RIGHT})).json() == assigned
    assert (await alice.get("/right")).json() == {"assigned": True, "assignments": [assigned]}
    assert (await bob.get("/right")).json() == {"assigned": False, "assignments": []}
    assert (await bob.delete("/right")).status_code == 404
    taken_back = await alice.delete("/right")
    assert taken_back.json() == {"left_acts": 0, "left_g": 0, "stay_acts": 0, "stay_g": 0}
    assert (await alice.delete("/right")).status_code == 404
    right = (await alice.get("/right")).json()
    assert right["assigned"] is False
    assert right["assignments"][0]["revoked_at"] is not None


async def test_linking_asks_for_the_scenarios_of_the_means_and_never_takes_silence_for_a_yes(
    alice: Citizen, settings: Settings
) -> None:
    silent = _link(settings, "silent", consent_sha256=None)
    needed = await alice.post("/means", silent)
    assert (needed.status_code, needed.json()["code"]) == (409, "identity.consent_needed")
    assert (await alice.get("/consents/history")).json()["items"] == []
    wrong = await alice.post("/means", _link(settings, "silent", code="00000000"))
    assert wrong.status_code == 422
    assert (await alice.get("/consents/history")).json()["items"] == []  # nothing was linked
    other = await alice.post("/means", _link(settings, "silent", consent_sha256=RIGHT))
    assert other.json()["code"] == "identity.agreement_changed"
    await alice.put("/consents/bus", {"given": False, "text_sha256": WORDS})
    assert (await alice.post("/means", _link(settings, "silent"))).status_code == 201
    stands = {one["scenario"]: one["given"] for one in (await alice.get("/consents")).json() if one["said"]}
    assert stands == {"bus": False, "metro": True}  # what was said no to stays no
    assert (await alice.post("/means", _link(settings, "second", consent_sha256=None))).status_code == 201
    await alice.put("/consents/metro", {"given": False, "text_sha256": WORDS})
    assert (await alice.post("/means", _link(settings, "third"))).status_code == 409
