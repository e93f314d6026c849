"""The audit: every invariant recomputed from the rows, and every violation named.

Holds    the list of invariants, in groups; the checks themselves lie in the nouns whose rows they read; the runs, with
         how far each had looked, which a later one in part rests on.
Promises all of them are asked of one moment (one repeatable-read snapshot), whatever is being written meanwhile;
         a check that cannot be completed is a violation too, and does not keep the others from being asked.
Ignores  how to repair anything: a correction is a further row, made by whoever is responsible.
"""

from puhui.audit.invariants import INVARIANTS, Invariant
from puhui.audit.report import Report, Result
from puhui.audit.run import audit, conduct
from puhui.audit.runs import Run

__all__ = ["INVARIANTS", "Invariant", "Report", "Result", "Run", "audit", "conduct"]
