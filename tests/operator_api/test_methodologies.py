"""A methodology is filed by two people of the authority, over its fingerprint."""

from __future__ import annotations

from typing import Any

from backend.identity.organisations import Role
from tests.operator_api.conftest import SignedIn

FILING: dict[str, Any] = {"methodology": "cn-shared-bike-km", "region": "CN-GD", "valid_from": "2026-01-01"}


async def test_two_people_file_exactly_what_both_saw(signed_in: SignedIn) -> None:
    first, second = await signed_in(Role.AUTHORITY), await signed_in(Role.AUTHORITY)
    listed = {one["id"]: one for one in (await first.get("/methodologies")).json()}
    act = (await first.post("/methodologies/filings/proposals", FILING)).json()
    assert act["body"]["pack_sha256"] == listed["cn-shared-bike-km"]["pack_sha256"]
    assert act in (await second.get("/methodologies/filings/proposals")).json()
    where, shown = f"/methodologies/filings/proposals/{act['id']}", {"subject_sha256": act["subject_sha256"]}
    alone = await first.post(f"{where}/approval", shown)
    assert (alone.status_code, alone.json()["code"]) == (403, "identity.act_needs_second_person")
    differs = await second.post(f"{where}/approval", {"subject_sha256": "ab" * 32})
    assert differs.json()["code"] == "identity.act_shown_differs"
    filing = (await second.post(f"{where}/approval", shown)).json()
    assert (filing["act_id"], filing["valid_from"], filing["valid_until"]) == (act["id"], "2026-01-01", None)
    assert filing in (await first.get("/methodologies/filings")).json()
    assert (await second.post(f"{where}/rejection", shown)).json()["code"] == "identity.act_decided_already"


async def test_a_rejected_filing_files_nothing(signed_in: SignedIn) -> None:
    first, second = await signed_in(Role.AUTHORITY), await signed_in(Role.AUTHORITY)
    before = (await first.get("/methodologies/filings")).json()
    act = (await first.post("/methodologies/filings/proposals", FILING | {"region": "CN-GD-SZ"})).json()
    rejected = await second.post(
        f"/methodologies/filings/proposals/{act['id']}/rejection", {"subject_sha256": act["subject_sha256"]}
    )
    assert rejected.json()["decision"] == "rejected"
    assert (await first.get("/methodologies/filings")).json() == before


async def test_filings_that_make_no_sense_are_refused(signed_in: SignedIn) -> None:
    person = await signed_in(Role.AUTHORITY)
    for changed, code in (
        ({"valid_until": "2025-12-31"}, "methodologies.filing_ends_before_it_begins"),
        ({"methodology": "bj-bus-act"}, "packs.outside_jurisdiction"),
        ({"methodology": "no-such-pack"}, "packs.not_found"),
        ({"region": "Guangdong"}, "kit.request_invalid"),
        ({"valid_from": "soon"}, "kit.request_invalid"),
    ):
        refused = await person.post("/methodologies/filings/proposals", FILING | changed)
        assert 400 <= refused.status_code < 500
        assert refused.json()["code"] == code, (changed, refused.text)


async def test_a_demo_override_is_visible(signed_in: SignedIn) -> None:
    person = await signed_in(Role.OPERATOR)
    asked = {"methodology": "sz-metro-km", "region": "CN-GD", "reason": "a demonstration"}
    for _ in range(2):
        assert (await person.post("/methodologies/demo-overrides", asked)).status_code == 204
    shown = [
        one
        for one in (await person.get("/methodologies/demo-overrides")).json()
        if one["methodology"] == "sz-metro-km"
    ]
    assert [(one["region"], one["reason"]) for one in shown] == [("CN-GD", "a demonstration")]
