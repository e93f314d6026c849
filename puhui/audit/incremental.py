"""The invariants that can be asked of what was added since an audit that passed; all others are always asked whole.

What is asked in part rests on rows that no longer change and that were checked once: sealed rows, entries of the log,
transfers, actions. A change to one of those made afterwards shows only in the next full audit, unless a balance, an
identity or a count that is asked whole shows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.intake import checks as intake
from backend.intake import recomputed
from backend.kit.checks import Checked, Since
from backend.kit.settings import Settings
from backend.ledger import checks as ledger

InPart = Callable[[AsyncSession, Settings, Since], Awaitable[Checked]]


def _rows(check: Callable[[AsyncSession, Since], Awaitable[Checked]]) -> InPart:
    async def asked(session: AsyncSession, _settings: Settings, since: Since) -> Checked:
        return await check(session, since)

    return asked


async def _log(session: AsyncSession, settings: Settings, since: Since) -> Checked:
    checked = Checked(rows=max(0, await log.size(session) - since.log_size))
    checked.add(await log.verify_log(session, settings=settings, since=since))
    return checked


async def _seals(session: AsyncSession, _settings: Settings, since: Since) -> Checked:
    checked = Checked(rows=await log.sealed_since(session, entry=since.log_size))
    checked.add(await log.verify_seals(session, since=since))
    return checked


IN_PART: dict[str, InPart] = {
    "ledger.transfers": _rows(ledger.transfers),
    "actions.once": _rows(intake.claims),
    "actions.recomputed": _rows(recomputed.grams_and_points),
    "seals.rows": _seals,
    "log.consistent": _log,
}
