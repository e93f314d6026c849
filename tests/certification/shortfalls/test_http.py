"""Debts for withdrawn acts over HTTP: who sees whose, who orders what, and what others are told."""

from __future__ import annotations

from backend.certification import Assurance
from backend.identity import Role
from tests.certification.conftest import BIKE, PROJECT, Town, rides_of
from tests.certification.shortfalls.conftest import closed, open_g, withdraw
from tests.identity.conftest import hire
from tests.operator_api.conftest import SignedIn, app, client, signed_in

__all__ = ["app", "client", "hire", "signed_in"]

SERIES = {"project": PROJECT, "methodology": BIKE, "vintage_year": 2024}
ORDER = {**SERIES, "reason": "the programme ended"}


async def test_an_operator_sees_its_own_debts_and_the_authority_everybodys(
    town: Town, signed_in: SignedIn
) -> None:
    await town.whole("2024-01", rides_of(2_000_000))
    (first, *_) = await withdraw(town, "2024-01", many=3)
    mine = await signed_in(Role.OPERATOR, organisation="gd-operator")
    foreign = await signed_in(Role.OPERATOR, organisation="other-operator")
    authority = await signed_in(Role.AUTHORITY, organisation="authority")

    for person in (mine, authority):
        (told,) = (await person.get("/certification/shortfalls")).json()
        assert {name: told[name] for name in ("acts", "open_g", "blocking_g", "due_g", "term_days", "operator")} == {
            "acts": 3, "open_g": 12_000, "blocking_g": 12_000, "due_g": 0, "term_days": None, "operator": "gd-operator",
        }  # fmt: skip
        pages = [(await person.get("/certification/shortfalls/acts", params={**SERIES, "limit": 2})).json()]
        pages.append(
            (
                await person.get(
                    "/certification/shortfalls/acts",
                    params={**SERIES, "limit": 2, "cursor": pages[0]["next_cursor"]},
                )
            ).json()
        )
        acts = [one for page in pages for one in page["items"]]
        assert [one["number"] for one in acts] == [1, 2, 3]
        assert acts[0]["act_id"] == str(first)
        assert {(one["grams"], one["open_g"]) for one in acts} == {(4_000, 4_000)}
    assert (await foreign.get("/certification/shortfalls")).json() == []
    assert (await foreign.get("/certification/shortfalls/acts", params=SERIES)).json()["items"] == []
    assert (await mine.get("/certification/shortfalls", params={"project": "another"})).json() == []


async def test_only_the_authority_orders_a_cancellation_and_a_retry_orders_none_again(
    town: Town, signed_in: SignedIn
) -> None:
    mine = await signed_in(Role.OPERATOR, organisation="gd-operator")
    both = await signed_in(Role.AUTHORITY, organisation="gd-operator")
    authority = await signed_in(Role.AUTHORITY, organisation="authority")
    assert (await mine.post("/certification/cancellations", ORDER)).status_code == 403
    refused = await both.post("/certification/cancellations", ORDER)
    assert (refused.status_code, refused.json()["code"]) == (403, "certification.not_independent")
    unknown = await authority.post("/certification/cancellations", {**ORDER, "vintage_year": 2001})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "certification.shortfall_unknown")

    answers = [
        await authority.post("/certification/cancellations", ORDER, key="ordered-once-and-for-all")
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 201]
    told = answers[0].json()
    assert told == answers[1].json()
    assert (told["quantity_t"], told["owed_g"], told["serials"]) == (
        1, 12_000, [{"first_serial": 1, "last_serial": 1}],
    )  # fmt: skip
    again = await authority.post("/certification/cancellations", ORDER)
    assert (again.status_code, again.json()["code"]) == (409, "certification.nothing_owed")
    for person, seen in ((mine, [told]), (authority, [told])):
        assert (await person.get("/certification/cancellations")).json()["items"] == seen
    foreign = await signed_in(Role.OPERATOR, organisation="other-operator")
    assert (await foreign.get("/certification/cancellations")).json()["items"] == []
    assert await open_g(town, 2024) == 0


async def test_an_issuance_over_a_debt_is_refused_with_what_is_owed(town: Town, signed_in: SignedIn) -> None:
    await town.whole("2023-01", rides_of(4_000))
    await withdraw(town, "2023-01")
    other = await closed(town, "2022-01", rides_of(1_000_000))
    authority = await signed_in(Role.AUTHORITY, organisation="authority")
    refused = await authority.post(f"/certification/batches/{other.id}/issuance/proposals")
    assert (refused.status_code, refused.json()["code"]) == (409, "certification.corrections_owed")
    assert refused.json()["owed_g"] == 4_000


async def test_a_statement_tells_what_of_its_deduction_is_for_withdrawn_acts(
    town: Town, signed_in: SignedIn
) -> None:
    await town.ride("2023-02", rides_of(40_000))
    batch = await town.close("2023-02")
    await town.verify(batch, deduction_g=500)
    mine = await signed_in(Role.OPERATOR, organisation="gd-operator")
    (told,) = (await mine.get(f"/certification/batches/{batch.id}/statements")).json()
    assert (told["deducted_g"], told["corrections_g"], told["verified_g"]) == (4_500, 4_000, 35_500)
    assert told["document"]["corrections_g"] == 4_000
    assert told["document"]["assurance"] == Assurance.REASONABLE
