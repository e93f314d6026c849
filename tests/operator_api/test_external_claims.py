"""Staff see which acts another platform claims too, how much of it chance explains, and decide once."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend.identity.organisations import Role
from backend.identity.people.exchanging import phone_digest
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.fingerprints.support import agreement, key
from tests.intake.fingerprints.test_exchanging import Town, phone_of
from tests.intake.test_pipeline import ride
from tests.operator_api.conftest import Person, SignedIn
from tests.operator_api.test_programmes import operator

__all__ = ["operator"]


@pytest.fixture
async def town(db: Database, settings: Settings, tmp_path: Path) -> Town:
    here = Town(db, settings, load_all(), tmp_path)
    await here.open()
    return here


async def doubled(town: Town, minutes: tuple[int, ...]) -> tuple[UUID, str]:
    """A rider whose rides another platform noted as well: the rider and the platform."""
    number = ids.uuid7().int % 10**8
    platform = f"other-{number}"
    agreed = agreement(town.folder, between=f'["puhui-gd", "{platform}"]', bits="64")
    secret = key(town.folder)
    who = await town.citizen(f"X{number}", phone_of(number))
    await town.ingest([ride(f"X{number}", at) for at in minutes])
    subject = phone_digest(secret.under(agreed), phone_of(number))
    await town.match(agreed, secret, town.sent(agreed, secret, [(subject, at) for at in minutes]))
    return who, platform


async def test_a_claim_is_listed_with_its_chances_and_decided_once(town: Town, operator: Person) -> None:
    who, platform = await doubled(town, (100,))
    (one,) = (await operator.get("/external-claims", params={"platform": platform})).json()["items"]
    assert (one["activity"], one["outcome"], one["beside"], one["withdrawn"]) == (
        "cycling", None, False, False,
    )  # fmt: skip
    comparison = one["comparison"]
    assert comparison["by_chance"] == comparison["probes"] * comparison["theirs"] / 2**64
    assert str(who) not in str(one)
    path, again = f"/external-claims/{one['act_id']}/{platform}/decision", str(uuid4())
    assert (await operator.post(path, {"outcome": "theirs", "reason": " "})).status_code == 422
    body = {"outcome": "theirs", "reason": "their gate's record is older"}
    made = await operator.post(path, body, key=again)
    assert (made.status_code, made.json()["outcome"], made.json()["withdrawn"]) == (200, "theirs", True)
    assert (await operator.post(path, body, key=again)).json() == made.json()
    assert await town.points(who) == 0
    other = await operator.post(path, {"outcome": "ours", "reason": "no"})
    assert (other.status_code, other.json()["code"]) == (409, "fingerprints.claim_decided")
    assert (await operator.get("/external-claims", params={"platform": platform})).json()["items"] == []
    told = await operator.get("/external-claims", params={"platform": platform, "decided": True})
    assert [claim["reason"] for claim in told.json()["items"]] == ["their gate's record is older"]


async def test_pages_of_claims_go_on_where_the_last_ended(town: Town, operator: Person) -> None:
    _, platform = await doubled(town, (100, 300, 500))
    seen, cursor = [], None
    while True:
        asked = {"platform": platform, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await operator.get("/external-claims", params=asked)).json()
        seen += [claim["act_id"] for claim in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 3


async def test_another_operators_claims_are_unknown(
    town: Town, operator: Person, signed_in: SignedIn
) -> None:
    _, platform = await doubled(town, (100,))
    (one,) = (await operator.get("/external-claims", params={"platform": platform})).json()["items"]
    stranger = await signed_in(Role.OPERATOR)
    assert (await stranger.get("/external-claims", params={"platform": platform})).json()["items"] == []
    body = {"outcome": "theirs", "reason": "mine"}
    for path in (f"{one['act_id']}/{platform}", f"{uuid4()}/{platform}", f"{one['act_id']}/nobody"):
        answer = await stranger.post(f"/external-claims/{path}/decision", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "fingerprints.claim_unknown")
