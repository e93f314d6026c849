"""From a file to posted points, on the real database: once, whole, and to the right person."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import intake, ledger, methodologies, programmes
from backend.identity import Role, consent, means, means_token, organisations, people, staff
from backend.intake import reading
from backend.intake.mapping import Mapping, mapping_of
from backend.intake.partitions import ensure_partitions
from backend.kit import clock, ids
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database, TransactionCollided
from backend.kit.settings import Settings
from backend.packs import Library, load_all

SINCE = dt.datetime(2020, 1, 1, tzinfo=SHANGHAI)
HEADER = "trip_id,account_no,started_at,ended_at,distance_m\n"


@dataclass
class City:
    """One programme's source, its riders, and files of their rides."""

    db: Database
    settings: Settings
    library: Library
    folder: Path
    source: str = field(default_factory=lambda: f"bikes-{ids.uuid7().hex[-8:]}")

    @property
    def mapping(self) -> Mapping:
        return mapping_of(self.library.find("bike-share-distance"))

    async def open(self, **facts: object) -> None:
        async with self.db.transaction() as session:
            running = await programmes.register(session, pack=self.library.find("gd-green-travel"))
            source = replace(intake.source_by_mapping(self.source, self.mapping), **facts)  # type: ignore[arg-type]
            await intake.register_source(session, source, programme_id=running.id)

    async def rider(self, account: str, *, right: bool = True) -> UUID:
        async with self.db.transaction() as session:
            (who,) = await people.register_many(session, count=1)
            await self.link(session, who, account)
            if right:
                await consent.assign_right_list(session, participant_ids=[who], covers_from=SINCE)
        return who

    async def link(self, session: object, who: UUID, account: str) -> None:
        await means.link_list(
            session,  # type: ignore[arg-type]
            self.settings.keys,
            kind="bike_account",
            operator="gz-bikes",
            lines=[means.Listed(number=account, participant_id=who, held_from=SINCE)],
            proof_reference="test",
        )

    def file(self, rows: Sequence[str]) -> Path:
        path = self.folder / f"{ids.uuid7().hex}.csv"
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return path

    async def ingest(self, rows: Sequence[str] | Path, *, chunk_rows: int = 1_000_000) -> intake.Summary:
        path = rows if isinstance(rows, Path) else self.file(rows)
        return await intake.ingest(
            self.db,
            self.settings,
            path=path,
            source=self.source,
            mapping=self.mapping,
            library=self.library,
            chunk_rows=chunk_rows,
        )

    async def balances(self, prefix: str) -> dict[str, int]:
        async with self.db.transaction() as session:
            return await ledger.balances_by_code(session, prefix)

    async def points(self, who: UUID) -> int:
        return sum((await self.balances(f"wallet:{who}:")).values())


def ride(account: str, minute: int = 0, *, metres: int = 10_000, day: str = "2026-10-12") -> str:
    start = dt.datetime.fromisoformat(day) + dt.timedelta(minutes=minute)
    return f"T{minute},{account},{start},{start + dt.timedelta(minutes=20)},{metres}"


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    here = City(db, settings, load_all(), tmp_path)
    await here.open()
    return here


@pytest.fixture(scope="module")
async def filed(db: Database, settings: Settings) -> None:
    """The cycling methodology, filed for the province by two people of the authority."""
    pack = load_all().find("cn-shared-bike-km")
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="authority", name_zh="主管部门", name_en="Authority", roles=[Role.AUTHORITY]
        )
        two = [
            await staff.create_staff(
                session,
                settings.keys,
                organisation_code="authority",
                login=login,
                password="a long enough password 7",
                roles=[Role.AUTHORITY],
            )
            for login in ("first", "second")
        ]
        act = await methodologies.propose_filing(
            session,
            pack=pack,
            region="CN-GD",
            valid_from=dt.date(2020, 1, 1),
            proposed_by=two[0].staff.id,
        )
    async with db.transaction() as session:
        await methodologies.approve_filing(
            session, act_id=act.id, approved_by=two[1].staff.id, subject_sha256=act.subject_sha256
        )


async def test_before_the_filing_a_ride_earns_points_and_no_credit(city: City) -> None:
    who = await city.rider("early")
    summary = await city.ingest([ride("early")])
    assert (summary.accepted, summary.grams, summary.points) == (1, 487, 48)
    assert await city.points(who) == 48
    assert (await city.balances("uncredited:gd-green-travel:method_not_filed"))[
        "uncredited:gd-green-travel:method_not_filed"
    ] == 487


