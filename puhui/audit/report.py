"""What an audit found, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from backend.kit.checks import Checked
from puhui.audit.invariants import Invariant
from puhui.audit.runs import Moment, Run


@dataclass(frozen=True)
class Result:
    """One invariant's answer, and how long it took."""

    invariant: Invariant
    checked: Checked
    seconds: float
    in_part: bool = False  # asked only of what was added since the run that the audit rests on

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.invariant.name,
            "zh": self.invariant.zh,
            "en": self.invariant.en,
            "rows": self.checked.rows,
            "violations": self.checked.found,
            "named": [asdict(violation) for violation in self.checked.violations],
            "seconds": round(self.seconds, 3),
            "in_part": self.in_part,
        }


@dataclass(frozen=True)
class Report:
    """All answers. `unsealed` counts the rows that no block covers yet: a change to them would not be noticed."""

    results: tuple[Result, ...]
    unsealed: dict[str, int]
    moment: Moment
    rests_on: Run | None = None

    @property
    def mode(self) -> str:
        return "full" if self.rests_on is None else "incremental"

    @property
    def found(self) -> int:
        return sum(result.checked.found for result in self.results)

    @property
    def passed(self) -> bool:
        return self.found == 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "violations": self.found,
            "mode": self.mode,
            "rests_on": None if self.rests_on is None else self.rests_on.ended_at.isoformat(),
            "unsealed": self.unsealed,
            "invariants": [result.as_dict() for result in self.results],
        }
