"""Groups and bands of a simulation: they add up, and none is of fewer than five people, by itself or by subtraction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.intake.simulating.outcome import FEWEST, OTHER, Change, Sums, Tally

ACTS = st.lists(
    st.tuples(
        st.integers(0, 14),  # who
        st.sampled_from(["bus", "bus", "walk"]),
        st.sampled_from([0, 0, 0, 0, 1, 2]),  # month
        st.integers(0, 2**62),
        st.integers(0, 3000),
    ),
    min_size=8,
    max_size=60,
)


@given(acts=ACTS)
@settings(max_examples=150, deadline=None)
def test_groups_add_up_and_hide_the_few(acts: list[tuple[int, str, int, int, int]]) -> None:
    tally = Tally()
    for who, activity, month, before, after in acts:
        one = np.array([before], np.int64), np.array([after], np.int64)
        months = np.array([month], dtype="datetime64[M]")
        tally.add(activity, months, [bytes([who])], Change(*one), Change(*one))
    people = {who for who, *_ in acts}
    assert tally.people == len(people)
    if len(people) < FEWEST:
        return  # a run with so few is refused
    groups = tally.groups()
    summed = Sums()
    for group in groups:
        summed.add(group.sums)
    assert summed == tally.total
    assert tally.total.grams_before == sum(before for *_, before, _ in acts)
    named = {(group.activity, group.month) for group in groups}
    of = {
        (activity, str(np.datetime64(month, "M"))): {w for w, a, m, *_ in acts if (a, m) == (activity, month)}
        for _, activity, month, *_ in acts
    }
    assert all(len(of[place]) >= FEWEST for place in named - {(OTHER, "")})
    rest = set().union(*(of[place] for place in of.keys() - named)) if of.keys() - named else set()
    assert not rest or len(rest) >= FEWEST
    for bands in tally.bands():
        assert sum(band.people for band in bands) == len(people)
        assert all(band.people >= FEWEST for band in bands)
        spans = [(band.least, band.most) for band in bands]
        assert all(
            low[1] is not None and high[0] is not None and low[1] < high[0] for low, high in pairwise(spans)
        )
