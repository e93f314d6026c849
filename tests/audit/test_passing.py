"""A sound city passes, and so does an empty database."""

from __future__ import annotations

from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui import embedded
from puhui.audit import INVARIANTS, audit
from tests.audit.conftest import copy_of, said


async def test_an_empty_database_passes(db: Database, settings: Settings) -> None:
    report = await audit(db, settings)
    assert said(report) == []
    assert report.passed
    assert report.unsealed == {}


async def test_a_city_passes_with_every_invariant_looking_at_rows(
    servers: embedded.Servers, city: str
) -> None:
    async with copy_of(servers, city) as copy:
        report = await copy.audit()
    assert said(report) == []
    assert report.unsealed == {}
    assert [result.invariant.name for result in report.results if result.checked.rows == 0] == []
    assert len(report.results) == len(INVARIANTS)
