"""Acts of a scenario to which their person said no: they are refused when they arrive, and nothing of them is kept.

A scenario that nobody spoke of is not refused: the programme's agreement covers it until its holder says otherwise. From the
moment of a no until the next yes, by the time at which an act happened, no act of that scenario earns, is pooled or is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.consent import Scenario
from backend.intake import queries
from backend.intake.methods import StoredMethod
from backend.intake.plans import Fate, Plan
from backend.intake.rows import RowFault
from backend.kit.copying import fetch_columns

REFUSED = "consent_withdrawn"

# Which scenario of consent an activity of a methodology belongs to; others belong to none and are not refused.
SCENARIOS: dict[str, Scenario] = {
    "bus": Scenario.BUS,
    "metro": Scenario.METRO,
    "cycling": Scenario.BIKE,
    "bicycle": Scenario.BIKE,
    "walking": Scenario.WALK,
    "walking-steps": Scenario.WALK,
    "walking-trip": Scenario.WALK,
    "ev-charging": Scenario.CHARGING,
    "electricity-saved": Scenario.ELECTRICITY,
    "pv": Scenario.ELECTRICITY,
    "heat-pump": Scenario.ELECTRICITY,
    "recycling": Scenario.RECYCLING,
    "used-clothes": Scenario.RECYCLING,
    "waste-sorting": Scenario.RECYCLING,
}


NAMES = [scenario.value for scenario in Scenario]
_TYPES: dict[str, Any] = {"n": "int4", "scenario": "int4", "low": "timestamptz", "high": "timestamptz"}


async def apply(session: AsyncSession, plan: Plan, *, methods: Sequence[StoredMethod]) -> None:
    """Refuse the plan's acts whose person had said no to their scenario when they happened.

    One look into a small index where nobody ever said no; the chunk's means stand in `intake_means` already.
    """
    scenarios = np.array([_number(method.activity) for method in methods] or [-1], dtype=np.int64)
    if not len(plan.chunk) or (scenarios < 0).all():
        return
    if not (await session.execute(queries.ANY_WITHDRAWN)).scalar_one():
        return
    found = await fetch_columns(session, queries.WITHDRAWN_CONSENTS, NAMES, types=_TYPES)
    if not len(found["n"]):
        return
    stretches: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for n, scenario, low, high in zip(*(found[name].tolist() for name in _TYPES), strict=True):
        stretches[n, scenario].append((low, high))
    own, happened = scenarios[plan.chunk.numbers("method_no")], plan.chunk.numbers("happened_us")
    open_ = (plan.fate == Fate.ACCEPTED) | (plan.fate == Fate.HELD)
    refused = [
        row
        for row in np.nonzero(open_ & (own >= 0) & np.isin(plan.chunk.means_no, found["n"]))[0].tolist()
        if any(
            low <= happened[row] < high
            for low, high in stretches.get((int(plan.chunk.means_no[row]), int(own[row])), ())
        )
    ]
    lines = plan.chunk.numbers("line")
    plan.fate[refused] = Fate.REJECTED
    plan.faults += [RowFault(int(lines[row]), "", REFUSED) for row in refused]
    plan.waiting[:] = [one for one in plan.waiting if plan.fate[one.row] == Fate.HELD]


def _number(activity: str) -> int:
    scenario = SCENARIOS.get(activity)
    return -1 if scenario is None else NAMES.index(scenario)
