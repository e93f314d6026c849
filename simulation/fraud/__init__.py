"""Patterns of fraud, each a function from honest life to trips that never happened so.

Holds    `PATTERNS`: the name of every pattern, what it pretends, and the function that makes its trips.
Promises a pattern's trips are labelled with its name; their strength runs from careful to shameless.
Ignores  what any screen looks for.
"""

from simulation.fraud.pattern import Cheat, Pattern
from simulation.fraud.patterns import PATTERNS

__all__ = ["PATTERNS", "Cheat", "Pattern"]
