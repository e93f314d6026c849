"""A changed methodology or programme over stored acts: what it would have meant, and nobody told by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from backend import packs
from backend.intake import simulating
from backend.intake.simulating import Band, Simulation, SimulationTooSmall, WrongKindOfPack, queries
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Pack, load_all
from tests.intake.test_pipeline import City, ride

LIBRARY = load_all()
BIKE = LIBRARY.find("cn-shared-bike-km").text
PROGRAMME = LIBRARY.find("gd-green-travel").text


def changed(text: str, *changes: tuple[str, str]) -> Pack:
    """The pack with its examples' outcomes set to what they then are, as an author would."""
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    pack = packs.parse(text.encode())
    for _ in range(20):
        wrong = [fault for fault in pack.faults if fault.code == "example_failed"]
        if not wrong:
            break
        lines = text.split("\n")
        found = wrong[0].message_en.rpartition("computed ")[2]
        lines[wrong[0].line - 1] = (
            f"out = {{ grams = {found} }}" if found.isdigit() else f'out = {{ error = "{found}" }}'
        )
        text = "\n".join(lines)
        pack = packs.parse(text.encode())
    assert pack.faults == ()
    return pack


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> AsyncIterator[City]:
    """Seven riders of one source, on days that no other test uses: six ride 10 km, the seventh 1 km on a day of its own."""
    here = City(db, settings, LIBRARY, tmp_path)
    await here.open()
    for rider in range(6):
        await here.rider(f"{here.source}-{rider}")
    rows = [ride(f"{here.source}-{n}", n, day="2024-03-05") for n in range(6)]
    rows.append(ride(f"{here.source}-alone", 50, day="2024-04-09", metres=1_000))
    summary = await here.ingest(rows)
    assert (summary.accepted, summary.grams) == (7, 6 * 487 + 48)
    yield here
    async with db.transaction() as session:  # the next test of this module meets no act of this one
        query = text("""
            INSERT INTO action_withdrawn (claim_key, cause, reference, withdrawn_at)
            SELECT a.claim_key, 'withdrawn', gen_random_uuid(), now() FROM action a
            JOIN intake_source s ON s.id = a.source_id WHERE s.code = :code
        """)
        await session.execute(query, {"code": here.source})


async def simulate(
    city: City,
    *tried: Pack,
    overlays: list[Pack] | None = None,
    first: date = date(2024, 3, 1),
    last: date = date(2024, 4, 30),
) -> Simulation:
    async with city.db.transaction() as session:
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        return await simulating.simulate(
            session, tried=tried, library=LIBRARY, overlays=overlays, first=first, last=last
        )


async def test_a_changed_factor_is_shown_in_grams_points_and_people(city: City) -> None:
    half = changed(BIKE, ('value        = "48.7"', 'value        = "24.35"'))
    found = await simulate(city, half)
    assert found.packs == {"cn-shared-bike-km": half.sha256}
    assert (found.people, found.total.acts) == (7, 7)
    assert (found.total.grams_before, found.total.grams_after) == (6 * 487 + 48, 6 * 243 + 24)
    assert (found.total.points_before, found.total.points_after) == (6 * 48 + 4, 6 * 24 + 2)
    assert found.by_points == (
        Band(-99, -1, 7),
    )  # one person who loses 2 points is not told from six who lose 24
    assert [(group.month, group.sums.acts) for group in found.groups] == [("", 7)]
    assert found.refused == {}


async def test_a_methodology_that_refuses_says_why_and_for_how_many(city: City) -> None:
    shorter = changed(BIKE, ("max = 100000", "max = 5000"))
    found = await simulate(city, shorter)
    assert found.refused == {"above_maximum": 6}
    assert found.total.grams_after == 48


async def test_an_input_that_is_held_otherwise_is_carried_over_exactly(city: City) -> None:
    in_km = changed(
        BIKE,
        (
            'type = "uint", unit = "m", min = 0, max = 100000',
            'type = "decimal", places = 2, unit = "km", min = "0", max = "100"',
        ),
        ("distance_m = 1000 }", 'distance_m = "1" }'),
        ("distance_m = 10000 }", 'distance_m = "10" }'),
        ("distance_m = 20 }", 'distance_m = "0.02" }'),
        ("distance_m = 21 }", 'distance_m = "0.03" }'),
        ("distance_m = 100000 }", 'distance_m = "100" }'),
        ("distance_m = 100001 }", 'distance_m = "100.01" }'),
    )
    found = await simulate(city, in_km)
    assert found.total.grams_after == found.total.grams_before


