"""Files that go wrong: every bad row is told by line, field and reason, and takes no good row with it."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from backend.intake.claims import claim_keys, shanghai_days
from backend.intake.errors import ROW_REASONS, FileUnreadable, HeaderMismatch
from backend.intake.mapping import mapping_of
from backend.intake.reading import read_rows
from backend.intake.rows import RowFault
from backend.intake.values import filled, great_circle_m, read_quantities, read_times
from backend.kit.clock import SHANGHAI
from backend.kit.settings import Keys
from backend.packs import Library
from tests.intake.conftest import HEADER, Convert, ride


def file(*rows: str, end: str = "\n") -> bytes:
    return (end.join([HEADER, *rows]) + end).encode()


def told(faults: list[RowFault]) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.field, fault.code) for fault in faults]


def test_a_sound_file_is_read_whole(convert: Convert) -> None:
    assert convert(file(ride(1), ride(2))) == (2, [])


def test_a_bom_and_crlf_change_nothing(convert: Convert) -> None:
    assert convert(b"\xef\xbb\xbf" + file(ride(1), ride(2), end="\r\n")) == (2, [])


def test_a_wrong_header_names_what_is_missing(convert: Convert) -> None:
    with pytest.raises(HeaderMismatch) as refused:
        convert(file(ride(1)).replace(b"started_at", b"started"))
    assert refused.value.missing == "started_at"


def test_a_doubled_column_is_refused(convert: Convert) -> None:
    with pytest.raises(HeaderMismatch) as refused:
        convert(file().replace(b"member_casual", b"ride_id"))
    assert refused.value.doubled == "ride_id"


@pytest.mark.parametrize("content", [b"", b"\n", b"\x00\x01\x02", b'"'])
def test_a_file_without_a_header_is_refused(convert: Convert, content: bytes) -> None:
    with pytest.raises(HeaderMismatch):
        convert(content)


def test_a_missing_file_is_refused(library: Library, tmp_path: Path) -> None:
    mapping = mapping_of(library.find("citibike-2021"))
    with pytest.raises(FileUnreadable):
        list(read_rows(tmp_path / "none", file_type="csv", encoding="utf-8", columns=mapping.columns))


def test_gbk_bytes_refuse_their_row_only(convert: Convert) -> None:
    bad = ride(2).replace("South", "南站").encode("gb18030")
    content = file(ride(1)) + bad + b"\n" + (ride(3) + "\n").encode()
    assert convert(content) == (2, [RowFault(3, "end_station_name", "encoding")])


def test_a_truncated_last_line_is_refused_alone(convert: Convert) -> None:
    kept, faults = convert(file(ride(1), ride(2))[:-60])
    assert (kept, told(faults)) == (1, [(3, "", "columns")])


def test_a_last_line_without_its_newline_is_kept(convert: Convert) -> None:
    assert convert(file(ride(1), ride(2))[:-1]) == (2, [])


def test_a_quoted_newline_is_part_of_its_row_and_lines_still_count(convert: Convert) -> None:
    two_lines = ride(1).replace("North, 1", "North\n1")
    late = ride(3, started="2021-02-03 08:20:00")
    kept, faults = convert(file(two_lines, ride(2), late))
    assert (kept, told(faults)) == (2, [(5, "ended_at", "not_after")])


def test_an_open_quote_takes_no_other_line_with_it(convert: Convert) -> None:
    open_quote = ride(2).replace('"North, 2"', '"North 2')
    kept, faults = convert(file(ride(1), open_quote, ride(3), ride(4)))
    assert kept == 3
    assert [fault.line for fault in faults] == [3]


def test_blank_lines_are_no_rows(convert: Convert) -> None:
    assert convert(file(ride(1), "", ride(2), "")) == (2, [])


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ("2021-02-03 08:00:00", "1970-01-01 00:00:00", "started_at", "outside_programme_dates"),
        ("2021-02-03 08:00:00", "2999-01-01 00:00:00", "started_at", "in_the_future"),
        ("2021-02-03 08:00:00", "yesterday", "started_at", "not_a_time"),
        ("2021-02-03 08:00:00", "2021-02-30 08:00:00", "started_at", "not_a_time"),
        ("2021-02-03 08:00:00", "2021-02-03", "started_at", "not_a_time"),
        ("2021-02-03 08:00:00", "", "started_at", "missing"),
        ("2021-02-03 08:10:00", "2021-02-03 07:59:59", "ended_at", "not_after"),
        ("40.72", "-940.72", "start_lat", "not_coordinates"),
        ("40.72", "nan", "start_lat", "not_coordinates"),
        ("40.72", "inf", "start_lat", "not_coordinates"),
        ("40.72", "north", "start_lat", "not_coordinates"),
        ("40.72", "", "start_lat", "missing"),
        ("40.72", "-40.72", "start_lat", "above_maximum"),
        ("-74.04", "east", "start_lng", "not_coordinates"),
        ("40.73", "", "end_lat", "missing"),
        ("R000002", "", "ride_id", "missing"),
        ("R000002", "R" * 500, "ride_id", "too_long"),
    ],
)
def test_a_bad_value_is_told_by_line_field_and_reason(
    convert: Convert, old: str, new: str, field: str, code: str
) -> None:
    kept, faults = convert(file(ride(1), ride(2).replace(old, new, 1), ride(3)))
    assert (kept, told(faults)) == (2, [(3, field, code)])
    assert code in ROW_REASONS


def test_a_ride_in_the_future_is_refused(convert: Convert) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    row = ride(
        2,
        started=later.strftime("%Y-%m-%d %H:%M:%S"),
        ended=(later + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S"),
    )
    kept, faults = convert(file(ride(1), row))
    assert (kept, told(faults)) == (1, [(3, "started_at", "in_the_future")])


def test_a_row_that_no_rule_takes_is_refused(convert: Convert) -> None:
    header = "deal_date,close_date,card_no,deal_value,deal_type,company_name,car_no,station,conn_mark,deal_money,equ_no"
    tap = "2018-08-31 22:14:50,2018-09-01 00:00:00,CARD1,0,{},line,car,station,0,0,1"
    content = "\n".join([header, tap.format("巴士"), tap.format("轮渡"), tap.format("地铁入站"), ""]).encode()
    kept, faults = convert(content, mapping="shenzhen-cards-2018")
    assert (kept, told(faults)) == (1, [(3, "deal_type", "no_rule")])


def test_ndjson_rows_are_refused_one_by_one(convert: Convert) -> None:
    good = (
        '{"ride_id":"R1","started_at":"2021-02-03T08:00:00-05:00","ended_at":"2021-02-03T08:10:00-05:00",'
        '"start_lat":40.72,"start_lng":-74.04,"end_lat":"40.73","end_lng":-74.04}'
    )
    lines = [good, "{", "[]", good.replace("40.72", "NaN"), good.replace('"R1"', '["R1"]'), "", good]
    kept, faults = convert("\n".join(lines).encode(), file_type="ndjson")
    assert kept == 2
    assert told(faults) == [
        (2, "", "json"),
        (3, "", "not_an_object"),
        (4, "", "json"),
        (5, "ride_id", "not_a_value"),
    ]


def test_parquet_gives_the_same_rows_as_csv(convert: Convert, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows = list(csv.DictReader(io.StringIO(file(ride(1), ride(2)).decode())))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rides.parquet")
    assert convert((tmp_path / "rides.parquet").read_bytes(), file_type="parquet") == (2, [])


def test_reading_behind_a_line_gives_exactly_the_rest(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "rides.csv"
    path.write_bytes(file(*(ride(n) for n in range(20))))
    mapping = mapping_of(library.find("citibike-2021"))
    batches = list(read_rows(path, file_type="csv", encoding="utf-8", columns=mapping.columns, after_line=8))
    assert [line for batch in batches for line in batch.lines.tolist()] == list(range(9, 22))
    assert batches[0].columns["ride_id"][0].as_py() == "R000007"


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_loses_no_sound_row(convert: Convert, seed: int) -> None:
    """Lines are damaged at random; every undamaged line is kept, unless an open quote legally joined it to another."""
    chance = random.Random(seed)
    rows = [ride(n) for n in range(60)]
    damaged = set(chance.sample(range(60), 9))
    for n in damaged:
        place = chance.randrange(len(rows[n]))
        rows[n] = rows[n][:place] + chance.choice(["\x00", "é", ",", ";", "\t", "x"]) + rows[n][place + 1 :]
    kept, faults = convert(file(*rows))
    assert kept + len(faults) == 60
    assert {fault.line - 2 for fault in faults} <= damaged


def test_ten_past_midnight_on_new_years_day_in_shanghai_lies_in_january() -> None:
    values, bad = read_times(pa.array(["2021-01-01 00:10:00"]), SHANGHAI)
    assert not bad
    assert date(1970, 1, 1) + timedelta(days=int(shanghai_days(values)[0])) == date(2021, 1, 1)
    assert datetime.fromtimestamp(int(values[0]) / 1e6, UTC) == datetime(2020, 12, 31, 16, 10, tzinfo=UTC)


def test_the_quick_and_the_careful_reading_of_times_agree() -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("America/New_York")
    plain = [
        "2021-03-14 01:59:59",
        "2021-03-14 03:00:00",
        "2021-11-07 01:30:00",
        "2021-07-01 12:00:00.123456",
    ]
    quick, _ = read_times(pa.array(plain), zone)
    careful, _ = read_times(pa.array([*plain, "x"]), zone)
    assert quick.tolist() == careful.tolist()[:4]


def test_decimals_become_whole_units_without_a_float() -> None:
    values, bad = read_quantities(
        filled(pa.array(["0.1", "1.2345", " ", "1e3", "nan", "-0.5"])), Fraction(1000)
    )
    assert values.tolist()[:2] == [100, 1234]
    assert values[3] == 1_000_000
    assert values[5] == -500
    assert bad == {4: "not_a_number"}


def test_a_degree_of_latitude_is_a_hundred_and_eleven_kilometres() -> None:
    found, _ = great_circle_m([pa.array([text]) for text in ("0", "0", "1", "0")])
    assert 111_000 < int(found[0]) < 111_400


def test_claim_keys_are_hmac_sha_256_and_begin_with_the_day() -> None:
    import hashlib
    import hmac

    keys = Keys(b"k" * 32)
    found = claim_keys(keys, activity="a", operator="o", fields=[[b"x"], [b"y"]], days=np.array([18_660]))
    plain = hmac.digest(keys.derive("claim"), b"a\x1fo\x1fx\x1fy", hashlib.sha256)
    assert found == (18_660).to_bytes(4) + plain[:12]
