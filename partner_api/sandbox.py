"""The sandbox's clock, and beginning anew; what is sent in a sandbox goes where everything is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, AwareDatetime, Field

from backend.identity import partners
from backend.intake import sandbox
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from partner_api.access import NOT_LET_IN, SandboxPartner

router = Router(prefix="/sandbox", tags=["sandbox"])


def _plausible(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2100:
        raise ValueError
    return at


class Moment(Asked):
    """Where the sandbox's clock is to stand; null lets it go with the real time again."""

    at: Annotated[AwareDatetime, AfterValidator(_plausible)] | None = Field(
        examples=["2026-12-01T08:00:00+08:00"]
    )


class ClockTold(Told):
    """The sandbox's present. Signatures are judged by the real time whatever it says."""

    now: datetime


@router.get("/clock", responses=problems(*NOT_LET_IN, partners.NotSandboxKey))
async def get_sandbox_clock(caller: SandboxPartner, session: ReadSession) -> ClockTold:
    """What time it is in my sandbox."""
    return ClockTold(now=await sandbox.clock_of(session, organisation_id=caller.id))


@router.put("/clock", responses=problems(*NOT_LET_IN, partners.NotSandboxKey))
async def set_sandbox_clock(asked: Moment, caller: SandboxPartner, session: WriteSession) -> ClockTold:
    """Put my sandbox's clock to a moment, at which it stands: for events that come early or late."""
    return ClockTold(now=await sandbox.set_clock(session, organisation_id=caller.id, at=asked.at))


@router.post("/reset", status_code=204, responses=problems(*NOT_LET_IN, partners.NotSandboxKey))
async def reset_sandbox(caller: SandboxPartner, session: WriteSession) -> Response:
    """Forget what my sandbox took and counted, and let its clock go."""
    await sandbox.reset(session, organisation_id=caller.id)
    await partners.forget_sandbox_usage(session, organisation_id=caller.id)
    return Response(status_code=204)
