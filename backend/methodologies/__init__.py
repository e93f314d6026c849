"""Quantification: grams of CO2e avoided by an action, from a methodology pack.

Holds    methodologies as read from their packs, and the one way to compute with them.
Promises grams are exact and floored once per action; the same pack, inputs and engine give the same grams, one by one
         or a million at once; outside its jurisdiction a methodology refuses unless a visible overlay allows it;
         every result can say which figures it rests on, from which source.
Ignores  who acted, whether an act was claimed before, and what points it earns.
"""

from backend.methodologies.errors import ActivityUnknown, InputRefused
from backend.methodologies.explain import Explanation, Factor
from backend.methodologies.model import Activity, Edition, Input, Methodology, Parameter
from backend.methodologies.quantifier import (
    MISSING,
    OK,
    Outcome,
    Quantified,
    Quantifier,
    RowReason,
    prepare,
)
from backend.methodologies.shape import load_methodology, methodology_of

__all__ = [
    "MISSING",
    "OK",
    "Activity",
    "ActivityUnknown",
    "Edition",
    "Explanation",
    "Factor",
    "Input",
    "InputRefused",
    "Methodology",
    "Outcome",
    "Parameter",
    "Quantified",
    "Quantifier",
    "RowReason",
    "load_methodology",
    "methodology_of",
    "prepare",
]
