"""Programmes, sources, jobs and figures, seen by those whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backend import intake, packs
from backend.identity import organisations
from backend.identity.organisations import OrganisationCodeTaken, Role
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.operator_api.conftest import Person, SignedIn

PROGRAMME = "gd-green-travel"
TRIPS = """account_no,started_at,ended_at,distance_m
A1,2026-03-02 08:00:00,2026-03-02 08:10:00,2000
A2,2026-03-02 08:00:00,2026-03-02 08:10:00,3000
A3,2026-03-02 08:00:00,2026-03-02 07:59:00,3000
"""


@pytest.fixture
async def operator(signed_in: SignedIn, db: Database) -> Person:
    """Staff of the organisation that runs the sample programme, which runs."""
    async with db.transaction() as session:
        for code, role in (("gd-operator", Role.OPERATOR), ("gz-bikes", Role.PARTNER)):
            try:
                async with session.begin_nested():
                    await organisations.create_organisation(
                        session, code=code, name_zh="机构", name_en="Organisation", roles=[role]
                    )
            except OrganisationCodeTaken:
                continue
    person = await signed_in(Role.OPERATOR, organisation="gd-operator")
    assert (await person.post("/programmes", {"pack": PROGRAMME})).status_code == 201
    return person


def _source(**changed: Any) -> dict[str, Any]:
    return {
        "code": f"bikes-{uuid4().hex[:8]}",
        "programme": PROGRAMME,
        "partner": "gz-bikes",
        "region": "CN-GD-GZ",
        "evidence": "operator_feed",
        "mapping": "bike-share-distance",
    } | changed


async def test_an_operator_runs_its_own_programme_and_sees_its_rules(operator: Person) -> None:
    programme = (await operator.get(f"/programmes/{PROGRAMME}")).json()
    assert programme["operator_code"] == "gd-operator"
    assert programme["sample"] is True
    assert {
        "id": "cycling",
        "methodology": "cn-shared-bike-km",
        "activity": "cycling",
        "per": "gram",
    }.items() <= {
        name: value
        for rule in programme["earnings"]
        if rule["id"] == "cycling"
        for name, value in rule.items()
    }.items()
    assert (await operator.get("/programmes")).json() == [programme]
    assert (await operator.post("/programmes", {"pack": "no-such-pack"})).status_code in {404, 422}


async def test_another_operator_neither_sees_nor_feeds_it_and_the_authority_sees_it(
    operator: Person, signed_in: SignedIn
) -> None:
    assert operator.hired
    other, authority = await signed_in(Role.OPERATOR), await signed_in(Role.AUTHORITY)
    assert (await other.get("/programmes")).json() == []
    for path in ("", "/figures", "/liability"):
        refused = await other.get(f"/programmes/{PROGRAMME}{path}")
        assert (refused.status_code, refused.json()["code"]) == (404, "programmes.not_found")
        assert (await authority.get(f"/programmes/{PROGRAMME}{path}")).status_code == 200
    assert (await other.post("/programmes", {"pack": PROGRAMME})).status_code == 403
    assert (await other.post("/sources", _source())).status_code == 404
    assert (await other.get("/sources")).json() == []
    assert (await other.get("/jobs")).json() == {"items": [], "next_cursor": None}


async def test_a_source_is_registered_once_and_only_with_what_is_known(operator: Person) -> None:
    source = _source()
    made = await operator.post("/sources", source)
    assert made.status_code == 201, made.text
    assert (await operator.post("/sources", source)).json() == made.json()
    differs = await operator.post("/sources", source | {"region": "CN-GD"})
    assert (differs.status_code, differs.json()["code"]) == (409, "intake.source_differs")
    assert made.json() in (await operator.get("/sources")).json()
    assert (await operator.post("/sources", _source(partner="nobody"))).status_code == 404
    assert (await operator.post("/sources", _source(mapping="nothing"))).status_code in {404, 422}
    assert (await operator.post("/sources", _source(evidence="hearsay"))).status_code == 422
    assert (await operator.post("/sources", _source(region="Guangdong"))).status_code == 422


async def test_a_taken_in_file_shows_in_the_jobs_and_in_the_figures(
    operator: Person, db: Database, settings: Settings, tmp_path: Path
) -> None:
    source = _source()
    await operator.post("/sources", source)
    path = tmp_path / "trips.csv"
    path.write_text(TRIPS, encoding="utf-8")
    library = packs.load_all()
    mapping = intake.mapping_of(library.find("bike-share-distance"))
    summary = await intake.ingest(
        db, settings, path=path, source=source["code"], mapping=mapping, library=library
    )
    jobs = [job for job in (await operator.get("/jobs")).json()["items"] if job["source"] == source["code"]]
    assert [(job["received"], job["accepted"], job["rejected"], job["waiting"]) for job in jobs] == [
        (3, 2, 1, 2)
    ]
    assert jobs[0]["reduction_g"] == summary.grams == 97 + 146
    figures = (await operator.get(f"/programmes/{PROGRAMME}/figures")).json()
    assert figures["pooled_g"] == 0
    assert sum(figures["uncredited_g"].values()) == summary.grams
    points = figures["points"]
    assert points["issued"] == points["spendable"] == 0  # nobody holds these accounts yet
    assert (await operator.get(f"/programmes/{PROGRAMME}/liability")).json() == []
