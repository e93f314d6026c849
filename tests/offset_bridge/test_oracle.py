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


# --- whole cases: every fact of a lot, every year, settings known and unknown ---------------------------------------

HYDRO, FOSSIL, WASTE = ("hydro", "hydro-small"), ("coal-power", "gas-heat"), ("waste-heat",)
TYPES = ("forestry", "wind", "coal-bed-methane", "inclusion", *HYDRO, *FOSSIL, *WASTE)
GASES = {
    "all": {"CO2": "1"},
    "half": {"CO2": "0.3", "CH4": "0.2", "N2O": "0.5"},
    "less": {"CH4": "0.49", "SF6": "0.51"},
}

facts = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["CCER", "CCER", "CCER", "PHCER", "PHCER", "GZCER", "GDEA", "SZEA"]),
        "tonnes": st.integers(0, 4),
        "project_region": st.sampled_from(["CN-GD", "CN-GD-GZ", "CN-GD-SZ", "CN-YN"]),
        "project_type": st.sampled_from(TYPES),
        "gases": st.sampled_from(["all", "all", "half", "less"]),
        "filed": st.sampled_from([True, True, True, False]),
        "own_boundary": st.sampled_from([False, False, False, True]),
        "covered_boundary": st.sampled_from([False, False, False, True]),
        "ccer_category": st.sampled_from([None, None, None, "pre-CDM"]),
        "year": st.integers(2012, 2014),
    }
)
used_facts = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["CCER", "CCER", "PHCER", "GDEA"]),
        "tonnes": st.integers(0, 3),
        "project_region": st.sampled_from(["CN-GD-GZ", "CN-GD-SZ", "CN-YN"]),
    }
)
Facts = dict[str, Any]


def may_be_used(one: Facts, year: int) -> bool:
    """The handbook's table and the notice of 2021, written down once more as plainly as can be."""
    if one["unit"] not in ("CCER", "PHCER") or not one["filed"]:
        return False
    if one["own_boundary"] or one["covered_boundary"]:
        return False
    if year == 2021:
        return True
    if one["unit"] == "PHCER":
        return str(one["project_region"]).startswith("CN-GD")
    if one["project_type"] in (*HYDRO, *FOSSIL, *WASTE) or one["ccer_category"]:
        return False
    return one["gases"] in ("all", "half")


def best_use(
    held: list[Facts], used: list[Facts], *, year: int, cap: int | None, room: list[int], inside: bool
) -> list[int]:
    """Every choice is tried. `room` are limits on the new tonnes; `inside`: Shenzhen is within the province."""
    order = sorted(range(len(held)), key=lambda i: (held[i]["year"], i))

    def local(one: Facts) -> bool:
        region = one["project_region"]
        return region in ("CN-GD", "CN-GD-GZ") or (inside and region == "CN-GD-SZ")

    def tonnes(chosen: list[tuple[Facts, int]], want_local: bool | None) -> int:
        return sum(
            t
            for one, t in chosen
            if one["unit"] == "CCER" and (want_local is None or local(one) == want_local)
        )

    before = [(one, int(one["tonnes"])) for one in used]
    offsets_before = sum(t for one, t in before if one["unit"] != "GDEA")
    best: tuple[int, tuple[int, ...]] | None = None
    most = [held[i]["tonnes"] if may_be_used(held[i], year) else 0 for i in order]
    for choice in itertools.product(*(range(m + 1) for m in most)):
        new = sum(choice)
        together = before + [(held[i], t) for i, t in zip(order, choice, strict=True)]
        if any(new > limit for limit in room) or (new and cap is not None and new + offsets_before > cap):
            continue
        if year != 2021 and 10 * tonnes(together, want_local=True) < 7 * tonnes(together, want_local=None):
            continue
        best = max(best or (-1, ()), (new, choice))
    taken = dict(zip(order, best[1], strict=True)) if best else dict.fromkeys(order, 0)
    return [taken[i] for i in range(len(held))]


def expected_of(
    held: list[Facts],
    used: list[Facts],
    *,
    year: int,
    emissions: int,
    obligation: int,
    pool: int | None,
    setting: bool | None,
) -> list[int] | str:
    """The tonnes of each lot, or the code of the error."""  # fmt: skip
    if year not in (2016, 2017, 2018, 2021):
        return "no_edition"
    room = [max(0, obligation - sum(one["tonnes"] for one in used)), *([] if pool is None else [pool])]
    cap = None if year == 2021 else emissions // 10
    tried = [
        best_use(held, used, year=year, cap=cap, room=room, inside=inside)
        for inside in ((False, True) if setting is None else (setting,))
    ]
    if any(one != tried[0] for one in tried) or (cap is None and any(tried[0])):
        return "unknown_parameter"
    return tried[0]


@settings(max_examples=400, deadline=None)
@given(
    held=st.lists(facts, max_size=3),
    used=st.lists(used_facts, max_size=3),
    year=st.sampled_from([2015, 2016, 2017, 2018, 2018, 2018, 2019, 2020, 2021, 2022]),
    emissions=st.integers(0, 150),
    obligation=st.integers(0, 16),
    pool=st.none() | st.integers(0, 10),
    setting=st.sampled_from([None, True, False]),
)
def test_whole_cases_come_out_as_the_plainest_reading_of_the_table(
    *, held: list[Facts], used: list[Facts], year: int, emissions: int, obligation: int, pool: int | None,
    setting: bool | None,
) -> None:  # fmt: skip
    def written(place: int, one: Facts) -> dict[str, object]:
        given_facts = {
            name: value for name, value in one.items() if name not in ("unit", "tonnes", "year", "gases")
        }
        if one["ccer_category"] is None:
            del given_facts["ccer_category"]
        day = f"{one['year']}-01-01"
        return lot(
            f"{place}", one["unit"], one["tonnes"], gases=GASES[one["gases"]], vintage_start=day,
            vintage_end=f"{one['year']}-12-31", **given_facts,
        )  # fmt: skip

    used_lots = [
        lot(f"u{place}", one["unit"], one["tonnes"], project_region=one["project_region"])
        for place, one in enumerate(used)
    ]
    more: dict[str, Any] = {} if pool is None else {"pools": {"p": {"remaining_t": pool}}}
    if setting is not None:
        more["parameters"] = {"gd_local_includes_sz": setting}
    asked = case(
        *(written(place, one) for place, one in enumerate(held)),
        emissions=emissions,
        obligation=obligation,
        used=used_lots,
        compliance_year=year,
        **more,
    )
    answer = evaluate(asked)
    expected = expected_of(
        held, used, year=year, emissions=emissions, obligation=obligation, pool=pool, setting=setting
    )
    if isinstance(expected, str):
        assert answer["error"]["code"] == expected
        return
    assert [line["usable_t"] for line in answer["lines"]] == expected
    for line, one in zip(answer["lines"], held, strict=True):
        assert line["reasons"] or line["usable_t"] == one["tonnes"], "tonnes refused without a reason"
        assert all(reason["source"] for reason in line["reasons"])
    codes = {warning["code"] for warning in answer["warnings"]}
    assert ("no-pool-listed" in codes) is (year not in (2017, 2021))
    assert ("pool-not-in-pack" in codes) is (pool is not None)
