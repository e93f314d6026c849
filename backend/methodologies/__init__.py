"""Quantification: grams of CO2e avoided by an action, from a methodology pack.

Holds    methodologies and tables of factors as read from their packs, the one way to compute with them, what actions
         refer to when they say how they were computed, and the authority's filings with the demo overrides beside them.
Promises grams are exact and floored once per action; the same pack, inputs and engine give the same grams, one by one
         or a million at once; outside its jurisdiction a methodology refuses unless a visible overlay allows it;
         every result can say which figures it rests on, from which source, and can be computed again;
         a filing takes two people of the authority and is in the log.
Ignores  who acted, whether an act was claimed before, and what points it earns.
"""

from backend.methodologies.co_benefits import CoBenefits, illustrate
from backend.methodologies.errors import (
    ActivityUnknown,
    EngineDiffers,
    FilingEndsBeforeItBegins,
    InputRefused,
    MethodUnknown,
    OverrideNeedsRole,
)
from backend.methodologies.explain import Explanation, Factor
from backend.methodologies.factors import Factors, factors_of
from backend.methodologies.filing import (
    FILING,
    DemoOverride,
    Filing,
    FilingStatus,
    approve_filing,
    demo_overrides,
    filing_status,
    filings,
    open_filings,
    override_for_demo,
    propose_filing,
    reject_filing,
)
from backend.methodologies.model import (
    Activity,
    Cap,
    Choice,
    Deduction,
    Edition,
    FigureTable,
    Input,
    Methodology,
    Parameter,
)
from backend.methodologies.quantifier import (
    MISSING,
    OK,
    Outcome,
    Quantified,
    Quantifier,
    prepare,
)
from backend.methodologies.recorded import recover, reference
from backend.methodologies.rows import RowReason, code_of
from backend.methodologies.shape import load_methodology, methodology_of

__all__ = [
    "FILING",
    "MISSING",
    "OK",
    "Activity",
    "ActivityUnknown",
    "Cap",
    "Choice",
    "CoBenefits",
    "Deduction",
    "DemoOverride",
    "Edition",
    "EngineDiffers",
    "Explanation",
    "Factor",
    "Factors",
    "FigureTable",
    "Filing",
    "FilingEndsBeforeItBegins",
    "FilingStatus",
    "Input",
    "InputRefused",
    "MethodUnknown",
    "Methodology",
    "Outcome",
    "OverrideNeedsRole",
    "Parameter",
    "Quantified",
    "Quantifier",
    "RowReason",
    "approve_filing",
    "code_of",
    "demo_overrides",
    "factors_of",
    "filing_status",
    "filings",
    "illustrate",
    "load_methodology",
    "methodology_of",
    "open_filings",
    "override_for_demo",
    "prepare",
    "propose_filing",
    "recover",
    "reference",
    "reject_filing",
]
