"""The rules for a source: the screens pack that its programme names, and the programme's own caps and windows."""

from __future__ import annotations

from dataclasses import replace

from backend.intake.screening.rules import Cap, ScreenRules
from backend.intake.screening.shape import rules_of
from backend.packs import Library
from backend.programmes import Programme

# What a citizen is told of an act outside its programme's windows, zh and en.
WINDOWS = {
    "early": (
        "行为的时间晚于收到它的时间，由运营方核对后决定。",
        "The act lies in the future of when it was received; the operator looks at it and decides.",
    ),
    "late": (
        "行为报送得过晚，超出计划的补报期限，由运营方核对后决定。",
        "The act was reported later than the programme's window allows; the operator looks at it and decides.",
    ),
}


def rules_for(programme: Programme, library: Library) -> ScreenRules | None:
    """What a programme has its acts screened by; None when it states nothing. Raises PackUnknown, PackFaulty."""
    windows = programme.late_days is not None or programme.early_minutes is not None
    if programme.screens is None and not programme.caps and not windows:
        return None
    stated = rules_of(library.find(programme.screens)) if programme.screens else ScreenRules()
    return replace(
        stated,
        caps=tuple(
            Cap(
                id=cap.id,
                per=cap.per,
                of=cap.of,
                limit=cap.limit,
                over=cap.over,
                activities=frozenset(cap.activities) if cap.activities else None,
            )
            for cap in programme.caps
        ),
        late_days=programme.late_days,
        early_s=None if programme.early_minutes is None else programme.early_minutes * 60,
        texts={**WINDOWS, **stated.texts},
    )