@pytest.mark.usefixtures("filed")
class TestFiled:
    """With the methodology filed."""

    async def test_a_linked_ride_with_its_right_assigned_is_pooled_by_its_month(self, city: City) -> None:
        who = await city.rider("a1")
        pool = "pool:gd-green-travel:cn-shared-bike-km:2026-10"
        before = (await city.balances(pool)).get(pool, 0)
        assert (await city.ingest([ride("a1")])).accepted == 1
        assert (await city.balances(pool))[pool] == before + 487
        assert await city.points(who) == 48

    async def test_ten_past_midnight_on_new_years_day_lies_in_january(self, city: City) -> None:
        await city.rider("a2")
        await city.ingest([ride("a2", 10, day="2026-01-01")])
        assert await city.balances("pool:gd-green-travel:cn-shared-bike-km:2026-01") == {
            "pool:gd-green-travel:cn-shared-bike-km:2026-01": 487
        }
        assert not await city.balances("pool:gd-green-travel:cn-shared-bike-km:2025-12")

    @pytest.mark.parametrize(
        ("credit", "facts", "right"),
        [
            ("right_not_assigned", {}, False),
            ("evidence", {"evidence": "receipt_upload"}, True),
            ("covered_boundary", {"covered_boundary": True}, True),
        ],
    )
    async def test_what_may_not_be_credited_earns_points_and_stays_out_of_the_pool(
        self, city: City, credit: str, facts: dict[str, object], right: bool
    ) -> None:
        city = replace(city, source=f"{city.source}-x")
        await city.open(**facts)
        account = f"u-{credit}"
        who = await city.rider(account, right=right)
        code = f"uncredited:gd-green-travel:{credit}"
        before = (await city.balances(code)).get(code, 0)
        await city.ingest([ride(account, 1)])
        assert (await city.balances(code))[code] == before + 487
        assert await city.points(who) == (24 if credit == "evidence" else 48)

    async def test_an_unlinked_act_waits_gets_its_points_when_linked_once_and_never_reaches_the_pool(
        self, city: City
    ) -> None:
        with clock.travel(dt.datetime(2026, 10, 20, tzinfo=SHANGHAI)):
            summary = await city.ingest([ride("late", n * 30) for n in range(3)])
            assert (summary.accepted, summary.waiting, summary.points) == (3, 3, 0)
            pooled = await city.balances("pool:")
            async with city.db.transaction() as session:
                (who,) = await people.register_many(session, count=1)
                await city.link(session, who, "late")
            token = means_token(city.settings.keys, "bike_account", "gz-bikes", "late")
            for expected in (3, 0):
                async with city.db.transaction() as session:
                    claimed = await intake.claim_waiting(session, participant_id=who, token=token)
                assert sum(part.acts for part in claimed) == expected
            assert await city.points(who) == 3 * 48
            assert await city.balances("pool:") == pooled
            async with city.db.transaction() as session:
                acts = await intake.acts_of(session, participant_id=who)
                assert [act.credit for act in acts] == ["unlinked"] * 3
                assert all(act.claimed_at for act in acts)

    async def test_acts_belong_to_whoever_held_the_means_then(self, city: City) -> None:
        first = await city.rider("passed-on")
        turn = dt.datetime(2026, 10, 15, tzinfo=SHANGHAI)
        with clock.travel(turn):
            async with city.db.transaction() as session:
                (holding,) = await means.holdings_of(session, city.settings.keys, participant_id=first)
                await means.close_holding(
                    session, city.settings.keys, participant_id=first, holding_id=holding.id
                )
                ended = clock.now()
        async with city.db.transaction() as session:
            (second,) = await people.register_many(session, count=1)
            await means.link_list(
                session,
                city.settings.keys,
                kind="bike_account",
                operator="gz-bikes",
                lines=[means.Listed(number="passed-on", participant_id=second, held_from=ended)],
                proof_reference="test",
            )
        await city.ingest(
            [ride("passed-on"), ride("passed-on", day="2026-10-16"), ride("passed-on", 60, day="2026-10-16")]
        )
        assert (await city.points(first), await city.points(second)) == (48, 96)


async def test_a_second_run_finds_every_row_a_duplicate_and_moves_nothing(city: City) -> None:
    await city.rider("twice")
    path = city.file([ride("twice", n * 30) for n in range(10)])
    first = await city.ingest(path, chunk_rows=3)
    before = await city.balances("p"), await city.balances("w")
    second = await city.ingest(path)
    assert (first.accepted, first.duplicates) == (10, 0)
    assert (second.accepted, second.duplicates, second.grams, second.points) == (0, 10, 0, 0)
    assert (await city.balances("p"), await city.balances("w")) == before


async def test_the_same_act_twice_in_one_file_is_a_duplicate_and_with_other_facts_a_conflict(
    city: City,
) -> None:
    await city.rider("again")
    summary = await city.ingest([ride("again"), ride("again"), ride("again", metres=9_000)])
    assert (summary.accepted, summary.duplicates, summary.conflicts) == (1, 1, 1)
    async with city.db.transaction() as session:
        refused = [row async for row in intake.refused_rows(session, summary.job_id)]
        kept = (
            await session.execute(
                text("SELECT inputs FROM intake_held WHERE job_id = :job"), {"job": summary.job_id}
            )
        ).scalar_one()
    assert [(row.line, row.code) for row in refused] == [(4, "conflict")]
    assert kept == {"distance_m": 9_000}


