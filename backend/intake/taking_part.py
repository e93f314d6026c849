"""Acts of people who had left the programme when they happened: refused when they arrive, and nothing of them is kept."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.intake.plans import Fate, Plan
from backend.intake.rows import RowFault
from backend.kit.copying import fetch_columns

REFUSED = "programme_left"
_TYPES: dict[str, Any] = {"n": "int4", "low": "timestamptz", "high": "timestamptz"}


async def apply(session: AsyncSession, plan: Plan, *, source_id: int) -> None:
    """Refuse the plan's acts whose person was out of the source's programme when they happened.

    One look into a small index where nobody ever left; the chunk's means stand in `intake_means` already.
    """
    if (
        not len(plan.chunk)
        or not (await session.execute(queries.ANY_LEFT, {"source": source_id})).scalar_one()
    ):
        return
    found = await fetch_columns(session, queries.LEFT, source_id, types=_TYPES)
    if not len(found["n"]):
        return
    stretches: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for n, low, high in zip(*(found[name].tolist() for name in _TYPES), strict=True):
        stretches[n].append((low, high))
    happened, means = plan.chunk.numbers("happened_us"), plan.chunk.means_no
    open_ = (plan.fate == Fate.ACCEPTED) | (plan.fate == Fate.HELD)
    refused = [
        row
        for row in np.nonzero(open_ & np.isin(means, found["n"]))[0].tolist()
        if any(low <= happened[row] < high for low, high in stretches[int(means[row])])
    ]
    lines = plan.chunk.numbers("line")
    plan.fate[refused] = Fate.REJECTED
    plan.faults += [RowFault(int(lines[row]), "", REFUSED) for row in refused]
    plan.waiting[:] = [one for one in plan.waiting if plan.fate[one.row] == Fate.HELD]
