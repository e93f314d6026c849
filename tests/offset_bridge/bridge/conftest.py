"""Fixtures: a world with holders and credits."""

from __future__ import annotations

import pytest

from backend.kit.db import Database
from tests.identity.conftest import Hire, hire
from tests.offset_bridge.world import World

__all__ = ["hire"]


@pytest.fixture
def world(db: Database, hire: Hire) -> World:
    return World(db, hire)