async def test_a_changed_programme_leaves_grams_and_changes_points_and_their_liability(city: City) -> None:
    double = changed(
        PROGRAMME.replace("points = 48 }", "points = 97 }").replace("points = 1 }", "points = 2 }"),
        ('id          = "cycling"\nmethodology = "cn-shared-bike-km"\nactivity    = "cycling"\nper         = "gram"\npoints      = "1/10"',
         'id          = "cycling"\nmethodology = "cn-shared-bike-km"\nactivity    = "cycling"\nper         = "gram"\npoints      = "1/5"'),
        ('out = { points = 0 }\n\n[[example]]\nwhy = "10 g', 'out = { points = 1 }\n\n[[example]]\nwhy = "10 g'),
        ("points = 24 }", "points = 48 }"),
        ("expires_after_months = 24", "expires_after_months = 1200"),
        ("expires_on = 2020-08-31", "expires_on = 2118-08-31"),
        ("expires_on = 2020-02-29", "expires_on = 2118-02-28"),
    )  # fmt: skip
    found = await simulate(city, double)
    assert found.total.grams_after == found.total.grams_before
    assert (found.total.points_before, found.total.points_after) == (6 * 48 + 4, 6 * 97 + 9)
    assert found.liability == 6 * 49 + 5
    assert found.by_points == (Band(1, 99, 7),)
    assert found.by_grams == (Band(0, 0, 7),)


async def test_a_period_with_fewer_than_five_people_is_refused(city: City) -> None:
    with pytest.raises(SimulationTooSmall):
        await simulate(city, LIBRARY.find("cn-shared-bike-km"), first=date(2024, 4, 1))
    nobody = await simulate(
        city, LIBRARY.find("cn-shared-bike-km"), first=date(2024, 5, 1), last=date(2024, 5, 31)
    )
    assert (nobody.people, nobody.total.acts, nobody.groups) == (0, 0, ())


async def test_the_same_pack_changes_nothing_and_an_overlay_cannot_be_tried(city: City) -> None:
    found = await simulate(city, LIBRARY.find("cn-shared-bike-km"), LIBRARY.find("gd-green-travel"))
    assert found.total.grams_after == found.total.grams_before
    assert found.total.points_after == found.total.points_before
    assert found.by_points == (Band(0, 0, 7),)
    with pytest.raises(WrongKindOfPack):
        await simulate(city, LIBRARY.find("demo-city"))


async def test_pages_of_two_acts_give_what_one_page_gives(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = changed(BIKE, ('value        = "48.7"', 'value        = "24.35"'))
    whole = await simulate(city, half)
    monkeypatch.setattr(queries, "PAGE_ROWS", 2)
    assert await simulate(city, half) == whole


async def test_tiers_that_an_overlay_sets_are_tried_and_a_campaign_is_told_apart(city: City) -> None:
    folder = Path(__file__).parents[1] / "programmes"
    ninth, demo = (
        (folder / name)
        .read_text("utf-8")
        .replace("zs-green-way", "gd-green-travel")
        .replace("zs-operator", "gd-operator")
        .replace("2026-01-01", "2024-01-01")
        .replace("2026-09-22", "2024-03-05")
        for name in ("ninth.toml", "ninth-demo.toml")
    )
    pack, overlay = packs.parse(ninth.encode()), packs.parse(demo.encode())
    found = await simulate(city, pack, overlays=[overlay])
    assert (found.total.points_before, found.total.points_after) == (6 * 48 + 4, 6 * 3 + 1)
    assert found.campaigns == {"car-free-day": 6 * 3}
    bare = await simulate(city, pack)  # it runs by no overlay, and nothing is guessed
    assert bare.refused == {"packs.unknown_parameter": 7}
    assert (bare.total.points_after, bare.campaigns) == (0, {})
    few = packs.parse(ninth.replace("2024-03-05", "2024-04-09").encode())
    assert (
        await simulate(city, few, overlays=[overlay])
    ).campaigns == {}  # one person's campaign is not told
