"""The Celery app: `celery --app puhui.worker:app worker` and `… beat`.

Here, and nowhere else, it is decided when which job runs. Handlers and jobs come in by importing their modules.
"""

from __future__ import annotations

from celery.schedules import crontab

from backend import ledger, log
from backend.kit import logging, tasks
from backend.kit.tasks import Worker
from puhui import runtime

SEAL_EVERY_S = 5
CHECKPOINT_EVERY_S = 60


@tasks.job("log.seal", every=SEAL_EVERY_S)
async def seal(worker: Worker) -> None:
    """Seal the rows of finished transactions into the log."""
    await log.seal_all(worker.db)


@tasks.job("log.sign", every=crontab(minute="0"))
async def sign(worker: Worker) -> None:
    """Sign the log's present size and root."""
    async with worker.db.transaction() as session:
        await log.publish(session, settings=worker.settings)


@tasks.job("ledger.checkpoints", every=CHECKPOINT_EVERY_S)
async def checkpoints(worker: Worker) -> None:
    """Fold the finished tail of unguarded accounts, so that their balances stay quick to read."""
    async with worker.db.transaction() as session:
        await ledger.advance_checkpoints(session)


logging.configure()
app = tasks.make_app(runtime.load_settings())
