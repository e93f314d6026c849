"""The kinds of rule packs, each of which its noun registers when it is imported."""

from __future__ import annotations

import importlib

NOUNS = ("backend.methodologies", "backend.footprint", "backend.programmes", "backend.intake.mapping")


def register_kinds() -> None:
    """Make every kind known; importing takes a moment, so commands do it when they need it."""
    for noun in NOUNS:
        importlib.import_module(noun)