async def test_another_source_claiming_the_same_act_is_a_conflict(
    city: City, db: Database, settings: Settings, tmp_path: Path
) -> None:
    await city.rider("shared")
    other = City(db, settings, load_all(), tmp_path)
    await other.open()
    assert (await city.ingest([ride("shared")])).accepted == 1
    theirs = await other.ingest([ride("shared")])
    assert (theirs.accepted, theirs.duplicates, theirs.conflicts) == (0, 0, 1)


async def test_a_run_that_broke_off_goes_on_behind_its_last_chunk(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.rider("broken")
    path = city.file([ride("broken", n * 30) for n in range(9)])
    seen: list[int] = []

    def break_off(chunk: intake.ChunkResult) -> None:
        seen.append(chunk.accepted)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(reading, "BLOCK_BYTES", 150)  # two or three rows a batch
    with pytest.raises(KeyboardInterrupt):
        await intake.ingest(
            city.db, city.settings, path=path, source=city.source, mapping=city.mapping,
            library=city.library, chunk_rows=1, progress=break_off,
        )  # fmt: skip
    assert 0 < sum(seen) < 9
    whole = await city.ingest(path)
    assert (whole.received, whole.accepted, whole.duplicates) == (9, 9, 0)


async def test_two_files_with_the_same_riders_at_once_give_the_sum(city: City) -> None:
    riders = [await city.rider(f"busy{n}") for n in range(5)]
    halves = [
        city.file([ride(f"busy{n % 5}", start + n * 25) for n in range(200)]) for start in (0, 200 * 25)
    ]
    done = await asyncio.gather(*(city.ingest(half, chunk_rows=40) for half in halves))
    assert [summary.accepted for summary in done] == [200, 200]
    assert [await city.points(who) for who in riders] == [80 * 48] * 5


async def test_two_runs_of_one_file_at_once_count_it_once(city: City) -> None:
    await city.rider("race")
    path = city.file([ride("race", n * 30) for n in range(50)])
    done = await asyncio.gather(*(city.ingest(path) for _ in range(2)), return_exceptions=True)
    refused = [result for result in done if isinstance(result, intake.JobRunning)]
    summaries = [result for result in done if isinstance(result, intake.Summary)]
    assert len(refused) + len(summaries) == 2
    assert sum(summary.accepted for summary in summaries) == 50


async def test_earlier_debts_are_repaid_by_what_a_file_earns(city: City) -> None:
    who = await city.rider("debtor")
    await city.ingest([ride("debtor")])
    async with city.db.transaction() as session:
        await programmes.wallets.claw_back(
            session,
            participant_id=who,
            programme="gd-green-travel",
            points=60,
            posting_id=ids.uuid7(),
            happened_at=clock.now(),
        )
    assert await city.points(who) == 0
    await city.ingest([ride("debtor", 60)])
    assert await city.points(who) == 48 - 12
    assert await city.balances(f"debt:{who}:") == {f"debt:{who}:gd-green-travel": 0}


async def test_an_act_explains_how_it_was_computed_and_only_to_its_holder(city: City) -> None:
    who, other = await city.rider("mine"), await city.rider("yours")
    await city.ingest([ride("mine")])
    async with city.db.transaction() as session:
        (act,) = await intake.acts_of(session, participant_id=who)
        told = await intake.explain_act(session, participant_id=who, key=act.key)
        assert (told.act.grams, told.act.activity) == (487, "cycling")
        assert [factor.value for factor in told.explanation.factors] == ["48.7"]
        assert told.basis == ()
        with pytest.raises(intake.ActUnknown):
            await intake.explain_act(session, participant_id=other, key=act.key)
        sums = await intake.sums_of(
            session, participant_id=who, first=dt.date(2026, 10, 12), last=dt.date(2026, 10, 12)
        )
        assert sums == intake.Sums(grams=487, points=48, acts=1)


def test_a_great_circle_distance_says_that_it_is_a_lower_bound() -> None:
    mapping = mapping_of(load_all().find("citibike-2020"))
    notes = mapping.basis_of("cycling")
    assert [note for note in notes if "下限" in note[0] and "lower bound" in note[1]]
    assert [note for note in notes if "stands in" in note[1]]


async def test_a_collision_before_a_chunk_is_whole_stores_no_chunk_twice(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is put in where a partition is made; everything else is the real thing."""
    await city.rider("collided")
    path = city.file([ride("collided", n * 30) for n in range(9)])
    calls = 0

    async def collide_once(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise TransactionCollided
        await ensure_partitions(*arguments)

    monkeypatch.setattr(reading, "BLOCK_BYTES", 150)
    monkeypatch.setattr("backend.intake.pipeline.ensure_partitions", collide_once)
    with pytest.raises(TransactionCollided):
        await city.ingest(path, chunk_rows=1)
    whole = await city.ingest(path)
    assert (whole.received, whole.accepted, whole.duplicates) == (9, 9, 0)
