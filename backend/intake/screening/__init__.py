"""Whether acts are plausible, and what caps leave of their points: pure, on whole columns, from rules that are data.

Holds    the columns that screens look at, the rules, and the verdict of every act.
Promises the same acts, history and rules give the same verdicts, whatever chunks the acts came in by; nothing is looked up
         or written here.
Ignores  how acts arrive, and who decides what is held.
"""

from backend.intake.screening.engine import screen
from backend.intake.screening.lines import Lines, Verdicts
from backend.intake.screening.rules import Cap, Screen, ScreenRules
from backend.intake.screening.shape import rules_of
from backend.intake.screening.stated import WINDOWS, rules_for

__all__ = ["WINDOWS", "Cap", "Lines", "Screen", "ScreenRules", "Verdicts", "rules_for", "rules_of", "screen"]
