"""A stage for the compliance side on the real database, each with a compliance year of its own."""

from __future__ import annotations

import itertools

import pytest

from backend.kit.db import Database
from tests.identity.conftest import Hire, hire
from tests.offset_bridge.stage import YEAR, Stage

__all__ = ["hire"]

_years = itertools.count(YEAR)


@pytest.fixture
async def stage(db: Database, hire: Hire) -> Stage:
    """A market that is open as a demonstration, in a year that no other test of the run uses."""
    built = Stage(db, hire, year=next(_years))
    await built.open()
    return built
