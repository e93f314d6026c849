"""Runs the examples of a methodology file, one by one and as columns; both ways must give what the example says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from backend.kit.errors import DomainError
from backend.methodologies.model import Methodology
from backend.methodologies.quantifier import MISSING, Quantifier, prepare
from backend.methodologies.rows import RowReason, read_columns
from backend.packs.faults import Faults
from backend.packs.figures import UNKNOWN


def prove(methodology: Methodology, data: Mapping[str, Any], faults: Faults) -> None:
    """Run the pack's examples; one that does not hold is a fault at its line."""
    for place, example in enumerate(data["example"]):
        expected = example["out"].get("grams", example["out"].get("error"))
        found = _example(methodology, example)
        if found != expected:
            faults.add(("example", place, "out"), "example_failed", expected=expected, found=found)


def _example(methodology: Methodology, example: Mapping[str, Any]) -> int | str:
    try:
        quantifier = prepare(
            methodology,
            activity=example["activity"],
            on=_day_of(methodology, example.get("edition")),
            region=methodology.jurisdiction,
        )
    except DomainError as error:
        return error.code
    one = quantifier.row(example["in"], implied=False)
    many = _as_columns(quantifier, example["in"])
    answer = one.code if isinstance(one, RowReason) else one
    return answer if many is None or many == answer else f"{answer} one by one, {many} as a column"


def _as_columns(quantifier: Quantifier, given: Mapping[str, Any]) -> int | str | None:
    """The same example as columns of one row; None where a value is of a form that columns cannot hold, or a time."""
    held = read_columns(quantifier.activity, given)
    if held is None or any(
        i.type == "timestamp" and i.id in given for i in quantifier.activity.inputs.values()
    ):
        return None
    columns = {item.id: np.array([held.get(item.id, MISSING)], np.int64) for item in quantifier.inputs}
    outcome = quantifier.columns(columns, 1)
    error = int(outcome.errors[0])
    return quantifier.reasons[error].code if error else int(outcome.grams[0])


def _day_of(methodology: Methodology, edition_id: str | None) -> dt.date:
    edition = next((e for e in methodology.editions if e.id == edition_id), methodology.editions[-1])
    return edition.valid_from if edition.valid_from != UNKNOWN else dt.date(2000, 1, 1)
