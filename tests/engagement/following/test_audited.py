"""What the audit says of a followed programme, and what it names when rows are changed behind the application's back."""

from __future__ import annotations

from pathlib import Path

from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.audit import followed
from tests.engagement.following.conftest import CHECKS


async def test_tasks_campaigns_and_referrals_pass_the_audit(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    await followed.build(db, settings, tmp_path)
    async with db.transaction() as session:
        for check in CHECKS:
            found = await check(session)
            assert not found.violations, [str(one) for one in found.violations[:3]]
