"""Levels 等级: what somebody's points or grams come to on the programme's ladder.

Holds    nothing: counts follow from acts that stand and awards that were not taken back.
Promises spending moves no level, withdrawn acts do; a rung whose figure nobody published refuses, naming it.
Ignores  what levels are good for.
"""

from backend.engagement.levels.service import Standing, counts, standing_of

__all__ = ["Standing", "counts", "standing_of"]
