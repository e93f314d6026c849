"""`python -m puhui.relay`: carries promised work from the outbox to the broker, until stopped.

Several may run at once; each takes rows that no other holds. When the broker or the database is away, the relay
waits and tries again, and what is owed stays in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

from backend.kit import logging, outbox, tasks
from backend.kit.db import Database
from backend.kit.outbox import Send
from puhui import runtime

PAUSE_S = 0.5
PAUSE_AFTER_FAILURE_S = 2.0
BATCH = 200

_log = logging.get("puhui.relay")


async def relay(db: Database, send: Send, *, until: asyncio.Event) -> None:
    """Relay until the event is set; a full batch is followed by the next at once."""
    while not until.is_set():
        pause = PAUSE_S
        try:
            if await outbox.relay_once(db, send, limit=BATCH) == BATCH:
                continue
        except Exception as error:  # noqa: BLE001 - whatever is away comes back
            _log.warning("relay waits", exc_info=error)
            pause = PAUSE_AFTER_FAILURE_S
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), pause)


async def main() -> None:
    """Relay for the settings in the environment until SIGTERM or SIGINT."""
    from puhui.worker import app

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with runtime.database(runtime.load_settings()) as db:
        await relay(db, tasks.bell(app), until=stopped)


if __name__ == "__main__":
    logging.configure()
    runtime.run(main())
