"""What needs no database: where acts stand in the certified tree, digests, draws, runs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from backend.certification import sampling
from backend.certification.facts import (
    Computed,
    Digester,
    Feed,
    day_of_key,
    digest_of,
    facts_of,
    first_key,
)
from backend.certification.layout import Layout, lay_out
from backend.certification.runs import LEAST_ACTS, merged
from backend.certification.sumtree import Leaf
from backend.certification.sumtree.tonnes import certified_leaves
from backend.kit.settings import Keys

GRAMS = st.lists(st.integers(1, 50), min_size=1, max_size=30)


@given(grams=GRAMS, data=st.data())
def test_the_layout_puts_each_act_where_the_list_of_leaves_has_it(
    grams: list[int], data: st.DataObject
) -> None:
    frozen = [Leaf(hashlib.sha256(bytes([place])).digest(), 0, amount) for place, amount in enumerate(grams)]
    keeps = data.draw(
        st.dictionaries(st.integers(0, len(grams) - 1), st.integers(0, 49), max_size=len(grams)).map(
            lambda found: {at: left % grams[at] for at, left in found.items()}
        )
    )
    verified = sum(grams) - sum(grams[at] - left for at, left in keeps.items())
    deduction = data.draw(st.integers(0, verified))
    carry = data.draw(st.sampled_from([None, Leaf(bytes(32), 7, 5)]))
    leaves = list(certified_leaves(carry=carry, frozen=frozen, rejected=keeps, deduction_g=deduction))
    layout = lay_out(carry=carry, grams=grams, keeps=keeps, deduction_g=deduction)
    assert layout.leaves == len(leaves)
    for index, leaf in enumerate(leaves):
        position = layout.position_of(index)
        if position is None:
            assert leaf == carry
            continue
        assert layout.index_of(position) == index
        assert (leaf.digest, leaf.grams) == (
            frozen[position].digest,
            layout.grams_of(position, grams[position]),
        )
    there = {layout.position_of(index) for index in range(len(leaves))}
    for position in set(range(len(grams))) - there:
        assert layout.index_of(position) is None
        assert layout.grams_of(position, grams[position]) == 0


def test_the_frozen_tree_is_the_layout_without_findings() -> None:
    layout = Layout(carry=None, keeps={}, kept_acts=3, last_keeps_g=None)
    assert [layout.position_of(index) for index in range(3)] == [0, 1, 2]
    assert layout.grams_of(2, 77) == 77


COMPUTED = Computed("cn-shared-bike-km", "1.0.0", "ab" * 32, "report-2024", "cycling", ("cd" * 32,), "1")
FEED = Feed("gz-bikes", "CN-GD-GZ", "operator_feed")


@given(
    key=st.uuids(),
    grams=st.integers(1, 2**62),
    inputs=st.dictionaries(
        st.sampled_from(["distance_m", "b", "a_é", "站"]),
        st.one_of(st.integers(), st.sampled_from(["x", 'é"', None])),
    ),
)
def test_many_digests_are_those_of_one_act_at_a_time(
    key: UUID, grams: int, inputs: dict[str, object]
) -> None:
    digester = Digester(Keys(b"k" * 32))
    day = dt.date(2026, 10, 1)
    quick = digester.digest(
        key, computed=COMPUTED, feed=FEED, day=day, inputs=json.dumps(inputs), grams=grams
    )
    facts = facts_of(computed=COMPUTED, feed=FEED, day=day, inputs=inputs, grams=grams)
    assert quick == digest_of(facts, digester.salt_of(key))
    assert all(type(value) is int for value in facts["inputs"].values())


def test_the_salt_is_the_platforms_and_the_acts_own() -> None:
    one, other = Digester(Keys(b"k" * 32)), Digester(Keys(b"l" * 32))
    assert len(one.salt_of(UUID(int=1))) == 16
    assert len({one.salt_of(UUID(int=1)), one.salt_of(UUID(int=2)), other.salt_of(UUID(int=1))}) == 3


@given(day=st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)))
def test_keys_begin_with_their_day(day: dt.date) -> None:
    assert day_of_key(first_key(day)) == day
    assert day_of_key(UUID(int=first_key(day).int - 1)) == day - dt.timedelta(days=1)


def test_draws_follow_from_both_roots_and_fall_by_grams() -> None:
    seed = sampling.seed_of(frozen_root=bytes(32), log_root=b"r" * 32, number=1)
    assert (
        seed
        == hashlib.sha256(
            b"puhui/certification/sample/1" + bytes(32) + b"r" * 32 + (1).to_bytes(8, "big")
        ).digest()
    )
    others = [
        sampling.seed_of(frozen_root=b"x" * 32, log_root=b"r" * 32, number=1),
        sampling.seed_of(frozen_root=bytes(32), log_root=b"s" * 32, number=1),
        sampling.seed_of(frozen_root=bytes(32), log_root=b"r" * 32, number=2),
    ]
    assert len({seed, *others}) == 4
    drawn = sampling.grams_drawn(seed, draws=4_000, frozen_g=1_000)
    assert all(0 <= gram < 1_000 for gram in drawn)
    heavy = sum(gram < 900 for gram in drawn)  # an act of nine tenths of the grams
    assert 3_500 < heavy < 3_700


def test_the_projection_is_the_mean_overstatement_of_all_grams_rounded_up() -> None:
    assert sampling.projected_g(drawn=[], frozen_g=100, found_g=0) == 0
    assert sampling.projected_g(drawn=[(10, 10), (20, 20)], frozen_g=100, found_g=0) == 0
    assert sampling.projected_g(drawn=[(10, 5), (20, 20)], frozen_g=101, found_g=0) == 26  # 25.25
    assert sampling.projected_g(drawn=[(10, 5), (20, 20)], frozen_g=101, found_g=5) == 21
    assert sampling.projected_g(drawn=[(10, 0)], frozen_g=100, found_g=100) == 0
    assert sampling.projected_g(drawn=[(3, 2), (7, 7), (9, 1)], frozen_g=1_000, found_g=900) == 0


DAYS = st.lists(st.integers(1, 25), max_size=12)


@given(acts=DAYS)
def test_runs_hold_ten_acts_or_are_the_only_one(acts: list[int]) -> None:
    days = [
        {"from_day": f"2026-01-{at + 1:02d}", "to_day": f"2026-01-{at + 1:02d}", "regions": ["CN-GD"], "acts": n, "grams": 3 * n}
        for at, n in enumerate(acts)
    ]  # fmt: skip
    found = merged(days)
    assert sum(run["acts"] for run in found) == sum(acts)
    assert sum(run["grams"] for run in found) == 3 * sum(acts)
    assert len(found) <= 1 or all(run["acts"] >= LEAST_ACTS for run in found)
    edges = [(run["from_day"], run["to_day"]) for run in found]
    assert edges == sorted(edges)
    assert all(one[1] < other[0] for one, other in pairwise(edges))
