"""What a tonne is made of is told in runs of ten acts or more, never fewer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.transparency.runs import FEWEST, runs_of, within
from backend.transparency.telling import Unreadable
from tests.transparency.conftest import Teller, run


def shown(*acts: int, carried: int = 0) -> list[tuple[int | None, int]]:
    """Acts and grams of the runs that are shown of such ones, of a hundred grams each."""
    carry = [{"carried_from": "before", "grams": carried}] if carried else []
    listed = [*carry, *(run(100, number, day=1 + place) for place, number in enumerate(acts))]
    return [(one.acts, one.grams) for one in runs_of({"runs": listed})]


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ((10, 10), [(10, 100), (10, 100)]),
        ((10, 9), [(19, 200)]),
        ((9, 10), [(19, 200)]),
        ((12, 3, 12), [(15, 200), (12, 100)]),
        ((1, 1, 1, 7), [(10, 400)]),
        ((9,), [(None, 100)]),
        ((4, 5), [(None, 200)]),
    ],
)
def test_runs_of_fewer_than_ten_acts_are_joined(
    acts: tuple[int, ...], expected: list[tuple[int | None, int]]
) -> None:
    assert shown(*acts) == expected


def test_what_was_carried_in_stays_apart() -> None:
    assert shown(3, 20, carried=50) == [(None, 50), (23, 200)]
    assert shown(3, carried=50) == [(None, 50), (None, 100)]


def test_too_few_acts_in_all_are_told_without_days_or_places() -> None:
    (one,) = runs_of({"runs": [run(100, 4), run(100, 5)]})
    assert (one.from_day, one.to_day, one.regions, one.acts, one.grams) == (None, None, None, None, 200)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 2_000_000)), min_size=1, max_size=12))
def test_joining_loses_no_gram_and_shows_no_small_run(listed: list[tuple[int, int]]) -> None:
    runs = runs_of({"runs": [run(grams, acts) for acts, grams in listed]})
    total = sum(grams for _, grams in listed)
    assert [one.low_g for one in runs] == [0, *(one.high_g for one in runs[:-1])]
    assert runs[-1].high_g == total
    if sum(acts for acts, _ in listed) < FEWEST:
        assert [one.acts for one in runs] == [None]
    else:
        assert all(one.acts is not None and one.acts >= FEWEST for one in runs)
        assert sum(one.acts or 0 for one in runs) == sum(acts for acts, _ in listed)
    for low in range(0, total, max(1, total // 7)):
        high = min(total, low + 1_000_000)
        pieces = within(runs, low, high)
        assert sum(end - begin for _, begin, end in pieces) == high - low


@pytest.mark.parametrize(
    "listed",
    [None, {}, [1], [{}], [{"grams": 0}], [{"grams": True}], [run(100, 5) | {"acts": -1}],
     [run(100, 5) | {"acts": "5"}], [run(100, 5) | {"regions": "x"}], [run(100, 5) | {"from_day": 3}],
     [{"carried_from": 7, "grams": 5}]],
)  # fmt: skip
def test_runs_of_another_form_are_not_read(listed: Any) -> None:
    with pytest.raises(Unreadable):
        runs_of({"runs": listed})


async def test_a_small_run_in_the_log_is_not_shown_by_itself(
    client: httpx.AsyncClient, teller: Teller
) -> None:
    runs = [run(400_000, 25), run(100_000, 2, day=5, region="CN-GD-SZ"), run(900_000, 30, day=9)]
    await teller.batch("batch-1", first_serial=1, runs=runs)
    parts = (await client.get("/serials/phcer-1")).json()["tonne"]["parts"]
    assert [(part["acts"], part["grams"]) for part in parts] == [(27, 500_000), (30, 500_000)]
    assert parts[0]["regions"] == ["CN-GD-GZ", "CN-GD-SZ"]


async def test_a_tonne_of_very_few_acts_tells_neither_days_nor_places(
    client: httpx.AsyncClient, teller: Teller
) -> None:
    await teller.batch("batch-2", first_serial=11, runs=[run(600_000, 4), run(700_000, 5)])
    answer = await client.get("/serials/phcer-11")
    (part,) = answer.json()["tonne"]["parts"]
    assert (part["acts"], part["from_day"], part["regions"], part["grams"]) == (None, None, None, 1_000_000)
    assert answer.json()["batch"]["acts"] is None


async def test_an_issuance_whose_runs_cannot_be_read_still_has_a_story(
    client: httpx.AsyncClient, teller: Teller
) -> None:
    await teller.tell(
        "credit.issued", batch="odd", book="phcer", first_serial=50, quantity_t=1, owner="o", project="p",
        methodology="m", vintage_year=2026, demo=False, runs="none",
    )  # fmt: skip
    story = (await client.get("/serials/phcer-50")).json()
    assert (story["tonne"]["parts"], story["batch"]) == ([], None)
