"""A process that takes one step of a bridge transfer and is killed: `STEP MOMENT`, further facts in the environment.

`inside`: when everything of the step is done and nothing is committed. `after`: when it is committed and nothing else is done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from offset_bridge import bridge
from puhui import runtime


async def take(session: AsyncSession, step: str) -> None:
    if step == "lock":
        await bridge.lock(
            session, book=os.environ["BOOK"], market=os.environ["MARKET"], owner=os.environ["OWNER"], quantity_t=5,
            asked_by=UUID(os.environ["BY"]),
        )  # fmt: skip
        return
    verb = {"deposit": bridge.deposit, "confirm": bridge.confirm}[step]
    await verb(session, bridge_id=UUID(os.environ["BRIDGE"]))


async def main(step: str, moment: str) -> None:
    async with runtime.database(runtime.load_settings()) as db:
        async with db.transaction() as session:
            await take(session, step)
            await session.flush()
            if moment == "inside":
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
