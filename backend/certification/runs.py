"""What the public may know of a certified tree: runs of acts by day, never so few that one stands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification import proofs, queries, verifying
from backend.certification.layout import Layout
from backend.certification.model import Batch, Statement
from backend.certification.reading import next_month
from backend.log import canonical

LEAST_ACTS = 10
_FRAME_BYTES = 100  # what the log puts around the body of an entry: its kind and the time


async def layout_of(session: AsyncSession, known: Batch, statement: Statement) -> Layout:
    """Where the frozen acts of a batch stand in a statement's certified tree."""
    found = await verifying.findings(session, batch_id=known.id, until=statement.findings)
    return Layout(
        carry=await verifying.carry_into(session, known),
        keeps={at: finding.keeps_g for at, finding in verifying.standing(found).items()},
        kept_acts=statement.kept_acts,
        last_keeps_g=statement.last_keeps_g,
    )


async def runs_of(session: AsyncSession, known: Batch, statement: Statement) -> list[dict[str, Any]]:
    """The certified leaves in tree order: the carry by itself, then runs of days with at least ten acts each.

    `{carried_from, grams}` or `{from_day, to_day, regions, acts, grams}`. A batch of fewer acts is one run, of which no
    more is told than the months and the region of the batch.
    """
    layout = await layout_of(session, known, statement)
    runs = await day_runs(session, known, layout)
    carried = [] if layout.carry is None else [
        {"carried_from": str(known.previous_id), "grams": layout.carry.grams}
    ]  # fmt: skip
    return carried + coarse(merged(runs), known.first_month, known.last_month, known.region)


async def day_runs(session: AsyncSession, known: Batch, layout: Layout) -> list[dict[str, Any]]:
    """One run for each day that has certified acts."""
    keeps = dict(layout.keeps)
    if layout.kept_acts and layout.last_keeps_g is not None:
        keeps[layout.kept_acts - 1] = layout.last_keeps_g
    rows = await session.execute(
        queries.CERTIFIED_DAYS,
        {
            "batch": known.id,
            "kept_acts": layout.kept_acts,
            "positions": list(keeps),
            "keeps": list(keeps.values()),
        },
    )
    return [
        {
            "from_day": row.day.isoformat(),
            "to_day": row.day.isoformat(),
            "regions": list(row.regions),
            "acts": row.acts,
            "grams": row.grams,
        }
        for row in rows
    ]


def merged(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with each run at least ten acts, where there are so many: small ones join the run before or behind."""
    found: list[dict[str, Any]] = []
    for run in runs:
        if found and found[-1]["acts"] < LEAST_ACTS:
            found[-1] = _joined(found[-1], run)
        else:
            found.append(run)
    if len(found) > 1 and found[-1]["acts"] < LEAST_ACTS:
        last = found.pop()
        found[-1] = _joined(found[-1], last)
    return found


def coarse(
    runs: list[dict[str, Any]], first_month: dt.date, last_month: dt.date, region: str
) -> list[dict[str, Any]]:
    """The same; where even all acts together are too few, without their days and regions."""
    if sum(run["acts"] for run in runs) >= LEAST_ACTS:
        return runs
    months = {
        "from_day": first_month.isoformat(),
        "to_day": (next_month(last_month) - dt.timedelta(days=1)).isoformat(),
        "regions": [region],
    }
    return [{**run, **months} for run in runs]


def shortened(body: dict[str, Any]) -> dict[str, Any]:
    """The body of an issuance with runs joined until its entry leaves a serial's proof below 8 KB, or one is left."""
    while len(canonical.encode(body)) > proofs.ENTRY_BYTES - _FRAME_BYTES:
        fewer = _halved(body["runs"])
        if len(fewer) == len(body["runs"]):
            break
        body = {**body, "runs": fewer}
    return body


def _halved(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with neighbours joined two by two; the carry stays by itself."""
    listed = list(runs)
    carried = [run for run in listed[:1] if "carried_from" in run]
    acts = listed[len(carried) :]
    pairs = [_joined(one, other) for one, other in zip(acts[::2], acts[1::2], strict=False)]
    return carried + pairs + acts[2 * len(pairs) :]


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "from_day": one["from_day"],
        "to_day": other["to_day"],
        "regions": sorted({*one["regions"], *other["regions"]}),
        "acts": one["acts"] + other["acts"],
        "grams": one["grams"] + other["grams"],
    }
