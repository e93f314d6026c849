"""`python -m puhui.relay`: carries promised work from the outbox to the broker, until stopped.

Several may run at once; each takes rows that no other holds. When the broker or the database is away, the relay
waits and tries again, and what is owed stays in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from functools import partial

from backend.kit import logging, outbox, tasks
from backend.kit.db import Database
from backend.kit.outbox import Send
from puhui import heartbeat, runtime

PAUSE_S = 0.5
PAUSE_AFTER_FAILURE_S = 2.0
BATCH = 200

_log = logging.get("puhui.relay")


async def relay(
    db: Database, send: Send, *, until: asyncio.Event, alive: Callable[[], None] = lambda: None
) -> None:
    """Relay until the event is set; a full batch is followed by the next at once. `alive` hears of each good round."""
    while not until.is_set():
        pause = PAUSE_S
        try:
            sent = await outbox.relay_once(db, send, limit=BATCH)
            alive()
            if sent == BATCH:
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
    settings = runtime.load_settings()
    async with runtime.database(settings) as db:
        alive = partial(heartbeat.note, settings, "relay")
        await relay(db, tasks.bell(app), until=stopped, alive=alive)


if __name__ == "__main__":
    logging.configure()
    runtime.run(main())
