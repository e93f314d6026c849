"""The file of serial numbers: whole, and safe to open."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from backend.transparency import spreadsheet
from tests.transparency.conftest import Teller, run


async def test_the_file_has_every_run_that_the_search_finds(
    client: httpx.AsyncClient, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS_AT_ONCE", 2)
    await teller.batch("batch-1", first_serial=1, runs=[run(9_000_000, 90)])
    await teller.cancelled([[2, 3], [4, 5], [6, 8]])
    answer = await client.get("/serials.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeffunitBlockStart")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["unitBlockStart"], row["unitCount"], row["unitStatus"]) for row in rows] == [
        ("PHCER-000000001", "1", "held"), ("PHCER-000000002", "1", "cancelled"), ("PHCER-000000003", "1", "held"),
        ("PHCER-000000004", "1", "cancelled"), ("PHCER-000000005", "1", "held"),
        ("PHCER-000000006", "2", "cancelled"), ("PHCER-000000008", "2", "held"),
    ]  # fmt: skip
    some = (await client.get("/serials.csv", params={"status": "cancelled"})).text
    assert some.count("PHCER-") == 2 * 3


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
async def test_no_cell_is_a_formula(client: httpx.AsyncClient, teller: Teller, sign: str) -> None:
    number = 1000 + 10 * ord(sign)
    batch, owner = f'{sign}HYPERLINK("a","b")', f"{sign}cmd|' /C calc'!A0"
    await teller.batch(batch, first_serial=number, runs=[run(1_000_000, 30)], owner=owner)
    text = (await client.get("/serials.csv", params={"holder": owner})).text
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert (row["batch"], row["unitOwner"]) == (f"'{batch}", f"'{owner}")
