"""What the log's entries state of a batch's tree, as far as proofs rest on it.

Pure. Only the fields that a check uses are read here; an entry may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.certification.proofs.shape import (
    Form,
    ProofUnreadable,
    digest_hex,
    flag,
    many,
    number,
    parse,
    text,
)
from backend.certification.sumtree import SumRoot
from backend.log import canonical

FROZEN = "batch.frozen"
VERIFIED = "batch.verified"
ISSUED = "credit.issued"

MAX_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log."""

    kind: str
    body: dict[str, Any]
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What an entry states of a batch's frozen or certified tree."""

    kind: str
    batch: str
    root: SumRoot
    recorded_at: str
    series: Mapping[str, Any]  # as much as the entry says of project, methodology, vintage_year, demo
    carry_in_g: int = 0
    runs: tuple[Mapping[str, Any], ...] = ()
    first_serial: int = 0
    quantity_t: int = 0
    book: str = ""
    owner: str = ""


def entry_of(data: bytes, at: str) -> Entry:
    """The entry in its bytes; ProofUnreadable when they are not exactly its canonical form."""
    document = parse(data.decode(), at=at)
    form = Form(document, at)
    entry = Entry(form.take("kind", text), form.take("body", _body), form.take("recorded_at", text))
    form.end()
    if canonical.encode(document) != data:
        raise ProofUnreadable(at, "不是规范写法", "is not in canonical form")
    return entry


def batch_of(entry: Entry, at: str) -> Batch:
    """The fields that state a tree; ProofUnreadable names the first that is missing or wrong."""
    form = Form(entry.body, at)
    batch = form.take("batch", text)
    series = {
        name: form.take(name, reader)
        for name, reader in (
            ("project", text),
            ("methodology", text),
            ("vintage_year", number()),
            ("demo", flag),
        )
        if name in form.left
    }
    if entry.kind == FROZEN:
        frozen_g, acts = form.take("frozen_g", number()), form.take("acts", number())
        root = SumRoot(form.take("frozen_root", digest_hex), frozen_g, acts)
        return Batch(entry.kind, batch, root, entry.recorded_at, series)
    certified_g, leaves = form.take("certified_g", number()), form.take("certified_leaves", number())
    root = SumRoot(form.take("certified_root", digest_hex), certified_g, leaves)
    if entry.kind == VERIFIED:
        carry_in_g = certified_g - form.take("verified_g", number(0, certified_g))
        return Batch(entry.kind, batch, root, entry.recorded_at, series, carry_in_g)
    return Batch(
        entry.kind,
        batch,
        root,
        entry.recorded_at,
        series,
        form.take("carry_in_g", number(0, certified_g)),
        tuple(form.take("runs", many(_run, MAX_RUNS), default=[])),
        form.take("first_serial", number(1)),
        form.take("quantity_t", number()),
        form.take("book", text),
        form.take("owner", text, default=""),
    )


def _body(value: Any, at: str) -> dict[str, Any]:
    return dict(Form(value, at).left)


def _run(value: Any, at: str) -> dict[str, Any]:
    form = Form(value, at)
    run: dict[str, Any] = {"grams": form.take("grams", number(1))}
    if "carried_from" in form.left:
        return run | {"carried_from": form.take("carried_from", text)}
    return run | {
        "acts": form.take("acts", number(1)),
        "from_day": form.take("from_day", text),
        "to_day": form.take("to_day", text),
        "regions": form.take("regions", many(text, MAX_RUNS)),
    }
