"""Columns of events, however they are written, give what single events give."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import packs
from backend.methodologies import Quantifier, RowReason, methodology_of, prepare
from puhui import quantifying
from puhui.quantifying import Columned, Listed, csv_blocks, grams_of
from tests.methodologies.test_docs import EXAMPLE
from tests.puhui.test_packs_and_quantify import run


def ready() -> Quantifier:
    timed = EXAMPLE.replace(
        '{ id = "month_end", type = "timestamp" },',
        '{ id = "month_begin", type = "timestamp" },\n  { id = "month_end", type = "timestamp", after = "month_begin" },'
        '\n  { id = "bills", type = "uint", unit = "1", min = 1, max = 5, default = 1 },',
    ).replace("delivered * saved)", "delivered * saved / bills)")
    pack = packs.parse(timed.encode())
    assert pack.faults == ()
    return prepare(methodology_of(pack), activity="saving", on=dt.date(2024, 7, 1), region="CN-GD-SZ")


READY = ready()
TIMES = [
    "2024-05-01T00:00:00+08:00",
    "2024-05-31T00:00:00Z",
    "2024-06-01",
    "2024-06-02 10:00:00",
    "never",
    "",
]
TEXTS = {
    "saved": st.sampled_from(
        ["10.5", "0", "5000", "5000.01", "1.234", "-1", "12", " 7 ", "x", "", "9" * 25, "1e3"]
    ),
    "region": st.sampled_from(["CN-GD", "CN-GD-SZ", "CN-BJ", "CN-SH", ""]),
    "year": st.sampled_from(["2023", "2024", "2030", "20x4", "", "-5", "99999"]),
    "month_begin": st.sampled_from(TIMES),
    "month_end": st.sampled_from(TIMES),
    "bills": st.sampled_from(["1", "2", "5", "6", "", "+2", "2.0", "9223372036854775808"]),
}
VALUES = st.one_of(
    *TEXTS.values(), st.integers(-(2**70), 2**70), st.integers(0, 9), st.booleans(), st.none(), st.just([1])
)
WHOLE = {name: st.sampled_from(["1", "2", "3"]) for name in ("saved", "bills")} | {"region": st.just("CN-GD")}


def singly(events: list[dict[str, object]]) -> list[int | RowReason]:
    return [READY.row(event) for event in events]


def as_csv(events: list[dict[str, object]], *, quoting: int) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(TEXTS), quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(dict.fromkeys(TEXTS, "") | event for event in events)
    return out.getvalue().encode()


@given(events=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(TEXTS, VALUES)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_events_of_any_values_give_what_each_gives_alone(events: list[dict[str, object]]) -> None:
    assert grams_of(READY, Listed(events)) == singly(events)


@given(
    events=st.lists(
        st.one_of(st.fixed_dictionaries(WHOLE), st.fixed_dictionaries(TEXTS)), min_size=1, max_size=12
    )
)
@settings(max_examples=150, deadline=None)
def test_a_plain_block_of_csv_gives_what_each_row_gives_alone(events: list[dict[str, object]]) -> None:
    found: list[int | RowReason] = []
    for block in csv_blocks(io.BytesIO(as_csv(events, quoting=csv.QUOTE_MINIMAL))):
        assert isinstance(block, Columned)
        found += grams_of(READY, block)
    assert found == singly(events)


def test_a_file_that_turns_peculiar_gives_the_same_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantifying, "_BLOCK_BYTES", 200)
    plain = "".join(f"{n},cycling\n" for n in range(0, 4000, 7))
    file = tmp_path / "rides.csv"
    file.write_text("distance_m,activity\n" + plain + '"100","cycling"\n500\n\n' + plain)
    answer = json.loads(run("quantify", file, "-m", "cn-shared-bike-km", "--json").output)
    once = sum(487 * n // 10_000 for n in range(0, 4000, 7))
    assert answer["total"] == {"grams": 2 * once + 4, "events": 2 * plain.count("\n") + 2, "errors": 1}
    assert len(answer["results"]) == answer["total"]["events"]
