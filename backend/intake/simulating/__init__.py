"""What a changed methodology or programme would have meant for acts that were already taken in.

Holds    the run over a stored period, and what it found: grams, points, and how many people gain or lose.
Promises nothing is written; everything is asked of one moment; memory does not grow with the period; groups of fewer
         than five people are merged into others or left out, so that nobody can be told from a result.
Ignores  caps over days or years, and screens: both sides are counted as if no cap had trimmed them.
"""

from backend.intake.simulating.errors import SimulationTooLarge, SimulationTooSmall, WrongKindOfPack
from backend.intake.simulating.outcome import Band, Group, Simulation, Sums
from backend.intake.simulating.service import simulate

__all__ = [
    "Band",
    "Group",
    "Simulation",
    "SimulationTooLarge",
    "SimulationTooSmall",
    "Sums",
    "WrongKindOfPack",
    "simulate",
]
