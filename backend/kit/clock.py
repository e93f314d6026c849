"""The only clock. Times are stored in UTC; days and months are those of Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_offset = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _offset


def today() -> date:
    """The present day in Asia/Shanghai."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The Asia/Shanghai day in which an aware moment lies."""
    return moment.astimezone(SHANGHAI).date()


@contextmanager
def travel(to: datetime) -> Iterator[None]:
    """Let the clock of this process run from `to` (aware) inside the block: for tests and the demo city."""
    global _offset  # noqa: PLW0603 - one process has one clock
    before = _offset
    _offset = to - datetime.now(UTC)
    try:
        yield
    finally:
        _offset = before
