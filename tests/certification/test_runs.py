"""Runs of a certified tree as an issuance tells them: joined until the entry is short, never the carry."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from backend.certification import proofs
from backend.certification.runs import coarse, merged, shortened
from backend.log import canonical

CARRY = {"carried_from": "01999999-9999-7999-8999-999999999999", "grams": 421_337}


def run(number: int, *, regions: int) -> dict[str, Any]:
    day = (dt.date(2026, 1, 1) + dt.timedelta(days=number)).isoformat()
    of = [f"CN-GD-{place:02d}" for place in range(number % regions, regions)]
    return {"from_day": day, "to_day": day, "regions": of, "acts": 10 + number, "grams": 1_000 + number}


@pytest.mark.parametrize("carried", [[], [CARRY]])
@pytest.mark.parametrize("days", [1, 2, 3, 31, 365])
@pytest.mark.parametrize("regions", [1, 21])
def test_an_entry_is_short_and_its_runs_still_add_up(carried: list[Any], days: int, regions: int) -> None:
    runs = [*carried, *(run(number, regions=regions) for number in range(days))]
    before = {"batch": "b" * 36, "project": "p" * 500, "runs": runs}
    body = shortened(before)
    assert before["runs"] == runs
    entry = {"body": body, "kind": "credit.issued", "recorded_at": "2026-11-22T08:00:00.000000Z"}
    assert len(canonical.encode(entry)) <= proofs.ENTRY_BYTES
    assert body["runs"][: len(carried)] == carried
    for total in ("acts", "grams"):
        assert sum(one.get(total, 0) for one in body["runs"]) == sum(one.get(total, 0) for one in runs)
    told = body["runs"][len(carried) :]
    assert told[0]["from_day"] == runs[len(carried)]["from_day"]
    assert told[-1]["to_day"] == runs[-1]["to_day"]
    assert [one["from_day"] for one in told] == sorted(one["from_day"] for one in told)
    if days == 1:
        assert body == before


def test_what_cannot_be_shortened_stays_as_it_is() -> None:
    body = {"project": "p" * 5_000, "runs": [CARRY, run(0, regions=1)]}
    assert shortened(body) == body


@pytest.mark.parametrize(
    ("acts", "told"), [([4, 5], "2026-10-01 2026-11-30 CN-GD"), ([4, 6], "2026-11-02 2026-11-03 CN-GD-GZ")]
)
def test_too_few_acts_are_told_by_month_and_region_only(acts: list[int], told: str) -> None:
    days = [
        {"from_day": day, "to_day": day, "regions": ["CN-GD-GZ"], "acts": count, "grams": count}
        for day, count in zip(("2026-11-02", "2026-11-03"), acts, strict=True)
    ]
    (run,) = coarse(merged(days), dt.date(2026, 10, 1), dt.date(2026, 11, 1), "CN-GD")
    assert f"{run['from_day']} {run['to_day']} {run['regions'][0]}" == told
    assert (run["acts"], run["grams"]) == (sum(acts), sum(acts))
