"""What the public may know of a certified tree: runs of acts by day, never so few that one stands out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification import queries, verifying
from backend.certification.layout import Layout
from backend.certification.model import Batch, Statement

LEAST_ACTS = 10


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

    `{carried_from, grams}` or `{from_day, to_day, regions, acts, grams}`; a batch of fewer acts is one run.
    """
    layout = await layout_of(session, known, statement)
    runs = await day_runs(session, known, layout)
    carried = [] if layout.carry is None else [
        {"carried_from": str(known.previous_id), "grams": layout.carry.grams}
    ]  # fmt: skip
    return carried + merged(runs)


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


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "from_day": one["from_day"],
        "to_day": other["to_day"],
        "regions": sorted({*one["regions"], *other["regions"]}),
        "acts": one["acts"] + other["acts"],
        "grams": one["grams"] + other["grams"],
    }
