"""Figures of tasks, campaigns and referrals: of groups of five people at least."""

from __future__ import annotations

from pathlib import Path

from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.audit import followed
from tests.operator_api.conftest import Person
from tests.operator_api.test_programmes import operator

__all__ = ["operator"]


async def test_figures_of_few_people_are_not_told_and_what_a_campaign_gave_is(
    db: Database,
    settings: Settings,
    tmp_path: Path,
    operator: Person,
) -> None:
    await followed.build(db, settings, tmp_path)
    here = f"/programmes/{followed.CODE}"
    told = (await operator.get(f"{here}/tasks/figures")).json()
    assert [(one["task"], one["finished"], one["people"]) for one in told] == [
        ("taken-on", None, None),
        ("two-rides", None, None),
    ]
    (campaign,) = (await operator.get(f"{here}/campaigns/figures")).json()
    assert (campaign["campaign"], campaign["people"]) == ("half-more", None)
    assert campaign["given_points"] - campaign["returned_points"] <= 220
    referred = (await operator.get(f"{here}/referrals/figures")).json()
    assert set(referred.values()) == {None}
