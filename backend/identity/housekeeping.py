"""Forgetting what no rule asks for any more: nothing personal is kept longer than it is needed."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import means, members, sign_in, step_up, tokens


async def forget_expired(session: AsyncSession) -> None:
    """Remove old codes, step-ups, counted attempts, and sessions that ended long ago. The nightly job."""
    await sign_in.forget_old_codes(session)
    await step_up.forget_old(session)
    await means.forget_old_attempts(session)
    await means.forget_old_charges(session)
    await members.forget_invitations(session)
    await tokens.forget_ended(session)
