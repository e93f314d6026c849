"""Households, firms, and partners' lists of who holds what."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from backend.identity import looks, means, people
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.operator_api.conftest import Person, SignedIn


def _list(operator: str, *lines: tuple[str, str]) -> dict[str, Any]:
    return {
        "kind": "meter",
        "operator": operator,
        "reference": "list 2026-11",
        "lines": [
            {"number": number, "participant_id": whose, "held_from": "2026-01-01T00:00:00+08:00"}
            for number, whose in lines
        ],
    }


async def _household(operator: Person) -> str:
    made = await operator.post("/participants", {"kind": "household"})
    assert made.status_code == 201
    return str(made.json()["id"])


async def test_a_household_gets_its_meter_by_the_grids_list(
    signed_in: SignedIn, db: Database, settings: Settings
) -> None:
    operator, partner = await signed_in(Role.OPERATOR), await signed_in(Role.PARTNER)
    grid = (await partner.get("/me")).json()["organisation_code"]
    household = await _household(operator)
    sent = await partner.post("/means/lists", _list(grid, ("M-1", household), ("M-2", household)))
    assert sent.json() == {"received": 2, "linked": 2, "already": 0, "held_by_others": 0}
    again = await operator.post(
        "/means/lists", _list(grid, ("M-1", household), ("M-1", await _household(operator)))
    )
    assert again.json() == {"received": 2, "linked": 0, "already": 1, "held_by_others": 1}
    async with db.transaction() as session:
        token = means.means_token(settings.keys, "meter", grid, "M-1")
        assert await means.holder_at(session, token=token, at=clock.now()) == UUID(household)


async def test_a_partner_can_neither_link_nor_make_codes_for_anothers_numbers(
    signed_in: SignedIn, settings: Settings
) -> None:
    operator, partner = await signed_in(Role.OPERATOR), await signed_in(Role.PARTNER)
    household = await _household(operator)
    refused = await partner.post("/means/lists", _list("somebody-else", ("M-9", household)))
    assert (refused.status_code, refused.json()["code"]) == (403, "kit.forbidden")
    made = await partner.post("/means/link-codes", {"kind": "card", "number": "77"})
    own = (await partner.get("/me")).json()["organisation_code"]
    right = means.link_code(settings.keys, kind="card", operator=own, number="77", day=clock.today())
    assert made.json() == {"code": right}
    assert (await operator.post("/means/link-codes", {"kind": "card", "number": "77"})).status_code == 403


async def test_lists_that_name_strangers_or_the_future_are_refused_whole(signed_in: SignedIn) -> None:
    operator = await signed_in(Role.OPERATOR)
    household = await _household(operator)
    strangers = _list("grid", ("M-1", household), ("M-2", str(uuid4())))
    assert (await operator.post("/means/lists", strangers)).status_code == 404
    future = _list("grid", ("M-1", household))
    future["lines"][0]["held_from"] = "2999-01-01T00:00:00Z"
    assert (await operator.post("/means/lists", future)).json()["code"] == "identity.held_in_the_future"
    naive = _list("grid", ("M-1", household))
    naive["lines"][0]["held_from"] = "2026-01-01T00:00:00"
    assert (await operator.post("/means/lists", naive)).status_code == 422
    assert (await operator.post("/participants", {"kind": "citizen"})).status_code == 422


async def test_a_person_shown_at_the_counter_redeems_from_one_account_and_is_told_of_the_look(
    signed_in: SignedIn, db: Database
) -> None:
    operator, partner = await signed_in(Role.OPERATOR), await signed_in(Role.PARTNER)
    async with db.transaction() as session:
        first, second = await people.register_many(session, count=2)
    shown = {"provider": "counter", "number": "44010619900101 001x", "reason": "came to the counter"}
    assert (await partner.post(f"/participants/{first}/proofs", shown)).status_code == 403
    assert (await operator.post(f"/participants/{uuid4()}/proofs", shown)).status_code == 404
    noted = await operator.post(f"/participants/{first}/proofs", shown)
    assert (noted.status_code, noted.json()["redeemable"]) == (201, True)
    other = await operator.post(f"/participants/{second}/proofs", shown | {"number": "44010619900101001X"})
    assert (other.json()["redeemable"], other.json()["because"]) == (False, "another_account")
    assert str(first) not in other.text
    wrong = await operator.post(f"/participants/{first}/proofs", shown | {"number": "440106199001010028"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "identity.another_person")
    async with db.transaction() as session:
        seen = await looks.looks_of(session, participant_id=second, limit=5)
        assert [(one.operation, one.reason) for one in seen] == [("note_proof", "came to the counter")]
        held = await session.execute(
            text("SELECT p::text || encode(subject_index, 'escape') FROM person_proof p")
        )
        assert "44010619900101" not in "".join(held.scalars())
