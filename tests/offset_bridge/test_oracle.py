"""The engine against the plainest oracle: try every number of tonnes of every lot. They share no code."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from offset_bridge.rules import Limit, Offer, Share, choose
from offset_bridge.rules.optimum import Role
from tests.offset_bridge.support import case, evaluate, lot, usable

KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "P": ("PHCER", {}),
    "L": ("CCER", {"project_region": "CN-GD-GZ"}),
    "O": ("CCER", {"project_region": "CN-YN"}),
    "X": ("CCER", {"project_type": "hydro-small"}),
}

lots = st.lists(
    st.tuples(st.sampled_from("PPLLLOOOX"), st.integers(0, 6), st.integers(2010, 2012)),
    min_size=0,
    max_size=4,
)
used_tonnes = st.fixed_dictionaries({"P": st.integers(0, 4), "L": st.integers(0, 9), "O": st.integers(0, 4)})


def plainest(
    held: list[tuple[str, int, int]],
    used: dict[str, int],
    *,
    emissions: int,
    obligation: int,
    pool: int | None,
) -> dict[int, int]:
    """Every choice is tried; the best total wins, then the most of the oldest lots, by place."""
    order = sorted(range(len(held)), key=lambda i: (held[i][2], i))
    best: tuple[int, tuple[int, ...]] | None = None
    for choice in itertools.product(*(range(held[i][1] + 1) for i in order)):
        by_kind = dict(used)
        for i, tonnes in zip(order, choice, strict=True):
            by_kind[held[i][0]] = by_kind.get(held[i][0], 0) + tonnes
        new, total = sum(choice), sum(by_kind.values())
        ccer = by_kind["L"] + by_kind["O"]
        if by_kind.get("X") or (new and (total * 10 > emissions or total > obligation)):
            continue
        if (pool is not None and new > pool) or 10 * by_kind["L"] < 7 * ccer:
            continue
        best = max(best or (-1, ()), (new, choice))
    return dict(zip(order, best[1], strict=True)) if best else dict.fromkeys(order, 0)


@settings(max_examples=150, deadline=None)
@given(
    held=lots,
    used=used_tonnes,
    emissions=st.integers(0, 260),
    obligation=st.integers(0, 30),
    pool=st.none() | st.integers(0, 20),
)
def test_no_choice_of_lots_uses_more_and_ties_fall_to_the_oldest(
    held: list[tuple[str, int, int]], used: dict[str, int], emissions: int, obligation: int, pool: int | None
) -> None:
    used_lots = [lot(f"u{kind}", KINDS[kind][0], tonnes, **KINDS[kind][1]) for kind, tonnes in used.items()]
    holdings = [
        lot(
            f"{place}",
            KINDS[kind][0],
            tonnes,
            vintage_start=f"{year}-01-01",
            vintage_end=f"{year}-12-31",
            **KINDS[kind][1],
        )
        for place, (kind, tonnes, year) in enumerate(held)
    ]
    more: dict[str, Any] = {} if pool is None else {"pools": {"p": {"remaining_t": pool}}}
    answer = evaluate(case(*holdings, emissions=emissions, obligation=obligation, used=used_lots, **more))
    expected = plainest(held, used, emissions=emissions, obligation=obligation, pool=pool)
    assert answer["usable_t"] == sum(expected.values())
    assert usable(answer) == {str(place): tonnes for place, tonnes in sorted(expected.items())}
    for line, (_, tonnes, _) in zip(answer["lines"], held, strict=True):
        assert line["reasons"] or line["usable_t"] == tonnes, "a lot cut without a reason"
    assert answer == evaluate(
        case(*holdings, emissions=emissions, obligation=obligation, used=used_lots, **more)
    )


NESTED = [
    frozenset[str](),
    frozenset({"all"}),
    frozenset({"all", "left"}),
    frozenset({"all", "left", "in"}),
    frozenset({"all", "right"}),
]
roles: st.SearchStrategy[Role] = st.sampled_from(["of", "free", "rest"])


@settings(max_examples=200, deadline=None)
@given(
    offered=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(NESTED), roles), max_size=4),
    rooms=st.fixed_dictionaries({name: st.integers(0, 12) for name in ("all", "left", "in", "right")}),
    at_least=st.fractions(0, 1, max_denominator=7),
    before=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_nested_limits_with_any_share_are_used_to_the_last_tonne(
    offered: list[tuple[int, frozenset[str], Role]],
    rooms: dict[str, int],
    at_least: Fraction,
    before: tuple[int, int],
) -> None:
    offers = [Offer(str(i), tonnes, limits, role) for i, (tonnes, limits, role) in enumerate(offered)]
    found = choose(
        offers,
        limits=[Limit(name, room) for name, room in rooms.items()],
        share=Share(at_least, of_used_t=before[0], rest_used_t=before[1]),
    )
    best: tuple[int, tuple[int, ...]] | None = None
    for choice in itertools.product(*(range(offer.tonnes + 1) for offer in offers)):
        taken = list(zip(offers, choice, strict=True))
        if any(sum(t for o, t in taken if name in o.limits) > room for name, room in rooms.items()):
            continue
        of = before[0] + sum(t for o, t in taken if o.role == "of")
        rest = before[1] + sum(t for o, t in taken if o.role == "rest")
        if of < at_least * (of + rest):
            continue
        best = max(best or (-1, ()), (sum(choice), choice))
    if best is None:
        assert found is None
    else:
        assert found is not None
        assert tuple(found.values()) == best[1]
