"""A programme's file of format 2: what it may say, every fault by its line, and what overlays may set in it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from backend import packs, programmes
from backend.packs import OverlayOversteps, PackFaulty, ParameterUnknown, overlay_of
from backend.packs.figures import UNKNOWN
from backend.programmes import reckoning, settled
from backend.programmes.features import Season
from backend.programmes.paths import values_of
from backend.programmes.rules import Programme, YearEnd
from backend.programmes.shape import programme_of
from tests.programmes.sections import OVERLAY, PROGRAMME, edited

LIBRARY = packs.load_all()


def test_every_section_becomes_a_feature() -> None:
    programme = programme_of(edited(PROGRAMME))
    features = programme.features
    assert (programme.expires_after_months, programme.year_end) == (None, YearEnd(12, 31, 1))
    spring = features.seasons[0]
    assert isinstance(spring, Season)
    assert programme.earns[0].seasons == (spring,)
    assert programme.earns[1].points == UNKNOWN
    assert [tier.at_least for tier in programme.earns[2].tiers] == [5000, 10000]
    assert features.budget is not None
    assert (features.budget.amount, features.budget.floor) == (Fraction(1_000_000), 1000)
    assert [level.of for level in features.levels] == ["points", "leaf", "tree"]
    assert features.rewards[1].prizes[0].count == 1
    assert features.rewards[3].protects_hours == UNKNOWN
    assert features.smallest_group == 7
    assert features.redeem.matures_after_days == Fraction(14)
    assert features.redeem.refund_within_days == Fraction(7)
    assert features.on("collecting")
    assert not features.on("teams")


def test_a_file_of_format_1_means_what_it_meant() -> None:
    programme = programme_of(LIBRARY.find("gd-green-travel"))
    assert programme.features.switches == {"earning"}
    assert programme.expires_after_months == 24
    text = LIBRARY.find("gd-green-travel").text
    later = packs.parse((text + "\n[switches]\nlevels = true\n").encode())
    assert [fault.code for fault in later.faults] == ["unknown_key"]


def test_switches_that_are_left_out_are_off_and_without_them_a_programme_only_earns() -> None:
    start, end = PROGRAMME.index("[switches]"), PROGRAMME.index("[points]")
    bare = edited(PROGRAMME, (PROGRAMME[start:end], ""))
    assert programme_of(bare).features.switches == {"earning"}
    off = edited(PROGRAMME, ("earning      = true", "earning      = false"))
    assert programme_of(off).earn_rule(methodology="cn-shared-bike-km", activity="cycling") is None


# What is replaced by what, the key that is named, the code.
FAULTS = [
    ('activities = ["cycling"]', 'activities = ["flying"]', "task[0].activities[0]", "bad_reference"),
    ('of       = "leaf"', 'of       = "leave"', "level[1].of", "bad_reference"),
    ('of       = "leaf"', 'of       = "forest"', "level[1].of", "name_cycle"),
    ('of       = "points"', 'of       = "leaf"', "level[0].of", "name_cycle"),
    ("last       = 2024-05-31", "last       = 2027-05-31", "campaign[0].last", "inconsistent"),
    ("last       = 2024-05-31", "last       = 2024-04-30", "campaign[0].last", "bad_order"),
    ('merchant = "teahouse"', 'merchant = "tea-house"', "reward[0].merchant", "bad_reference"),
    ('at_least = "10000"', 'at_least = "5000"', "earn[2].tiers[1].at_least", "bad_order"),
    ('seasons     = ["spring"]', 'seasons     = ["sprung"]', "earn[0].seasons[0]", "bad_reference"),
    ("floor  = 1000", "floor  = 1000001", "budget.floor", "inconsistent"),
    ('share           = "unknown"', 'share           = "1.01"', "sharing.share", "out_of_range"),
    ("collect_within_hours = 72", "collect_within_hours = 71", "claim.collect_within_hours", "inconsistent"),
    ('expires_on = "12-31"', 'expires_on = "02-29"', "points.expires_on", "inconsistent"),
    ('expires_on = "12-31"', "expires_after_months = 3", "points.expires_after_months", "unknown_key"),
    ('count      = "5"', 'count      = "5.5"', "task[0].count", "not_whole"),
    ('multiplier = "2"', 'multiplier = "0.5"', "campaign[0].multiplier", "out_of_range"),
    ('matures_after_days   = "14"', 'matures_after_days   = "-1"', "redeem.matures_after_days", "out_of_range"),
    ("smallest = 7", "smallest = 4", "groups.smallest", "out_of_range"),
    ("levels       = true", "teleports    = true", "switches.teleports", "unknown_key"),
    ('kind     = "goods"', 'kind     = "prop"', "reward[0].merchant", "unknown_key"),
    ('kind     = "goods"', 'kind     = "gods"', "reward[0].kind", "not_allowed"),
    ('by       = "person"', 'by       = "team"', "board[0].by", "inconsistent"),
    ('multiplier = "2"', "multiplier = 2", "campaign[0].multiplier", "bad_figure"),
    ("out = { points = 48 }", "out = { points = 49 }", "example[0].out", "example_failed"),
    ("steps = 4999", "step = 4999", "example[4].in.step", "unknown_key"),
    ('parameter = "level.forest.count"', 'parameter = "level.tree.count"', "example[9].out", "example_failed"),
    ('in  = { earn = "bus", evidence = "operator_feed" }', 'in  = { earn = "buss" }', "example[2].in.earn", "bad_reference"),
    ('in  = { earn = "bus",', 'in  = { earn = "bike", grams = 9, on = 2024-03-01,', "earn[1]", "no_example"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "code"), FAULTS)
def test_a_fault_is_named_with_its_line_and_key(old: str, new: str, key: str, code: str) -> None:
    pack = edited(PROGRAMME, (old, new))
    named = {(fault.key, fault.code): fault.line for fault in pack.faults}
    assert (key, code) in named, pack.faults
    assert all(fault.message_zh and fault.message_en for fault in pack.faults)
    line = pack.text.splitlines()[named[key, code] - 1]
    assert new.strip() in line or key in ("earn[1]", "example[9].out", "reward[0].merchant"), line


def test_a_switch_without_its_section_and_seasons_that_overlap_are_named() -> None:
    start, end = PROGRAMME.index("[[achievement]]"), PROGRAMME.index("[referral]")
    again = '[[season]]\nid = "may"\ntitle_zh = "五月"\ntitle_en = "May"\nfirst = 2024-05-31\nlast = 2024-06-30\n\n[[earn]]'
    pack = edited(
        PROGRAMME, (PROGRAMME[start:end], ""), ('[[earn]]\nid          = "bike"', again + '\nid = "bike"')
    )
    assert [(fault.key, fault.code) for fault in pack.faults] == [
        ("switches.achievements", "no_section"),
        ("season[1].first", "span_overlap"),
    ]


def test_many_faults_are_found_in_one_pass() -> None:
    pack = edited(PROGRAMME, *((old, new) for old, new, key, _ in FAULTS[4:11] if key != "campaign[0].last"))
    assert len({fault.line for fault in pack.faults}) >= 5


def test_references_to_methodologies_and_their_inputs_are_looked_up() -> None:
    def found(*changes: tuple[str, str]) -> list[tuple[str, str]]:
        pack = edited(PROGRAMME, *changes)
        assert not pack.faults
        faults = packs.check_references(packs.gather([pack]), beside=LIBRARY)
        return [(fault.key, fault.code) for fault in faults]

    assert found() == []
    changed = ('input       = "steps"', 'input       = "day_at"')
    assert found(changed, ("steps = 4999", "day_at = 4999"), ("steps = 10000", "day_at = 10000")) == [
        ("earn[2].input", "inconsistent")
    ]
    assert found(('"bj-bus-act"', '"bj-bus-acts"')) == [("earn[1].methodology", "bad_reference")]


def test_every_figure_has_a_path() -> None:
    values = values_of(edited(PROGRAMME).data)
    assert [name for name, value in values.items() if value == UNKNOWN] == [
        "evidence.self_report.weight",
        "earn.bus.points",
        "sharing.share",
        "level.forest.count",
        "reward.shield.protects_hours",
    ]
    assert values["earn.steps.tiers.0.at_least"] == "5000"
    assert {
        "budget.amount",
        "referral.to_referrer",
        "campaign.double-may.multiplier",
        "task.five-rides.points",
    } <= set(values)


def test_the_bare_pack_refuses_what_the_overlay_sets_and_the_settled_one_says_who_set_it() -> None:
    pack, overlay = edited(PROGRAMME), overlay_of(packs.parse(OVERLAY.encode()))
    bare, whole = settled.settle(pack), settled.settle(pack, [overlay])
    with pytest.raises(ParameterUnknown) as refused:
        reckoning.counts_of(bare.features.levels, points=640, pack=bare.id)
    assert refused.value.parameter == "level.forest.count"
    assert reckoning.counts_of(whole.features.levels, points=640, pack=bare.id) == {
        "leaf": 64,
        "tree": 16,
        "forest": 4,
    }
    assert bare.features.overlays == {}
    assert set(whole.features.overlays.values()) == {"two-nine-demo"}
    assert set(whole.features.overlays) == {
        name for name, value in values_of(pack.data).items() if value == UNKNOWN
    }
    assert whole.weights["self_report"] == 0
    assert whole.sha256 == bare.sha256


@pytest.mark.parametrize(
    ("change", "key", "code"),
    [
        (("level.forest.count", "level.leaf.count"), "set[2].parameter", "figure_known"),
        (("level.forest.count", "level.wood.count"), "set[2].parameter", "bad_reference"),
        (("level.forest.count", "earn.steps.tiers.2.points"), "set[2].parameter", "bad_reference"),
        (('value     = "0.3"', 'value     = "1.3"'), "set[3].value", "not_fit"),
        (('value     = "24"', 'value     = "24.5"'), "set[4].value", "not_fit"),
    ],
)
def test_an_overlay_sets_only_what_is_there_and_unknown_and_fits(
    change: tuple[str, str], key: str, code: str
) -> None:
    pack, overlay = edited(PROGRAMME), edited(OVERLAY, change)
    assert not overlay.faults
    found = packs.check_references(packs.gather([overlay, pack]), beside=LIBRARY)
    assert [(fault.key, fault.code) for fault in found] == [(key, code)]
    with pytest.raises((OverlayOversteps, programmes.OverlayMisses, PackFaulty)):
        settled.settle(pack, [overlay_of(overlay)])


def test_tiers_that_an_overlay_sets_have_to_rise() -> None:
    pack = edited(
        PROGRAMME,
        ('at_least = "5000"', 'at_least = "unknown"'),
        (
            'out = { points = 0 }\n\n[[example]]\nwhy = "only',
            'out = { error = "packs.unknown_parameter" , parameter = "earn.steps.tiers.0.at_least" }\n\n[[example]]\nwhy = "only',
        ),
        (
            "out = { points = 2 }",
            'out = { error = "packs.unknown_parameter" , parameter = "earn.steps.tiers.0.at_least" }',
        ),
    )
    assert not pack.faults, pack.faults
    more = '\n[[set]]\npack = "two-nine"\nparameter = "earn.steps.tiers.0.at_least"\nvalue = "10001"\n'
    overlay = packs.parse((OVERLAY + more).encode())
    found = packs.check_references(packs.gather([overlay, pack]), beside=LIBRARY)
    assert [(fault.key, fault.code) for fault in found] == [("set[0].value", "not_fit")]


def test_two_overlays_do_not_set_the_same_figure() -> None:
    pack, one = edited(PROGRAMME), overlay_of(packs.parse(OVERLAY.encode()))
    other = overlay_of(edited(OVERLAY, ('"two-nine-demo"', '"another-demo"')))
    with pytest.raises(OverlayOversteps):
        settled.settle(pack, [one, other])


def test_a_methodologys_parameter_still_needs_its_unit() -> None:
    overlay = edited(OVERLAY, ('"earn.bus.points"', '"points"'))
    assert [(fault.key, fault.code) for fault in overlay.faults] == [("set[0].unit", "missing_key")]


def test_claim_windows_and_year_ends_count_shanghai_days() -> None:
    programme: Programme = programme_of(edited(PROGRAMME))
    claim = programme.features.claim
    assert claim is not None
    assert reckoning.ripe_on(claim, dt.date(2024, 12, 31)) == dt.date(2025, 1, 1)
    assert reckoning.collect_until(claim, dt.date(2024, 12, 31)) == dt.date(2025, 1, 3)
