"""The list of all patterns."""

from __future__ import annotations

from simulation.fraud import farmed, replays, spoofed
from simulation.fraud.pattern import Pattern

_BIKES = ("bikes",)

PATTERNS = (
    Pattern("replay_shifted", "改时重放", "the same ride, moved in time", _BIKES, replays.shifted),
    Pattern("replay_other_id", "换号重放", "the same ride, another number", _BIKES, replays.other_number),
    Pattern(
        "replay_second_partner",
        "换合作方重放",
        "the same ride by a second partner",
        ("bikes", "more_bikes"),
        replays.second_partner,
    ),
    Pattern("overlap", "同时两处", "two systems at once", ("bikes", "card"), replays.two_at_once),
    Pattern("lent_card", "借卡", "a lent card across the city", ("bikes", "card"), replays.metro_elsewhere),
    Pattern("spoof_fast", "过快", "too fast for legs", _BIKES, spoofed.too_fast),
    Pattern("spoof_teleport", "瞬移", "teleports between rides", _BIKES, spoofed.teleports),
    Pattern("spoof_straight", "直线匀速", "ruled lines at one speed", _BIKES, spoofed.ruled_lines),
    Pattern("spoof_zero", "原地开关锁", "rides that go nowhere", _BIKES, spoofed.going_nowhere),
    Pattern("steps_still", "原地摇步", "steps without distance", ("walker",), spoofed.swung_still),
    Pattern("steps_cadence", "摇步过快", "more steps than legs make", ("walker",), spoofed.swung_fast),
    Pattern("farm_device", "一机多号", "many accounts on one phone", _BIKES, farmed.one_phone),
    Pattern("farm_burst", "短时刷量", "bursts of one account", _BIKES, farmed.bursts),
    Pattern("farm_ring", "多机轮换", "accounts and phones in a ring", _BIKES, farmed.hand_to_hand),
)
