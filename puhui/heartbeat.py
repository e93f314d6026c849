"""A sign of life from the parts that nobody can ask: the beat and the relay touch a file whenever they got work through.

The file lies in the data folder of the process, so it is judged where the process runs: `puhui health beat`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from backend.kit.settings import Settings

AT_MOST_EVERY_S = 2.0

_noted: dict[Path, float] = {}


def _file(settings: Settings, part: str) -> Path:
    return settings.data_dir.expanduser() / "health" / part


def note(settings: Settings, part: str) -> None:
    """Say that the part has just done what it is there for."""
    path, now = _file(settings, part), time.monotonic()
    if now - _noted.get(path, -AT_MOST_EVERY_S) < AT_MOST_EVERY_S:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    _noted[path] = now


def age_s(settings: Settings, part: str) -> float | None:
    """How long ago the part said so; None when it never did."""
    try:
        return max(0.0, time.time() - _file(settings, part).stat().st_mtime)
    except OSError:
        return None


class Scheduler(PersistentScheduler):  # type: ignore[misc]  # Celery ships no types
    """Celery's own scheduler, which says when the broker took a task from it."""

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        from puhui import runtime

        sent = super().apply_async(*args, **kwargs)
        note(runtime.load_settings(), "beat")
        return sent
