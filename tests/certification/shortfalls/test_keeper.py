"""Whoever withdraws an act asks certification first, in whatever program."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backend.kit.settings import Settings
from puhui import runtime

_WITHDRAW = """
import asyncio, uuid
from backend.intake.holding import hooks
from backend.intake.holding.hooks import PooledGrams
from backend.kit.settings import Settings
from puhui import runtime

async def work():
    act = PooledGrams(uuid.UUID(int=1), "pool:nobody:nothing:2026-01", 1)
    if {opened}:
        async with runtime.database(Settings()) as db, db.transaction() as session:
            print(await hooks.taken(session, [act], reference=uuid.UUID(int=2)))
    else:
        await hooks.taken(None, [act], reference=uuid.UUID(int=2))

asyncio.run(work())
"""


@pytest.mark.parametrize("opened", [True, False])
def test_a_program_that_opens_the_books_answers_for_batches_and_any_other_withdraws_nothing(
    settings: Settings, opened: bool
) -> None:
    assert settings.database_url is not None
    done = subprocess.run(
        [sys.executable, "-c", _WITHDRAW.format(opened=opened)],
        capture_output=True,
        text=True,
        check=False,
        env=runtime.child_environment(settings),
        timeout=60,
    )
    if opened:
        assert done.stdout.strip() == "set()", done.stderr
    else:
        assert "nobody here answers" in done.stderr
